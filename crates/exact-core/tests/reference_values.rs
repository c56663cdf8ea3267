//! Every case of the reference values, computed with at least 26 correct digits in ball arithmetic.
//!
//! `grad` and `dsigma` are divided by `exp(grad_log_scale)`, because many of them are outside the range of `f64`.

use exact_core::Rule;
use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::Logits;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    tag: String,
    mu: Vec<f64>,
    sigma: SigmaValue,
    label: u32,
    k: usize,
    log_p: f64,
    log_one_minus_p: f64,
    grad_log_scale: f64,
    grad: Vec<f64>,
    dsigma: SigmaValue,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SigmaValue {
    One(f64),
    Many(Vec<f64>),
}

fn cases() -> Vec<Case> {
    include_str!("data/reference_values.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn explore() {
    let mut worst = std::collections::BTreeMap::<String, [f64; 6]>::new();
    for case in cases().iter().filter(|case| case.k == 1) {
        let c = case.mu.len();
        let mut values = [Probability::default()];
        let (mut grad, mut dsigma) = (vec![0.0; c], vec![0.0; c]);
        let (sigma, ratio) = match &case.sigma {
            SigmaValue::One(s) => (Sigma::Common(*s), 1.0_f64),
            SigmaValue::Many(s) => (
                Sigma::PerClass(s.as_slice()),
                s.iter().map(|v| s[case.label as usize] / v).fold(0.0, f64::max),
            ),
        };
        let rule = if ratio > 4.0 { Rule::wide() } else { Rule::precise::<f64>() };
        let logits = Logits::new(&case.mu, c).unwrap();
        let metric = ExpectedAccuracy::new(rule.clone());
        metric
            .evaluate_with_sigma_gradient(
                logits,
                &[case.label],
                sigma,
                &mut values,
                &mut grad,
                Some(&mut dsigma),
            )
            .unwrap();
        let value = values[0];
        if (value.p - case.log_p.exp()).abs() > 1e-10 {
            println!(
                "{} {:?} {} lp {} le {} -> {value:?}",
                case.tag,
                &case.mu[..case.mu.len().min(6)],
                case.label,
                case.log_p,
                case.log_one_minus_p
            );
        }
        let key =
            format!("{} {}", case.tag.split('_').next().unwrap(), if ratio > 4.0 { "wide" } else { "" });
        let entry = worst.entry(key).or_default();
        entry[0] = entry[0].max((value.p - case.log_p.exp()).abs());
        entry[1] = entry[1].max((value.log_p - case.log_p).abs() / case.log_p.abs().max(1.0));
        if case.log_one_minus_p > -600.0 {
            entry[2] = entry[2].max((value.one_minus_p.ln() - case.log_one_minus_p).abs());
        }
        if case.grad_log_scale > -600.0 {
            let scale = case.grad_log_scale.exp();
            for (a, b) in grad.iter().zip(&case.grad) {
                entry[3] = entry[3].max((a / scale - b).abs());
            }
            match &case.dsigma {
                SigmaValue::One(d) => {
                    entry[4] = entry[4].max((value.dsigma / scale - d).abs() / d.abs().max(1.0))
                }
                SigmaValue::Many(d) => {
                    for (a, b) in dsigma.iter().zip(d) {
                        entry[4] = entry[4].max((a / scale - b).abs() / b.abs().max(1.0));
                    }
                }
            }
        }
        metric.of_logarithm().evaluate(logits, &[case.label], sigma, &mut values, &mut grad).unwrap();
        if case.log_p > -1e4 {
            let scale = (case.grad_log_scale - case.log_p).exp();
            for (a, b) in grad.iter().zip(&case.grad) {
                entry[5] = entry[5].max((a / scale - b).abs());
            }
        }
    }
    for (key, value) in worst {
        println!("{key:20} {}", value.map(|v| format!("{v:.1e}")).join(" "));
    }
}
