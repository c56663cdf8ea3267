//! The loss that selection is asked for.

use std::fmt;
use std::str::FromStr;

use exact_core::loss::LossKind;

use crate::LinearError;

/// What to train with: one loss, or the better of cross-entropy and EXACT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossChoice {
    /// EXACT where cross-validation finds it better than cross-entropy, else cross-entropy. Below 1500 rows
    /// the paired gain over the folds has to exceed two of its standard errors.
    Auto,
    /// This loss, one of [`LossKind::FOR_ACCURACY`].
    Kind(LossKind),
}

impl fmt::Display for LossChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Kind(kind) => kind.fmt(f),
        }
    }
}

impl FromStr for LossChoice {
    type Err = LinearError;

    fn from_str(name: &str) -> Result<Self, LinearError> {
        if name == "auto" { Ok(Self::Auto) } else { loss_named(name).map(Self::Kind) }
    }
}

/// The loss of linear classifiers with this name.
///
/// # Errors
/// [`LinearError::UnknownLoss`] if none of [`LossKind::FOR_ACCURACY`] has it.
///
/// # Example
/// ```
/// use exact_linear::{LossKind, loss_named};
///
/// assert_eq!(loss_named("exact")?, LossKind::Exact);
/// assert!(loss_named("focal").is_err());
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
pub fn loss_named(name: &str) -> Result<LossKind, LinearError> {
    let found = LossKind::FOR_ACCURACY.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| LinearError::UnknownLoss { name: name.into() })
}
