//! A trained classifier with everything that turns a table into its features: what a model file holds.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use exact_core::Link;
use exact_data::{
    ColumnProfile, Encoder, Features, LabelEncoder, Table, begins_as_tensors, write_atomically,
};
use exact_eval::record::{MetricName, Selected, SelectedFeatures};
use serde::{Deserialize, Serialize};

use crate::classifier::LinearClassifier;
use crate::decision::Predictions;
use crate::model_file;
use crate::{LinearError, Trained};

/// What the metadata call it.
const FORMAT: &str = "exact-learn linear classifier";

/// A linear classifier of tables.
///
/// # Example
/// ```
/// use exact_data::{Encoder, EncoderOptions, LabelEncoder, ReadOptions, Source, Table};
/// use exact_linear::{LossChoice, Model, Progress, TrainOptions, Trainer};
///
/// let text: String = (0..40).map(|i| format!("{i},{}\n", if i < 20 { "low" } else { "high" })).collect();
/// let source = Source::bytes("levels.csv", format!("x,level\n{text}").into_bytes());
/// let table = Table::read(&source, &ReadOptions::with_target("level"))?;
/// let (encoder, _) = Encoder::fit(&table, &EncoderOptions::default())?;
/// let (labels, _) = LabelEncoder::fit(&table, "level")?;
/// let (features, codes) = (encoder.transform(&table)?, labels.transform(&table, "level")?);
/// let trainer = Trainer::new(features, codes, labels.n_classes(), TrainOptions::default())?;
/// let trained = trainer.train(LossChoice::Auto, &Progress::ignore)?;
///
/// let model = Model::new(encoder, labels, "level".into(), &trained);
/// let again = Model::from_bytes("levels.safetensors", &model.to_bytes()?)?;
/// let predictions = again.predict(&table)?;
/// assert_eq!(again.labels().classes()[predictions.classes[0] as usize], "low");
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    description: Description,
    classifier: LinearClassifier,
}

/// What a model file says about its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Description {
    encoder: Encoder,
    labels: LabelEncoder,
    target: String,
    loss: String,
    solver: String,
    selected: Selected,
    #[serde(default)]
    features: SelectedFeatures,
    /// What selection went by.
    #[serde(default)]
    metric: MetricName,
    /// The metric over the folds; files have called it so since there was but one metric.
    #[serde(rename = "cross_validated_accuracy")]
    cross_validated: f64,
    /// What the columns of the training table were taken for.
    #[serde(default)]
    columns: Vec<ColumnProfile>,
    #[serde(flatten)]
    link: Link,
}

impl Model {
    /// A trained classifier with the encoders that were fitted on its training table.
    pub fn new(encoder: Encoder, labels: LabelEncoder, target: String, trained: &Trained) -> Self {
        let description = Description {
            encoder,
            labels,
            target,
            loss: trained.loss.name().into(),
            solver: trained.solver.to_string(),
            selected: trained.selected,
            features: trained.features.clone(),
            metric: trained.metric.name(),
            cross_validated: trained.metric.of_score(trained.cv.mean),
            columns: Vec::new(),
            link: trained.classifier.link(),
        };
        Self { description, classifier: trained.classifier.clone() }
    }

    /// With what the columns of the training table were taken for.
    #[must_use]
    pub fn with_columns(mut self, columns: Vec<ColumnProfile>) -> Self {
        self.description.columns = columns;
        self
    }

    /// What the columns of the training table were taken for; none if that was not kept.
    pub fn columns(&self) -> &[ColumnProfile] {
        &self.description.columns
    }

    /// The hyper-parameters that cross-validation chose.
    pub fn selected(&self) -> &Selected {
        &self.description.selected
    }

    /// What the columns are expanded to.
    pub fn features(&self) -> &SelectedFeatures {
        &self.description.features
    }

    /// What selection went by.
    pub fn metric(&self) -> MetricName {
        self.description.metric
    }

    /// The metric over the folds at these hyper-parameters, in its own units.
    pub fn cross_validated(&self) -> f64 {
        self.description.cross_validated
    }

    /// The name of the optimiser.
    pub fn solver(&self) -> &str {
        &self.description.solver
    }

    /// The encoding of feature columns.
    pub fn encoder(&self) -> &Encoder {
        &self.description.encoder
    }

    /// The encoding of the target column.
    pub fn labels(&self) -> &LabelEncoder {
        &self.description.labels
    }

    /// The name of the target column.
    pub fn target(&self) -> &str {
        &self.description.target
    }

    /// The name of the loss that the classifier was trained with.
    pub fn loss(&self) -> &str {
        &self.description.loss
    }

    /// The classifier of encoded features.
    pub fn classifier(&self) -> &LinearClassifier {
        &self.classifier
    }

    /// Classes and probabilities of a table's rows.
    ///
    /// # Errors
    /// [`LinearError::Data`] if the table lacks a column or has one of another kind.
    pub fn predict(&self, table: &Table) -> Result<Predictions, LinearError> {
        self.predict_features(&self.description.encoder.transform(table)?)
    }

    /// Classes and probabilities of encoded rows.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if they are not of this model's encoder.
    pub fn predict_features(&self, features: &Features) -> Result<Predictions, LinearError> {
        self.classifier.predictions(features)
    }

    /// The bytes of the model file.
    ///
    /// # Errors
    /// [`LinearError::ModelFile`] if the file would be too large for the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LinearError> {
        model_file::write(FORMAT, &self.description, &self.classifier.tensors())
    }

    /// Reads the bytes of a model file; `name` is for messages.
    ///
    /// # Errors
    /// [`LinearError::ModelFile`] if they are truncated, altered, of another format or version, or
    /// inconsistent.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, LinearError> {
        let fail = |problem: String| LinearError::ModelFile { file: name.into(), problem };
        let (description, tensors) = model_file::read::<Description>(FORMAT, bytes).map_err(fail)?;
        description.encoder.validate().map_err(|error| fail(error.to_string()))?;
        description.labels.validate().map_err(|error| fail(error.to_string()))?;
        let classifier = LinearClassifier::of_tensors(tensors, description.link).map_err(fail)?;
        let found = [classifier.n_classes(), classifier.n_columns()];
        let expected = [description.labels.n_classes(), description.encoder.n_columns()];
        if found != expected {
            return Err(fail(format!(
                "its coefficients have the shape {found:?}, its labels and encoder need {expected:?}"
            )));
        }
        Ok(Self { description, classifier })
    }

    /// Writes the model file: to a temporary file beside it first, so that an error leaves no half-written
    /// file.
    ///
    /// # Errors
    /// [`LinearError::Data`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), LinearError> {
        let bytes = self.to_bytes()?;
        Ok(write_atomically(path, |file| file.write_all(&bytes))?)
    }

    /// Whether a file begins as those that this project writes.
    pub fn is_model(path: &Path) -> bool {
        let mut head = [0; 64];
        let read = File::open(path).and_then(|mut file| file.read(&mut head));
        read.is_ok_and(|length| begins_as_tensors(&head[..length]))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`LinearError::Read`] if the file cannot be read, and as [`Model::from_bytes`].
    pub fn load(path: &Path) -> Result<Self, LinearError> {
        let bytes = std::fs::read(path).map_err(|source| LinearError::Read { path: path.into(), source })?;
        Self::from_bytes(&path.display().to_string(), &bytes)
    }
}
