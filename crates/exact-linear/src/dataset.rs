//! Rows with labels and weights, and how well parameters do on them.

use std::sync::Arc;

use exact_core::loss::LossError;
use exact_core::predicted_classes;
use exact_data::DataError;

use crate::LinearError;
use crate::expansion::Expansion;
use crate::rows::{Inputs, Kernel};
use crate::shape::LinearMap;
use crate::standardisation::{Columns, Standardisation};

/// Rows to train on, with labels and sample weights.
///
/// # Example
/// ```
/// use exact_data::DenseMatrix;
/// use exact_linear::Dataset;
///
/// let x = [0.0, 1.0, 2.0, 3.0];
/// let data = Dataset::new(DenseMatrix::new(x.as_slice(), 1)?, vec![0, 0, 1, 1], 2, None)?;
/// assert_eq!(data.n_rows(), 4);
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dataset<'a> {
    pub(crate) inputs: Inputs<'a>,
    pub(crate) labels: Vec<u32>,
    pub(crate) n_classes: usize,
    /// Positive.
    pub(crate) weights: Option<Vec<f64>>,
    /// The group of each row, if there are groups.
    pub(crate) groups: Option<Vec<u32>>,
    pub(crate) standardisation: Arc<Standardisation>,
    pub(crate) columns: Columns,
    /// What made the columns of others.
    pub(crate) expansion: Option<Arc<Expansion>>,
}

impl<'a> Dataset<'a> {
    /// Rows with labels below `n_classes` and, unless all weigh the same, sample weights, `[n_rows]`. A row
    /// with the weight 0 counts as absent, one with the weight 2 as two rows.
    ///
    /// # Errors
    /// [`LinearError`] if lengths differ, a label is not below `n_classes`, a weight is negative or not
    /// finite, fewer than two classes have rows, or a column's values are too large to standardise.
    pub fn new(
        inputs: impl Into<Inputs<'a>>,
        labels: Vec<u32>,
        n_classes: usize,
        sample_weight: Option<Vec<f64>>,
    ) -> Result<Self, LinearError> {
        Self::checked(inputs, labels, n_classes, sample_weight, None)
    }

    /// The same with the group of each row, `[n_rows]`, any numbers: cross-validation never divides the rows
    /// of a group between those that it trains on and those that it holds out.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn with_groups(
        inputs: impl Into<Inputs<'a>>,
        labels: Vec<u32>,
        n_classes: usize,
        sample_weight: Option<Vec<f64>>,
        groups: Vec<u32>,
    ) -> Result<Self, LinearError> {
        Self::checked(inputs, labels, n_classes, sample_weight, Some(groups))
    }

    /// The same with penalties on the weights of a matrix's columns as they are, so that a column of large
    /// values is penalised less.
    ///
    /// # Errors
    /// [`LinearError::StandardisedColumns`] for the encoded columns of a table.
    pub fn without_standardisation(mut self) -> Result<Self, LinearError> {
        self.check_matrix()?;
        self.columns.standardised = false;
        Ok(self)
    }

    /// The same for training without biases: the logits of a row of zeros are 0. The columns of a matrix are
    /// divided by their standard deviations, a constant one by 1, but not centred.
    ///
    /// # Errors
    /// As [`Dataset::without_standardisation`].
    ///
    /// # Example
    /// ```
    /// use exact_data::DenseMatrix;
    /// use exact_linear::{Dataset, FitOptions, LinearClassifier, LossSettings, Settings};
    ///
    /// let x = [0.0, 1.0, 2.0, 3.0];
    /// let data = Dataset::new(DenseMatrix::new(x.as_slice(), 1)?, vec![0, 0, 1, 1], 2, None)?;
    /// let settings = Settings::new(LossSettings::default(), 0.1);
    /// let data = data.without_intercept()?;
    /// let fitted = LinearClassifier::fit(&data, &settings, &FitOptions::default())?;
    /// assert_eq!(fitted.classifier.intercepts(), [0.0, 0.0]);
    /// # Ok::<(), exact_linear::LinearError>(())
    /// ```
    pub fn without_intercept(mut self) -> Result<Self, LinearError> {
        self.check_matrix()?;
        self.columns.intercept = false;
        self.standardisation = Arc::new(self.standardisation.without_centre());
        Ok(self)
    }

    /// Columns of tables are standardised and centred wherever they go.
    fn check_matrix(&self) -> Result<(), LinearError> {
        match self.inputs {
            Inputs::Encoded(_) => Err(LinearError::StandardisedColumns),
            _ => Ok(()),
        }
    }

    fn checked(
        inputs: impl Into<Inputs<'a>>,
        labels: Vec<u32>,
        n_classes: usize,
        sample_weight: Option<Vec<f64>>,
        groups: Option<Vec<u32>>,
    ) -> Result<Self, LinearError> {
        let mut data = Self::unstandardised(inputs, labels, n_classes, sample_weight, groups)?;
        let classes = data.classes_with_rows();
        if classes < 2 {
            return Err(LinearError::Classes(classes));
        }
        data.standardise()?;
        Ok(data)
    }

    /// How many classes have rows.
    pub(crate) fn classes_with_rows(&self) -> usize {
        let mut present = vec![false; self.n_classes];
        for &label in &self.labels {
            present[label as usize] = true;
        }
        present.into_iter().filter(|present| *present).count()
    }

    /// The same, with columns that are taken as they are and any labels.
    pub(crate) fn unstandardised(
        inputs: impl Into<Inputs<'a>>,
        labels: Vec<u32>,
        n_classes: usize,
        sample_weight: Option<Vec<f64>>,
        groups: Option<Vec<u32>>,
    ) -> Result<Self, LinearError> {
        let inputs = inputs.into();
        let rows = inputs.n_rows();
        if labels.len() != rows {
            return Err(LinearError::Rows { rows, labels: labels.len() });
        }
        if n_classes < 2 {
            return Err(LinearError::Classes(n_classes));
        }
        if let Some(row) = labels.iter().position(|&label| label as usize >= n_classes) {
            return Err(DataError::LabelOutOfRange { row, label: labels[row], n_classes }.into());
        }
        let standardisation = Arc::new(Standardisation::none(inputs.n_columns()));
        let weights = sample_weight;
        let columns = Columns::default();
        let mut data =
            Self { inputs, labels, n_classes, weights, groups, standardisation, columns, expansion: None };
        if let Some(groups) = &data.groups
            && groups.len() != rows
        {
            return Err(DataError::GroupCount { rows, groups: groups.len() }.into());
        }
        if let Some(weights) = &data.weights {
            if weights.len() != rows {
                return Err(LinearError::Weights { rows, weights: weights.len() });
            }
            if let Some(row) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
                return Err(LossError::Weight { row, value: weights[row] }.into());
            }
            let kept: Vec<usize> = (0..rows).filter(|&row| weights[row] > 0.0).collect();
            if kept.len() < rows {
                data = data.select(&kept);
            }
        }
        Ok(data)
    }

    /// The number of rows that have a weight.
    pub fn n_rows(&self) -> usize {
        self.labels.len()
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.inputs.n_columns()
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Standardises by these rows.
    fn standardise(&mut self) -> Result<(), LinearError> {
        self.standardisation = Arc::new(match self.inputs.moments(self.weights.as_deref()) {
            Some(moments) if self.columns.intercept => Standardisation::of(moments)?,
            Some(moments) => Standardisation::of(moments)?.without_centre(),
            None => self.inputs.own_standardisation(),
        });
        Ok(())
    }

    pub(crate) fn map(&self) -> LinearMap {
        LinearMap { n_columns: self.inputs.n_columns(), n_classes: self.n_classes }
    }

    /// Takes the biases away where there are to be none, of parameters or of a gradient.
    pub(crate) fn clear_biases(&self, parameters: &mut [f64]) {
        if !self.columns.intercept {
            let map = self.map();
            parameters[map.n_weights()..map.n_parameters()].fill(0.0);
        }
    }

    /// What weights, which are on standardised columns, are divided by in the penalties, one for each column,
    /// to be those on the columns as they are; `None` for 1.
    pub(crate) fn penalty_units(&self) -> Option<&[f64]> {
        (!self.columns.standardised).then(|| self.standardisation.units())
    }

    /// The parameters of no weights.
    pub(crate) fn zero(&self) -> Vec<f64> {
        vec![0.0; self.map().n_parameters()]
    }

    /// The rows with the given numbers, standardised as these are.
    pub(crate) fn select(&self, rows: &[usize]) -> Dataset<'static> {
        let (weights, groups) = (self.weights.as_ref(), self.groups.as_ref());
        Dataset {
            inputs: self.inputs.select(rows),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            n_classes: self.n_classes,
            weights: weights.map(|weights| rows.iter().map(|&row| weights[row]).collect()),
            groups: groups.map(|groups| rows.iter().map(|&row| groups[row]).collect()),
            standardisation: Arc::clone(&self.standardisation),
            columns: self.columns,
            expansion: self.expansion.clone(),
        }
    }

    /// The rows to train and to validate on; both standardised by the former.
    pub(crate) fn split(
        &self,
        train: &[usize],
        validation: &[usize],
    ) -> Result<(Dataset<'static>, Dataset<'static>), LinearError> {
        // Each is trained on or scored many times.
        let select = |rows| {
            let rows = self.select(rows);
            Dataset { inputs: rows.inputs.without_zeros(), ..rows }
        };
        let (mut train, mut validation) = (select(train), select(validation));
        train.standardise()?;
        validation.standardisation = Arc::clone(&train.standardisation);
        Ok((train, validation))
    }

    /// [`Dataset::split`] into the rows that are not in `rows`, which is sorted, and those that are.
    pub(crate) fn hold_out(
        &self,
        rows: &[usize],
    ) -> Result<(Dataset<'static>, Dataset<'static>), LinearError> {
        let kept: Vec<usize> = (0..self.n_rows()).filter(|row| rows.binary_search(row).is_err()).collect();
        self.split(&kept, rows)
    }

    /// The same rows with the columns of an expansion.
    pub(crate) fn expanded(&self, expansion: &Arc<Expansion>) -> Result<Dataset<'static>, LinearError> {
        let features = expansion.apply(&self.inputs)?;
        let standardisation = Arc::new(features.own_standardisation());
        Ok(Dataset {
            inputs: features.into(),
            labels: self.labels.clone(),
            n_classes: self.n_classes,
            weights: self.weights.clone(),
            groups: self.groups.clone(),
            standardisation,
            columns: self.columns,
            expansion: Some(Arc::clone(expansion)),
        })
    }

    /// The logits of all rows; parameters past those of the linear map are ignored.
    pub(crate) fn logits(&self, parameters: &[f64]) -> Vec<f64> {
        let mut logits = vec![0.0; self.n_rows() * self.n_classes];
        self.map().logits(parameters, &self.inputs, &self.standardisation, &mut logits);
        logits
    }

    /// The weighted fraction of rows whose label has the largest logit.
    pub(crate) fn accuracy(&self, parameters: &[f64]) -> f64 {
        let predictions = predicted_classes(&self.logits(parameters), self.n_classes);
        let correct = predictions.iter().zip(&self.labels).map(|(a, b)| a == b);
        match &self.weights {
            None => correct.filter(|correct| *correct).count() as f64 / self.n_rows().max(1) as f64,
            Some(weights) => {
                let sum: f64 = correct.zip(weights).filter(|(correct, _)| *correct).map(|(_, w)| w).sum();
                sum / weights.iter().sum::<f64>()
            }
        }
    }
}
