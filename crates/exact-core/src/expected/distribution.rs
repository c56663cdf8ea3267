//! The predictive distribution: the probability of each class to have the largest score, and its derivatives.

use super::argmax::DistributionBatch;
use super::means::Means;
use super::sigma::Sigma;
use crate::Real;
use crate::error::LossError;
use crate::quadrature::Rule;
use crate::samples::{Logits, check_finite, check_length};

/// Writes `P(argmax_i s_i = c)` for every class c of every row to `out`, `[n, c]`, for independent scores
/// `s_i ~ N(mu_i, sigma_i²)`: the probit counterpart of softmax. Runs on the calling thread.
///
/// # Formula
/// `p_c = ∫ φ((t - mu_c) / sigma_c) / sigma_c · Π_{i≠c} Φ((t - mu_i) / sigma_i) dt`.
///
/// # Accuracy
/// With `Rule::precise::<f64>()`, probabilities have an absolute error below 1e-13, and sum to 1 within 1e-13
/// without being normalised; checked for sigmas of a row that differ by a factor of up to 64. Where a class
/// has a probability below `e^(-truncation / 2)`, 1e-7 for these rules, intervals are added on which unlikely
/// classes win, so that every entry above 1e-280 has a relative error below 1e-9.
///
/// [`Rule::training`], and for `f32` logits every rule with a truncation of at most 16, is evaluated in `f32`
/// arithmetic, without such intervals. The absolute error of the probabilities and of their sum is then below
/// 1e-6.
///
/// # Errors
/// [`LossError`] if `out` does not have the shape of the logits or a sigma is not positive and finite.
///
/// # Example
/// ```
/// use exact_core::Rule;
/// use exact_core::expected::{Sigma, predictive_distribution};
/// use exact_core::loss::Logits;
///
/// let logits = Logits::new(&[1.0_f64, 0.0], 2).unwrap();
/// let mut p = [0.0; 2];
/// predictive_distribution(logits, Sigma::Common(0.5), &Rule::precise::<f64>(), &mut p).unwrap();
/// // Two classes: Φ(1 / (0.5 √2)).
/// assert!((p[0] - 0.921_350_396_474_857_3).abs() < 1e-13);
/// assert!((p[0] + p[1] - 1.0).abs() < 1e-13);
/// ```
pub fn predictive_distribution<T: Real>(
    logits: Logits<'_, T>,
    sigma: Sigma<'_, T>,
    rule: &Rule,
    out: &mut [T],
) -> Result<(), LossError> {
    check_length("output", out, logits.values().len())?;
    sigma.check(logits.n_rows(), logits.n_classes())?;
    DistributionBatch { means: Means::of(logits.values(), logits.n_classes()), sigma, rule, grad: out }
        .probabilities();
    Ok(())
}

/// Writes the vector-Jacobian product of the predictive distribution with `cotangent`, `[n, c]`, to `grad`,
/// `[n, c]`, and that with respect to the sigmas to `sigma_grad`: `[n, c]` for [`Sigma::PerClass`], `[n]`
/// otherwise (sum it for [`Sigma::Common`]). Runs on the calling thread.
///
/// The Jacobian with respect to the means is symmetric, so that `grad` is also the Jacobian-vector product:
/// the derivative of each probability when the means move along `cotangent`.
///
/// # Formula
/// For `L = Σ_c K_c p_c`, with `x_c = (t - mu_c) / sigma_c`, `F(t) = Π Φ(x_c)`,
/// `r_c = φ(x_c) / (Φ(x_c) sigma_c)`, `R = Σ r_c` and `A = Σ K_c r_c`: `dL/dmu_j = ∫ F r_j (K_j R - A) dt`
/// and `dL/dsigma_j = ∫ F r_j x_j (K_j R - A) dt`, O(classes) per node. For a common sigma,
/// `dL/dsigma = Σ_j (max mu - mu_j) / sigma · dL/dmu_j`.
///
/// # Accuracy
/// For cotangents in a range of 1 and sigmas of 1, as in [`predictive_distribution`], the absolute error is
/// below 1e-12 with `Rule::precise::<f64>()` and below 3e-6 with [`Rule::training`].
///
/// # Errors
/// As [`predictive_distribution`], and if `cotangent` or an output has another length or a cotangent is not
/// finite.
///
/// # Example
/// ```
/// use exact_core::Rule;
/// use exact_core::expected::{Sigma, predictive_distribution_gradient};
/// use exact_core::loss::Logits;
///
/// let logits = Logits::new(&[1.0_f64, 0.0], 2).unwrap();
/// let (mut grad, mut sigma_grad) = ([0.0; 2], [0.0]);
/// let (sigma, rule) = (Sigma::Common(1.0), Rule::precise::<f64>());
/// let cotangent = [1.0, 0.0];
/// let slope = Some(&mut sigma_grad[..]);
/// predictive_distribution_gradient(logits, sigma, &rule, &cotangent, &mut grad, slope).unwrap();
/// // p_0 = Φ(1 / (sigma √2)), whose slopes are ±φ(1 / √2) / √2.
/// assert!((grad[0] - 0.219_695_644_733_861_3).abs() < 1e-13);
/// assert!((grad[0] + grad[1]).abs() < 1e-15);
/// assert!((sigma_grad[0] + 0.219_695_644_733_861_3).abs() < 1e-13);
/// ```
pub fn predictive_distribution_gradient<T: Real>(
    logits: Logits<'_, T>,
    sigma: Sigma<'_, T>,
    rule: &Rule,
    cotangent: &[T],
    grad: &mut [T],
    sigma_grad: Option<&mut [T]>,
) -> Result<(), LossError> {
    check_length("cotangent", cotangent, logits.values().len())?;
    check_finite("cotangent", cotangent)?;
    check_length("gradient", grad, logits.values().len())?;
    sigma.check_gradient(logits.n_rows(), logits.n_classes(), sigma_grad.as_deref())?;
    grad.copy_from_slice(cotangent);
    DistributionBatch { means: Means::of(logits.values(), logits.n_classes()), sigma, rule, grad }
        .costs(sigma_grad, &mut |_, _| T::ONE);
    Ok(())
}
