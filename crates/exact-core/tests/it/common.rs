//! The reference cases, shared by the tests that check against them.

use exact_core::Real;
use exact_core::expected::Sigma;
use serde::Deserialize;

/// A case, computed with at least 26 correct digits in ball arithmetic. `grad` and `dsigma` are divided by
/// `exp(grad_log_scale)`, because many of them are outside the range of `f64`.
#[derive(Deserialize)]
pub struct Case {
    pub tag: String,
    pub mu: Vec<f64>,
    pub sigma: SigmaValue,
    pub label: u32,
    pub k: usize,
    pub log_p: f64,
    pub log_one_minus_p: f64,
    pub grad_log_scale: f64,
    pub grad: Vec<f64>,
    pub dsigma: SigmaValue,
}

/// One sigma for all classes or one for each.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum SigmaValue {
    One(f64),
    Many(Vec<f64>),
}

impl SigmaValue {
    pub fn values(&self) -> &[f64] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Case {
    /// The means and the sigmas, which are multiples of 1/1024 and so exact in `f32` too.
    pub fn inputs<T: Real>(&self) -> (Vec<T>, Vec<T>) {
        let convert = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect();
        (convert(&self.mu), convert(self.sigma.values()))
    }

    pub fn sigma<'a, T: Real>(&self, values: &'a [T]) -> Sigma<'a, T> {
        match self.sigma {
            SigmaValue::One(_) => Sigma::Common(values[0]),
            SigmaValue::Many(_) => Sigma::PerClass(values),
        }
    }

    /// A description for messages.
    pub fn name(&self) -> String {
        let head = &self.mu[..self.mu.len().min(6)];
        format!("{} C={} k={} label={} mu={head:?}… ", self.tag, self.mu.len(), self.k, self.label)
    }

    /// The size by which an error in `dsigma` is measured: for one sigma, `Σ |delta_i G_i| / sigma`, since
    /// the sum itself may cancel; for one per class, the largest entry.
    pub fn dsigma_size(&self) -> f64 {
        match (&self.sigma, &self.dsigma) {
            (SigmaValue::One(sigma), _) => {
                let center = self.mu[self.label as usize];
                let terms = self.mu.iter().zip(&self.grad).map(|(mu, g)| ((mu - center) * g).abs());
                terms.sum::<f64>() / sigma
            }
            (_, dsigma) => largest(dsigma.values()),
        }
    }
}

/// All cases of the file.
pub fn cases() -> Vec<Case> {
    include_str!("data/reference_values.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The largest absolute value.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The largest absolute difference between `found` over `scale` and `expected`.
pub fn largest_difference<T: Real>(found: &[T], scale: f64, expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(found, expected)| found.to_f64() / scale - expected);
    differences.fold(0.0, |largest, difference| largest.max(difference.abs()))
}

/// The worst value seen of each of several errors, with the case it came from.
#[derive(Default)]
pub struct Worst(Vec<(&'static str, f64, f64, String)>);

impl Worst {
    /// Notes an error with its tolerance.
    pub fn note(&mut self, what: &'static str, error: f64, tolerance: f64, case: &Case) {
        assert!(!error.is_nan(), "{what} is NaN in {}", case.name());
        match self.0.iter_mut().find(|entry| entry.0 == what) {
            Some(entry) if entry.1 / entry.2 >= error / tolerance => {}
            Some(entry) => *entry = (what, error, tolerance, case.name()),
            None => self.0.push((what, error, tolerance, case.name())),
        }
    }

    /// Fails if an error is above its tolerance.
    pub fn check(&self, count: usize) {
        for (what, error, tolerance, case) in &self.0 {
            println!("{what}: worst {error:.1e}, tolerance {tolerance:.1e}, in {case}");
        }
        for (what, error, tolerance, case) in &self.0 {
            assert!(error <= tolerance, "{what}: {error:e} > {tolerance:e} in {case}");
        }
        assert!(count > 0, "no case was checked");
    }
}
