//! Expected cost of the predictions.

use super::argmax::DistributionBatch;
use super::means::Means;
use super::sigma::Sigma;
use crate::Real;
use crate::error::LossError;
use crate::quadrature::Rule;
use crate::samples::{Logits, check_finite, check_length};

/// Writes each sample's expected cost to `values`, `[n]`, its gradient with respect to the means to `grad`,
/// `[n, c]`, and that with respect to the sigmas to `sigma_grad`: `[n, c]` for [`Sigma::PerClass`], `[n]`
/// otherwise. `costs`, `[n, c]`, holds what each prediction would cost for each sample: for a label y, row y
/// of a cost matrix. Runs on the calling thread.
///
/// # Formula
/// `Σ_c costs_c p_c` with the [`predictive_distribution`](super::predictive_distribution) `p`, and the
/// derivatives of [`predictive_distribution_gradient`](super::predictive_distribution_gradient). For costs of
/// 0 for the label and 1 elsewhere, it is the expected error.
///
/// # Which metrics are exact
/// The mean of this over samples is the expectation of the mean cost of random predictions, since it is
/// linear in `p`. So are the expected confusion matrix, expected accuracy, and class-weighted accuracies such
/// as balanced accuracy ([`balanced_weights`](super::balanced_weights)). Ratios of such expectations, as in
/// [`expected_macro_f1`](super::expected_macro_f1), are not expectations of ratios.
///
/// # Accuracy
/// Of `Σ_c (costs_c - costs_m) p_c`, with the class m of the largest mean: as the predictive distribution,
/// and relative where that class is almost certain.
///
/// # Errors
/// [`LossError`] if lengths differ, a cost is not finite, or a sigma is not positive and finite.
///
/// # Example
/// ```
/// use exact_core::Rule;
/// use exact_core::expected::{Sigma, expected_cost};
/// use exact_core::loss::Logits;
///
/// // Three equal means, where predictions cost 0, 1 and 5.
/// let (mut values, mut grad) = ([0.0_f64], [0.0; 3]);
/// let logits = Logits::new(&[0.5; 3], 3).unwrap();
/// let rule = Rule::precise::<f64>();
/// expected_cost(logits, &[0.0, 1.0, 5.0], Sigma::Common(1.0), &rule, &mut values, &mut grad, None).unwrap();
/// assert!((values[0] - 2.0).abs() < 1e-12);
/// assert!(grad[0] < 0.0 && grad[2] > 0.0);
/// ```
///
/// An option to reject is one more class, with a logit of its own, which is never a label and costs the same
/// for each:
/// ```
/// # use exact_core::Rule;
/// # use exact_core::expected::{Sigma, expected_cost};
/// # use exact_core::loss::Logits;
/// // Two labels and a rejection at cost 0.2. Of equal scores, each wins with probability 1/3.
/// let costs = [0.0, 1.0, 0.2];
/// let (mut values, mut grad) = ([0.0_f64], [0.0; 3]);
/// let logits = Logits::new(&[0.0; 3], 3).unwrap();
/// let rule = Rule::precise::<f64>();
/// expected_cost(logits, &costs, Sigma::Common(1.0), &rule, &mut values, &mut grad, None).unwrap();
/// assert!((values[0] - 1.2 / 3.0).abs() < 1e-12);
/// // To reject more often would lower the cost.
/// assert!(grad[2] < 0.0);
/// ```
///
/// # References
/// The option to reject: Chow 1970, *On optimum recognition error and reject tradeoff*, IEEE Transactions on
/// Information Theory 16.
pub fn expected_cost<T: Real>(
    logits: Logits<'_, T>,
    costs: &[T],
    sigma: Sigma<'_, T>,
    rule: &Rule,
    values: &mut [T],
    grad: &mut [T],
    sigma_grad: Option<&mut [T]>,
) -> Result<(), LossError> {
    check_length("values", values, logits.n_rows())?;
    check_length("costs", costs, logits.values().len())?;
    check_finite("cost", costs)?;
    check_length("gradient", grad, logits.values().len())?;
    sigma.check_gradient(logits.n_rows(), logits.n_classes(), sigma_grad.as_deref())?;
    grad.copy_from_slice(costs);
    let means = Means::of(logits.values(), logits.n_classes());
    DistributionBatch { means, sigma, rule, grad }.costs(sigma_grad, &mut |row, cost| {
        values[row] = T::saturating_from_f64(cost.value);
        T::ONE
    });
    Ok(())
}
