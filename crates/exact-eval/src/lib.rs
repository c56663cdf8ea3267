//! Metrics of predictions, and the records that training writes and reports read.
//!
//! Every metric takes `labels` (the true classes, `0..n_classes`), then `predictions` (`[n]` classes) or
//! `probabilities` (row-major `[n, n_classes]`), then, where it is standard, an optional `sample_weight`
//! (`[n]`). Metrics that are rates lie in `0..=1`. The [`record`] structs are what `--json` prints.
//!
//! # Example
//! ```
//! let labels = [0, 1, 2, 2];
//! let predictions = [0, 2, 2, 2];
//! assert_eq!(exact_eval::accuracy(&labels, &predictions, None)?, 0.75);
//! assert_eq!(exact_eval::balanced_accuracy(&labels, &predictions, 3, None)?, 2.0 / 3.0);
//! # Ok::<(), exact_eval::EvalError>(())
//! ```

mod accuracy;
mod balanced_accuracy;
mod brier;
mod calibration;
mod class_sums;
mod combined_p_value;
mod comparison;
mod confusion;
mod error;
mod f1;
mod friedman;
mod holm;
mod log_loss;
mod mcnemar;
mod nemenyi;
mod paired_test;
mod probabilities;
mod ranks;
pub mod record;
mod roc_auc;
mod samples;
mod top_k;
mod wilcoxon;

#[cfg(test)]
mod reference;

pub use accuracy::accuracy;
pub use balanced_accuracy::balanced_accuracy;
pub use brier::brier_score;
pub use calibration::{ReliabilityBin, expected_calibration_error, reliability_bins};
pub use combined_p_value::combined_p_value;
pub use confusion::confusion_matrix;
pub use error::EvalError;
pub use f1::macro_f1;
pub use friedman::{Friedman, friedman};
pub use holm::holm;
pub use log_loss::log_loss;
pub use mcnemar::{McNemar, mcnemar_exact};
pub use nemenyi::nemenyi_critical_difference;
pub use paired_test::{PairedTest, corrected_paired_t_test};
pub use ranks::{mean_ranks, ranks};
pub use roc_auc::{roc_auc, roc_auc_one_vs_rest};
pub use top_k::top_k_accuracy;
pub use wilcoxon::{Wilcoxon, wilcoxon_signed_rank};
