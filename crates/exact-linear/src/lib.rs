//! Linear classifiers trained for expected accuracy: objective, solvers, cross-validated selection and the model file.
