//! Time per sample.
use exact_core::Rule;
use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::Logits;
use std::time::Instant;

fn main() {
    for c in [2usize, 3, 10, 100, 1000] {
        let n = (200_000 / c).max(64);
        let mut seed = 1u64;
        let mut normal = || {
            let mut s = 0.0;
            for _ in 0..12 {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                s += (seed >> 33) as f64 / (1u64 << 31) as f64;
            }
            s - 6.0
        };
        let logits: Vec<f64> = (0..n * c).map(|_| normal()).collect();
        let logits32: Vec<f32> = logits.iter().map(|v| *v as f32).collect();
        let labels: Vec<u32> = (0..n).map(|i| (i % c) as u32).collect();
        let mut grad = vec![0.0; n * c];
        let mut grad32 = vec![0.0f32; n * c];
        let mut v = vec![Probability::default(); n];
        let mut v32 = vec![Probability::default(); n];
        let (mut best32, mut best16, mut best64) = (f64::MAX, f64::MAX, f64::MAX);
        let r16 = ExpectedAccuracy::new(Rule::new(16, 13.0).unwrap());
        let r20 = ExpectedAccuracy::new(Rule::training());
        let r32 = ExpectedAccuracy::new(Rule::new(32, 20.0).unwrap());
        for _ in 0..30 {
            let l = Logits::new(&logits32, c).unwrap();
            let t = Instant::now();
            r20.evaluate(l, &labels, Sigma::Common(0.5f32), &mut v32, &mut grad32).unwrap();
            best32 = best32.min(t.elapsed().as_secs_f64());
            let t = Instant::now();
            r16.evaluate(l, &labels, Sigma::Common(0.5f32), &mut v32, &mut grad32).unwrap();
            best16 = best16.min(t.elapsed().as_secs_f64());
            let l = Logits::new(&logits, c).unwrap();
            let t = Instant::now();
            r32.evaluate(l, &labels, Sigma::Common(0.5), &mut v, &mut grad).unwrap();
            best64 = best64.min(t.elapsed().as_secs_f64());
        }
        let f = 1e6 / n as f64;
        println!(
            "C={c:5} f32 n=20 {:8.3} n=16 {:8.3}  f64 n=32 {:8.3} us",
            best32 * f,
            best16 * f,
            best64 * f
        );
    }
}
