//! How long cross-validated selection takes on a bundled data set, with rows as encoded from its table and as
//! a dense matrix with indicator columns.
//!
//! `cargo bench -p exact-linear --bench selection [-- DATASET]` prints a table; adult unless another set is
//! named. Threads as `RAYON_NUM_THREADS` says.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use exact_data::{DenseMatrix, Encoder, EncoderOptions, Features, LabelEncoder, bundled};
use exact_linear::{Dataset, LossChoice, LossKind, Progress, TrainOptions, Trainer};

/// The rows with the dense columns first and then a column for every code.
fn with_indicators(features: &Features) -> (Vec<f64>, usize) {
    let layout = features.layout();
    let (n_dense, n_blocks) = (layout.n_dense, layout.n_blocks());
    let width = features.n_columns();
    let mut values = vec![0.0; features.n_rows() * width];
    for (row, values) in values.chunks_exact_mut(width).enumerate() {
        values[..n_dense].copy_from_slice(&features.dense()[row * n_dense..][..n_dense]);
        let codes = &features.codes()[row * n_blocks..][..n_blocks];
        for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
            if code != Features::ABSENT {
                values[n_dense + offset + code as usize] = 1.0;
            }
        }
    }
    (values, width)
}

fn main() {
    let name = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let name = name.as_deref().unwrap_or("adult");
    let set = bundled::get(name).unwrap();
    let table = set.train().unwrap();
    let (encoder, _) = Encoder::fit(&table, &EncoderOptions::default()).unwrap();
    let (labels, _) = LabelEncoder::fit(&table, &set.target).unwrap();
    let features = encoder.transform(&table).unwrap();
    let n_classes = labels.n_classes();
    let labels = labels.transform(&table, &set.target).unwrap();
    let (values, width) = with_indicators(&features);
    println!("{name}: {} rows, {width} columns, {n_classes} classes", features.n_rows());
    println!("| rows | loss | seconds | mean score of the folds |");
    println!("|---|---|---:|---:|");
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let matrix = DenseMatrix::new(values.as_slice(), width).unwrap();
        let encoded = Dataset::new(features.clone(), labels.clone(), n_classes, None).unwrap();
        let indicators = Dataset::new(matrix, labels.clone(), n_classes, None).unwrap();
        for (rows, data) in [("encoded", encoded), ("indicators", indicators)] {
            let start = Instant::now();
            let trainer = Trainer::on(data, TrainOptions::default()).unwrap();
            let trained = trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap();
            let seconds = start.elapsed().as_secs_f64();
            println!("| {rows} | {kind} | {seconds:.2} | {:.5} |", trained.cv.mean);
        }
    }
}
