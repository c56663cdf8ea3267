//! What columns of numbers contribute to the logits of a classifier with smooth curves: its shape functions.

use exact_data::Features;
use rayon::prelude::*;

use crate::LinearError;
use crate::classifier::LinearClassifier;
use crate::expansion::Expansion;
use crate::rows::Rows;

/// Values at which contributions are given.
const POINTS: usize = 101;
const BINS: usize = 30;
/// The share of the rows at each end that is outside the range, so that a few far values do not fill it.
const TAIL: f64 = 0.005;

/// What a column of numbers contributes to the logit of each class, its straight line and its curve together.
/// Over the rows the mean is 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapeFunction {
    /// The column, counted from 0.
    pub column: usize,
    /// The smallest and the largest value, as the rows have them: those of the middle 99 % of the rows, or of
    /// all where these are the same.
    pub range: [f64; 2],
    /// The contributions to the logit of each class, at values of the same distance from one end of the range
    /// to the other.
    pub contributions: Vec<Vec<f64>>,
    /// The standard deviation over the rows of the contribution to the logit of each class.
    pub variation: Vec<f64>,
    /// The rows with values in bins of the same width over the range.
    pub histogram: Vec<u64>,
}

impl LinearClassifier {
    /// The shape functions of the columns of numbers over some rows, those with the largest variation, summed
    /// over the classes, first, and so many at most. There are none unless the features are
    /// [splines](crate::FeatureKind::Splines), and columns without weights have none.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if the rows have another number of columns.
    ///
    /// # Example
    /// ```
    /// use exact_data::Features;
    /// use exact_linear::{FeatureChoice, FeatureKind, LossChoice, LossKind, Progress, TrainOptions, Trainer};
    ///
    /// // The second class is in the middle.
    /// let x: Vec<f64> = (0..80).map(|i| f64::from(i) / 20.0 - 2.0).collect();
    /// let labels = x.iter().map(|x| u32::from(x.abs() < 1.0)).collect();
    /// let options = TrainOptions::default().with_features(FeatureChoice::Kind(FeatureKind::Splines));
    /// let trainer = Trainer::new(Features::from_dense(x, 1)?, labels, 2, options)?;
    /// let loss = LossChoice::Kind(LossKind::CrossEntropy);
    /// let classifier = trainer.train(loss, &Progress::ignore)?.classifier;
    /// let function = &classifier.shape_functions(trainer.inputs(), 1)?[0];
    /// let second = &function.contributions[1];
    /// assert!(second[0] < 0.0 && second[50] > 0.0 && second[100] < 0.0);
    /// # Ok::<(), exact_linear::LinearError>(())
    /// ```
    ///
    /// # References
    /// Hastie and Tibshirani, *Generalized Additive Models*, 1990.
    pub fn shape_functions(&self, rows: &impl Rows, most: usize) -> Result<Vec<ShapeFunction>, LinearError> {
        let Some(expansion) = self.expansion.as_ref().filter(|expansion| expansion.has_curves()) else {
            return Ok(Vec::new());
        };
        let features = expansion.inputs(rows)?;
        if features.n_rows() == 0 {
            return Ok(Vec::new());
        }
        let columns = (0..features.layout().n_dense).into_par_iter();
        let mut functions: Vec<ShapeFunction> =
            columns.filter_map(|column| self.shape_function(expansion, &features, column)).collect();
        let total = |function: &ShapeFunction| function.variation.iter().sum::<f64>();
        functions.sort_by(|a, b| total(b).total_cmp(&total(a)));
        functions.truncate(most);
        Ok(functions)
    }

    /// That of a column; `None` if it contributes the same to all rows.
    fn shape_function(
        &self,
        expansion: &Expansion,
        features: &Features,
        column: usize,
    ) -> Option<ShapeFunction> {
        let n_scores = self.map.n_scores();
        let values = features.dense().iter().skip(column).step_by(features.layout().n_dense);
        let values: Vec<f64> = values.copied().collect();
        let scores = |values: &[f64]| expansion.scores_of_column(column, values, &self.parameters, n_scores);
        let n_rows = values.len() as f64;
        let of_rows = scores(&values);
        let of_score = |score: usize| of_rows.iter().skip(score).step_by(n_scores);
        let means: Vec<f64> = (0..n_scores).map(|score| of_score(score).sum::<f64>() / n_rows).collect();
        let deviation = |(score, mean): (usize, &f64)| {
            (of_score(score).map(|value| (value - mean).powi(2)).sum::<f64>() / n_rows).sqrt()
        };
        let variation: Vec<f64> = means.iter().enumerate().map(deviation).collect();
        if variation.iter().all(|variation| *variation == 0.0) {
            return None;
        }
        let [low, high] = range(&values);
        let at = |point: usize| low + (high - low) * point as f64 / (POINTS - 1) as f64;
        let grid = scores(&(0..POINTS).map(at).collect::<Vec<f64>>());
        let centred = |score: usize, sign: f64| {
            let values = grid.iter().skip(score).step_by(n_scores);
            values.map(|value| sign * (value - means[score])).collect::<Vec<f64>>()
        };
        let (contributions, variation) = match variation[..] {
            // The logits of two classes are the negative of their score, and itself.
            [both] => (vec![centred(0, -1.0), centred(0, 1.0)], vec![both, both]),
            _ => ((0..n_scores).map(|score| centred(score, 1.0)).collect(), variation),
        };
        let mut histogram = vec![0; BINS];
        for value in values.iter().filter(|value| (low..=high).contains(value)) {
            histogram[(((value - low) / (high - low) * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        let range = [low, high].map(|value| expansion.original(column, value));
        Some(ShapeFunction { column, range, contributions, variation, histogram })
    }
}

/// The values between which nearly all are.
fn range(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    let tail = (TAIL * last as f64) as usize;
    let middle = [sorted[tail], sorted[last - tail]];
    if middle[0] < middle[1] { middle } else { [sorted[0], sorted[last]] }
}
