//! Macro-averaged F1 of expected counts.

use super::argmax::DistributionBatch;
use super::means::Means;
use super::sigma::Sigma;
use crate::Real;
use crate::error::LossError;
use crate::quadrature::Rule;
use crate::samples::Samples;

/// Macro-F1 of a batch from its expected confusion matrix. Writes its gradient with respect to the means to
/// `grad`, `[n, c]`, and that with respect to the sigmas to `sigma_grad`: `[n, c]` for [`Sigma::PerClass`],
/// `[n]` otherwise (sum it for [`Sigma::Common`]). Runs on the current rayon pool; results do not depend on
/// the number of threads.
///
/// # Formula
/// With the [`predictive_distribution`](super::predictive_distribution) `p` and sample weights `w`,
///
/// ```text
/// F1_c = 2 TP_c / (N_c + M_c)
/// TP_c = Σ_{i: y_i = c} w_i p_ic    N_c = Σ_{i: y_i = c} w_i    M_c = Σ_i w_i p_ic
/// ```
///
/// and the result is the mean of `F1_c` over the classes with `N_c > 0`. Classes that do not occur in the
/// batch are left out, since their F1 is 0 whatever the means; predicting them still costs the others recall.
/// (Where a class is predicted that does not occur, the macro-F1 of scikit-learn counts it with 0, so that it
/// is smaller by a factor.)
///
/// # Which metrics are exact
/// The counts are exact expectations; their ratio is not the expectation of the ratio, that is, not the
/// expected macro-F1 of random predictions. The difference is of the order of one over the samples of a
/// class. As sigma tends to 0 it vanishes.
///
/// # Errors
/// [`LossError`] if an output has another length, a sigma is not positive and finite, or the weights sum to
/// 0.
///
/// # Example
/// ```
/// use exact_core::Rule;
/// use exact_core::expected::{Sigma, expected_macro_f1};
/// use exact_core::loss::{Logits, Samples};
///
/// // Four samples of equal scores: TP = 3/2 and 1/2, N = 3 and 1, M = 2 and 2.
/// let samples = Samples::sum(Logits::new(&[0.0_f64; 8], 2).unwrap(), &[0, 0, 0, 1], None).unwrap();
/// let mut grad = [0.0; 8];
/// let (sigma, rule) = (Sigma::Common(1.0), Rule::precise::<f64>());
/// let value = expected_macro_f1(samples, sigma, &rule, &mut grad, None).unwrap();
/// assert!((value - (3.0 / 5.0 + 1.0 / 3.0) / 2.0).abs() < 1e-13);
/// ```
///
/// # References
/// The plug-in and the exact expectation: Ye, Chai, Lee and Chieu 2012, *Optimizing F-measures: A Tale of Two
/// Approaches*, ICML.
pub fn expected_macro_f1<T: Real>(
    samples: Samples<'_, T>,
    sigma: Sigma<'_, T>,
    rule: &Rule,
    grad: &mut [T],
    sigma_grad: Option<&mut [T]>,
) -> Result<T, LossError> {
    samples.check_gradient(grad)?;
    sigma.check_gradient(samples.len(), samples.n_classes(), sigma_grad.as_deref())?;
    let outcome = MacroF1Batch { samples, margin: None, sigma, rule, factor: 1.0 }.run(grad, sigma_grad);
    if outcome.total_weight > 0.0 { Ok(T::from_f64(outcome.value)) } else { Err(LossError::ZeroWeights) }
}

/// A batch whose macro-F1 is wanted.
pub(crate) struct MacroF1Batch<'a, T> {
    pub samples: Samples<'a, T>,
    pub margin: Option<f64>,
    pub sigma: Sigma<'a, T>,
    pub rule: &'a Rule,
    /// Of all gradients.
    pub factor: f64,
}

pub(crate) struct MacroF1Outcome {
    /// Macro-F1, 0 without weight.
    pub value: f64,
    /// Of the samples.
    pub total_weight: f64,
    /// The factor times the derivative with respect to a common sigma; 0 for a sigma per class.
    pub dsigma: f64,
}

impl<T: Real> MacroF1Batch<'_, T> {
    /// Writes the gradients times the factor; `sigma_grad` is `[n, c]` for a sigma per class, `[n]`
    /// otherwise.
    pub fn run(&self, grad: &mut [T], sigma_grad: Option<&mut [T]>) -> MacroF1Outcome {
        self.rows(grad).in_parallel(None, &|rows, _| {
            rows.probabilities();
            0.0
        });
        let counts = Counts::of(self.samples, grad);
        self.write_costs(&counts, grad);
        let factor = T::from_f64(self.factor);
        let dsigma = self.rows(grad).in_parallel(sigma_grad, &|rows, sigma_grad| {
            let mut dsigma = 0.0;
            rows.costs(sigma_grad, &mut |_, cost| {
                dsigma += cost.dsigma;
                factor
            });
            dsigma
        });
        MacroF1Outcome {
            value: counts.macro_f1(),
            total_weight: counts.actual.iter().sum(),
            dsigma: dsigma * self.factor,
        }
    }

    fn rows<'b>(&'b self, grad: &'b mut [T]) -> DistributionBatch<'b, T> {
        let means = Means::clipped(self.samples, self.margin);
        DistributionBatch { means, sigma: self.sigma, rule: self.rule, grad }
    }

    /// The derivative of macro-F1 with respect to every probability, which is linear in the weights and else
    /// depends on the label and the class alone.
    fn write_costs(&self, counts: &Counts, grad: &mut [T]) {
        let n_classes = self.samples.n_classes();
        let slopes: Vec<[f64; 2]> = (0..n_classes).map(|class| counts.slopes(class)).collect();
        for (row, grad) in grad.chunks_exact_mut(n_classes).enumerate() {
            let (label, weight) = (self.samples.labels()[row] as usize, self.samples.weight(row).to_f64());
            for (grad, [_, other]) in grad.iter_mut().zip(&slopes) {
                *grad = T::from_f64(weight * other);
            }
            grad[label] = T::from_f64(weight * slopes[label][0]);
        }
    }
}

/// Weighted counts per class.
struct Counts {
    true_positives: Vec<f64>,
    /// Samples of the class.
    actual: Vec<f64>,
    /// Predictions of the class.
    predicted: Vec<f64>,
    /// How many classes occur.
    occurring: f64,
}

impl Counts {
    fn of<T: Real>(samples: Samples<'_, T>, probabilities: &[T]) -> Self {
        let zeros = vec![0.0; samples.n_classes()];
        let (mut true_positives, mut actual, mut predicted) = (zeros.clone(), zeros.clone(), zeros);
        for (row, p) in probabilities.chunks_exact(samples.n_classes()).enumerate() {
            let (label, weight) = (samples.labels()[row] as usize, samples.weight(row).to_f64());
            true_positives[label] += weight * p[label].to_f64();
            actual[label] += weight;
            for (predicted, p) in predicted.iter_mut().zip(p) {
                *predicted += weight * p.to_f64();
            }
        }
        let occurring = actual.iter().filter(|actual| **actual > 0.0).count() as f64;
        Self { true_positives, actual, predicted, occurring }
    }

    fn f1(&self, class: usize) -> f64 {
        if self.actual[class] > 0.0 {
            2.0 * self.true_positives[class] / (self.actual[class] + self.predicted[class])
        } else {
            0.0
        }
    }

    fn macro_f1(&self) -> f64 {
        let sum: f64 = (0..self.actual.len()).map(|class| self.f1(class)).sum();
        sum / self.occurring.max(1.0)
    }

    /// The derivatives of macro-F1 with respect to a probability of the class, of a sample of the class with
    /// weight 1 and of another.
    fn slopes(&self, class: usize) -> [f64; 2] {
        if self.actual[class] > 0.0 {
            let share = 1.0 / (self.occurring * (self.actual[class] + self.predicted[class]));
            let f1 = self.f1(class);
            [share * (2.0 - f1), -share * f1]
        } else {
            [0.0; 2]
        }
    }
}
