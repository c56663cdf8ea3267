//! The search for the best candidate of a grid on the folds.

use std::cmp::Ordering;
use std::ops::Range;

use exact_eval::record::SigmaPathPoint;
use rayon::prelude::*;

use crate::LinearError;
use crate::folded_data::{Fold, FoldedData};
use crate::grid::Candidate;
use crate::metric::Metric;
use crate::progress::Watch;
use crate::refine::Fit;

/// Rows held out per fold from which settings race.
const RACE_VALIDATION_ROWS: usize = 250;
/// Settings that stay in the race at least.
const RACE_MIN_SETTINGS: usize = 5;

/// One candidate tried on one fold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    pub validation_score: f64,
    pub train_score: f64,
    /// The loss on the rows trained on, without penalty.
    train_loss: f64,
    /// The expected score on the rows held out, at one sigma for all settings: a smoother measure, which
    /// decides between settings of equal accuracy.
    validation_expected: f64,
}

impl Trial {
    fn run(
        data: &FoldedData<'_>,
        candidate: &Candidate,
        fold: usize,
        watch: &Watch<'_>,
    ) -> Result<Self, LinearError> {
        let Fit { parameters, loss, .. } = data.fit(candidate, fold, watch)?;
        let metric = &data.options.metric;
        let Fold { train, validation } = &data.folds[fold];
        Ok(Self {
            validation_score: metric.score(validation, &parameters)?,
            train_score: metric.score(train, &parameters)?,
            train_loss: loss,
            validation_expected: metric.expected_score(validation, &parameters)?,
        })
    }
}

/// Folds on which the best candidates are tried.
pub(crate) struct Round {
    folds: Range<usize>,
    candidates: usize,
}

impl Round {
    /// How many trials there are.
    pub fn n_trials(&self) -> usize {
        self.folds.len() * self.candidates
    }
}

/// Small data try every candidate on every fold. Larger ones try all on the first fold, the better half on
/// the second and the best quarter on the others.
pub(crate) fn rounds(data: &FoldedData<'_>, candidates: usize) -> Vec<Round> {
    let n_folds = data.folds.len();
    if data.folds[0].validation.n_rows() < RACE_VALIDATION_ROWS || n_folds < 3 {
        return vec![Round { folds: 0..n_folds, candidates }];
    }
    let kept = |share: usize| candidates.div_ceil(share).max(RACE_MIN_SETTINGS.min(candidates));
    vec![
        Round { folds: 0..1, candidates },
        Round { folds: 1..2, candidates: kept(2) },
        Round { folds: 2..n_folds, candidates: kept(4) },
    ]
}

/// The candidates of the grid on the folds, `[candidate][fold]`. On large data, those that trail after the
/// first folds are not tried on the others.
pub(crate) fn search(
    data: &FoldedData<'_>,
    grid: &[Candidate],
    rounds: Vec<Round>,
    watch: &Watch<'_>,
) -> Result<Vec<Vec<Trial>>, LinearError> {
    let mut trials: Vec<Vec<Trial>> = vec![Vec::new(); grid.len()];
    let mut racing: Vec<usize> = (0..grid.len()).collect();
    for Round { folds, candidates } in rounds {
        // The best so far come first; the sort is stable, so equal ones stay in the order of the grid.
        racing.sort_by(|&a, &b| compare(&trials[b], &trials[a]));
        racing.truncate(candidates);
        let jobs: Vec<(usize, usize)> =
            racing.iter().flat_map(|&candidate| folds.clone().map(move |fold| (candidate, fold))).collect();
        let tried: Vec<Trial> = jobs
            .par_iter()
            .map(|&(candidate, fold)| {
                let trial = Trial::run(data, &grid[candidate], fold, watch)?;
                watch.advance()?;
                Ok(trial)
            })
            .collect::<Result<_, LinearError>>()?;
        for ((candidate, _), trial) in jobs.into_iter().zip(tried) {
            trials[candidate].push(trial);
        }
    }
    Ok(trials)
}

fn mean(trials: &[Trial], of: fn(&Trial) -> f64) -> f64 {
    trials.iter().map(of).sum::<f64>() / trials.len() as f64
}

/// By mean score on the rows held out; where that is equal, by mean expected score there. A candidate whose
/// training diverged comes below all others.
fn compare(a: &[Trial], b: &[Trial]) -> Ordering {
    let score = |trials: &[Trial]| {
        let finite = trials.iter().all(|trial| trial.train_loss.is_finite());
        // Means of the same scores in another order differ by rounding.
        if finite { (mean(trials, |trial| trial.validation_score) * 1e9).round() } else { f64::NEG_INFINITY }
    };
    let expected = |trials: &[Trial]| mean(trials, |trial| trial.validation_expected);
    score(a).total_cmp(&score(b)).then_with(|| expected(a).total_cmp(&expected(b)))
}

/// The best candidate of those that were tried on all folds, the first of equal ones; `None` if all diverged.
pub(crate) fn select(trials: &[Vec<Trial>], n_folds: usize) -> Option<usize> {
    (0..trials.len())
        .filter(|&i| trials[i].len() == n_folds && trials[i].iter().all(|trial| trial.train_loss.is_finite()))
        .reduce(|best, i| if compare(&trials[i], &trials[best]).is_gt() { i } else { best })
}

/// The path over sigma at the L2 strength and the margin of the candidate that was chosen; means over the
/// folds that each was tried on.
pub(crate) fn sigma_path(
    metric: &Metric,
    grid: &[Candidate],
    trials: &[Vec<Trial>],
    chosen: usize,
) -> Vec<SigmaPathPoint> {
    let chosen = grid[chosen].record();
    let mut path: Vec<SigmaPathPoint> = grid
        .iter()
        .map(Candidate::record)
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
