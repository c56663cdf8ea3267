//! The paper's five-point example: a classifier with one parameter whose best accuracy cross-entropy and
//! hinge miss.
//!
//! One-dimensional samples with logits `(0, x - b)`; the best accuracy of any `b` is 0.8 (Karpukhin, Dereka
//! and Kolesnikov, arXiv 2205.09615, figure 1).

use exact_core::gradient_normalizer::GradientNormalizer;
use exact_core::loss::{CrossEntropy, Exact, Hinge, Logits, Loss, LossError, OnRandomScores};
use exact_eval::record::{ToyCurve, ToyRecord, ToyRun};

use crate::LinearError;

const X: [f64; 5] = [-6.0, -5.0, -4.0, 0.0, 2.0];
const LABELS: [u32; 5] = [0, 1, 1, 0, 1];
const STEPS: usize = 1000;
const START: f64 = 0.0;
/// With the margin 1 the hinge loss is smallest at `b = -5` exactly, where the sample at -5 is a tie.
const HINGE_MARGIN: f64 = 2.0;
const LEARNING_RATE: f64 = 0.03;
const FIRST_SIGMA: f64 = 100.0;
/// The factor of sigma from step to step.
const DECAY: f64 = 0.99;
/// Sigmas of the EXACT curves.
const CURVE_SIGMAS: [f64; 3] = [10.0, 2.0, 0.5];
/// The curves' range of `b`, in steps of a tenth.
const RANGE: std::ops::RangeInclusive<i32> = -100..=60;

/// Trains the single parameter by gradient descent with cross-entropy, hinge and EXACT.
///
/// # Errors
/// None are expected: all settings are constants.
///
/// # Example
/// ```
/// let record = exact_linear::toy::run()?;
/// let exact = record.runs.iter().find(|run| run.loss == "exact").unwrap();
/// assert_eq!((record.best_accuracy, exact.accuracy), (0.8, 0.8));
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
pub fn run() -> Result<ToyRecord, LinearError> {
    let (cross_entropy, hinge) = (CrossEntropy::new(), Hinge::new(HINGE_MARGIN)?);
    let mut curves = vec![curve("cross-entropy", &cross_entropy)?, curve("hinge", &hinge)?];
    for sigma in CURVE_SIGMAS {
        curves.push(curve(&format!("exact, sigma {sigma}"), &Exact::new(sigma)?)?);
    }
    let best_accuracy = RANGE.map(|b| accuracy(f64::from(b) / 10.0)).fold(0.0, f64::max);
    Ok(ToyRecord {
        x: X.to_vec(),
        labels: LABELS.to_vec(),
        best_accuracy,
        curves,
        runs: vec![descend("cross-entropy", &cross_entropy)?, descend("hinge", &hinge)?, descend_annealed()?],
    })
}

/// The loss at `b` and its derivative.
fn loss_at(loss: &dyn Loss<f64>, b: f64) -> Result<(f64, f64), LossError> {
    let logits: Vec<f64> = X.iter().flat_map(|x| [0.0, x - b]).collect();
    let mut gradient = [0.0; 2 * X.len()];
    let value = loss.evaluate(Logits::new(&logits, 2)?, &LABELS, None, &mut gradient)?;
    Ok((value, -gradient.iter().skip(1).step_by(2).sum::<f64>()))
}

fn accuracy(b: f64) -> f64 {
    let correct = X.iter().zip(LABELS).filter(|&(x, label)| u32::from(x - b > 0.0) == label).count();
    correct as f64 / X.len() as f64
}

fn curve(name: &str, loss: &dyn Loss<f64>) -> Result<ToyCurve, LinearError> {
    let points = RANGE.map(|b| {
        let b = f64::from(b) / 10.0;
        Ok((b, loss_at(loss, b)?.0))
    });
    Ok(ToyCurve { loss: name.into(), points: points.collect::<Result<_, LossError>>()? })
}

fn finished(name: &str, path: Vec<f64>, sigma_path: Option<Vec<f64>>) -> ToyRun {
    let final_b = path.last().copied().unwrap_or(START);
    ToyRun { loss: name.into(), path, final_b, accuracy: accuracy(final_b), sigma_path }
}

fn descend(name: &str, loss: &dyn Loss<f64>) -> Result<ToyRun, LinearError> {
    let mut path = vec![START];
    let mut b = START;
    for _ in 0..STEPS {
        b -= LEARNING_RATE * loss_at(loss, b)?.1;
        path.push(b);
    }
    Ok(finished(name, path, None))
}

fn descend_annealed() -> Result<ToyRun, LinearError> {
    let (mut path, mut sigmas) = (vec![START], vec![FIRST_SIGMA]);
    let mut normalizer = GradientNormalizer::new();
    let (mut b, mut sigma) = (START, FIRST_SIGMA);
    let loss = Exact::new(sigma)?;
    for _ in 0..STEPS {
        let mut gradient = [loss_at(&loss.at_sigma(sigma)?, b)?.1];
        normalizer.normalize(&mut gradient);
        b -= LEARNING_RATE * gradient[0];
        sigma *= DECAY;
        path.push(b);
        sigmas.push(sigma);
    }
    Ok(finished("exact", path, Some(sigmas)))
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn only_exact_reaches_the_best_accuracy() {
        let record = run().unwrap();
        for run in &record.runs {
            let expected = if run.loss == "exact" { 0.8 } else { 0.6 };
            assert!(
                (run.accuracy - expected).abs() < 1e-12,
                "{}: {} at {}",
                run.loss,
                run.accuracy,
                run.final_b
            );
        }
    }
}
