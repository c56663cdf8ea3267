//! Expected cost under a cost matrix.

use super::distribution::{predictive_distribution, predictive_distribution_derivative};
use super::sigma::Sigma;
use crate::Real;
use crate::loss::{Logits, LossError};
use crate::quadrature::Rule;

/// Writes each sample's expected cost to `values`, `[n]`, and its gradient with respect to the means to `grad`,
/// `[n, c]`. `costs`, `[n, c]`, holds what each prediction would cost for each sample: for a label y, row y of a cost
/// matrix.
///
/// # Formula
/// `Σ_c costs_c p_c` with the [`predictive_distribution`] `p`. For costs of 0 for the label and 1 elsewhere, it is the
/// expected error.
///
/// # Errors
/// [`LossError`] if lengths differ or a sigma is not positive and finite.
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
/// expected_cost(logits, &[0.0, 1.0, 5.0], Sigma::Common(1.0), &rule, &mut values, &mut grad).unwrap();
/// assert!((values[0] - 2.0).abs() < 1e-12);
/// assert!(grad[0] < 0.0 && grad[2] > 0.0);
/// ```
pub fn expected_cost<T: Real>(
    logits: Logits<'_, T>,
    costs: &[T],
    sigma: Sigma<'_, T>,
    rule: &Rule,
    values: &mut [T],
    grad: &mut [T],
) -> Result<(), LossError> {
    let n = logits.n_rows();
    if values.len() != n {
        return Err(LossError::SamplesLength { what: "values", found: values.len(), expected: n });
    }
    if costs.len() != logits.values().len() {
        let (found, expected) = (costs.len(), logits.values().len());
        return Err(LossError::SamplesLength { what: "costs", found, expected });
    }
    predictive_distribution(logits, sigma, rule, grad)?;
    let rows = grad.chunks(logits.n_classes()).zip(costs.chunks(logits.n_classes()));
    for (value, (p, costs)) in values.iter_mut().zip(rows) {
        *value = T::from_f64(p.iter().zip(costs).map(|(p, cost)| p.to_f64() * cost.to_f64()).sum());
    }
    // The Jacobian is symmetric, so its product with the costs is the gradient.
    predictive_distribution_derivative(logits, sigma, rule, costs, grad)
}
