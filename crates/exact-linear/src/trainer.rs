//! Training with cross-validated selection of hyper-parameters, on the training rows alone.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Instant;

use exact_core::Link;
use exact_data::{Split, stratified_folds, stratified_split};
use exact_eval::record::{CrossValidation, Selected, SigmaPathPoint};
use rayon::prelude::*;

use crate::classifier::LinearClassifier;
use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::metric::Metric;
use crate::progress::{Callback, Watch};
use crate::refine::Fit;
use crate::rows::Inputs;
use crate::settings::{L2_STRENGTHS, LossKind, Settings};
use crate::solver::Solver;
use crate::{LinearError, refine, sgd};

/// Rows above which minibatch SGD chooses its hyper-parameters on a stratified sample of this size.
const SGD_SELECTION_ROWS: usize = 100_000;
/// Rows held out per fold from which settings race.
const RACE_VALIDATION_ROWS: usize = 250;
/// Settings that stay in the race at least.
const RACE_MIN_SETTINGS: usize = 5;
/// `auto` asks for more than two standard errors of a gain over cross-entropy below this number of rows.
const SMALL_DATA_ROWS: usize = 1500;

/// What to train with: one loss, or the better of cross-entropy and EXACT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossChoice {
    /// EXACT where cross-validation finds it better than cross-entropy, else cross-entropy. Below 1500 rows the paired
    /// gain over the folds has to exceed two of its standard errors.
    Auto,
    /// This loss.
    Kind(LossKind),
}

impl fmt::Display for LossChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Kind(kind) => kind.fmt(f),
        }
    }
}

impl FromStr for LossChoice {
    type Err = LinearError;

    fn from_str(name: &str) -> Result<Self, LinearError> {
        if name == "auto" { Ok(Self::Auto) } else { name.parse().map(Self::Kind) }
    }
}

/// How to train.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainOptions {
    /// The number of folds of the cross-validation, at least 2.
    pub folds: usize,
    /// The seed of the folds and of minibatches.
    pub seed: u64,
    /// The optimiser.
    pub solver: Solver,
    /// What the classifier is to be good at.
    pub metric: Metric,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { folds: 5, seed: 0, solver: Solver::Auto, metric: Metric::Accuracy }
    }
}

/// A trained classifier and how it was chosen.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The classifier, trained on all rows.
    pub classifier: LinearClassifier,
    /// The loss it was trained with; for [`LossChoice::Auto`], the one that was chosen.
    pub loss: LossKind,
    /// The optimiser.
    pub solver: Solver,
    /// The hyper-parameters that cross-validation chose.
    pub selected: Selected,
    /// The score over the folds, accuracy or another [`Metric`], at these hyper-parameters.
    pub cv: CrossValidation,
    /// Accuracy on the training rows.
    pub train_accuracy: f64,
    /// Steps of L-BFGS on all rows at these hyper-parameters; 0 for other solvers.
    pub iterations: usize,
    /// Every setting that was tried; for [`LossChoice::Auto`], those of both losses.
    pub path: Vec<PathPoint>,
    /// For EXACT, each sigma at the chosen L2 strength and margin; else empty.
    pub sigma_path: Vec<SigmaPathPoint>,
    /// Wall-clock time of selection and training.
    pub seconds: f64,
}

/// What cross-validation found for one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct PathPoint {
    /// The loss.
    pub loss: LossKind,
    /// Its hyper-parameters.
    pub settings: Selected,
    /// The score on the rows held out from each fold on which the setting was tried, beginning with the first fold.
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
    data: Dataset<'a>,
    folds: Vec<Fold>,
    options: TrainOptions,
    solver: Solver,
    cross_entropy: OnceLock<Vec<Path>>,
    /// What each loss of [`LossKind::ALL`] gave, once it has been asked for.
    trained: [OnceLock<Trained>; LossKind::ALL.len()],
}

/// The solutions along a path over the L2 strengths.
type Path = Vec<Fit>;

struct Fold {
    train: Dataset<'static>,
    validation: Dataset<'static>,
}

/// One setting tried on one fold.
#[derive(Debug, Clone, Copy)]
struct Trial {
    validation_score: f64,
    train_score: f64,
    /// The loss on the rows trained on, without penalty.
    train_loss: f64,
    /// The expected score on the rows held out, at one sigma for all settings: a smoother measure, which decides between
    /// settings of equal accuracy.
    validation_expected: f64,
}

impl<'a> Trainer<'a> {
    /// Divides the rows into folds.
    ///
    /// # Errors
    /// [`LinearError`] if labels do not match the rows, a label is not below `n_classes`, there are fewer than two
    /// classes with rows, or fewer rows than folds.
    pub fn new(
        inputs: impl Into<Inputs<'a>>,
        labels: Vec<u32>,
        n_classes: usize,
        options: TrainOptions,
    ) -> Result<Self, LinearError> {
        Self::on(Dataset::new(inputs, labels, n_classes, None)?, options)
    }

    /// Divides the rows of a data set, which may have sample weights, into folds.
    ///
    /// # Errors
    /// [`LinearError::Data`] if there are fewer rows than folds, or fewer than two folds.
    pub fn on(data: Dataset<'a>, options: TrainOptions) -> Result<Self, LinearError> {
        let n_classes = data.n_classes;
        options.metric.check(n_classes)?;
        let solver = options.solver.resolve(&data);
        let selection_rows = match solver {
            Solver::Sgd if data.n_rows() > SGD_SELECTION_ROWS => {
                let kept = SGD_SELECTION_ROWS as f64 / data.n_rows() as f64;
                Some(stratified_split(&data.labels, n_classes, kept, options.seed)?.test)
            }
            _ => None,
        };
        let sample = selection_rows.map(|rows| data.select(&rows));
        let selection = sample.as_ref().unwrap_or(&data);
        let validation = stratified_folds(&selection.labels, n_classes, options.folds, options.seed)?;
        let folds = validation
            .iter()
            .map(|rows| {
                let (train, validation) = selection.hold_out(rows)?;
                Ok(Fold { train, validation })
            })
            .collect::<Result<_, LinearError>>()?;
        Ok(Self { data, folds, options, solver, cross_entropy: OnceLock::new(), trained: Default::default() })
    }

    /// Takes folds as they are given; [`TrainOptions::folds`] has no part in it. They may overlap, and rows may be in
    /// none. Rows with the weight 0 are not counted.
    ///
    /// # Errors
    /// [`LinearError::Fold`] if there are no folds, or one has no rows to train or to validate on or rows that are not
    /// there.
    pub fn with_folds(
        data: Dataset<'a>,
        folds: &[Split],
        options: TrainOptions,
    ) -> Result<Self, LinearError> {
        options.metric.check(data.n_classes)?;
        let n_rows = data.n_rows();
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
            let (train, validation) = data.split(train, test)?;
            Ok(Fold { train, validation })
        };
        let folds: Vec<Fold> = folds.iter().enumerate().map(checked).collect::<Result<_, LinearError>>()?;
        if folds.is_empty() {
            return Err(LinearError::Fold { fold: 0, problem: "not been given".into() });
        }
        let solver = options.solver.resolve(&data);
        Ok(Self { data, folds, options, solver, cross_entropy: OnceLock::new(), trained: Default::default() })
    }

    /// Chooses hyper-parameters by cross-validation and trains on all rows.
    ///
    /// # Errors
    /// [`LinearError::Diverged`] if no setting gives finite parameters, [`LinearError::Interrupted`] if the callback stops
    /// training; what was trained before is kept.
    pub fn train(&self, loss: LossChoice, callback: Callback<'_>) -> Result<Trained, LinearError> {
        match loss {
            LossChoice::Kind(kind) => self.train_loss(kind, callback),
            LossChoice::Auto => {
                let cross_entropy = self.train_loss(LossKind::CrossEntropy, callback)?;
                let exact = self.train_loss(LossKind::Exact, callback)?;
                let seconds = cross_entropy.seconds + exact.seconds;
                let path = [cross_entropy.path.clone(), exact.path.clone()].concat();
                let chosen = if self.prefers(&exact.cv, &cross_entropy.cv) { exact } else { cross_entropy };
                Ok(Trained { path, seconds, ..chosen })
            }
        }
    }

    /// Whether `auto` leaves cross-entropy for EXACT.
    fn prefers(&self, exact: &CrossValidation, cross_entropy: &CrossValidation) -> bool {
        let gains: Vec<f64> = exact.folds.iter().zip(&cross_entropy.folds).map(|(a, b)| a - b).collect();
        let n = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / n;
        let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
        let standard_error = (squares / (n - 1.0) / n).sqrt();
        let needed = if self.data.n_rows() < SMALL_DATA_ROWS { 2.0 * standard_error } else { 0.0 };
        mean > needed
    }

    fn train_loss(&self, kind: LossKind, callback: Callback<'_>) -> Result<Trained, LinearError> {
        let slot = LossKind::ALL.iter().position(|&other| other == kind).map(|at| &self.trained[at]);
        if let Some(trained) = slot.and_then(OnceLock::get) {
            return Ok(trained.clone());
        }
        let trained = self.select_and_train(kind, callback)?;
        Ok(slot.map_or(trained.clone(), |slot| slot.get_or_init(|| trained).clone()))
    }

    fn select_and_train(&self, kind: LossKind, callback: Callback<'_>) -> Result<Trained, LinearError> {
        let start = Instant::now();
        let grid = match self.solver {
            Solver::Sgd => sgd::grid(kind),
            _ => kind.grid(),
        };
        let total = self.rounds(grid.len()).iter().map(|round| round.folds.len() * round.settings).sum();
        let watch = Watch::new(callback, kind.name(), total);
        let trials = self.search(kind, &grid, &watch)?;
        let best = select(&trials, self.folds.len()).ok_or(LinearError::Diverged { loss: kind.name() })?;
        let settings = grid[best];

        // The chosen setting once more: on the folds for the probabilities, on all rows for the classifier.
        let mut held_out = (Vec::new(), Vec::new(), Vec::new());
        let fits: Vec<Result<Fit, LinearError>> = (0..=self.folds.len())
            .into_par_iter()
            .map(|fold| self.fit(kind, &settings, fold, &watch))
            .collect();
        let mut fits = fits.into_iter().collect::<Result<Vec<_>, _>>()?;
        let Fit { parameters, iterations, .. } =
            fits.pop().ok_or(LinearError::Diverged { loss: kind.name() })?;
        if parameters.iter().any(|parameter| !parameter.is_finite()) {
            return Err(LinearError::Diverged { loss: kind.name() });
        }
        for (fold, fit) in self.folds.iter().zip(&fits) {
            held_out.0.extend(fold.validation.logits(&fit.parameters));
            held_out.1.extend_from_slice(&fold.validation.labels);
            held_out.2.extend(fold.validation.weights.iter().flatten());
        }
        let link = if matches!(kind, LossKind::Exact | LossKind::Probit) {
            Link::Probit { sigma: 1.0 }
        } else {
            Link::Softmax { temperature: 1.0 }
        };
        let (logits, labels, weights) = held_out;
        let weights = self.data.weights.is_some().then_some(weights.as_slice());
        let n_classes = self.data.n_classes;
        let link = link.calibrated_interruptibly(&logits, &labels, n_classes, weights, || watch.poll())?;
        let scores = trials[best].iter().map(|trial| trial.validation_score).collect();
        let cv = CrossValidation::of_folds(scores).ok_or(LinearError::Diverged { loss: kind.name() })?;
        let classifier = LinearClassifier::of(&self.data, &parameters, link);
        Ok(Trained {
            train_accuracy: self.data.accuracy(&parameters),
            classifier,
            loss: kind,
            solver: self.solver,
            selected: settings.record(),
            cv,
            iterations,
            path: path(kind, &grid, &trials),
            sigma_path: if kind == LossKind::Exact {
                sigma_path(&self.options.metric, &grid, &trials, best)
            } else {
                Vec::new()
            },
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// The settings of the grid on the folds, `[setting][fold]`. On large data, settings that trail after the first folds
    /// are not tried on the others.
    fn search(
        &self,
        kind: LossKind,
        grid: &[Settings],
        watch: &Watch<'_>,
    ) -> Result<Vec<Vec<Trial>>, LinearError> {
        let rounds = self.rounds(grid.len());
        let mut trials: Vec<Vec<Trial>> = vec![Vec::new(); grid.len()];
        let mut racing: Vec<usize> = (0..grid.len()).collect();
        for Round { folds, settings } in rounds {
            // The best so far come first; the sort is stable, so equal ones stay in the order of the grid.
            racing.sort_by(|&a, &b| compare(&trials[b], &trials[a]));
            racing.truncate(settings);
            let jobs: Vec<(usize, usize)> =
                racing.iter().flat_map(|&setting| folds.clone().map(move |fold| (setting, fold))).collect();
            let tried: Vec<Trial> = jobs
                .par_iter()
                .map(|&(setting, fold)| {
                    let trial = self.try_setting(kind, &grid[setting], fold, watch)?;
                    watch.advance()?;
                    Ok(trial)
                })
                .collect::<Result<_, LinearError>>()?;
            for ((setting, _), trial) in jobs.into_iter().zip(tried) {
                trials[setting].push(trial);
            }
        }
        Ok(trials)
    }

    /// Small data try every setting on every fold. Larger ones try all on the first fold, the better half on the second
    /// and the best quarter on the others.
    fn rounds(&self, settings: usize) -> Vec<Round> {
        let n_folds = self.folds.len();
        if self.folds[0].validation.n_rows() < RACE_VALIDATION_ROWS || n_folds < 3 {
            return vec![Round { folds: 0..n_folds, settings }];
        }
        let kept = |share: usize| settings.div_ceil(share).max(RACE_MIN_SETTINGS.min(settings));
        vec![
            Round { folds: 0..1, settings },
            Round { folds: 1..2, settings: kept(2) },
            Round { folds: 2..n_folds, settings: kept(4) },
        ]
    }

    fn try_setting(
        &self,
        kind: LossKind,
        settings: &Settings,
        fold: usize,
        watch: &Watch<'_>,
    ) -> Result<Trial, LinearError> {
        let Fit { parameters, loss, .. } = self.fit(kind, settings, fold, watch)?;
        let metric = &self.options.metric;
        let Fold { train, validation } = &self.folds[fold];
        Ok(Trial {
            validation_score: metric.score(validation, &parameters),
            train_score: metric.score(train, &parameters),
            train_loss: loss,
            validation_expected: metric.expected_score(validation, &parameters),
        })
    }

    /// The rows to train on: a fold's, or all for the index past the last fold.
    fn training_rows(&self, fold: usize) -> &Dataset<'_> {
        self.folds.get(fold).map_or(&self.data, |fold| &fold.train)
    }

    /// Parameters and training loss of one setting.
    fn fit(
        &self,
        kind: LossKind,
        settings: &Settings,
        fold: usize,
        watch: &Watch<'_>,
    ) -> Result<Fit, LinearError> {
        let (data, goal) = (self.training_rows(fold), Goal { kind, metric: &self.options.metric });
        if self.solver == Solver::Sgd {
            let (parameters, loss) = sgd::fit(data, goal, settings, self.options.seed, watch)?;
            return Ok(Fit { parameters, loss, iterations: 0, converged: true });
        }
        let strength = L2_STRENGTHS.iter().position(|&l2| l2 == settings.l2).unwrap_or(0);
        if kind == LossKind::CrossEntropy {
            return Ok(self.cross_entropy(watch)?[fold][strength].clone());
        }
        let start = &self.cross_entropy(watch)?[fold][strength].parameters;
        refine::fit(data, goal, settings, start, watch)
    }

    /// The cross-entropy paths of all folds, then of all rows: each strength starts from the stronger one.
    fn cross_entropy(&self, watch: &Watch<'_>) -> Result<&Vec<Path>, LinearError> {
        if let Some(paths) = self.cross_entropy.get() {
            return Ok(paths);
        }
        let paths = (0..=self.folds.len())
            .into_par_iter()
            .map(|fold| {
                let data = self.training_rows(fold);
                let mut start = vec![0.0; data.map().n_parameters()];
                let mut path = Vec::with_capacity(L2_STRENGTHS.len());
                for l2 in L2_STRENGTHS {
                    let settings = Settings::new(l2);
                    let goal = Goal { kind: LossKind::CrossEntropy, metric: &self.options.metric };
                    let fit = refine::fit(data, goal, &settings, &start, watch)?;
                    start.clone_from(&fit.parameters);
                    path.push(fit);
                }
                Ok(path)
            })
            .collect::<Result<Vec<Path>, LinearError>>()?;
        Ok(self.cross_entropy.get_or_init(|| paths))
    }
}

/// Folds on which the best settings are tried.
struct Round {
    folds: std::ops::Range<usize>,
    settings: usize,
}

fn mean(trials: &[Trial], of: fn(&Trial) -> f64) -> f64 {
    trials.iter().map(of).sum::<f64>() / trials.len() as f64
}

/// By mean score on the rows held out; where that is equal, by mean expected score there. A setting whose training
/// diverged comes below all others.
fn compare(a: &[Trial], b: &[Trial]) -> std::cmp::Ordering {
    let score = |trials: &[Trial]| {
        let finite = trials.iter().all(|trial| trial.train_loss.is_finite());
        // Means of the same scores in another order differ by rounding.
        if finite { (mean(trials, |trial| trial.validation_score) * 1e9).round() } else { f64::NEG_INFINITY }
    };
    let expected = |trials: &[Trial]| mean(trials, |trial| trial.validation_expected);
    score(a).total_cmp(&score(b)).then_with(|| expected(a).total_cmp(&expected(b)))
}

/// The best setting of those that were tried on all folds, the first of equal ones.
fn select(trials: &[Vec<Trial>], n_folds: usize) -> Option<usize> {
    (0..trials.len())
        .filter(|&i| trials[i].len() == n_folds && trials[i].iter().all(|trial| trial.train_loss.is_finite()))
        .reduce(|best, i| if compare(&trials[i], &trials[best]).is_gt() { i } else { best })
}

/// Every setting with its scores.
fn path(loss: LossKind, grid: &[Settings], trials: &[Vec<Trial>]) -> Vec<PathPoint> {
    let point = |(settings, trials): (&Settings, &Vec<Trial>)| PathPoint {
        loss,
        settings: settings.record(),
        validation_scores: trials.iter().map(|trial| trial.validation_score).collect(),
        train_scores: trials.iter().map(|trial| trial.train_score).collect(),
    };
    grid.iter().zip(trials).map(point).collect()
}

/// The path over sigma at the selected L2 strength and margin; means over the folds that each was tried on.
fn sigma_path(metric: &Metric, grid: &[Settings], trials: &[Vec<Trial>], best: usize) -> Vec<SigmaPathPoint> {
    let chosen = grid[best];
    let mut path: Vec<SigmaPathPoint> = grid
        .iter()
        .zip(trials)
        .filter(|(settings, _)| settings.l2 == chosen.l2 && settings.margin == chosen.margin)
        .filter_map(|(settings, trials)| {
            Some(SigmaPathPoint {
                sigma: settings.sigma?,
                l2: settings.l2,
                margin: settings.margin,
                train_accuracy: mean(trials, |trial| trial.train_score),
                validation_accuracy: mean(trials, |trial| trial.validation_score),
                expected_accuracy: metric.of_error(mean(trials, |trial| trial.train_loss)),
            })
        })
        .collect();
    path.sort_by(|a, b| b.sigma.total_cmp(&a.sigma));
    path
}

#[cfg(test)]
mod tests {
    use super::{Dataset, Inputs, TrainOptions, Trainer};
    use crate::progress::{Progress, Watch};
    use crate::settings::LossKind;
    use crate::solver::Solver;
    use exact_data::{Features, stratified_folds};

    const ROWS: usize = 60;

    fn labels() -> Vec<u32> {
        (0..ROWS).map(|i| (i % 7 % 3) as u32).collect()
    }

    /// Features of three overlapping classes; those of `altered` rows are something else.
    fn trainer(altered: &[usize], solver: Solver) -> Trainer<'static> {
        let x = (0..ROWS).flat_map(|row| {
            let (noise, label) = ((row as f64 * 12.9898).sin(), f64::from(labels()[row]));
            if altered.contains(&row) { [-9.0 * noise, 7.0] } else { [label + noise, label * noise] }
        });
        let features = Features::from_dense(x.collect(), 2).unwrap();
        let options = TrainOptions { folds: 3, solver, ..TrainOptions::default() };
        Trainer::new(features, labels(), 3, options).unwrap()
    }

    #[test]
    fn rows_held_out_have_no_part_in_what_is_fitted_without_them() {
        for (fold, held_out) in stratified_folds(&labels(), 3, 3, 0).unwrap().iter().enumerate() {
            for (solver, kinds) in
                [(Solver::Lbfgs, &LossKind::ALL[..]), (Solver::Sgd, &[LossKind::CrossEntropy][..])]
            {
                let (plain, altered) = (trainer(&[], solver), trainer(held_out, solver));
                let mut permuted = trainer(&[], solver);
                permuted.folds[fold].validation.labels.rotate_left(1);
                for &kind in kinds {
                    let settings = kind.grid()[1];
                    let watch = Watch::new(&Progress::ignore, kind.name(), 1);
                    let fit =
                        |trainer: &Trainer<'_>, fold| trainer.fit(kind, &settings, fold, &watch).unwrap();
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
        let trainer = trainer(&[], Solver::Lbfgs);
        let mut held_out = Vec::new();
        for fold in &trainer.folds {
            assert_eq!(fold.train.n_rows() + fold.validation.n_rows(), ROWS);
            held_out.extend_from_slice(dense(&fold.validation));
        }
        let mut all = dense(&trainer.data).to_vec();
        all.sort_by(f64::total_cmp);
        held_out.sort_by(f64::total_cmp);
        assert_eq!(held_out, all);
    }
}
