//! Metrics of predictions, and the records that training writes and reports read.
