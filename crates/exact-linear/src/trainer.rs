//! Training with cross-validated selection of hyper-parameters, on the training rows alone.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Instant;

use exact_core::loss::LossKind;
use exact_data::{DataError, Split};
use exact_eval::record::{CrossValidation, Selected, SelectedFeatures, SigmaPathPoint};
use rayon::prelude::*;

use crate::classifier::LinearClassifier;
use crate::dataset::Dataset;
use crate::expansion::Basis;
use crate::feature_choice::{FeatureChoice, FeatureKind};
use crate::feature_selection::FeatureScore;
use crate::folded_data::FoldedData;
use crate::grid::Candidate;
use crate::loss_choice::LossChoice;
use crate::metric::Metric;
use crate::paired_gain::paired_gain;
use crate::progress::{Callback, Watch};
use crate::refine::Fit;
use crate::rows::Inputs;
use crate::search::{Trial, choices_without_fold, climb, rounds, search, select, sigma_path};
use crate::solver::Solver;
use crate::standardisation::Columns;
use crate::strength::Strength;
use crate::train_options::TrainOptions;
use crate::{LinearError, feature_selection, grid};

/// `auto` asks for more than two standard errors of a gain over cross-entropy below this number of rows.
const SMALL_DATA_ROWS: usize = 1500;

/// Of strengths, sigmas and temperatures, every second is in the grid where there are many rows.
const COARSE: usize = 2;

/// A trained classifier and how it was chosen.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The classifier, trained on all rows.
    pub classifier: LinearClassifier,
    /// What it was selected by.
    pub metric: Metric,
    /// The loss it was trained with; for [`LossChoice::Auto`], the one that was chosen.
    pub loss: LossKind,
    /// The optimiser.
    pub solver: Solver,
    /// The hyper-parameters that cross-validation chose.
    pub selected: Selected,
    /// What the columns were expanded to.
    pub features: SelectedFeatures,
    /// What cross-validation said of the features, if there was something to choose.
    pub feature_scores: Vec<FeatureScore>,
    /// The score over the folds, accuracy or another [`Metric`], at these hyper-parameters.
    pub cv: CrossValidation,
    /// Accuracy on the training rows.
    pub train_accuracy: f64,
    /// Steps of L-BFGS on all rows at these hyper-parameters; 0 for other solvers.
    pub iterations: usize,
    /// Every setting that was tried, those with an L1 or a group penalty where one helps; for
    /// [`LossChoice::Auto`], those of both losses.
    pub path: Vec<PathPoint>,
    /// For EXACT, each sigma at the chosen penalty and margin, as scores; else, and where EXACT does not
    /// expect the metric, empty.
    pub sigma_path: Vec<SigmaPathPoint>,
    /// Wall-clock time of selection and training.
    pub seconds: f64,
    /// For each fold, the scores on all folds of what the others choose.
    choices: Option<Vec<Vec<f64>>>,
}

/// What cross-validation found for one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct PathPoint {
    /// The loss.
    pub loss: LossKind,
    /// Its hyper-parameters.
    pub settings: Selected,
    /// The score on the rows held out from each fold on which the setting was tried, beginning with the first
    /// fold. Where there are very many rows and classes, that of a short fit for most settings.
    pub validation_scores: Vec<f64>,
    /// The score on the rows trained on.
    pub train_scores: Vec<f64>,
}

/// Trains classifiers on one data set, with the same folds for every loss.
///
/// # Example
/// ```
/// use exact_data::Features;
/// use exact_linear::{LossChoice, LossKind, Progress, TrainOptions, Trainer};
///
/// // One feature; the classes overlap.
/// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0 - 2.0).collect();
/// let labels = (0..40).map(|i| u32::from(i > 22 || i % 10 == 3)).collect();
/// let trainer = Trainer::new(Features::from_dense(x, 1)?, labels, 2, TrainOptions::default())?;
/// let trained = trainer.train(LossChoice::Kind(LossKind::Exact), &Progress::ignore)?;
/// assert!(trained.train_accuracy > 0.9);
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
pub struct Trainer<'a> {
    data: FoldedData<'a>,
    /// What the columns are expanded to, once that has been asked for.
    expanded: OnceLock<Expanded>,
    /// What each loss of [`LossKind::FOR_ACCURACY`] gave, once it has been asked for.
    trained: [OnceLock<Trained>; LossKind::FOR_ACCURACY.len()],
}

/// The features that were chosen.
struct Expanded {
    basis: Basis,
    /// `None` for the columns as they are.
    data: Option<FoldedData<'static>>,
    scores: Vec<FeatureScore>,
    seconds: f64,
}

impl<'a> Trainer<'a> {
    /// Divides the rows into folds.
    ///
    /// # Errors
    /// [`LinearError`] if labels do not match the rows, a label is not below `n_classes`, there are fewer
    /// than two classes with rows, or fewer rows than folds.
    pub fn new(
        inputs: impl Into<Inputs<'a>>,
        labels: Vec<u32>,
        n_classes: usize,
        options: TrainOptions,
    ) -> Result<Self, LinearError> {
        Self::on(Dataset::new(inputs, labels, n_classes, None)?, options)
    }

    /// Divides the rows of a data set, which may have sample weights, into folds: at random and stratified by
    /// class ([`exact_data::stratified_folds`]), or so that groups stay together
    /// ([`exact_data::stratified_group_folds`]).
    ///
    /// # Errors
    /// [`LinearError::Data`] if there are fewer rows, or groups, than folds, or fewer than two folds, and
    /// [`LinearError::Fold`] if a fold of groups leaves rows of one class alone to train on.
    pub fn on(data: Dataset<'a>, options: TrainOptions) -> Result<Self, LinearError> {
        let options = Self::resolve(&data, options)?;
        Ok(Self {
            data: FoldedData::draw(data, options)?,
            expanded: OnceLock::new(),
            trained: Default::default(),
        })
    }

    /// Takes folds as they are given; [`TrainOptions::folds`] has no part in it. They may overlap, and rows
    /// may be in none. Rows with the weight 0 are not counted.
    ///
    /// # Errors
    /// [`LinearError::Fold`] if there are no folds, or one has no rows to train or to validate on or rows
    /// that are not there.
    pub fn with_folds(
        data: Dataset<'a>,
        folds: &[Split],
        options: TrainOptions,
    ) -> Result<Self, LinearError> {
        let options = Self::resolve(&data, options)?;
        let data = FoldedData::with_folds(data, folds, options)?;
        Ok(Self { data, expanded: OnceLock::new(), trained: Default::default() })
    }

    /// Takes each group of the data set as a fold; [`TrainOptions::folds`] has no part in it.
    ///
    /// # Errors
    /// [`LinearError::Data`] if there are fewer than two groups, [`LinearError::Fold`] if one leaves rows of
    /// one class alone to train on.
    pub fn with_groups_as_folds(data: Dataset<'a>, options: TrainOptions) -> Result<Self, LinearError> {
        let groups = data.groups.as_deref().unwrap_or_default();
        let distinct: BTreeSet<u32> = groups.iter().copied().collect();
        if distinct.len() < 2 {
            return Err(DataError::TooFewGroups { groups: distinct.len(), folds: 2 }.into());
        }
        let split = |fold| {
            let (test, train) = (0..groups.len()).partition(|&row| groups[row] == fold);
            Split { train, test }
        };
        let folds: Vec<Split> = distinct.into_iter().map(split).collect();
        Self::with_folds(data, &folds, options)
    }

    /// The options, checked, with the solver that is meant for the data.
    fn resolve(data: &Dataset<'_>, options: TrainOptions) -> Result<TrainOptions, LinearError> {
        options.metric.check(data.n_classes, true)?;
        if data.columns != Columns::default() && options.features != FeatureChoice::Kind(FeatureKind::Linear)
        {
            return Err(LinearError::StandardisedColumns);
        }
        let solver = options.solver.resolve(data);
        options.with_solver(solver).ordered()
    }

    /// The rows that are trained on.
    pub fn inputs(&self) -> &Inputs<'a> {
        &self.data.all.inputs
    }

    /// Chooses hyper-parameters by cross-validation and trains on all rows.
    ///
    /// # Errors
    /// [`LinearError::UnknownLoss`] if the loss is none of [`LossKind::FOR_ACCURACY`],
    /// [`LinearError::Expansion`] or [`LinearError::ExpansionSize`] if the columns cannot be expanded as was
    /// asked for, [`LinearError::Diverged`] if no setting gives finite parameters,
    /// [`LinearError::Interrupted`] if the callback stops training; what was trained before is kept.
    pub fn train(&self, loss: LossChoice, callback: Callback<'_>) -> Result<Trained, LinearError> {
        match loss {
            LossChoice::Kind(kind) => self.train_loss(kind, callback),
            LossChoice::Auto => {
                let cross_entropy = self.train_loss(LossKind::CrossEntropy, callback)?;
                let exact = self.train_loss(LossKind::Exact, callback)?;
                let seconds = cross_entropy.seconds + exact.seconds;
                let path = [cross_entropy.path.clone(), exact.path.clone()].concat();
                let choices = self.choices(&exact, &cross_entropy);
                let prefers = self.prefers(&exact.cv.folds, &cross_entropy.cv.folds);
                let chosen = if prefers { exact } else { cross_entropy };
                let cv = with_nested(chosen.cv, choices.as_deref());
                Ok(Trained { cv, path, seconds, choices, ..chosen })
            }
        }
    }

    /// For each fold, the scores of what the others choose between EXACT and cross-entropy.
    fn choices(&self, exact: &Trained, cross_entropy: &Trained) -> Option<Vec<Vec<f64>>> {
        let (exact, cross_entropy) = (exact.choices.as_ref()?, cross_entropy.choices.as_ref()?);
        let chosen = |(fold, (exact, cross_entropy)): (usize, (&Vec<f64>, &Vec<f64>))| {
            let others = |scores: &[f64]| [&scores[..fold], &scores[fold + 1..]].concat();
            if self.prefers(&others(exact), &others(cross_entropy)) { exact } else { cross_entropy }.clone()
        };
        Some(exact.iter().zip(cross_entropy).enumerate().map(chosen).collect())
    }

    /// Whether `auto` leaves cross-entropy for EXACT, given their scores on the same folds.
    fn prefers(&self, exact: &[f64], cross_entropy: &[f64]) -> bool {
        let (mean, standard_error) = paired_gain(exact, cross_entropy);
        let needed = if self.data.all.n_rows() < SMALL_DATA_ROWS { 2.0 * standard_error } else { 0.0 };
        mean > needed
    }

    fn train_loss(&self, kind: LossKind, callback: Callback<'_>) -> Result<Trained, LinearError> {
        let slot = LossKind::FOR_ACCURACY.iter().position(|&other| other == kind);
        let slot = &self.trained[slot.ok_or_else(|| LinearError::loss_not_offered(kind))?];
        if let Some(trained) = slot.get() {
            return Ok(trained.clone());
        }
        let trained = self.select_and_train(kind, callback)?;
        Ok(slot.get_or_init(|| trained).clone())
    }

    /// Chooses the features and expands the columns.
    fn expanded(&self, callback: Callback<'_>) -> Result<&Expanded, LinearError> {
        if let Some(expanded) = self.expanded.get() {
            return Ok(expanded);
        }
        let start = Instant::now();
        let (data, choice) = (&self.data, self.data.options.features);
        let mut candidates = match (choice, data.options.solver) {
            // Stochastic gradient descent is for data on which little is to be tried.
            (FeatureChoice::Auto, Solver::Sgd) => vec![Basis::Linear],
            _ => feature_selection::candidates(choice),
        };
        match choice {
            FeatureChoice::Auto => candidates.retain(|&basis| data.check_size(basis).is_ok()),
            FeatureChoice::Kind(_) => data.check_size(candidates[0])?,
        }
        let watch = Watch::new(callback, "features", data.passes_of_features(&candidates)?);
        let (basis, scores) = if let [basis] = candidates[..] {
            (Some(basis), Vec::new())
        } else {
            let sample = data.sample()?;
            feature_selection::select(sample.as_ref().unwrap_or(data), &candidates, &watch)?
        };
        let none = || {
            let kind = candidates[0].kind();
            LinearError::Expansion { kind: kind.name(), problem: kind.requirement() }
        };
        let basis = basis.ok_or_else(none)?;
        let expanded = match basis {
            Basis::Linear => None,
            _ => Some(data.expanded(basis, &watch)?.ok_or_else(none)?),
        };
        let seconds = start.elapsed().as_secs_f64();
        Ok(self.expanded.get_or_init(|| Expanded { basis, data: expanded, scores, seconds }))
    }

    fn select_and_train(&self, kind: LossKind, callback: Callback<'_>) -> Result<Trained, LinearError> {
        let Expanded { basis, data: expanded, scores: feature_scores, seconds } = self.expanded(callback)?;
        let start = Instant::now();
        let data = expanded.as_ref().unwrap_or(&self.data);
        let options = &data.options;
        let diverged = || LinearError::Diverged { loss: kind.name() };
        let sparse = if basis.is_sparse() { data.sparse_paths(&data.all).concat() } else { Vec::new() };
        let watch = Watch::new(callback, kind.name(), passes(data, kind, &sparse)?);
        let sparse = match best_sparse(data, &sparse, &watch)? {
            Some(_) if kind == LossKind::CrossEntropy => sparse,
            best => best.into_iter().collect(),
        };
        let mut grid = grid(data, kind, &sparse)?;
        let mut trials = search(data, &grid, rounds(data, &grid), &watch)?;
        let best = climb(data, &mut grid, &mut trials, &watch)?.ok_or_else(diverged)?;

        // The chosen setting once more: on the folds for the probabilities, on all rows for the classifier.
        let fits: Vec<Result<Fit, LinearError>> =
            (0..=data.folds.len()).into_par_iter().map(|fold| data.fit(&grid[best], fold, &watch)).collect();
        let mut fits = fits.into_iter().collect::<Result<Vec<_>, _>>()?;
        let Fit { parameters, iterations, .. } = fits.pop().expect("the last fit is that of all rows");
        if parameters.iter().any(|parameter| !parameter.is_finite()) {
            return Err(diverged());
        }
        let (mut logits, mut labels, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for (fold, fit) in data.folds.iter().zip(&fits) {
            logits.extend(fold.validation.logits(&fit.parameters));
            labels.extend_from_slice(&fold.validation.labels);
            weights.extend(fold.validation.weights.iter().flatten());
        }
        let weights = data.all.weights.is_some().then_some(weights.as_slice());
        let link = grid[best].settings.loss.link();
        let link =
            link.calibrated_interruptibly(&logits, &labels, data.all.n_classes, weights, || watch.poll())?;
        let costs = options.metric.decides_by(kind);
        let scores = trials[best].iter().map(|trial| trial.validation_score).collect();
        let choices = choices_without_fold(&trials, data.folds.len());
        let cv = CrossValidation::of_folds(scores).ok_or_else(diverged)?;
        let cv = with_nested(cv, choices.as_deref());
        Ok(Trained {
            classifier: LinearClassifier::of(&data.all, &parameters, link).deciding_by(costs),
            metric: options.metric.clone(),
            loss: kind,
            solver: options.solver,
            selected: grid[best].record(),
            features: SelectedFeatures { kind: basis.kind().name().into(), bandwidth: basis.bandwidth() },
            feature_scores: feature_scores.clone(),
            cv,
            train_accuracy: data.all.accuracy(&parameters),
            iterations,
            path: grid
                .iter()
                .zip(&trials)
                .map(|(candidate, trials)| PathPoint::of(candidate, trials))
                .collect(),
            sigma_path: if kind == LossKind::Exact && options.metric.is_expected() {
                sigma_path(&options.metric, &grid, &trials, best)
            } else {
                Vec::new()
            },
            seconds: seconds + start.elapsed().as_secs_f64(),
            choices,
        })
    }
}

/// The record of a cross-validation with the scores on each fold of what the others choose.
fn with_nested(cv: CrossValidation, choices: Option<&[Vec<f64>]>) -> CrossValidation {
    let Some(choices) = choices else { return cv };
    let folds: Vec<f64> = choices.iter().enumerate().map(|(fold, scores)| scores[fold]).collect();
    cv.with_nested(&folds)
}

/// What is tried for a loss, with these strengths of sparse penalties beside those of the L2 penalty. Where
/// there are many rows, a coarse grid leads to the same settings, since what lies next to the best is tried.
fn grid(data: &FoldedData<'_>, kind: LossKind, sparse: &[Strength]) -> Result<Vec<Candidate>, LinearError> {
    if data.options.solver == Solver::Sgd {
        return grid::sgd(kind, &data.options);
    }
    // The solutions of cross-entropy with every strength are on its path.
    let every = if kind != LossKind::CrossEntropy && data.races() { COARSE } else { 1 };
    let every_l2 = if data.options.l2s.is_some() { 1 } else { every };
    let l2_strengths = data.strengths.l2_path().into_iter().step_by(every_l2);
    let strengths: Vec<Strength> = l2_strengths.chain(sparse.iter().copied()).collect();
    let penalised = strengths.into_iter().map(|strength| Ok((strength, data.penalty(strength)?)));
    grid::lbfgs(kind, &penalised.collect::<Result<Vec<_>, LinearError>>()?, every, &data.options)
}

/// Passes over rows at most that it takes to train with a loss, given the strengths of sparse penalties that
/// cross-entropy tries.
fn passes(data: &FoldedData<'_>, kind: LossKind, sparse: &[Strength]) -> Result<usize, LinearError> {
    // Other losses try one of them.
    let tried = if kind == LossKind::CrossEntropy { sparse.len() } else { sparse.len().min(1) };
    let grid = grid(data, kind, &sparse[..tried])?;
    let first = &grid[0];
    let trials =
        rounds(data, &grid).iter().map(|round| round.passes(data, first)).sum::<Result<usize, _>>()?;
    let last = (0..=data.folds.len()).map(|fold| data.passes(first, fold)).sum::<Result<usize, _>>()?;
    Ok(data.passes_of_solutions(sparse)? + trials + last)
}

/// The strength of the L1 or the group penalty that cross-entropy does best with, if that is better than the
/// best L2 penalty alone by more than two standard errors: on a few rows, the best of many is often so by
/// luck.
fn best_sparse(
    data: &FoldedData<'_>,
    paths: &[Strength],
    watch: &Watch<'_>,
) -> Result<Option<Strength>, LinearError> {
    if paths.is_empty() {
        return Ok(None);
    }
    let grid = grid(data, LossKind::CrossEntropy, paths)?;
    // Each side has a race of its own, so that the best of both are tried on all folds.
    let race = |grid: &[Candidate]| -> Result<Option<(usize, Vec<f64>)>, LinearError> {
        let trials = search(data, grid, rounds(data, grid), watch)?;
        let scores = |at: usize| trials[at].iter().map(|trial| trial.validation_score).collect();
        Ok(select(&trials, data.folds.len()).map(|best| (best, scores(best))))
    };
    let (l2, sparse) = grid.split_at(grid.len() - paths.len());
    let (l2, sparse) = (race(l2)?, race(sparse)?);
    let clear = |scores: &[f64]| {
        l2.is_none_or(|(_, others)| {
            let (mean, standard_error) = paired_gain(scores, &others);
            mean > 2.0 * standard_error
        })
    };
    Ok(sparse.filter(|(_, scores)| clear(scores)).map(|(best, _)| paths[best]))
}

impl PathPoint {
    fn of(candidate: &Candidate, trials: &[Trial]) -> Self {
        Self {
            loss: candidate.settings.loss.kind(),
            settings: candidate.record(),
            validation_scores: trials.iter().map(|trial| trial.validation_score).collect(),
            train_scores: trials.iter().map(|trial| trial.train_score).collect(),
        }
    }
}
