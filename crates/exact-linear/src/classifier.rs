//! The linear classifier itself: weights in, logits, classes and probabilities out.

use std::sync::Arc;

use exact_core::{Link, predicted_classes};

use crate::LinearError;
use crate::dataset::Dataset;
use crate::decision::Predictions;
use crate::expansion::Expansion;
use crate::metric::Metric;
use crate::model_file::{self, Tensors};
use crate::rows::{Inputs, Rows};
use crate::shape::LinearMap;

/// What the metadata of its bytes call it.
const FORMAT: &str = "exact-learn linear classifier of matrices";
const COEFFICIENTS: &str = "coefficients";
const INTERCEPTS: &str = "intercepts";
/// Of classifiers that decide by them.
const COSTS: &str = "costs";
/// Of files of the first and second version.
const WEIGHTS: &str = "weights";
const BIASES: &str = "biases";

/// Linear logits: `logit_c = x · w_c + b_c`, with weights and biases that sum to 0 over the classes. The
/// columns `x` are what it was trained on: standardised features as their encoder gives them, or a matrix as
/// it is, or what an expansion makes of these.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearClassifier {
    /// What stands in front of the linear map.
    pub(crate) expansion: Option<Arc<Expansion>>,
    pub(crate) map: LinearMap,
    pub(crate) parameters: Vec<f64>,
    pub(crate) link: Link,
    /// What it decides by instead of the largest logit.
    pub(crate) costs: Option<Arc<[f64]>>,
}

impl LinearClassifier {
    /// The classifier of rows as they are, from parameters for standardised ones.
    pub(crate) fn of(data: &Dataset<'_>, parameters: &[f64], link: Link) -> Self {
        let map = data.map();
        let mut parameters = match &data.inputs {
            // Features are standardised wherever they go.
            Inputs::Encoded(_) => parameters[..map.n_parameters()].to_vec(),
            _ => data.standardisation.fold(&map, parameters),
        };
        map.centre(&mut parameters);
        Self { expansion: data.expansion.clone(), map, parameters, link, costs: None }
    }

    /// The same that decides by the cost of each label and prediction.
    pub(crate) fn deciding_by(self, costs: Option<&[f64]>) -> Self {
        Self { costs: costs.map(Arc::from), ..self }
    }

    /// The cost of each label and prediction, `[n_classes, n_classes]`, row-major, with one more column where
    /// it may predict no class; `None` where it predicts the class with the largest logit.
    pub fn costs(&self) -> Option<&[f64]> {
        self.costs.as_deref()
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.map.n_classes
    }

    /// The number of columns that rows have.
    pub fn n_columns(&self) -> usize {
        self.expansion.as_ref().map_or(self.map.n_columns, |expansion| expansion.n_inputs())
    }

    /// The names of the features, from those of the columns.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if there are more or fewer names than columns.
    pub fn feature_names(&self, columns: &[String]) -> Result<Vec<String>, LinearError> {
        if columns.len() != self.n_columns() {
            return Err(LinearError::Columns { found: columns.len(), expected: self.n_columns() });
        }
        Ok(self.expansion.as_ref().map_or_else(|| columns.to_vec(), |expansion| expansion.names(columns)))
    }

    /// The number of columns of the linear map: more than rows have where these are expanded.
    pub fn n_features(&self) -> usize {
        self.map.n_columns
    }

    /// The weights of each class, `[n_classes, n_features]`, row-major, in the units of the features. Those
    /// of a feature sum to 0.
    pub fn coefficients(&self) -> Vec<f64> {
        let (n_columns, k) = (self.map.n_columns, self.map.n_scores());
        let of_class = |class: usize| (0..n_columns).map(move |column| column * k + class);
        if self.map.n_classes == 2 {
            let second = &self.parameters[..n_columns];
            return second.iter().map(|weight| -weight).chain(second.iter().copied()).collect();
        }
        (0..k).flat_map(of_class).map(|at| self.parameters[at]).collect()
    }

    /// The bias of each class, `[n_classes]`; they sum to 0.
    pub fn intercepts(&self) -> Vec<f64> {
        match &self.parameters[self.map.n_weights()..] {
            [second] => vec![-second, *second],
            biases => biases.to_vec(),
        }
    }

    /// How logits become probabilities.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The logits of each row, `[n_rows, n_classes]`.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if the features have another number of columns.
    pub fn logits(&self, rows: &impl Rows) -> Result<Vec<f64>, LinearError> {
        let (found, expected) = (rows.n_columns(), self.n_columns());
        if found != expected {
            return Err(LinearError::Columns { found, expected });
        }
        let mut logits = vec![0.0; rows.n_rows() * self.map.n_classes];
        match &self.expansion {
            None => self.map.logits(&self.parameters, rows, &rows.own_standardisation(), &mut logits),
            Some(expansion) => expansion.logits(&self.map, &self.parameters, rows, &mut logits)?,
        }
        Ok(logits)
    }

    /// The class of each row, `[n_rows]`: with the largest logit, or with the least expected cost where it
    /// decides by [`LinearClassifier::costs`]; of equal ones the first.
    ///
    /// # Errors
    /// As [`LinearClassifier::predictions`].
    pub fn predict(&self, rows: &impl Rows) -> Result<Vec<u32>, LinearError> {
        match self.costs {
            None => Ok(predicted_classes(&self.logits(rows)?, self.map.n_classes)),
            Some(_) => Ok(self.predictions(rows)?.classes),
        }
    }

    /// Classes and probabilities of rows.
    ///
    /// # Errors
    /// As [`LinearClassifier::logits`], and if a logit is not finite.
    pub fn predictions(&self, rows: &impl Rows) -> Result<Predictions, LinearError> {
        Predictions::of(&self.logits(rows)?, self.map.n_classes, self.link, self.costs())
    }

    /// The value of a metric on labelled rows, in its own units: for log loss and cost, less is better.
    ///
    /// # Errors
    /// As [`LinearClassifier::logits`], and if the labels, or the sample weights `[n_rows]`, do not fit the
    /// rows.
    pub fn measure(
        &self,
        metric: &Metric,
        rows: &impl Rows,
        labels: &[u32],
        sample_weight: Option<&[f64]>,
    ) -> Result<f64, LinearError> {
        metric.check(self.n_classes(), true)?;
        if labels.len() != rows.n_rows() {
            return Err(LinearError::Rows { rows: rows.n_rows(), labels: labels.len() });
        }
        let logits = self.logits(rows)?;
        metric.measure(labels, sample_weight, self.n_classes(), &logits, self.link, self.costs())
    }

    /// The probability of each class, `[n_rows, n_classes]`; rows sum to 1.
    ///
    /// # Errors
    /// As [`LinearClassifier::logits`], and if a logit is not finite.
    pub fn probabilities(&self, rows: &impl Rows) -> Result<Vec<f64>, LinearError> {
        Ok(self.link.probabilities(&self.logits(rows)?, self.map.n_classes)?)
    }

    /// The classifier as bytes: safetensors, with a checksum. The same classifier gives the same bytes.
    ///
    /// # Errors
    /// [`LinearError::ModelFile`] if they would be too many for the format.
    ///
    /// # Example
    /// ```
    /// use exact_data::DenseMatrix;
    /// use exact_linear::{Dataset, FitOptions, LinearClassifier, LossSettings, Settings};
    ///
    /// let x = [0.0, 1.0, 2.0, 3.0];
    /// let data = Dataset::new(DenseMatrix::new(x.as_slice(), 1)?, vec![0, 1, 0, 1], 2, None)?;
    /// let settings = Settings::new(LossSettings::default(), 1e-2);
    /// let classifier = LinearClassifier::fit(&data, &settings, &FitOptions::default())?.classifier;
    /// assert_eq!(LinearClassifier::from_bytes("classifier", &classifier.to_bytes()?)?, classifier);
    /// # Ok::<(), exact_linear::LinearError>(())
    /// ```
    pub fn to_bytes(&self) -> Result<Vec<u8>, LinearError> {
        model_file::write(FORMAT, &self.link, &self.tensors())
    }

    /// Reads the bytes of a classifier; `name` is for messages.
    ///
    /// # Errors
    /// [`LinearError::ModelFile`] if they are truncated, altered, of another format or version, or
    /// inconsistent.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, LinearError> {
        let read = || {
            let (link, tensors) = model_file::read(FORMAT, bytes)?;
            Self::of_tensors(tensors, link)
        };
        read().map_err(|problem| LinearError::ModelFile { file: name.into(), problem })
    }

    /// The arrays of its file.
    pub(crate) fn tensors(&self) -> Tensors {
        let LinearMap { n_columns, n_classes } = self.map;
        let mut tensors = Tensors::default();
        tensors.insert(COEFFICIENTS, &[n_classes, n_columns], self.coefficients());
        tensors.insert(INTERCEPTS, &[n_classes], self.intercepts());
        if let Some(costs) = self.costs() {
            tensors.insert(COSTS, &[n_classes, costs.len() / n_classes], costs.to_vec());
        }
        if let Some(expansion) = &self.expansion {
            expansion.write(&mut tensors);
        }
        tensors
    }

    /// The classifier that a file holds, or what is wrong with it.
    pub(crate) fn of_tensors(mut tensors: Tensors, link: Link) -> Result<Self, String> {
        let scale = link.scale();
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(format!("the scale of its probabilities must be positive and finite, got {scale}"));
        }
        if tensors.contains(WEIGHTS) {
            return Self::of_differences(tensors, link);
        }
        let ([n_classes, n_columns], coefficients) = tensors.take(COEFFICIENTS)?;
        let ([n_intercepts], intercepts) = tensors.take(INTERCEPTS)?;
        if n_intercepts != n_classes || n_classes < 2 {
            return Err(format!("it has {n_intercepts} intercepts, its coefficients need {n_classes}"));
        }
        let costs = tensors.contains(COSTS).then(|| tensors.take(COSTS)).transpose()?;
        if let Some(([n_labels, n_predictions], _)) = costs
            && (n_labels != n_classes || !(n_classes..=n_classes + 1).contains(&n_predictions))
        {
            return Err(format!(
                "its costs have the shape [{n_labels}, {n_predictions}], for {n_classes} classes"
            ));
        }
        let costs = costs.map(|([..], costs)| costs.into());
        let expansion = Expansion::read(&mut tensors)?.map(Arc::new);
        if let Some(expansion) = &expansion
            && expansion.n_outputs() != n_columns
        {
            let expected = expansion.n_outputs();
            return Err(format!("it has coefficients of {n_columns} features, its expansion has {expected}"));
        }
        let map = LinearMap { n_columns, n_classes };
        let first = n_classes - map.n_scores();
        let column = |column: usize| {
            let coefficients = &coefficients;
            (first..n_classes).map(move |class| coefficients[class * n_columns + column])
        };
        let weights = (0..n_columns).flat_map(column);
        let parameters = weights.chain(intercepts[first..].iter().copied()).collect();
        Ok(Self { expansion, map, parameters, link, costs })
    }

    /// That of a file of the first or second version: `[n_columns, n_classes - 1]` weights and biases, as
    /// differences to those of class 0.
    fn of_differences(mut tensors: Tensors, link: Link) -> Result<Self, String> {
        let ([n_columns, n_others], weights) = tensors.take(WEIGHTS)?;
        let ([n_biases], biases) = tensors.take(BIASES)?;
        if n_biases != n_others || n_others == 0 {
            return Err(format!("it has {n_biases} biases, its weights need {n_others}"));
        }
        let map = LinearMap { n_columns, n_classes: n_others + 1 };
        let differences = [weights, biases].concat();
        let mut parameters: Vec<f64> = match n_others {
            1 => differences.iter().map(|difference| 0.5 * difference).collect(),
            _ => {
                differences.chunks_exact(n_others).flat_map(|others| [&[0.0][..], others].concat()).collect()
            }
        };
        map.centre(&mut parameters);
        Ok(Self { expansion: None, map, parameters, link, costs: None })
    }
}
