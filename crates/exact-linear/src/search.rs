//! The search for the best candidate of a grid on the folds.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use exact_core::loss::LossKind;
use exact_eval::record::{Selected, SigmaPathPoint};
use rayon::prelude::*;

use crate::LinearError;
use crate::dataset::Dataset;
use crate::folded_data::{Fold, FoldedData};
use crate::grid::{Candidate, Method};
use crate::metric::Metric;
use crate::progress::Watch;
use crate::refine::Fit;
use crate::strength::Strength;

/// Settings that stay in the race at least.
const RACE_MIN_SETTINGS: usize = 3;
/// Logits of a pass over the rows of a fold from which settings have to qualify for the race, which would
/// take minutes with all of them.
const QUALIFYING_LOGITS: usize = 250_000;
/// Steps of the fits by which they qualify. They start from the solution of cross-entropy, so that the first
/// steps tell what a setting is good for.
const QUALIFYING_STEPS: usize = 6;

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
        let (metric, trained) = (&data.options.metric, &candidate.settings.loss);
        let Fold { train, validation } = &data.folds[fold];
        let [validation_score, train_score] =
            data.options.scores([validation, train], &parameters, trained)?;
        Ok(Self {
            validation_score,
            train_score,
            train_loss: loss,
            validation_expected: metric.expected_score(validation, &parameters)?,
        })
    }
}

/// Folds on which the best candidates are tried. A fold that they have been tried on is tried again.
pub(crate) struct Round {
    folds: Range<usize>,
    candidates: usize,
    /// Steps of a fit at most, where they are fewer than usual.
    steps: Option<usize>,
}

impl Round {
    /// Passes over rows at most, by candidates like this one.
    pub fn passes(&self, data: &FoldedData<'_>, candidate: &Candidate) -> Result<usize, LinearError> {
        let candidate = self.limited(candidate);
        let of_fold = |fold| Ok(self.candidates * data.passes(&candidate, fold)?);
        self.folds.clone().map(of_fold).sum()
    }

    /// The candidate as this round tries it.
    fn limited<'a>(&self, candidate: &'a Candidate) -> Cow<'a, Candidate> {
        let Some(steps) = self.steps else { return Cow::Borrowed(candidate) };
        let settings = candidate.settings.clone().with_max_iterations(steps);
        Cow::Owned(Candidate { settings, method: candidate.method })
    }
}

/// Small data try every candidate on every fold. Larger ones try all on the first fold, the better half on
/// the second and the best quarter on the others. Where passes are expensive, short fits on the first fold
/// choose an eighth to begin with, unless the fits of all candidates are those of the cross-entropy path.
pub(crate) fn rounds(data: &FoldedData<'_>, grid: &[Candidate]) -> Vec<Round> {
    let n_folds = data.folds.len();
    let round = |folds, candidates| Round { folds, candidates, steps: None };
    let all = grid.len();
    let kept =
        |candidates: usize, share: usize| candidates.div_ceil(share).max(RACE_MIN_SETTINGS.min(candidates));
    let race = |candidates: usize| {
        if !data.races() {
            return vec![round(0..n_folds, candidates)];
        }
        vec![
            round(0..1, candidates),
            round(1..2, kept(candidates, 2)),
            round(2..n_folds, kept(candidates, 4)),
        ]
    };
    if !must_qualify(data, grid) {
        return race(all);
    }
    let mut rounds = vec![Round { steps: Some(QUALIFYING_STEPS), ..round(0..1, all) }];
    rounds.extend(race(kept(all, 8)));
    rounds
}

/// The candidates of the grid on the folds, `[candidate][fold]`. On large data, those that trail after the
/// first folds are not tried on the others; those that do not qualify have the trial of their short fit.
pub(crate) fn search(
    data: &FoldedData<'_>,
    grid: &[Candidate],
    rounds: Vec<Round>,
    watch: &Watch<'_>,
) -> Result<Vec<Vec<Trial>>, LinearError> {
    data.prepare(&strengths(grid), watch)?;
    let mut trials: Vec<Vec<Trial>> = vec![Vec::new(); grid.len()];
    let mut racing: Vec<usize> = (0..grid.len()).collect();
    for round in rounds {
        // The best so far come first; the sort is stable, so equal ones stay in the order of the grid.
        racing.sort_by(|&a, &b| compare(&trials[b], &trials[a]));
        racing.truncate(round.candidates);
        run(data, grid, &mut trials, &racing, &round, watch)?;
    }
    Ok(trials)
}

/// Tries what lies next to the best candidate and is not in the grid, for as long as that has a better score;
/// on large data, on the other folds only what is better on the first. Returns the best; `None` if all
/// diverged.
pub(crate) fn climb(
    data: &FoldedData<'_>,
    grid: &mut Vec<Candidate>,
    trials: &mut Vec<Vec<Trial>>,
    watch: &Watch<'_>,
) -> Result<Option<usize>, LinearError> {
    let n_folds = data.folds.len();
    let first = if data.races() { 1 } else { n_folds };
    let Some(mut best) = select(trials, n_folds) else { return Ok(None) };
    loop {
        let mut beyond = data.neighbours(&grid[best])?;
        beyond.retain(|candidate| !grid.contains(candidate));
        data.prepare(&strengths(&beyond), watch)?;
        let mut tried = vec![Vec::new(); beyond.len()];
        let mut racing: Vec<usize> = (0..beyond.len()).collect();
        if must_qualify(data, &beyond) {
            // Short fits tell which are worth a long one; the others have the trial of theirs.
            let short = |candidates| Round { folds: 0..1, candidates, steps: Some(QUALIFYING_STEPS) };
            let mut of_best = [Vec::new()];
            run(data, &grid[best..=best], &mut of_best, &[0], &short(1), watch)?;
            run(data, &beyond, &mut tried, &racing, &short(beyond.len()), watch)?;
            racing.retain(|&at| score(&tried[at]) > score(&of_best[0]));
        }
        for folds in [0..first, first..n_folds] {
            let round = Round { folds, candidates: beyond.len(), steps: None };
            run(data, &beyond, &mut tried, &racing, &round, watch)?;
            racing.retain(|&at| score(&tried[at][..first]) > score(&trials[best][..first]));
        }
        let better = select(&tried, n_folds).filter(|&at| score(&tried[at]) > score(&trials[best]));
        let place = better.map(|at| grid.len() + at);
        grid.append(&mut beyond);
        trials.extend(tried);
        let Some(place) = place else { return Ok(Some(best)) };
        best = place;
    }
}

/// Whether candidates have to qualify by short fits: a pass over the rows of a fold takes long, and their
/// fits are not those of the cross-entropy path.
fn must_qualify(data: &FoldedData<'_>, grid: &[Candidate]) -> bool {
    let refined = |candidate: &Candidate| {
        let path = candidate.settings.loss.kind() == LossKind::CrossEntropy;
        !path && matches!(candidate.method, Method::Lbfgs { .. })
    };
    let Dataset { n_classes, .. } = data.folds[0].train;
    let expensive = data.folds[0].train.n_rows().saturating_mul(n_classes) >= QUALIFYING_LOGITS;
    expensive && grid.iter().all(refined)
}

/// Tries candidates on the folds of a round.
fn run(
    data: &FoldedData<'_>,
    grid: &[Candidate],
    trials: &mut [Vec<Trial>],
    racing: &[usize],
    round: &Round,
    watch: &Watch<'_>,
) -> Result<(), LinearError> {
    let jobs: Vec<(usize, usize)> =
        racing.iter().flat_map(|&candidate| round.folds.clone().map(move |fold| (candidate, fold))).collect();
    let tried: Vec<Trial> = jobs
        .par_iter()
        .map(|&(candidate, fold)| Trial::run(data, &round.limited(&grid[candidate]), fold, watch))
        .collect::<Result<_, LinearError>>()?;
    for &candidate in racing {
        trials[candidate].truncate(round.folds.start);
    }
    for ((candidate, _), trial) in jobs.into_iter().zip(tried) {
        trials[candidate].push(trial);
    }
    Ok(())
}

/// The strengths that candidates start from.
fn strengths(grid: &[Candidate]) -> Vec<Strength> {
    let mut strengths: Vec<Strength> = grid.iter().filter_map(Candidate::strength).collect();
    strengths.dedup();
    strengths
}

fn mean(trials: &[Trial], of: fn(&Trial) -> f64) -> f64 {
    trials.iter().map(of).sum::<f64>() / trials.len() as f64
}

/// The mean score on the rows held out. A candidate whose training diverged comes below all others.
fn score(trials: &[Trial]) -> f64 {
    let finite = trials.iter().all(|trial| trial.train_loss.is_finite());
    // Means of the same scores in another order differ by rounding.
    if finite { (mean(trials, |trial| trial.validation_score) * 1e9).round() } else { f64::NEG_INFINITY }
}

/// By mean score on the rows held out; where that is equal, by mean expected score there.
fn compare(a: &[Trial], b: &[Trial]) -> Ordering {
    let expected = |trials: &[Trial]| mean(trials, |trial| trial.validation_expected);
    score(a).total_cmp(&score(b)).then_with(|| expected(a).total_cmp(&expected(b)))
}

/// The best candidate of those that were tried on all folds, the first of equal ones; `None` if all diverged.
pub(crate) fn select(trials: &[Vec<Trial>], n_folds: usize) -> Option<usize> {
    (0..trials.len())
        .filter(|&i| trials[i].len() == n_folds && trials[i].iter().all(|trial| trial.train_loss.is_finite()))
        .reduce(|best, i| if compare(&trials[i], &trials[best]).is_gt() { i } else { best })
}

/// For each fold, the scores on all folds of the candidate that does best on the others; `None` where there
/// is but one fold. The score on the fold itself has no part in that choice: it is what selection can
/// promise, while the best mean over the folds is in part the luck of the best of many.
pub(crate) fn choices_without_fold(trials: &[Vec<Trial>], n_folds: usize) -> Option<Vec<Vec<f64>>> {
    if n_folds < 2 {
        return None;
    }
    let without = |fold: usize| {
        let others = |trials: &Vec<Trial>| {
            let complete = trials.len() == n_folds;
            if complete { [&trials[..fold], &trials[fold + 1..]].concat() } else { Vec::new() }
        };
        let others: Vec<Vec<Trial>> = trials.iter().map(others).collect();
        let chosen = &trials[select(&others, n_folds - 1)?];
        Some(chosen.iter().map(|trial| trial.validation_score).collect())
    };
    (0..n_folds).map(without).collect()
}

/// The path over sigma at the penalty and the margin of the candidate that was chosen; means over the
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
        .filter(|(settings, _)| {
            let penalty = |settings: &Selected| (settings.l2, settings.l1, settings.group_l1);
            penalty(settings) == penalty(&chosen) && settings.margin == chosen.margin
        })
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
