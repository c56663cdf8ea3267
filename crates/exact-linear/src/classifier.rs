//! The linear classifier itself: weights in, logits, classes and probabilities out.

use exact_core::{Link, predicted_classes};

use crate::LinearError;
use crate::dataset::Dataset;
use crate::model_file::{self, Contents};
use crate::rows::{Inputs, Rows};
use crate::shape::LinearMap;

/// What the metadata of its bytes call it.
const FORMAT: &str = "exact-learn linear classifier of matrices";

/// Linear logits: `logit_c = x · w_c + b_c`, with the logit of class 0 fixed at 0. The columns `x` are what
/// it was trained on: standardised features as their encoder gives them, or a matrix as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearClassifier {
    pub(crate) map: LinearMap,
    /// `[n_columns, n_classes - 1]` weights, row-major, then the biases.
    pub(crate) parameters: Vec<f64>,
    pub(crate) link: Link,
}

impl LinearClassifier {
    /// The classifier of rows as they are, from parameters for standardised ones.
    pub(crate) fn of(data: &Dataset<'_>, parameters: &[f64], link: Link) -> Self {
        let map = data.map();
        let parameters = match &data.inputs {
            // Features are standardised wherever they go.
            Inputs::Encoded(_) => parameters[..map.n_parameters()].to_vec(),
            _ => data.standardisation.fold(&map, parameters),
        };
        Self { map, parameters, link }
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.map.n_classes
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.map.n_columns
    }

    /// The weights of the classes from 1 on, `[n_columns, n_classes - 1]`, row-major.
    pub fn weights(&self) -> &[f64] {
        &self.parameters[..self.map.n_weights()]
    }

    /// The biases of the classes from 1 on, `[n_classes - 1]`.
    pub fn biases(&self) -> &[f64] {
        &self.parameters[self.map.n_weights()..]
    }

    /// The weights of each class, `[n_classes, n_columns]`, row-major, in the units of the columns. Those of
    /// class 0 are 0: the others are differences to it, and for two classes the second row is the usual
    /// single one.
    pub fn coefficients(&self) -> Vec<f64> {
        let (n_columns, k) = (self.map.n_columns, self.map.n_free());
        let mut coefficients = vec![0.0; n_columns];
        coefficients.extend(
            (0..k)
                .flat_map(|class| (0..n_columns).map(move |column| (class, column)))
                .map(|(class, column)| self.parameters[column * k + class]),
        );
        coefficients
    }

    /// The bias of each class, `[n_classes]`; that of class 0 is 0.
    pub fn intercepts(&self) -> Vec<f64> {
        [&[0.0], self.biases()].concat()
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
        let (found, expected) = (rows.n_columns(), self.map.n_columns);
        if found != expected {
            return Err(LinearError::Columns { found, expected });
        }
        let mut logits = vec![0.0; rows.n_rows() * self.map.n_classes];
        self.map.logits(&self.parameters, rows, &rows.own_standardisation(), &mut logits);
        Ok(logits)
    }

    /// The class with the largest logit of each row, `[n_rows]`; of equal ones the first.
    ///
    /// # Errors
    /// As [`LinearClassifier::logits`].
    pub fn predict(&self, rows: &impl Rows) -> Result<Vec<u32>, LinearError> {
        Ok(predicted_classes(&self.logits(rows)?, self.map.n_classes))
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
        model_file::write(FORMAT, &self.link, &self.contents())
    }

    /// Reads the bytes of a classifier; `name` is for messages.
    ///
    /// # Errors
    /// [`LinearError::ModelFile`] if they are truncated, altered, of another format or version, or
    /// inconsistent.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, LinearError> {
        let read = || {
            let (link, contents) = model_file::read(FORMAT, bytes)?;
            Self::of_contents(contents, link)
        };
        read().map_err(|problem| LinearError::ModelFile { file: name.into(), problem })
    }

    /// The tensors of its file.
    pub(crate) fn contents(&self) -> Contents {
        Contents {
            shape: [self.map.n_columns, self.map.n_free()],
            weights: self.weights().to_vec(),
            biases: self.biases().to_vec(),
        }
    }

    /// The classifier that a file holds, or what is wrong with it.
    pub(crate) fn of_contents(contents: Contents, link: Link) -> Result<Self, String> {
        let Contents { shape: [n_columns, n_free], weights, biases } = contents;
        if biases.len() != n_free {
            return Err(format!("it has {} biases, its weights need {n_free}", biases.len()));
        }
        let parameters = [weights, biases].concat();
        if !parameters.iter().all(|parameter| parameter.is_finite()) {
            return Err("it has weights that are not finite".into());
        }
        let scale = link.scale();
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(format!("the scale of its probabilities must be positive and finite, got {scale}"));
        }
        Ok(Self { map: LinearMap { n_columns, n_classes: n_free + 1 }, parameters, link })
    }
}
