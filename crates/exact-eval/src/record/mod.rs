//! What training produces and reports and the command line consume: plain data, stable names.
//!
//! Accuracies and other rates are fractions in `0..=1`. JSON has no NaN: a value that is not known is `None`,
//! which is written as `null`.

mod benchmark;
mod columns;
mod image_comparison;
mod images;
mod loss;
mod metric;
mod runs;
mod shape_functions;
mod spread;
mod toy;

pub use benchmark::{
    BenchmarkRecord, BenchmarkResult, BenchmarkSetRecord, BenchmarkSettings, BenchmarkTests, FriedmanRecord,
    MethodPairRecord, MethodRecord,
};
pub use columns::ColumnRecord;
pub use image_comparison::{
    ImageCompareRecord, ImageCompareRow, LossSettingRecord, PairedRecord, TrialRecord,
};
pub use images::{
    EpochRecord, ImageDataRecord, ImageEvaluateRecord, ImageTrainRecord, Mistake, NetworkRun, TrainingRecord,
    ValidationMetrics, test_spread, validation_spread,
};
pub use loss::{CrossValidation, LossRecord, Selected, SelectedFeatures, TestMetrics, TrainMetrics};
pub use metric::{MetricName, UnknownMetric};
pub use runs::{CompareRecord, DataRecord, FitRecord, SigmaPathPoint};
pub use shape_functions::{ColumnUnit, ShapeCurve, ShapeFunctionRecord};
pub use spread::Spread;
pub use toy::{ToyCurve, ToyRecord, ToyRun};
