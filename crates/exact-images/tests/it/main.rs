//! Tests of the crate as its users see it, in one program.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bundled;
mod common;
mod download;
mod errors;
mod folders;
mod image_files;
mod parquet;
mod reading;
