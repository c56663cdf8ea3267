//! The commands, one a file.

pub(crate) mod benchmark;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod datasets;
pub(crate) mod evaluate;
pub(crate) mod fit;
pub(crate) mod inspect;
pub(crate) mod integrate;
pub(crate) mod predict;
pub(crate) mod toy;
#[cfg(feature = "vision")]
pub(crate) mod vision;
