//! How the cells of a column become its values.

use serde::{Deserialize, Serialize};

use super::{DateFormat, NumberFormat};
use crate::ColumnKind;

/// How the cells of a column are read: stored with a model, so that further data is read alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reading {
    /// As numbers of a format.
    Number(NumberFormat),
    /// As moments of a format.
    Date(DateFormat),
    /// As categories.
    Category,
    /// As texts, whose words are features.
    Text,
}

impl Reading {
    /// What a column read so holds.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Number(_) => ColumnKind::Numeric,
            Self::Date(_) => ColumnKind::Date,
            Self::Category => ColumnKind::Categorical,
            Self::Text => ColumnKind::Text,
        }
    }

    /// The reading of a kind whose format is the plain one.
    pub(crate) fn plain(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Numeric => Self::Number(NumberFormat::default()),
            ColumnKind::Date => Self::Date(DateFormat::typed()),
            ColumnKind::Text => Self::Text,
            _ => Self::Category,
        }
    }

    /// The number that a text stands for.
    pub(crate) fn number(&self, text: &str) -> Option<f64> {
        match self {
            Self::Number(format) => format.parse(text),
            Self::Date(format) => format.parse(text),
            Self::Category | Self::Text => None,
        }
    }
}
