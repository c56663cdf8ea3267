//! Training objectives of linear classifiers, written anew for the benches.

// Only one of the benches needs second derivatives.
#[allow(dead_code)]
pub mod curvature;

use exact_core::logit_normalization;
use exact_core::loss::{Logits, Loss};
use exact_data::{Encoder, EncoderOptions, LabelEncoder, bundled};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

/// A bundled data set's training rows.
pub struct Data {
    x: Array2<f64>,
    labels: Vec<u32>,
    n_classes: usize,
}

impl Data {
    pub fn bundled(name: &str) -> Self {
        let set = bundled::get(name).unwrap();
        let table = set.train().unwrap();
        let (encoder, _) = Encoder::fit(&table, &EncoderOptions::default()).unwrap();
        let (labels, _) = LabelEncoder::fit(&table, &set.target).unwrap();
        let features = encoder.transform(&table).unwrap();
        let x = (0..features.n_rows()).flat_map(|row| features.row(row)).collect();
        Self {
            x: Array2::from_shape_vec((features.n_rows(), features.n_columns()), x).unwrap(),
            labels: labels.transform(&table, &set.target).unwrap(),
            n_classes: labels.n_classes(),
        }
    }

    pub fn n_parameters(&self) -> usize {
        (self.x.ncols() + 1) * self.n_classes
    }

    /// The logits of a linear map, `[n, c]`.
    fn logits(&self, parameters: &[f64]) -> Array2<f64> {
        let k = self.n_classes;
        let (weights, biases) = parameters.split_at(self.x.ncols() * k);
        let mut logits = Array2::zeros((self.x.nrows(), self.n_classes));
        for mut row in logits.rows_mut() {
            row.as_slice_mut().unwrap().copy_from_slice(biases);
        }
        let view = ArrayView2::from_shape((self.x.ncols(), k), weights).unwrap();
        general_mat_mul(1.0, &self.x, &view, 1.0, &mut logits);
        logits
    }

    /// The gradient with respect to the parameters, given the one with respect to the logits, `[n, c]`.
    fn transpose(&self, slopes: &ArrayView2<'_, f64>, gradient: &mut [f64]) {
        let k = self.n_classes;
        let (weights, biases) = gradient.split_at_mut(self.x.ncols() * k);
        biases.copy_from_slice(slopes.sum_axis(Axis(0)).as_slice().unwrap());
        let mut view = ArrayViewMut2::from_shape((self.x.ncols(), k), weights).unwrap();
        general_mat_mul(1.0, &self.x.t(), slopes, 0.0, &mut view);
    }
}

/// The mean loss of a linear map, the logits normalised or not, with `l2 / 2` times the squared norm of the
/// weights.
pub struct Objective<'a> {
    pub data: &'a Data,
    pub loss: &'a dyn Loss<f64>,
    pub normalized: bool,
    pub l2: f64,
}

impl Objective<'_> {
    pub fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let Data { x, labels, n_classes } = self.data;
        let n_classes = *n_classes;
        let weights = &parameters[..x.ncols() * n_classes];
        let logits = self.data.logits(parameters);

        let mut slopes = vec![0.0; logits.len()];
        let mut normal = logits.into_raw_vec_and_offset().0;
        let mut std = 1.0;
        let statistics = self.normalized.then(|| {
            let logits = normal.clone();
            logit_normalization::normalize(&logits, n_classes, None, &mut normal).unwrap()
        });
        let value = Logits::new(&normal, n_classes)
            .and_then(|logits| self.loss.evaluate(logits, labels, None, &mut slopes));
        let Ok(value) = value else {
            gradient.fill(0.0);
            return f64::INFINITY;
        };
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let mut penalty = 0.5 * self.l2 * squares;
        if let Some(statistics) = &statistics {
            std = statistics.std;
            logit_normalization::backward(&normal, statistics, n_classes, None, &mut slopes).unwrap();
            penalty /= std * std;
            let through = -2.0 * penalty / (std * normal.len() as f64);
            slopes.iter_mut().zip(&normal).for_each(|(slope, normal)| *slope += through * normal);
        }
        let slopes = ArrayView2::from_shape((x.nrows(), n_classes), &slopes).unwrap();
        self.data.transpose(&slopes, gradient);
        let decay = self.l2 / (std * std);
        gradient.iter_mut().zip(weights).for_each(|(slope, weight)| *slope += decay * weight);
        value + penalty
    }
}
