//! Classifiers of tables: files and columns in memory, encoded and trained on as the command line does.

mod arguments;
mod columns;
mod error;
mod inputs;
mod model;

pub use model::TableModel;
