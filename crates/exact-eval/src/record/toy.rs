//! The record of the paper's five-point example: logits `(0, x - b)` with one parameter `b`.

use serde::{Deserialize, Serialize};

/// What `exact toy` prints and reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToyRecord {
    /// The position of each point.
    pub x: Vec<f64>,
    /// The class of each point, 0 or 1.
    pub labels: Vec<u32>,
    /// The largest accuracy that any `b` reaches.
    pub best_accuracy: f64,
    /// Losses as functions of `b`.
    pub curves: Vec<ToyCurve>,
    /// Where training with each loss ends.
    pub runs: Vec<ToyRun>,
}

/// One loss as a function of `b`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToyCurve {
    /// The name of the loss, with its parameters.
    pub loss: String,
    /// Pairs of `b` and the mean loss, by increasing `b`.
    pub points: Vec<(f64, f64)>,
}

/// The training of `b` with one loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToyRun {
    /// The name of the loss.
    pub loss: String,
    /// `b` before the first and after each step.
    pub path: Vec<f64>,
    /// `b` after the last step.
    pub final_b: f64,
    /// The accuracy at `final_b`.
    pub accuracy: f64,
    /// Sigma at each entry of `path`; `None` for losses without one.
    pub sigma_path: Option<Vec<f64>>,
}
