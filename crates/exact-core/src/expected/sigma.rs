//! The standard deviations of the class scores.

use crate::Real;
use crate::error::LossError;
use crate::samples::{Samples, check_length, check_samples};

/// The standard deviations of the scores, all positive and finite.
#[derive(Debug, Clone, Copy)]
pub enum Sigma<'a, T> {
    /// One for all.
    Common(T),
    /// One per sample, `[n]`.
    PerSample(&'a [T]),
    /// One per sample and class, `[n, c]`.
    PerClass(&'a [T]),
}

impl<'a, T: Real> Sigma<'a, T> {
    /// The sigmas of a row: all classes', or a single one.
    #[inline(always)]
    pub(super) fn row(&self, row: usize, n_classes: usize) -> &[T] {
        match self {
            Self::Common(sigma) => std::slice::from_ref(sigma),
            Self::PerSample(sigmas) => &sigmas[row..=row],
            Self::PerClass(sigmas) => &sigmas[row * n_classes..][..n_classes],
        }
    }

    /// Whether the classes of a sample have different sigmas.
    pub(super) fn is_per_class(&self) -> bool {
        matches!(self, Self::PerClass(_))
    }

    /// The sigmas of the rows before `row` and those from it on.
    pub(super) fn split_at(&self, row: usize, n_classes: usize) -> (Sigma<'a, T>, Sigma<'a, T>) {
        match self {
            Self::Common(sigma) => (Self::Common(*sigma), Self::Common(*sigma)),
            Self::PerSample(sigmas) => {
                let (left, right) = sigmas.split_at(row);
                (Self::PerSample(left), Self::PerSample(right))
            }
            Self::PerClass(sigmas) => {
                let (left, right) = sigmas.split_at(row * n_classes);
                (Self::PerClass(left), Self::PerClass(right))
            }
        }
    }

    /// Checks the sigmas, and the lengths of what is written.
    pub(super) fn check_outputs(
        &self,
        samples: Samples<'_, T>,
        n_values: usize,
        grad: &[T],
        sigma_grad: Option<&[T]>,
    ) -> Result<(), LossError> {
        samples.check_gradient(grad)?;
        if let Some(sigma_grad) = sigma_grad {
            samples.check_gradient(sigma_grad)?;
        }
        self.check(samples.len(), samples.n_classes())?;
        if n_values != samples.len() {
            let (found, expected) = (n_values, samples.len());
            return Err(LossError::SamplesLength { what: "values", found, expected });
        }
        Ok(())
    }

    /// Checks the sigmas, and that their gradient has their shape: `[n, c]` for a sigma per class, `[n]`
    /// otherwise.
    pub(super) fn check_gradient(
        &self,
        n: usize,
        n_classes: usize,
        sigma_grad: Option<&[T]>,
    ) -> Result<(), LossError> {
        self.check(n, n_classes)?;
        let expected = if self.is_per_class() { n * n_classes } else { n };
        sigma_grad.map_or(Ok(()), |grad| check_length("sigma gradient", grad, expected))
    }

    pub(super) fn check(&self, n: usize, n_classes: usize) -> Result<(), LossError> {
        let (values, expected) = match self {
            Self::Common(sigma) => (std::slice::from_ref(sigma), 1),
            Self::PerSample(sigmas) => (*sigmas, n),
            Self::PerClass(sigmas) => (*sigmas, n * n_classes),
        };
        check_samples("sigma", values, expected)?;
        match values.iter().find(|sigma| !(**sigma > T::ZERO && sigma.is_finite())) {
            Some(sigma) => {
                let (name, expected) = ("sigma", "positive and finite");
                Err(LossError::Setting { name, expected, value: sigma.to_f64() })
            }
            None => Ok(()),
        }
    }
}
