//! Tables in, encoded features out.
//!
//! A [`Source`] is read into a [`Table`]; an [`Encoder`] and a [`LabelEncoder`], fitted on the training table
//! and stored with the model, turn it into [`Features`] and labels.
//!
//! ```
//! use exact_data::{Encoder, EncoderOptions, LabelEncoder, ReadOptions, Source, Table};
//!
//! let text = b"doors,colour,price\n2,red,low\n4,blue,low\n4,red,high\n2,red,high\n";
//! let train = Source::bytes("train.csv", text.as_slice());
//! let train = Table::read(&train, &ReadOptions::with_target("price"))?;
//! let (encoder, _warnings) = Encoder::fit(&train, &EncoderOptions::default())?;
//! let (labels, _warnings) = LabelEncoder::fit(&train, "price")?;
//!
//! // Further data is read as the encoder knows it; columns it does not know are ignored.
//! let new = Source::bytes("new.csv", b"colour,doors,owner\ngreen,3,Ada\n".as_slice());
//! let new = encoder.transform(&Table::read(&new, &encoder.read_options())?)?;
//! assert_eq!(new.dense(), [0.0]); // 3 doors: the mean of training
//! assert_eq!(new.codes(), [exact_data::Features::ABSENT]); // no green in training
//! assert_eq!(labels.transform(&train, "price")?, [1, 1, 0, 0]);
//! # Ok::<(), exact_data::DataError>(())
//! ```
//!
//! Delimited text, JSON, ARFF and LIBSVM are always read. Other files need a feature of this crate, and are
//! refused by its name without it:
//!
//! | feature | reads |
//! |---|---|
//! | `compression` | files that are compressed with gzip, zstd, bzip2 or xz |
//! | `archives` | the only file of a ZIP archive |
//! | `encodings` | text in other encodings than UTF-8 |
//! | `arrays` | NPY, NPZ and safetensors; it also writes embeddings |
//! | `parquet` | Parquet |
//! | `arrow-ipc` | files and streams of Arrow, Feather among them |
//! | `excel` | workbooks of Excel and `LibreOffice` |
//! | `bundled` | the tables that are part of the program (the module `bundled`) |

mod archive;
mod atomic_file;
#[cfg(feature = "bundled")]
pub mod bundled;
mod cells;
mod class_weights;
mod column_kind;
mod compression;
mod cost_matrix;
mod csr_matrix;
mod dense_matrix;
#[cfg(feature = "arrays")]
mod embeddings;
mod encoder;
mod encoding;
mod error;
mod features;
mod file_form;
mod formats;
mod group_folds;
mod guarded;
mod labels;
pub mod message;
mod numbers;
mod origin;
mod paths;
mod plain_number;
mod plan;
mod profile;
mod raw_table;
mod read;
mod source;
mod split;
mod standardisation;
mod table;
mod tensor_file;
mod texts;
mod typed;
mod values;

pub use atomic_file::{check_writable, write_atomically};
pub use class_weights::ClassWeights;
pub use column_kind::ColumnKind;
pub use cost_matrix::CostMatrix;
pub use csr_matrix::CsrMatrix;
pub use dense_matrix::DenseMatrix;
#[cfg(feature = "arrays")]
pub use embeddings::write_embeddings;
pub use encoder::{Encoder, EncoderOptions, StandardisedColumn};
pub use error::{DataError, FIELD_LIMIT, Place, Warning};
pub use features::{Features, Layout};
pub use file_form::FileForm;
pub use group_folds::stratified_group_folds;
pub use guarded::guarded;
pub use labels::{LabelEncoder, sort_names};
pub use numbers::{Indices, Numbers};
pub use paths::{expand, matching};
pub use plan::{Columns, Declared, ReadOptions};
pub use profile::{ColumnProfile, DateFormat, DateOrder, DatePart, NumberFormat, Reading};
pub use source::Source;
pub use split::{Split, folds, split, stratified_folds, stratified_split};
pub use standardisation::is_constant;
pub use table::Table;
pub use tensor_file::{begins_as_tensors, hexadecimal, read_tensors, write_tensors};
pub use values::Values;
