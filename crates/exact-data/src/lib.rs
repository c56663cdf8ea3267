//! Tables in, encoded features out: CSV, column kinds, encodings fitted on train, splits, folds and bundled data.
