//! The linear classifier itself: weights in, logits, classes and probabilities out.

use exact_core::Rule;
use exact_core::expected::{Sigma, predictive_distribution};
use exact_core::loss::Logits;
use exact_data::Features;
use serde::{Deserialize, Serialize};

use crate::LinearError;
use crate::linear_map::LinearMap;

/// How logits become probabilities. The scale is fitted by log loss on rows that training did not see.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Link {
    /// `p_c ∝ exp(logit_c / temperature)`.
    Softmax {
        /// Positive; 1 leaves the logits as they are.
        temperature: f64,
    },
    /// `p_c = P(argmax of N(logits, sigma² I) = c)`.
    Probit {
        /// Positive.
        sigma: f64,
    },
}

/// Linear logits of encoded features: `logit_c = x · w_c + b_c`, with the logit of class 0 fixed at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearClassifier {
    pub(crate) map: LinearMap,
    /// `[n_columns, n_classes - 1]` weights on standardised features, row-major, then the biases.
    pub(crate) parameters: Vec<f64>,
    pub(crate) link: Link,
}

impl LinearClassifier {
    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.map.n_classes
    }

    /// The number of encoded features.
    pub fn n_columns(&self) -> usize {
        self.map.n_columns
    }

    /// The weights on standardised features of the classes from 1 on, `[n_columns, n_classes - 1]`, row-major.
    pub fn weights(&self) -> &[f64] {
        &self.parameters[..self.map.n_weights()]
    }

    /// The biases of the classes from 1 on, `[n_classes - 1]`.
    pub fn biases(&self) -> &[f64] {
        &self.parameters[self.map.n_weights()..]
    }

    /// How logits become probabilities.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The logits of each row, `[n_rows, n_classes]`.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if the features have another number of columns.
    pub fn logits(&self, features: &Features) -> Result<Vec<f64>, LinearError> {
        let (found, expected) = (features.n_columns(), self.map.n_columns);
        if found != expected {
            return Err(LinearError::Columns { found, expected });
        }
        let mut logits = vec![0.0; features.n_rows() * self.map.n_classes];
        self.map.logits(&self.parameters, features, &mut logits);
        Ok(logits)
    }

    /// The class with the largest logit of each row, `[n_rows]`; of equal ones the first.
    ///
    /// # Errors
    /// As [`LinearClassifier::logits`].
    pub fn predict(&self, features: &Features) -> Result<Vec<u32>, LinearError> {
        Ok(argmax_rows(&self.logits(features)?, self.map.n_classes))
    }

    /// The probability of each class, `[n_rows, n_classes]`; rows sum to 1.
    ///
    /// # Errors
    /// As [`LinearClassifier::logits`], and if a logit is not finite.
    pub fn probabilities(&self, features: &Features) -> Result<Vec<f64>, LinearError> {
        link_probabilities(&self.logits(features)?, self.map.n_classes, self.link)
    }
}

/// The index of each row's largest value, the first of equal ones.
pub(crate) fn argmax_rows(values: &[f64], n_columns: usize) -> Vec<u32> {
    let argmax = |row: &[f64]| {
        let better = |best: usize, i: usize| if row[i] > row[best] { i } else { best };
        (1..row.len()).fold(0, better) as u32
    };
    values.chunks_exact(n_columns).map(argmax).collect()
}

/// Probabilities of logits, `[n, n_classes]`.
pub(crate) fn link_probabilities(
    logits: &[f64],
    n_classes: usize,
    link: Link,
) -> Result<Vec<f64>, LinearError> {
    let mut probabilities = logits.to_vec();
    if logits.is_empty() {
        return Ok(probabilities);
    }
    match link {
        Link::Softmax { temperature } => {
            for row in probabilities.chunks_exact_mut(n_classes) {
                let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for p in row.iter_mut() {
                    *p = ((*p - max) / temperature).exp();
                }
                let sum: f64 = row.iter().sum();
                for p in row.iter_mut() {
                    *p /= sum;
                }
            }
        }
        Link::Probit { sigma } => {
            let logits = Logits::new(logits, n_classes)?;
            let rule = Rule::precise::<f64>();
            predictive_distribution(logits, Sigma::Common(sigma), &rule, &mut probabilities)?;
            for row in probabilities.chunks_exact_mut(n_classes) {
                let sum: f64 = row.iter().sum();
                for p in row.iter_mut() {
                    *p /= sum;
                }
            }
        }
    }
    Ok(probabilities)
}
