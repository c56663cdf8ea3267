//! Image classifiers on [Burn](burn), trained with the losses of [`exact_core`].
//!
//! A [`Recipe`] says what is trained and how, a [`Trainer`] follows it, and an [`ImageClassifier`] is what
//! comes out. The parts serve other training loops as well: [`loss`], [`models`], [`optim`], [`augment`] and
//! [`batches`].

pub mod augment;
pub mod batches;
mod checkpoint;
mod classifier;
mod device;
pub mod error;
mod file;
mod fine_tuning;
mod kernels;
mod learning_rate;
pub mod loss;
pub mod models;
mod onnx;
pub mod optim;
mod pytorch;
mod recipe;
mod search;
mod shape;
mod train;
mod trainee;

pub use burn;
pub use classifier::{ImageClassifier, Predictions};
pub use device::default_device;
pub use error::VisionError;
pub use exact_core::loss::{LossSettings, RandomScores, WeightedLoss};
pub use fine_tuning::Freeze;
pub use learning_rate::{LearningRate, Shape};
pub use recipe::Recipe;
pub use search::LossSetting;
pub use shape::ImageShape;
pub use train::{StepProgress, Trainer};
