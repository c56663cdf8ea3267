//! The features that selection is asked for.

use std::fmt;
use std::str::FromStr;

use crate::LinearError;

/// What the columns are expanded to before the linear map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeatureKind {
    /// The columns as they are.
    Linear,
    /// Beside them a smooth curve of each number: cubic B-splines with knots at quantiles.
    Splines,
    /// Beside them products of pairs of columns.
    Interactions,
    /// Beside them the features of a Gaussian kernel at landmarks among the training rows (Nyström).
    Kernel,
    /// Beside them the bins of each number, and the cells of pairs of binned numbers and of categories.
    Cells,
}

impl FeatureKind {
    /// All kinds, the simplest first.
    pub const ALL: [Self; 5] = [Self::Linear, Self::Splines, Self::Interactions, Self::Kernel, Self::Cells];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Splines => "splines",
            Self::Interactions => "interactions",
            Self::Kernel => "kernel",
            Self::Cells => "cells",
        }
    }

    /// What columns need so that they can be expanded.
    pub(crate) fn requirement(self) -> &'static str {
        match self {
            Self::Linear => "there is a column at least",
            Self::Splines => "no number has more than three values",
            Self::Interactions => "no two of them have a product that is not constant",
            Self::Kernel => "all rows are the same",
            Self::Cells => "no number has more than two values",
        }
    }
}

impl fmt::Display for FeatureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which features to train on: those of one kind, or of the kind that cross-validation finds best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureChoice {
    /// Those with the best score of cross-entropy over the folds.
    Auto,
    /// This kind.
    Kind(FeatureKind),
}

impl fmt::Display for FeatureChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Kind(kind) => kind.fmt(f),
        }
    }
}

impl FromStr for FeatureChoice {
    type Err = LinearError;

    fn from_str(name: &str) -> Result<Self, LinearError> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        let kind = FeatureKind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.map(Self::Kind).ok_or_else(|| LinearError::UnknownFeatures { name: name.into() })
    }
}
