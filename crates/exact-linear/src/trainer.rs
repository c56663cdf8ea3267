//! Training with cross-validated selection of hyper-parameters, on the training rows alone.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use exact_data::{Features, stratified_folds, stratified_split};
use exact_eval::record::{CrossValidation, Selected, SigmaPathPoint};
use rayon::prelude::*;

use crate::calibration::calibrate;
use crate::classifier::{LinearClassifier, Link};
use crate::dataset::Dataset;
use crate::settings::{L2_STRENGTHS, LossKind, Settings};
use crate::solver::Solver;
use crate::{LinearError, refine, sgd};

/// Rows above which minibatch SGD chooses its hyper-parameters on a stratified sample of this size.
const SGD_SELECTION_ROWS: usize = 100_000;
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
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TrainOptions {
    /// The number of folds of the cross-validation, at least 2.
    pub folds: usize,
    /// The seed of the folds and of minibatches.
    pub seed: u64,
    /// The optimiser.
    pub solver: Solver,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { folds: 5, seed: 0, solver: Solver::Auto }
    }
}

/// How far a stage of training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: &'static str,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
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
    /// Accuracy over the folds at these hyper-parameters.
    pub cv: CrossValidation,
    /// Accuracy on the training rows.
    pub train_accuracy: f64,
    /// For EXACT, each sigma at the chosen L2 strength and margin; else empty.
    pub sigma_path: Vec<SigmaPathPoint>,
    /// Wall-clock time of selection and training.
    pub seconds: f64,
}

/// Trains classifiers on one data set, with the same folds for every loss.
///
/// # Example
/// ```
/// use exact_data::Features;
/// use exact_linear::{LossChoice, LossKind, TrainOptions, Trainer};
///
/// // One feature; the classes overlap.
/// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0 - 2.0).collect();
/// let labels = (0..40).map(|i| u32::from(i > 22 || i % 10 == 3)).collect();
/// let trainer = Trainer::new(Features::from_dense(x, 1)?, labels, 2, TrainOptions::default())?;
/// let trained = trainer.train(LossChoice::Kind(LossKind::Exact), &|_| {})?;
/// assert!(trained.train_accuracy > 0.9);
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
pub struct Trainer {
    data: Dataset,
    folds: Vec<Fold>,
    options: TrainOptions,
    solver: Solver,
    cross_entropy: OnceLock<Vec<Path>>,
    /// What each loss of [`LossKind::ALL`] gave, once it has been asked for.
    trained: [OnceLock<Trained>; LossKind::ALL.len()],
}

/// The parameters along a path over the L2 strengths.
type Path = Vec<Vec<f64>>;

struct Fold {
    train: Dataset,
    validation: Dataset,
}

/// One setting tried on one fold.
#[derive(Debug, Clone, Copy)]
struct Trial {
    validation_accuracy: f64,
    train_accuracy: f64,
    /// The loss on the rows trained on, without penalty.
    train_loss: f64,
    /// Expected accuracy on the rows held out, at one sigma for all settings: a smoother measure, which decides between
    /// settings of equal accuracy.
    validation_expected: f64,
}

impl Trainer {
    /// Divides the rows into folds.
    ///
    /// # Errors
    /// [`LinearError`] if labels do not match the rows, a label is not below `n_classes`, there are fewer than two
    /// classes with rows, or fewer rows than folds.
    pub fn new(
        features: Features,
        labels: Vec<u32>,
        n_classes: usize,
        options: TrainOptions,
    ) -> Result<Self, LinearError> {
        if labels.len() != features.n_rows() {
            return Err(LinearError::Rows { rows: features.n_rows(), labels: labels.len() });
        }
        if n_classes < 2 {
            return Err(LinearError::Classes(n_classes));
        }
        let data = Dataset { features, labels, n_classes };
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
        let mut counts = vec![0_usize; n_classes];
        for &label in &data.labels {
            counts[label as usize] += 1;
        }
        let classes = counts.iter().filter(|&&count| count > 0).count();
        if classes < 2 {
            return Err(LinearError::Classes(classes));
        }
        let folds = validation
            .iter()
            .map(|rows| {
                let (train, validation) = selection.hold_out(rows);
                Fold { train, validation }
            })
            .collect();
        Ok(Self { data, folds, options, solver, cross_entropy: OnceLock::new(), trained: Default::default() })
    }

    /// Chooses hyper-parameters by cross-validation and trains on all rows.
    ///
    /// # Errors
    /// [`LinearError::Diverged`] if no setting gives finite parameters.
    pub fn train(
        &self,
        loss: LossChoice,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Trained, LinearError> {
        match loss {
            LossChoice::Kind(kind) => self.train_loss(kind, progress),
            LossChoice::Auto => {
                let cross_entropy = self.train_loss(LossKind::CrossEntropy, progress)?;
                let exact = self.train_loss(LossKind::Exact, progress)?;
                let seconds = cross_entropy.seconds + exact.seconds;
                let chosen = if self.prefers(&exact.cv, &cross_entropy.cv) { exact } else { cross_entropy };
                Ok(Trained { seconds, ..chosen })
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

    fn train_loss(
        &self,
        kind: LossKind,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Trained, LinearError> {
        let slot = LossKind::ALL.iter().position(|&other| other == kind).map(|at| &self.trained[at]);
        if let Some(trained) = slot.and_then(OnceLock::get) {
            return Ok(trained.clone());
        }
        let trained = self.select_and_train(kind, progress)?;
        Ok(slot.map_or(trained.clone(), |slot| slot.get_or_init(|| trained).clone()))
    }

    fn select_and_train(
        &self,
        kind: LossKind,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Trained, LinearError> {
        let start = Instant::now();
        let grid = match self.solver {
            Solver::Sgd => sgd::grid(kind),
            _ => kind.grid(),
        };
        let trials = self.search(kind, &grid, progress)?;
        let best = select(&trials).ok_or(LinearError::Diverged { loss: kind.name() })?;
        let settings = grid[best];

        // The chosen setting once more: on the folds for the probabilities, on all rows for the classifier.
        let mut held_out = (Vec::new(), Vec::new());
        let fits: Vec<Result<Vec<f64>, LinearError>> = (0..=self.folds.len())
            .into_par_iter()
            .map(|fold| self.fit(kind, &settings, fold).map(|(parameters, _)| parameters))
            .collect();
        let mut fits = fits.into_iter().collect::<Result<Vec<_>, _>>()?;
        let parameters = fits.pop().ok_or(LinearError::Diverged { loss: kind.name() })?;
        if parameters.iter().any(|parameter| !parameter.is_finite()) {
            return Err(LinearError::Diverged { loss: kind.name() });
        }
        for (fold, parameters) in self.folds.iter().zip(&fits) {
            held_out.0.extend(fold.validation.logits(parameters));
            held_out.1.extend_from_slice(&fold.validation.labels);
        }
        let link = if matches!(kind, LossKind::Exact | LossKind::Probit) {
            Link::Probit { sigma: 1.0 }
        } else {
            Link::Softmax { temperature: 1.0 }
        };
        let link = calibrate(&held_out.0, &held_out.1, self.data.n_classes, link)?;
        let accuracies = trials[best].iter().map(|trial| trial.validation_accuracy).collect();
        let cv = CrossValidation::of_folds(accuracies).ok_or(LinearError::Diverged { loss: kind.name() })?;
        let n_linear = self.data.map().n_parameters();
        let classifier =
            LinearClassifier { map: self.data.map(), parameters: parameters[..n_linear].to_vec(), link };
        Ok(Trained {
            train_accuracy: self.data.accuracy(&parameters),
            classifier,
            loss: kind,
            solver: self.solver,
            selected: settings.record(),
            cv,
            sigma_path: if kind == LossKind::Exact { sigma_path(&grid, &trials, best) } else { Vec::new() },
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Every setting of the grid on every fold, `[setting][fold]`.
    fn search(
        &self,
        kind: LossKind,
        grid: &[Settings],
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Vec<Vec<Trial>>, LinearError> {
        let n_folds = self.folds.len();
        let total = grid.len() * n_folds;
        let done = AtomicUsize::new(0);
        let trials: Vec<Trial> = (0..total)
            .into_par_iter()
            .map(|job| {
                let (setting, fold) = (job / n_folds, job % n_folds);
                let (parameters, train_loss) = self.fit(kind, &grid[setting], fold)?;
                let Fold { train, validation } = &self.folds[fold];
                let trial = Trial {
                    validation_accuracy: validation.accuracy(&parameters),
                    train_accuracy: train.accuracy(&parameters),
                    train_loss,
                    validation_expected: validation.expected_accuracy(&parameters),
                };
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress(Progress { stage: kind.name(), done, total });
                Ok(trial)
            })
            .collect::<Result<_, LinearError>>()?;
        Ok(trials.chunks(n_folds).map(<[Trial]>::to_vec).collect())
    }

    /// The rows to train on: a fold's, or all for the index past the last fold.
    fn training_rows(&self, fold: usize) -> &Dataset {
        self.folds.get(fold).map_or(&self.data, |fold| &fold.train)
    }

    /// Parameters and training loss of one setting.
    fn fit(&self, kind: LossKind, settings: &Settings, fold: usize) -> Result<(Vec<f64>, f64), LinearError> {
        let data = self.training_rows(fold);
        if self.solver == Solver::Sgd {
            return sgd::fit(data, kind, settings, self.options.seed);
        }
        let strength = L2_STRENGTHS.iter().position(|&l2| l2 == settings.l2).unwrap_or(0);
        if kind == LossKind::CrossEntropy {
            let parameters = self.cross_entropy()?[fold][strength].clone();
            let loss = refine::loss(data, kind, settings, &parameters)?;
            return Ok((parameters, loss));
        }
        let start = &self.cross_entropy()?[fold][strength];
        refine::fit(data, kind, settings, start)
    }

    /// The cross-entropy paths of all folds, then of all rows: each strength starts from the stronger one.
    fn cross_entropy(&self) -> Result<&Vec<Path>, LinearError> {
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
                    let settings = Settings { l2, ..Settings::default() };
                    start = refine::fit(data, LossKind::CrossEntropy, &settings, &start)?.0;
                    path.push(start.clone());
                }
                Ok(path)
            })
            .collect::<Result<Vec<Path>, LinearError>>()?;
        Ok(self.cross_entropy.get_or_init(|| paths))
    }
}

/// The setting with the best mean accuracy on the rows held out; of equal ones that with the best expected accuracy
/// there, then the first.
fn select(trials: &[Vec<Trial>]) -> Option<usize> {
    let mean =
        |trials: &[Trial], of: fn(&Trial) -> f64| trials.iter().map(of).sum::<f64>() / trials.len() as f64;
    let score = |i: usize| {
        let accuracy = mean(&trials[i], |trial| trial.validation_accuracy);
        let expected = mean(&trials[i], |trial| trial.validation_expected);
        (accuracy, expected)
    };
    let better = |a: (f64, f64), b: (f64, f64)| {
        // Means of the same accuracies in another order differ by rounding.
        a.0 > b.0 + 1e-12 || ((a.0 - b.0).abs() <= 1e-12 && a.1 > b.1)
    };
    (0..trials.len())
        .filter(|&i| trials[i].iter().all(|trial| trial.train_loss.is_finite()))
        .reduce(|best, i| if better(score(i), score(best)) { i } else { best })
}

/// The path over sigma at the selected L2 strength and margin.
fn sigma_path(grid: &[Settings], trials: &[Vec<Trial>], best: usize) -> Vec<SigmaPathPoint> {
    let chosen = grid[best];
    let mut path: Vec<SigmaPathPoint> = grid
        .iter()
        .zip(trials)
        .filter(|(settings, _)| settings.l2 == chosen.l2 && settings.margin == chosen.margin)
        .filter_map(|(settings, trials)| {
            let mean = |of: fn(&Trial) -> f64| trials.iter().map(of).sum::<f64>() / trials.len() as f64;
            Some(SigmaPathPoint {
                sigma: settings.sigma?,
                l2: settings.l2,
                margin: settings.margin,
                train_accuracy: mean(|trial| trial.train_accuracy),
                validation_accuracy: mean(|trial| trial.validation_accuracy),
                expected_accuracy: 1.0 - mean(|trial| trial.train_loss),
            })
        })
        .collect();
    path.sort_by(|a, b| b.sigma.total_cmp(&a.sigma));
    path
}

#[cfg(test)]
mod tests {
    use super::{TrainOptions, Trainer};
    use crate::settings::LossKind;
    use crate::solver::Solver;
    use exact_data::{Features, stratified_folds};

    const ROWS: usize = 60;

    fn labels() -> Vec<u32> {
        (0..ROWS).map(|i| (i % 7 % 3) as u32).collect()
    }

    /// Features of three overlapping classes; those of `altered` rows are something else.
    fn trainer(altered: &[usize], solver: Solver) -> Trainer {
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
                    let fit = |trainer: &Trainer, fold| trainer.fit(kind, &settings, fold).unwrap();
                    assert_eq!(fit(&plain, fold), fit(&altered, fold), "{kind}");
                    assert_eq!(fit(&plain, fold), fit(&permuted, fold), "{kind}");
                    // The other folds do train on these rows.
                    let other = (fold + 1) % 3;
                    assert_ne!(fit(&plain, other).0, fit(&altered, other).0, "{kind}");
                }
            }
        }
    }

    #[test]
    fn every_row_is_held_out_once() {
        let trainer = trainer(&[], Solver::Lbfgs);
        let mut held_out = Vec::new();
        for fold in &trainer.folds {
            assert_eq!(fold.train.n_rows() + fold.validation.n_rows(), ROWS);
            held_out.extend_from_slice(fold.validation.features.dense());
        }
        let mut all = trainer.data.features.dense().to_vec();
        all.sort_by(f64::total_cmp);
        held_out.sort_by(f64::total_cmp);
        assert_eq!(held_out, all);
    }
}
