//! Cubic B-splines of numbers, penalised by their second differences (Eilers and Marx 1996).
//!
//! A column gets a curve `f(x) = Σ_k a_k B_k(x)` beside its straight line. Its penalty is `aᵀ (M + c DᵀD) a`,
//! with the covariance `M` of the basis over the rows and second differences `D`: the variance of the curve,
//! as for a standardised column, and its roughness. With the Cholesky factor `L Lᵀ = M + c DᵀD` and `a = L⁻ᵀ
//! θ` it is `‖θ‖²`, so that curves are columns `B L⁻ᵀ` with the penalty that all columns have. The basis sums
//! to 1, which is the bias, so its last function is left out.

use exact_data::Features;
use rayon::prelude::*;

use super::triangular::{cholesky, inverse};
use super::{Shape, append_dense, integers, with_dense};
use crate::LinearError;
use crate::model_file::Tensors;

/// Knots between the smallest and the largest value.
const KNOTS: usize = 8;
/// Distinct values of a column that a curve is worth.
const MIN_DISTINCT: usize = 4;
const DEGREE: usize = 3;
/// Columns that a curve has at most.
pub(super) const MAX_BASIS: usize = KNOTS + DEGREE;
/// The roughness in the penalty, beside the variance.
const ROUGHNESS: f64 = 0.1;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Splines {
    curves: Vec<Curve>,
}

/// The curve of a dense column.
#[derive(Debug, Clone, PartialEq)]
struct Curve {
    column: usize,
    /// With the ends repeated.
    knots: Vec<f64>,
    /// Of the basis, `[n_basis]`.
    mean: Vec<f64>,
    /// From the basis to columns, `[n_basis, n_basis]`.
    transform: Vec<f64>,
}

impl Splines {
    /// Curves of the dense columns with enough distinct values; `None` if there are none.
    pub fn fit(features: &Features) -> Option<Self> {
        let n_dense = features.layout().n_dense;
        let curves: Vec<Curve> = (0..n_dense)
            .into_par_iter()
            .filter_map(|column| {
                let values = features.dense().iter().skip(column).step_by(n_dense);
                Curve::fit(column, &values.copied().collect::<Vec<f64>>())
            })
            .collect();
        (!curves.is_empty()).then_some(Self { curves })
    }

    /// Columns beside those there were.
    pub fn n_new(&self) -> usize {
        self.curves.iter().map(Curve::n_basis).sum()
    }

    /// The dense column of each of these.
    pub fn origins(&self) -> impl Iterator<Item = usize> {
        self.curves.iter().flat_map(|curve| std::iter::repeat_n(curve.column, curve.n_basis()))
    }

    pub fn names(&self, dense: &[String]) -> Vec<String> {
        let name = |curve: &Curve, number: usize| format!("curve {} of {}", number + 1, dense[curve.column]);
        let of_curve = |curve| (0..Curve::n_basis(curve)).map(move |number| name(curve, number));
        self.curves.iter().flat_map(of_curve).collect()
    }

    pub fn apply(&self, features: &Features) -> Result<Features, LinearError> {
        let dense = append_dense(features, self.n_new(), |x, mut new| {
            for curve in &self.curves {
                let (out, rest) = new.split_at_mut(curve.n_basis());
                curve.write(x[curve.column], out);
                new = rest;
            }
        });
        with_dense(features, self.n_new(), dense)
    }

    /// Adds the scores of a column's curve at values, `[n_values, n_scores]`, up to a constant. The weights
    /// are those of all curves, `[n_new, n_scores]`.
    pub fn add_scores(
        &self,
        column: usize,
        values: &[f64],
        weights: &[f64],
        n_scores: usize,
        scores: &mut [f64],
    ) {
        let mut weights = weights.chunks_exact(n_scores);
        for curve in &self.curves {
            let n = curve.n_basis();
            let of_curve: Vec<&[f64]> = weights.by_ref().take(n).collect();
            if curve.column != column {
                continue;
            }
            // From weights of the columns to those of the basis, `a = L⁻ᵀ θ`.
            let mut of_basis = vec![0.0; n * n_scores];
            for (transform, sums) in curve.transform.chunks_exact(n).zip(of_basis.chunks_exact_mut(n_scores))
            {
                for (factor, weights) in transform.iter().zip(&of_curve) {
                    for (sum, weight) in sums.iter_mut().zip(*weights) {
                        *sum += factor * weight;
                    }
                }
            }
            for (value, scores) in values.iter().zip(scores.chunks_exact_mut(n_scores)) {
                let (start, basis) = curve.basis(*value);
                for (value, weights) in basis.iter().zip(of_basis.chunks_exact(n_scores).skip(start)) {
                    for (score, weight) in scores.iter_mut().zip(weights) {
                        *score += value * weight;
                    }
                }
            }
        }
    }
}

/// The arrays of a model file: those of the curves one behind the other.
const COLUMNS: &str = "splines.columns";
const KNOTS_OF_COLUMNS: &str = "splines.knots";
const MEANS: &str = "splines.means";
const TRANSFORMS: &str = "splines.transforms";

impl Splines {
    pub fn is_in(tensors: &Tensors) -> bool {
        tensors.contains(COLUMNS)
    }

    pub fn write(&self, tensors: &mut Tensors) {
        let columns = self.curves.iter().flat_map(|curve| [curve.column, curve.n_basis()]);
        tensors.insert(COLUMNS, &[self.curves.len(), 2], columns.map(|n| n as f64).collect());
        let mut joined = |name, of: fn(&Curve) -> &[f64]| {
            let values: Vec<f64> = self.curves.iter().flat_map(of).copied().collect();
            tensors.insert(name, &[values.len()], values);
        };
        joined(KNOTS_OF_COLUMNS, |curve| &curve.knots);
        joined(MEANS, |curve| &curve.mean);
        joined(TRANSFORMS, |curve| &curve.transform);
    }

    /// `None` if the arrays do not fit together.
    pub fn read(tensors: &mut Tensors, shape: &Shape) -> Result<Option<Self>, String> {
        let (_, columns) = tensors.take::<2>(COLUMNS)?;
        let [knots, means, transforms] = [
            tensors.take::<1>(KNOTS_OF_COLUMNS)?.1,
            tensors.take::<1>(MEANS)?.1,
            tensors.take::<1>(TRANSFORMS)?.1,
        ];
        let of_arrays = || {
            let (mut knots, mut means, mut transforms) = (&knots[..], &means[..], &transforms[..]);
            let mut curves = Vec::new();
            for pair in integers(&columns)?.as_chunks::<2>().0 {
                let [column, n] = *pair;
                let curve = Curve {
                    column,
                    knots: knots.split_off(..n.checked_add(DEGREE + 2)?)?.to_vec(),
                    mean: means.split_off(..n)?.to_vec(),
                    transform: transforms.split_off(..n.checked_mul(n)?)?.to_vec(),
                };
                let rising = curve.knots.is_sorted() && curve.knots.first() < curve.knots.last();
                curves.push(Some(curve).filter(|_| rising && column < shape.n_dense && n >= DEGREE)?);
            }
            Some(Self { curves })
        };
        Ok(of_arrays())
    }
}

impl Curve {
    fn fit(column: usize, values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut distinct = sorted.clone();
        distinct.dedup();
        if distinct.len() < MIN_DISTINCT {
            return None;
        }
        let (first, last) = (distinct[0], distinct[distinct.len() - 1]);
        // At quantiles of the rows, but of the distinct values where many rows have the same.
        let quantiles = |of: &[f64]| -> Vec<f64> {
            let n = KNOTS.min(distinct.len() - 2);
            let mut knots: Vec<f64> = (1..=n).map(|k| of[k * (of.len() - 1) / (n + 1)]).collect();
            knots.dedup();
            knots.retain(|knot| *knot > first && *knot < last);
            knots
        };
        let (of_rows, of_values) = (quantiles(&sorted), quantiles(&distinct));
        let inner = if of_rows.len() * 2 < of_values.len() { of_values } else { of_rows };
        let ends = |end: f64| [end; DEGREE + 1];
        let knots = [&ends(first)[..], &inner, &ends(last)].concat();
        let n = knots.len() - DEGREE - 2;
        let mut curve = Self { column, knots, mean: vec![0.0; n], transform: Vec::new() };

        let mut penalty = vec![0.0; n * n];
        let mut mean = vec![0.0; n];
        let share = 1.0 / values.len() as f64;
        for &value in values {
            let (start, basis) = curve.basis(value);
            for (i, a) in basis.iter().enumerate().filter(|(i, _)| start + i < n) {
                mean[start + i] += share * a;
                for (j, b) in basis[..=i].iter().enumerate() {
                    penalty[(start + i) * n + start + j] += share * a * b;
                }
            }
        }
        for i in 0..n {
            for j in 0..=i {
                penalty[i * n + j] -= mean[i] * mean[j];
            }
        }
        // Second differences of all coefficients, of which the last is 0.
        for row in 0..n - 1 {
            let difference = [(row, 1.0), (row + 1, -2.0), (row + 2, 1.0)];
            for (i, a) in difference {
                for (j, b) in difference {
                    if j <= i && i < n {
                        penalty[i * n + j] += ROUGHNESS * a * b;
                    }
                }
            }
        }
        cholesky(&mut penalty, n, 1e-9);
        let lower = inverse(&penalty, n);
        curve.transform = (0..n * n).map(|at| lower[at % n * n + at / n]).collect();
        curve.mean = mean;
        Some(curve)
    }

    fn n_basis(&self) -> usize {
        self.mean.len()
    }

    /// The functions of the basis that are not 0 at a value, and the number of the first (de Boor 1978).
    /// Outside the knots the values are those at the ends.
    fn basis(&self, value: f64) -> (usize, [f64; DEGREE + 1]) {
        let knots = &self.knots;
        let (first, last) = (DEGREE, knots.len() - DEGREE - 2);
        let x = value.clamp(knots[first], knots[last + 1]);
        let interval = (knots.partition_point(|knot| *knot <= x) - 1).clamp(first, last);
        let mut basis = [1.0, 0.0, 0.0, 0.0];
        for degree in 1..=DEGREE {
            let mut saved = 0.0;
            for r in 0..degree {
                let (right, left) = (knots[interval + r + 1], knots[interval + 1 + r - degree]);
                let term = basis[r] / (right - left);
                basis[r] = saved + (right - x) * term;
                saved = (x - left) * term;
            }
            basis[degree] = saved;
        }
        (interval - DEGREE, basis)
    }

    /// Writes the columns of a value.
    fn write(&self, value: f64, out: &mut [f64]) {
        let n = self.n_basis();
        let (start, basis) = self.basis(value);
        let mut row = self.mean.iter().map(|mean| -mean).collect::<Vec<f64>>();
        for (k, value) in basis.iter().enumerate().filter(|(k, _)| start + k < n) {
            row[start + k] += value;
        }
        for (k, value) in row.iter().enumerate() {
            for (out, weight) in out.iter_mut().zip(&self.transform[k * n..][..n]) {
                *out += value * weight;
            }
        }
    }
}
