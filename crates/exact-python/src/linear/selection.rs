//! How cross-validation chose a setting, as dictionaries for Python.

use exact_eval::record::{Selected, SelectedFeatures};
use exact_linear::{LossKind, PathPoint, Trained};
use pyo3::IntoPyObject;

/// The setting that was chosen, and all that were tried.
#[derive(IntoPyObject)]
pub struct Selection {
    chosen: Setting,
    score: f64,
    n_iter: usize,
    path: Vec<Point>,
    features: ExpandedTo,
}

/// What the columns were expanded to.
#[derive(IntoPyObject)]
pub struct ExpandedTo {
    kind: String,
    bandwidth: Option<f64>,
}

/// A loss and its hyper-parameters.
#[derive(IntoPyObject)]
pub struct Setting {
    loss: &'static str,
    l2: f64,
    l1: Option<f64>,
    group_l1: Option<f64>,
    sigma: Option<f64>,
    margin: Option<f64>,
    temperature: Option<f64>,
    epsilon: Option<f64>,
    learning_rate: Option<f64>,
}

/// A setting with its scores on the first folds.
#[derive(IntoPyObject)]
struct Point {
    setting: Setting,
    test_scores: Vec<f64>,
    train_scores: Vec<f64>,
}

impl Setting {
    pub fn of(loss: LossKind, settings: &Selected) -> Self {
        let Selected { l2, l1, group_l1, sigma, margin, temperature, epsilon, learning_rate } = *settings;
        Self { loss: loss.name(), l2, l1, group_l1, sigma, margin, temperature, epsilon, learning_rate }
    }
}

impl ExpandedTo {
    pub fn of(selected: &SelectedFeatures) -> Self {
        Self { kind: selected.kind.clone(), bandwidth: selected.bandwidth }
    }
}

impl Selection {
    pub fn of(trained: &Trained) -> Self {
        let point = |point: &PathPoint| Point {
            setting: Setting::of(point.loss, &point.settings),
            test_scores: point.validation_scores.clone(),
            train_scores: point.train_scores.clone(),
        };
        Self {
            chosen: Setting::of(trained.loss, &trained.selected),
            score: trained.cv.mean,
            n_iter: trained.iterations,
            path: trained.path.iter().map(point).collect(),
            features: ExpandedTo::of(&trained.features),
        }
    }
}
