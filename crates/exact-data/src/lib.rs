//! Tables in, encoded features out; and labelled images.
//!
//! A [`Source`] is read into a [`Table`]; an [`Encoder`] and a [`LabelEncoder`], fitted on the training table and
//! stored with the model, turn it into [`Features`] and labels.
//!
//! ```
//! use exact_data::{Encoder, EncoderOptions, LabelEncoder, ReadOptions, Source, Table};
//!
//! let train = Source::bytes("train.csv", b"doors,colour,price\n2,red,low\n4,blue,low\n4,red,high\n2,red,high\n".as_slice());
//! let train = Table::read(&train, &ReadOptions::with_target("price"))?;
//! let (encoder, _warnings) = Encoder::fit(&train, &EncoderOptions::default())?;
//! let labels = LabelEncoder::fit(&train, "price")?;
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
//! [`ImageDataset::open`] reads labelled images to train and test on from a folder, whose format it recognises.

mod arrays;
mod atomic_file;
pub mod bundled;
mod column_kind;
mod csr_matrix;
mod csv;
mod dense_matrix;
mod encoder;
mod error;
mod features;
mod images;
mod labels;
mod numbers;
mod read;
mod source;
mod split;
mod table;
mod tensor_file;

pub use arrays::write_embeddings;
pub use atomic_file::{check_writable, write_atomically};
pub use column_kind::ColumnKind;
pub use csr_matrix::CsrMatrix;
pub use dense_matrix::DenseMatrix;
pub use encoder::{Encoder, EncoderOptions, StandardisedColumn};
pub use error::{DataError, FIELD_LIMIT, Place, Warning};
pub use features::{Features, Layout};
pub use images::{
    ChannelStatistics, DownloadProgress, ImageDataset, ImageSet, ImageSetFile, ImageSize, Images,
};
pub use labels::LabelEncoder;
pub use numbers::{Indices, Numbers};
pub use read::{Columns, ReadOptions};
pub use source::Source;
pub use split::{Split, folds, split, stratified_folds, stratified_split};
pub use table::Table;
pub use tensor_file::{read_tensors, write_tensors};
