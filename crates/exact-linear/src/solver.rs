//! The choice of optimiser.

use std::fmt;
use std::str::FromStr;

use crate::LinearError;
use crate::dataset::Dataset;

/// Rows times parameters from which `auto` takes minibatch SGD: full-batch steps then cost about a second
/// each.
const SGD_WORK: usize = 100_000_000;

/// The optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Solver {
    /// L-BFGS for tables of moderate size, SGD beyond (100 million rows times parameters).
    Auto,
    /// Full-batch L-BFGS from the cross-entropy solution.
    Lbfgs,
    /// Minibatch SGD with the paper's recipe.
    Sgd,
}

impl Solver {
    /// The optimiser that is meant for this data.
    pub(crate) fn resolve(self, data: &Dataset<'_>) -> Self {
        match self {
            Self::Auto if data.n_rows().saturating_mul(data.map().n_parameters()) >= SGD_WORK => Self::Sgd,
            Self::Auto => Self::Lbfgs,
            solver => solver,
        }
    }
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Lbfgs => "lbfgs",
            Self::Sgd => "sgd",
        })
    }
}

impl FromStr for Solver {
    type Err = LinearError;

    fn from_str(name: &str) -> Result<Self, LinearError> {
        match name {
            "auto" => Ok(Self::Auto),
            "lbfgs" => Ok(Self::Lbfgs),
            "sgd" => Ok(Self::Sgd),
            _ => Err(LinearError::UnknownSolver { name: name.into() }),
        }
    }
}
