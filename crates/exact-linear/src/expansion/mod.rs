//! Basis expansions: what stands between the columns of rows and the linear map, so that linear scores are
//! curves, products or bumps of the columns (Hastie, Tibshirani and Friedman, *The Elements of Statistical
//! Learning*, chapter 5).
//!
//! An expansion is fitted to the rows trained on and turns encoded rows into others with more columns. What
//! it does not expand stays as it is: the columns of `linear` are always among the others.

mod cells;
mod crossings;
mod interactions;
mod nystroem;
mod screen;
mod splines;
mod triangular;

use std::borrow::Cow;

use exact_data::{Features, Layout};
use rayon::prelude::*;

use self::cells::Cells;
use self::interactions::Interactions;
use self::nystroem::Nystroem;
use self::splines::Splines;
use crate::LinearError;
use crate::feature_choice::FeatureKind;
use crate::model_file::Tensors;
use crate::rows::{Inputs, Kernel};
use crate::shape::LinearMap;
use crate::standardisation::Standardisation;

/// What is to be fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Basis {
    Linear,
    Splines,
    Interactions,
    /// With a bandwidth in units of the median distance of rows.
    Kernel {
        bandwidth: f64,
    },
    Cells,
}

/// Bandwidths to choose from.
const BANDWIDTHS: [f64; 3] = [1.0, 0.5, 0.25];

impl Basis {
    /// Those of a kind, the smoothest first.
    pub fn of(kind: FeatureKind) -> Vec<Self> {
        match kind {
            FeatureKind::Linear => vec![Self::Linear],
            FeatureKind::Splines => vec![Self::Splines],
            FeatureKind::Interactions => vec![Self::Interactions],
            FeatureKind::Kernel => BANDWIDTHS.map(|bandwidth| Self::Kernel { bandwidth }).into(),
            FeatureKind::Cells => vec![Self::Cells],
        }
    }

    pub fn kind(self) -> FeatureKind {
        match self {
            Self::Linear => FeatureKind::Linear,
            Self::Splines => FeatureKind::Splines,
            Self::Interactions => FeatureKind::Interactions,
            Self::Kernel { .. } => FeatureKind::Kernel,
            Self::Cells => FeatureKind::Cells,
        }
    }

    /// Whether few of the columns may be enough: a kernel needs all of its own, and products and cells are
    /// many already.
    pub fn is_sparse(self) -> bool {
        matches!(self, Self::Linear | Self::Splines)
    }

    /// Columns of numbers at most that rows have once those that they have are expanded, to be compared with
    /// others or to be kept.
    pub fn max_columns(self, n_dense: usize, n_rows: usize, compared: bool) -> usize {
        n_dense
            + match self {
                Self::Linear => 0,
                Self::Splines => n_dense * splines::MAX_BASIS,
                Self::Interactions => interactions::max_columns(n_rows),
                Self::Kernel { .. } => nystroem::max_landmarks(n_rows, compared),
                Self::Cells => cells::max_columns(n_dense, n_rows),
            }
    }

    pub fn bandwidth(self) -> Option<f64> {
        if let Self::Kernel { bandwidth } = self { Some(bandwidth) } else { None }
    }
}

/// A fitted expansion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expansion {
    /// Of the columns of a matrix, in front of the expansion; encoded columns are standardised already.
    standardisation: Standardisation,
    shape: Shape,
    fitted: Fitted,
}

/// The columns that are expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    n_columns: usize,
    n_dense: usize,
    /// As in [`exact_data::Layout`].
    block_offsets: Vec<usize>,
}

impl Shape {
    fn of(features: &Features) -> Self {
        let layout = features.layout();
        Self {
            n_columns: layout.n_columns(),
            n_dense: layout.n_dense,
            block_offsets: layout.block_offsets.clone(),
        }
    }

    fn n_blocks(&self) -> usize {
        self.block_offsets.len() - 1
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Fitted {
    Splines(Splines),
    Interactions(Interactions),
    Kernel(Nystroem),
    Cells(Cells),
}

/// The rows that an expansion is fitted to.
pub(crate) struct Sample<'a> {
    pub inputs: &'a Inputs<'a>,
    pub standardisation: &'a Standardisation,
    pub labels: &'a [u32],
    pub n_classes: usize,
    /// What the labels lack of the probabilities of a linear classifier, `[n_rows, n_classes]`: what products
    /// are to explain.
    pub residuals: &'a dyn Fn() -> Result<Vec<f64>, LinearError>,
    pub seed: u64,
    /// Whether the expansion is to be compared with others, on a fold.
    pub compared: bool,
}

impl Expansion {
    /// Fits an expansion; `None` if the rows have nothing that it could expand, or for `linear`.
    pub fn fit(basis: Basis, sample: &Sample<'_>) -> Result<Option<Self>, LinearError> {
        let standardisation = match sample.inputs {
            Inputs::Encoded(features) => Standardisation::none(features.n_columns()),
            _ => sample.standardisation.clone(),
        };
        let features = sample.inputs.encoded(&standardisation)?;
        let fitted = match basis {
            Basis::Linear => None,
            Basis::Splines => Splines::fit(&features).map(Fitted::Splines),
            Basis::Interactions => {
                let Sample { labels, n_classes, residuals, .. } = *sample;
                Interactions::fit(&features, labels, residuals, n_classes)?.map(Fitted::Interactions)
            }
            Basis::Kernel { bandwidth } => {
                Nystroem::fit(&features, bandwidth, sample.seed, sample.compared).map(Fitted::Kernel)
            }
            Basis::Cells => Cells::fit(&features, sample.labels, sample.n_classes)?.map(Fitted::Cells),
        };
        let shape = Shape::of(&features);
        Ok(fitted.map(|fitted| Self { standardisation, shape, fitted }))
    }

    /// The number of columns that it takes.
    pub fn n_inputs(&self) -> usize {
        self.shape.n_columns
    }

    /// The number of columns that it makes.
    pub fn n_outputs(&self) -> usize {
        self.shape.n_columns
            + match &self.fitted {
                Fitted::Splines(splines) => splines.n_new(),
                Fitted::Interactions(interactions) => interactions.n_new(),
                Fitted::Kernel(kernel) => kernel.n_new(),
                Fitted::Cells(cells) => cells.n_new(),
            }
    }

    /// The names of the columns that it makes, from those of the columns that it takes.
    pub fn names(&self, inputs: &[String]) -> Vec<String> {
        let (dense, others) = inputs.split_at(self.shape.n_dense);
        let (indicators, sparse) = others.split_at(*self.shape.block_offsets.last().unwrap_or(&0));
        let [new_dense, new_indicators, new_sparse] = match &self.fitted {
            Fitted::Splines(splines) => [splines.names(dense), Vec::new(), Vec::new()],
            Fitted::Interactions(interactions) => {
                interactions.names(dense, indicators, &self.shape.block_offsets)
            }
            Fitted::Kernel(kernel) => [kernel.names(), Vec::new(), Vec::new()],
            Fitted::Cells(cells) => {
                [Vec::new(), cells.names(dense, indicators, &self.shape.block_offsets), Vec::new()]
            }
        };
        [dense, &new_dense, indicators, &new_indicators, sparse, &new_sparse].concat()
    }

    /// Rows as they are before the expansion, standardised.
    pub fn inputs<'a>(&self, rows: &'a (impl Kernel + ?Sized)) -> Result<Cow<'a, Features>, LinearError> {
        let features = rows.encoded(&self.standardisation)?;
        if Shape::of(&features) != self.shape {
            let (found, expected) = (features.n_columns(), self.shape.n_columns);
            return Err(LinearError::Columns { found, expected });
        }
        Ok(features)
    }

    /// The value of a column as rows have it, from its standardised one.
    pub fn original(&self, column: usize, value: f64) -> f64 {
        self.standardisation.original(column, value)
    }

    /// Whether scores are sums of functions of one column each.
    pub fn has_curves(&self) -> bool {
        matches!(self.fitted, Fitted::Splines(_))
    }

    /// The columns of curves among those that it makes, each with the dense column that it is a curve of.
    pub fn columns_of_curves(&self) -> Vec<(usize, usize)> {
        match &self.fitted {
            Fitted::Splines(splines) => (self.shape.n_dense..).zip(splines.origins()).collect(),
            Fitted::Interactions(_) | Fitted::Kernel(_) | Fitted::Cells(_) => Vec::new(),
        }
    }

    /// What a dense column adds to the scores where it has these values, `[n_values, n_scores]`, by its line
    /// and its curve, up to a constant.
    pub fn scores_of_column(
        &self,
        column: usize,
        values: &[f64],
        parameters: &[f64],
        n_scores: usize,
    ) -> Vec<f64> {
        let slopes = &parameters[column * n_scores..][..n_scores];
        let mut scores: Vec<f64> =
            values.iter().flat_map(|value| slopes.iter().map(move |slope| value * slope)).collect();
        if let Fitted::Splines(splines) = &self.fitted {
            let weights = &parameters[self.shape.n_dense * n_scores..];
            splines.add_scores(column, values, weights, n_scores, &mut scores);
        }
        scores
    }

    /// The expanded rows.
    pub fn apply(&self, rows: &(impl Kernel + ?Sized)) -> Result<Features, LinearError> {
        let features = self.inputs(rows)?;
        Ok(match &self.fitted {
            Fitted::Splines(splines) => splines.apply(&features)?,
            Fitted::Interactions(interactions) => interactions.apply(&features)?,
            Fitted::Kernel(kernel) => kernel.apply(&features)?,
            Fitted::Cells(cells) => cells.apply(&features)?,
        })
    }

    /// Writes the logits of rows, `[n_rows, n_classes]`, given the linear map of the expanded columns and its
    /// parameters.
    pub fn logits(
        &self,
        map: &LinearMap,
        parameters: &[f64],
        rows: &(impl Kernel + ?Sized),
        logits: &mut [f64],
    ) -> Result<(), LinearError> {
        let Fitted::Kernel(kernel) = &self.fitted else {
            let rows = self.apply(rows)?;
            map.logits(parameters, &rows, &rows.own_standardisation(), logits);
            return Ok(());
        };
        // The landmarks of a row's kernel are many, so that it is not expanded.
        let features = self.inputs(rows)?;
        let k = map.n_scores();
        let (dense, others) = parameters.split_at(self.shape.n_dense * k);
        let (of_kernel, others) = others.split_at(kernel.n_new() * k);
        let inner = LinearMap { n_columns: self.shape.n_columns, ..*map };
        let standardisation = features.own_standardisation();
        inner.logits(&[dense, others].concat(), features.as_ref(), &standardisation, logits);
        kernel.add_logits(&features, of_kernel, map, logits);
        Ok(())
    }

    /// Adds the arrays of a model file.
    pub fn write(&self, tensors: &mut Tensors) {
        let Shape { n_columns, n_dense, block_offsets } = &self.shape;
        let (mean, factors) = self.standardisation.arrays();
        let shape: Vec<f64> =
            [n_columns, n_dense].into_iter().chain(block_offsets).map(|n| *n as f64).collect();
        tensors.insert(SHAPE, &[shape.len()], shape);
        tensors.insert(MEAN, &[mean.len()], mean);
        tensors.insert(FACTORS, &[factors.len()], factors);
        match &self.fitted {
            Fitted::Splines(splines) => splines.write(tensors),
            Fitted::Interactions(interactions) => interactions.write(tensors),
            Fitted::Kernel(kernel) => kernel.write(tensors),
            Fitted::Cells(cells) => cells.write(tensors),
        }
    }

    /// Takes the expansion out of the arrays of a model file, or says what is wrong with it; `None` if the
    /// model has none.
    pub fn read(tensors: &mut Tensors) -> Result<Option<Self>, String> {
        if !tensors.contains(SHAPE) {
            return Ok(None);
        }
        let damaged = || "its expansion of the columns is inconsistent".to_owned();
        let shape = integers(&tensors.take::<1>(SHAPE)?.1).ok_or_else(damaged)?;
        let [n_columns, n_dense, block_offsets @ ..] = &shape[..] else { return Err(damaged()) };
        let shape = Shape { n_columns: *n_columns, n_dense: *n_dense, block_offsets: block_offsets.to_vec() };
        let n_indicators = block_offsets.last().copied().ok_or_else(damaged)?;
        if block_offsets[0] != 0
            || !block_offsets.is_sorted()
            || shape.n_dense.checked_add(n_indicators).is_none_or(|n| n > shape.n_columns)
        {
            return Err(damaged());
        }
        let (_, mean) = tensors.take::<1>(MEAN)?;
        let (_, factors) = tensors.take::<1>(FACTORS)?;
        let standardisation = Standardisation::of_arrays(*n_columns, mean, &factors).ok_or_else(damaged)?;
        let fitted = if Splines::is_in(tensors) {
            Splines::read(tensors, &shape)?.map(Fitted::Splines)
        } else if Nystroem::is_in(tensors) {
            Nystroem::read(tensors, &shape)?.map(Fitted::Kernel)
        } else if Cells::is_in(tensors) {
            Cells::read(tensors, &shape)?.map(Fitted::Cells)
        } else {
            Interactions::read(tensors, &shape)?.map(Fitted::Interactions)
        };
        Ok(Some(Self { standardisation, shape, fitted: fitted.ok_or_else(damaged)? }))
    }
}

/// The arrays of a model file.
const SHAPE: &str = "expansion.shape";
const MEAN: &str = "expansion.mean";
const FACTORS: &str = "expansion.factors";

/// Numbers that are counts or places; `None` if one is neither.
fn integers(values: &[f64]) -> Option<Vec<usize>> {
    let integer =
        |value: &f64| (value.fract() == 0.0 && (0.0..2e15).contains(value)).then_some(*value as usize);
    values.iter().map(integer).collect()
}

/// The dense columns with new ones behind them, which `write` fills from the old ones of a row.
fn append_dense(features: &Features, n_new: usize, write: impl Fn(&[f64], &mut [f64]) + Sync) -> Vec<f64> {
    let n_dense = features.layout().n_dense;
    let width = n_dense + n_new;
    let mut dense = vec![0.0; features.n_rows() * width];
    if width > 0 {
        dense.par_chunks_mut(width).enumerate().for_each(|(row, out)| {
            let (old, new) = out.split_at_mut(n_dense);
            old.copy_from_slice(&features.dense()[row * n_dense..][..n_dense]);
            write(old, new);
        });
    }
    dense
}

/// The same rows with so many more dense columns.
fn with_dense(features: &Features, n_new: usize, dense: Vec<f64>) -> Result<Features, LinearError> {
    let old = features.layout();
    let layout = Layout { n_dense: old.n_dense + n_new, ..old.clone() };
    let expanded = Features::new(features.n_rows(), dense, features.codes().to_vec(), layout)?;
    Ok(expanded.with_sparse(features.sparse().cloned())?)
}
