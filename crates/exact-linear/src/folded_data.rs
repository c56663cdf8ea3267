//! A data set with the folds of a cross-validation, and what is trained on each.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use exact_core::loss::{LossKind, LossSettings};
use exact_data::{Split, stratified_folds, stratified_group_folds, stratified_split};
use rayon::prelude::*;

use crate::column_groups::ColumnGroups;
use crate::dataset::Dataset;
use crate::expansion::{Basis, Expansion, Sample};
use crate::feature_choice::FeatureChoice;
use crate::goal::Goal;
use crate::grid::{Candidate, Method};
use crate::progress::Watch;
use crate::refine::Fit;
use crate::rows::{Inputs, Kernel as _};
use crate::solver::Solver;
use crate::strength::{Largest, Penalty, Strength, Strengths};
use crate::train_options::TrainOptions;
use crate::{LinearError, cross_entropy, refine, sgd};

/// Rows above which minibatch SGD chooses its hyper-parameters on a stratified sample of this size.
const SGD_SELECTION_ROWS: usize = 100_000;

/// Rows held out per fold from which settings, and features, race.
const RACE_VALIDATION_ROWS: usize = 250;

/// Rows for each column below which penalties that leave out columns are tried: with more, they have little
/// to leave out.
const ROWS_PER_COLUMN: usize = 20;

/// Rows of a fold that tell which features are best.
const SAMPLE_ROWS: usize = 8000;

/// Values of the expanded columns of a fold at most, 256 MB, where it is not asked for these.
const MAX_AUTO_VALUES: usize = 1 << 25;
/// Products in the logits of a fold at most, of which a path of solutions needs some hundred: a minute.
const MAX_AUTO_PRODUCTS: usize = 200_000_000;

/// Memory of the expanded columns of all rows and folds at most, which are held at once. How much a machine
/// has cannot be asked for portably; this leaves half of 16 GB to the table and to training.
const MAX_BYTES: u64 = 8_000_000_000;

/// Rows to train on and rows to validate on.
pub(crate) struct Fold {
    pub train: Dataset<'static>,
    pub validation: Dataset<'static>,
}

impl Fold {
    /// The fold with this number, of rows to train and to validate on.
    fn of(
        fold: usize,
        (train, validation): (Dataset<'static>, Dataset<'static>),
    ) -> Result<Self, LinearError> {
        if train.classes_with_rows() < 2 {
            return Err(LinearError::Fold { fold, problem: "rows of one class alone to train on".into() });
        }
        Ok(Self { train, validation })
    }
}

/// The solutions of cross-entropy with one strength: of each fold, then of all rows.
type Solutions = Vec<Fit>;

/// All rows and their folds.
pub(crate) struct FoldedData<'a> {
    pub all: Dataset<'a>,
    /// At least one.
    pub folds: Vec<Fold>,
    pub options: TrainOptions,
    pub strengths: Strengths,
    /// Rows that the first fold trains on, or those that they are a sample of.
    train_rows: usize,
    /// The smallest coefficients that leave out all columns of all rows.
    largest: OnceLock<Largest>,
    /// Of cross-entropy, those that have been found.
    solutions: BTreeMap<Strength, OnceLock<Solutions>>,
}

impl<'a> FoldedData<'a> {
    fn of(all: Dataset<'a>, folds: Vec<Fold>, options: TrainOptions) -> Self {
        let strengths = Strengths::new(options.l2s.as_deref());
        let solutions = strengths.all().map(|strength| (strength, OnceLock::new())).collect();
        let train_rows = folds[0].train.n_rows();
        Self { all, folds, options, strengths, train_rows, largest: OnceLock::new(), solutions }
    }

    /// The same folds with a stratified sample of their rows where they train on more than [`SAMPLE_ROWS`];
    /// else `None`.
    pub fn sample(&self) -> Result<Option<FoldedData<'static>>, LinearError> {
        if self.train_rows <= SAMPLE_ROWS {
            return Ok(None);
        }
        let left_out = 1.0 - SAMPLE_ROWS as f64 / self.train_rows as f64;
        let sample = |data: &Dataset<'_>| -> Result<Dataset<'static>, LinearError> {
            let split = stratified_split(&data.labels, data.n_classes, left_out, self.options.seed)?;
            Ok(data.select(&split.train))
        };
        let of_fold =
            |fold: &Fold| Ok(Fold { train: sample(&fold.train)?, validation: sample(&fold.validation)? });
        let folds = self.folds.iter().map(of_fold).collect::<Result<_, LinearError>>()?;
        let sample = FoldedData::of(sample(&self.all)?, folds, self.options.clone());
        Ok(Some(FoldedData { train_rows: self.train_rows, ..sample }))
    }

    /// Draws folds; the options have the solver itself in place of `auto`.
    pub fn draw(all: Dataset<'a>, options: TrainOptions) -> Result<Self, LinearError> {
        let n_classes = all.n_classes;
        let selection_rows = match options.solver {
            Solver::Sgd if all.n_rows() > SGD_SELECTION_ROWS => {
                let kept = SGD_SELECTION_ROWS as f64 / all.n_rows() as f64;
                Some(stratified_split(&all.labels, n_classes, kept, options.seed)?.test)
            }
            _ => None,
        };
        let sample = selection_rows.map(|rows| all.select(&rows));
        let selection = sample.as_ref().unwrap_or(&all);
        let (labels, n_folds, seed) = (&selection.labels, options.folds, options.seed);
        let folds = match &selection.groups {
            Some(groups) => stratified_group_folds(labels, n_classes, groups, n_folds, seed)?,
            None => stratified_folds(labels, n_classes, n_folds, seed)?,
        };
        let folds = folds
            .iter()
            .enumerate()
            .map(|(fold, rows)| Fold::of(fold, selection.hold_out(rows)?))
            .collect::<Result<_, LinearError>>()?;
        Ok(Self::of(all, folds, options))
    }

    /// Takes folds as they are given.
    pub fn with_folds(all: Dataset<'a>, folds: &[Split], options: TrainOptions) -> Result<Self, LinearError> {
        let n_rows = all.n_rows();
        let checked = |(fold, Split { train, test }): (usize, &Split)| {
            let fail = |problem| LinearError::Fold { fold, problem };
            for (rows, purpose) in [(train, "train"), (test, "validate")] {
                match rows.iter().max() {
                    None => return Err(fail(format!("no rows to {purpose} on"))),
                    Some(row) if *row >= n_rows => {
                        return Err(fail(format!("the row {row}, of {n_rows} rows counted from 0")));
                    }
                    Some(_) => {}
                }
            }
            Fold::of(fold, all.split(train, test)?)
        };
        let folds: Vec<Fold> = folds.iter().enumerate().map(checked).collect::<Result<_, LinearError>>()?;
        if folds.is_empty() {
            return Err(LinearError::Fold { fold: 0, problem: "not been given".into() });
        }
        Ok(Self::of(all, folds, options))
    }

    /// A fold with expanded columns, or all rows, in the place of those to train on and without others, for
    /// the index past the last fold; `None` where there is nothing to expand.
    fn expand(&self, basis: Basis, fold: usize, watch: &Watch<'_>) -> Result<Option<Fold>, LinearError> {
        let data = self.training_rows(fold);
        let residuals = || {
            let solution = &self.solutions(self.strengths.moderate(), watch)?[fold];
            cross_entropy::residuals(data, &solution.parameters)
        };
        let sample = Sample {
            inputs: &data.inputs,
            standardisation: &data.standardisation,
            labels: &data.labels,
            n_classes: data.n_classes,
            residuals: &residuals,
            seed: self.options.seed,
            compared: fold < self.folds.len(),
        };
        let Some(expansion) = Expansion::fit(basis, &sample)?.map(Arc::new) else { return Ok(None) };
        let train = data.expanded(&expansion)?;
        let validation = match self.folds.get(fold) {
            Some(fold) => fold.validation.expanded(&expansion)?,
            None => train.select(&[]),
        };
        Ok(Some(Fold { train, validation }))
    }

    /// Checks that the expanded columns of all rows and folds fit into memory, before any is computed: eight
    /// bytes for each of the rows of the folds, to train and to validate on, and of all rows.
    pub fn check_size(&self, basis: Basis) -> Result<(), LinearError> {
        if basis == Basis::Linear {
            return Ok(());
        }
        let n_dense = match &self.all.inputs {
            Inputs::Encoded(features) => features.layout().n_dense,
            matrix => matrix.n_columns(),
        };
        let (rows, folds) = (self.all.n_rows(), self.folds.len());
        let bytes = |rows: usize, columns: usize| {
            (rows as u64).saturating_mul(columns as u64).saturating_mul(size_of::<f64>() as u64)
        };
        let columns = basis.max_columns(n_dense, rows, false);
        let of_folds = self.folds.iter().map(|Fold { train, validation }| {
            let columns = basis.max_columns(n_dense, train.n_rows(), true);
            bytes(train.n_rows() + validation.n_rows(), columns)
        });
        let bytes = of_folds.fold(bytes(rows, columns), u64::saturating_add);
        if bytes <= MAX_BYTES {
            return Ok(());
        }
        let kind = basis.kind().name();
        Err(LinearError::ExpansionSize { kind, columns, rows, folds, bytes, limit: MAX_BYTES })
    }

    /// The same rows and folds with expanded columns, each expansion fitted to the rows trained on; `None`
    /// where there is nothing to expand.
    pub fn expanded(
        &self,
        basis: Basis,
        watch: &Watch<'_>,
    ) -> Result<Option<FoldedData<'static>>, LinearError> {
        if basis == Basis::Interactions {
            self.prepare(&self.strengths.l2_path(), watch)?;
        }
        let folds = (0..=self.folds.len()).into_par_iter().map(|fold| self.expand(basis, fold, watch));
        let folds: Option<Vec<Fold>> = folds.collect::<Result<_, LinearError>>()?;
        let Some(mut folds) = folds else { return Ok(None) };
        let all = folds.pop().expect("all rows come last").train;
        Ok(Some(FoldedData::of(all, folds, self.options.clone())))
    }

    /// The scores of cross-entropy on the rows that a fold holds out, with each strength that is tried first
    /// and with expanded columns; `None` where there is nothing to expand.
    pub fn scores_of_cross_entropy(
        &self,
        basis: Basis,
        fold: usize,
        watch: &Watch<'_>,
    ) -> Result<Option<Vec<f64>>, LinearError> {
        let score = |validation: &Dataset<'_>, fit: &Fit| {
            let scores = self.options.scores([validation], &fit.parameters, &LossSettings::default());
            scores.map(|[score]| score)
        };
        if basis == Basis::Linear {
            let validation = &self.folds[fold].validation;
            let strengths = [self.strengths.l2_path(), self.sparse_paths(&self.all).concat()].concat();
            let scores = strengths.into_iter().map(|strength| {
                let solution = &self.solutions(strength, watch)?[fold];
                score(validation, solution)
            });
            return scores.collect::<Result<_, LinearError>>().map(Some);
        }
        let Some(Fold { train, validation }) = self.expand(basis, fold, watch)? else { return Ok(None) };
        if self.options.features == FeatureChoice::Auto && self.is_too_large(&train) {
            return Ok(None);
        }
        let mut fits = self.solve(&train, self.strengths.l2_path(), Largest::default(), watch)?;
        let sparse_paths = self.sparse_paths(&train);
        if !sparse_paths.is_empty() && basis.is_sparse() {
            let largest = cross_entropy::largest(&train)?;
            for path in sparse_paths {
                fits.extend(self.solve(&train, path, largest, watch)?);
            }
        }
        fits.iter().map(|fit| score(&validation, fit)).collect::<Result<_, _>>().map(Some)
    }

    /// Whether so much is to be held or computed with columns like these that only who asks for them gets
    /// them.
    fn is_too_large(&self, train: &Dataset<'_>) -> bool {
        let values = self.train_rows.saturating_mul(train.inputs.n_values_of_row());
        values > MAX_AUTO_VALUES || values.saturating_mul(train.n_classes) > MAX_AUTO_PRODUCTS
    }

    /// The rows to train on: a fold's, or all for the index past the last fold.
    fn training_rows(&self, fold: usize) -> &Dataset<'_> {
        self.folds.get(fold).map_or(&self.all, |fold| &fold.train)
    }

    /// One candidate trained on a fold, or on all rows for the index past the last fold.
    pub fn fit(&self, candidate: &Candidate, fold: usize, watch: &Watch<'_>) -> Result<Fit, LinearError> {
        let (data, TrainOptions { metric, seed, .. }) = (self.training_rows(fold), &self.options);
        let goal = Goal::new(&candidate.settings, metric)?.compared();
        match candidate.method {
            Method::Sgd { learning_rate } => sgd::fit(data, &goal, learning_rate, *seed, watch),
            Method::Lbfgs { strength } => {
                let solution = &self.solutions(strength, watch)?[fold];
                if goal.kind() == LossKind::CrossEntropy {
                    return Ok(solution.clone());
                }
                refine::fit(data, &goal, &solution.parameters, watch)
            }
        }
    }

    /// Whether there are rows enough for what trails on the first folds to be left out of the others.
    pub fn races(&self) -> bool {
        self.folds.len() > 2 && self.folds[0].validation.n_rows() >= RACE_VALIDATION_ROWS
    }

    /// Passes over rows of a fit at most, beside those of the cross-entropy paths.
    pub fn passes(&self, candidate: &Candidate, fold: usize) -> Result<usize, LinearError> {
        let goal = Goal::new(&candidate.settings, &self.options.metric)?;
        Ok(match candidate.method {
            Method::Sgd { .. } => sgd::steps(self.training_rows(fold).n_rows()),
            Method::Lbfgs { .. } if goal.kind() == LossKind::CrossEntropy => 0,
            Method::Lbfgs { .. } => goal.limits().iterations,
        })
    }

    /// Whether penalties that leave out columns are tried: there are so many columns for the rows that it may
    /// help to leave most out, and no others were asked for.
    fn tries_sparse(&self) -> bool {
        let many_columns = self.all.n_columns().saturating_mul(ROWS_PER_COLUMN) > self.all.n_rows();
        self.options.solver != Solver::Sgd && self.options.l2s.is_none() && many_columns
    }

    /// The paths of penalties that leave out columns which are tried, if any are: that of the L1 penalty and,
    /// where some columns of these rows, expanded or not, belong together, that of the group penalty.
    pub fn sparse_paths(&self, rows: &Dataset<'_>) -> Vec<Vec<Strength>> {
        if !self.tries_sparse() {
            return Vec::new();
        }
        let grouped = ColumnGroups::of(rows).have_several_columns();
        [Some(Strengths::l1_path()), grouped.then(Strengths::group_path)].into_iter().flatten().collect()
    }

    /// The penalty of a strength, the same on all folds.
    pub fn penalty(&self, strength: Strength) -> Result<Penalty, LinearError> {
        let largest = match (strength, self.largest.get()) {
            (Strength::L2(_), _) => Largest::default(),
            (Strength::L1(_) | Strength::Group(_), Some(largest)) => *largest,
            (Strength::L1(_) | Strength::Group(_), None) => {
                let largest = cross_entropy::largest(&self.all)?;
                *self.largest.get_or_init(|| largest)
            }
        };
        Ok(self.strengths.penalty(strength, largest))
    }

    /// Candidates of L-BFGS with the next stronger or weaker penalty, or the next larger or smaller sigma or
    /// temperature.
    pub fn neighbours(&self, candidate: &Candidate) -> Result<Vec<Candidate>, LinearError> {
        let mut neighbours = candidate.at_next_scales(&self.options)?;
        let strengths = candidate.strength().into_iter();
        for strength in strengths.flat_map(|strength| self.strengths.neighbours_of(strength)) {
            let loss = candidate.settings.loss.clone();
            neighbours.push(Candidate::lbfgs(loss, strength, self.penalty(strength)?));
        }
        Ok(neighbours)
    }

    /// Passes over rows at most that it takes to solve cross-entropy with the L2 strengths that are always
    /// tried and those of sparse penalties, where it is not yet solved.
    pub fn passes_of_solutions(&self, sparse: &[Strength]) -> Result<usize, LinearError> {
        if self.options.solver == Solver::Sgd {
            return Ok(0);
        }
        let strengths = [&self.strengths.l2_path(), sparse].concat();
        let left = strengths.iter().filter(|strength| self.solutions[strength].get().is_none()).count();
        Ok((self.folds.len() + 1) * left * self.passes_of_solution()?)
    }

    /// Passes over rows at most that it takes to choose among features.
    pub fn passes_of_features(&self, candidates: &[Basis]) -> Result<usize, LinearError> {
        let screened = candidates.contains(&Basis::Interactions);
        let paths = (candidates.len() + usize::from(screened)) * self.folds.len();
        let sparse =
            if self.tries_sparse() { Strengths::l1_path().len() + Strengths::group_path().len() } else { 0 };
        let strengths = self.strengths.l2_path().len() + sparse;
        Ok(paths * strengths * self.passes_of_solution()?)
    }

    fn passes_of_solution(&self) -> Result<usize, LinearError> {
        let settings = cross_entropy::settings(self.penalty(self.strengths.moderate())?);
        Ok(Goal::new(&settings, &self.options.metric)?.limits().iterations)
    }

    /// Solves cross-entropy with strengths: before many threads need it, who would all set out.
    pub fn prepare(&self, strengths: &[Strength], watch: &Watch<'_>) -> Result<(), LinearError> {
        strengths.iter().try_for_each(|&strength| self.solutions(strength, watch).map(drop))
    }

    fn solutions(&self, strength: Strength, watch: &Watch<'_>) -> Result<&Solutions, LinearError> {
        let slot = &self.solutions[&strength];
        if let Some(solutions) = slot.get() {
            return Ok(solutions);
        }
        let start = self.strengths.start_of(strength);
        let start = start.map(|start| self.solutions(start, watch)).transpose()?;
        let path = self.strengths.path_of(strength);
        let penalties = path.iter().map(|&other| self.penalty(other)).collect::<Result<Vec<_>, _>>()?;
        let mut paths = (0..=self.folds.len())
            .into_par_iter()
            .map(|fold| {
                let data = self.training_rows(fold);
                let start = start.map_or_else(|| data.zero(), |solutions| solutions[fold].parameters.clone());
                cross_entropy::path(data, penalties.iter().copied(), start, watch).map(Vec::into_iter)
            })
            .collect::<Result<Vec<_>, LinearError>>()?;
        for other in &path {
            let solutions = paths.iter_mut().filter_map(Iterator::next).collect();
            self.solutions[other].get_or_init(|| solutions);
        }
        Ok(slot.get().expect("a strength is on its own path"))
    }

    /// The solutions of cross-entropy on other rows along a path of strengths.
    fn solve(
        &self,
        data: &Dataset<'_>,
        path: Vec<Strength>,
        largest: Largest,
        watch: &Watch<'_>,
    ) -> Result<Vec<Fit>, LinearError> {
        let penalties = path.into_iter().map(|strength| self.strengths.penalty(strength, largest));
        cross_entropy::path(data, penalties, data.zero(), watch)
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Dataset, FoldedData, TrainOptions};
    use crate::grid;
    use crate::progress::{Progress, Watch};
    use crate::rows::Inputs;
    use crate::solver::Solver;
    use crate::strength::Largest;
    use exact_core::loss::LossKind;
    use exact_data::{Features, stratified_folds};

    const ROWS: usize = 60;

    fn labels() -> Vec<u32> {
        (0..ROWS).map(|i| (i % 7 % 3) as u32).collect()
    }

    /// Features of three overlapping classes; those of `altered` rows are something else.
    fn folded(altered: &[usize], solver: Solver) -> FoldedData<'static> {
        let x = (0..ROWS).flat_map(|row| {
            let (noise, label) = ((row as f64 * 12.9898).sin(), f64::from(labels()[row]));
            if altered.contains(&row) { [-9.0 * noise, 7.0] } else { [label + noise, label * noise] }
        });
        let features = Features::from_dense(x.collect(), 2).unwrap();
        let data = Dataset::new(features, labels(), 3, None).unwrap();
        FoldedData::draw(data, TrainOptions::default().with_folds(3).with_solver(solver)).unwrap()
    }

    #[test]
    fn rows_held_out_have_no_part_in_what_is_fitted_without_them() {
        for (fold, held_out) in stratified_folds(&labels(), 3, 3, 0).unwrap().iter().enumerate() {
            for (solver, kinds) in
                [(Solver::Lbfgs, &LossKind::FOR_ACCURACY[..]), (Solver::Sgd, &[LossKind::CrossEntropy][..])]
            {
                let (plain, altered) = (folded(&[], solver), folded(held_out, solver));
                let mut permuted = folded(&[], solver);
                permuted.folds[fold].validation.labels.rotate_left(1);
                for &kind in kinds {
                    let grid = match solver {
                        Solver::Sgd => grid::sgd(kind, &plain.options),
                        _ => grid::lbfgs(
                            kind,
                            &[0, 1].map(|at| {
                                let strength = plain.strengths.l2_path()[at];
                                (strength, plain.strengths.penalty(strength, Largest::default()))
                            }),
                            1,
                            &plain.options,
                        ),
                    };
                    let candidate: &Candidate = &grid.unwrap()[1];
                    let watch = Watch::new(&Progress::ignore, kind.name(), 1);
                    let fit = |data: &FoldedData<'_>, fold| data.fit(candidate, fold, &watch).unwrap();
                    assert_eq!(fit(&plain, fold), fit(&altered, fold), "{kind}");
                    assert_eq!(fit(&plain, fold), fit(&permuted, fold), "{kind}");
                    // The other folds do train on these rows.
                    let other = (fold + 1) % 3;
                    assert_ne!(fit(&plain, other).parameters, fit(&altered, other).parameters, "{kind}");
                }
            }
        }
    }

    fn dense<'a>(data: &'a Dataset<'_>) -> &'a [f64] {
        let Inputs::Encoded(features) = &data.inputs else { panic!("not encoded") };
        features.dense()
    }

    #[test]
    fn every_row_is_held_out_once() {
        let data = folded(&[], Solver::Lbfgs);
        let mut held_out = Vec::new();
        for fold in &data.folds {
            assert_eq!(fold.train.n_rows() + fold.validation.n_rows(), ROWS);
            held_out.extend_from_slice(dense(&fold.validation));
        }
        let mut all = dense(&data.all).to_vec();
        all.sort_by(f64::total_cmp);
        held_out.sort_by(f64::total_cmp);
        assert_eq!(held_out, all);
    }
}
