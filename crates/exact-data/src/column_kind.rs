//! What a column holds: numbers, dates, categories or texts, inferred or declared.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ColumnKind {
    /// Numbers, standardised by the encoder.
    Numeric,
    /// Categories, one-hot encoded. The target is of this kind too.
    Categorical,
    /// Moments, which become numbers: the time since the mean, and parts such as the month.
    Date,
    /// Texts, whose words become features.
    Text,
    /// What tells each row from the others and nothing about further rows; left out.
    Identifier,
    /// No values, or a single one; left out.
    Constant,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Numeric => "numeric",
            Self::Categorical => "categorical",
            Self::Date => "date",
            Self::Text => "text",
            Self::Identifier => "identifier",
            Self::Constant => "constant",
        })
    }
}
