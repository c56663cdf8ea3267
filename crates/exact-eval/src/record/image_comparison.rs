//! How losses, or other recipes, compare on the same images.

use serde::{Deserialize, Serialize};

use super::{ImageDataRecord, NetworkRun, Spread, ValidationMetrics};
use crate::{McNemar, combined_p_value};

/// A setting that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// The first learning rate.
    pub learning_rate: f64,
    /// The setting of the loss that trials differ in; `None` for losses without one.
    pub setting: Option<LossSettingRecord>,
    /// Metrics of the network of the best epoch on the validation images; `None` if training diverged.
    pub validation: Option<ValidationMetrics>,
}

/// A setting of a loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossSettingRecord {
    /// Its name, as in a recipe.
    pub name: String,
    /// The value.
    pub value: f64,
}

/// `McNemar`'s test of the networks of one seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedRecord {
    /// The seed of both networks.
    pub seed: u64,
    /// Test images that this network alone is right about.
    pub only_this: u64,
    /// Test images that the network of the baseline alone is right about.
    pub only_baseline: u64,
    /// The two-sided p-value; see [`mcnemar_exact`](crate::mcnemar_exact).
    pub p_value: f64,
}

impl PairedRecord {
    /// The record of a test whose second classifier is the baseline.
    pub fn new(seed: u64, test: McNemar) -> Self {
        let McNemar { only_first, only_second, p_value } = test;
        Self { seed, only_this: only_first, only_baseline: only_second, p_value }
    }
}

/// What became of one loss, or of one recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageCompareRow {
    /// The name of the loss or the recipe.
    pub name: String,
    /// The name of the network.
    pub network: String,
    /// The settings that were tried, with the first seed.
    pub trials: Vec<TrialRecord>,
    /// The number of the one with the best validation accuracy, from 0.
    pub selected: usize,
    /// Its runs, one for each seed.
    pub runs: Vec<NetworkRun>,
    /// Mean and standard deviation of the validation accuracy over seeds; `None` without runs.
    pub validation: Option<Spread>,
    /// Mean and standard deviation of the test accuracy over seeds; `None` without runs.
    pub test: Option<Spread>,
    /// Tests against the baseline, one for each seed; empty for the baseline itself.
    pub paired: Vec<PairedRecord>,
    /// Their combined p-value; see [`combined_p_value`](crate::combined_p_value).
    pub p_value: Option<f64>,
}

impl ImageCompareRow {
    /// The p-value of [`Self::paired`].
    pub fn combine(paired: &[PairedRecord]) -> Option<f64> {
        combined_p_value(&paired.iter().map(|test| test.p_value).collect::<Vec<_>>())
    }
}

/// What `exact vision compare` prints and reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageCompareRecord {
    /// The images.
    pub data: ImageDataRecord,
    /// One for each loss or recipe, in the order that was asked for.
    pub rows: Vec<ImageCompareRow>,
    /// The name of the row that the others are tested against: cross-entropy, or else the first.
    pub baseline: String,
    /// The number of settings that were tried for each.
    pub trials: usize,
    /// The number of seeds.
    pub seeds: u64,
    /// Wall-clock time of this command, in seconds; runs that it found finished are not in it.
    pub seconds: f64,
    /// The path of the HTML report; `None` if none was written.
    pub report: Option<String>,
}
