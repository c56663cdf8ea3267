//! Which features to train on.

use rayon::prelude::*;

use crate::LinearError;
use crate::expansion::Basis;
use crate::feature_choice::{FeatureChoice, FeatureKind};
use crate::folded_data::FoldedData;
use crate::paired_gain::paired_gain;
use crate::progress::Watch;

/// Candidates that race over all folds.
const FINALISTS: usize = 2;

/// What cross-validation says of some features, with cross-entropy at its best strength.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureScore {
    /// The features.
    pub kind: FeatureKind,
    /// The bandwidth of a kernel in units of the median distance of rows.
    pub bandwidth: Option<f64>,
    /// The mean score over the folds that they were tried on.
    pub score: f64,
    /// How many these are.
    pub folds: usize,
}

/// The candidates of a choice, the simplest first.
pub(crate) fn candidates(choice: FeatureChoice) -> Vec<Basis> {
    match choice {
        FeatureChoice::Auto => FeatureKind::ALL.into_iter().flat_map(Basis::of).collect(),
        FeatureChoice::Kind(kind) => Basis::of(kind),
    }
}

/// Tries each candidate with cross-entropy on the folds; on larger data all on the first, the best on the
/// others. Returns the simplest whose score is within a standard error of the best, by the paired differences
/// of the folds (Breiman, Friedman, Olshen and Stone 1984), and the scores; there is none if none finds
/// anything to expand.
pub(crate) fn select(
    data: &FoldedData<'_>,
    candidates: &[Basis],
    watch: &Watch<'_>,
) -> Result<(Option<Basis>, Vec<FeatureScore>), LinearError> {
    let n_folds = data.folds.len();
    if candidates.contains(&Basis::Linear) {
        data.prepare(&data.strengths.l2_path(), watch)?;
    }
    let first = if data.races() { 1 } else { n_folds };
    // Of each candidate, those of each strength on the folds.
    let mut scores: Vec<Vec<Vec<f64>>> = vec![Vec::new(); candidates.len()];
    let mut racing: Vec<usize> = (0..candidates.len()).collect();
    for folds in [0..first, first..n_folds] {
        let jobs: Vec<(usize, usize)> =
            racing.iter().flat_map(|&at| folds.clone().map(move |fold| (at, fold))).collect();
        let tried: Vec<Option<Vec<f64>>> = jobs
            .par_iter()
            .map(|&(at, fold)| data.scores_of_cross_entropy(candidates[at], fold, watch))
            .collect::<Result<_, LinearError>>()?;
        for ((at, _), tried) in jobs.iter().zip(tried) {
            match tried {
                Some(tried) => {
                    scores[*at].resize(tried.len(), Vec::new());
                    for (folds, score) in scores[*at].iter_mut().zip(tried) {
                        folds.push(score);
                    }
                }
                None => racing.retain(|other| other != at),
            }
        }
        racing.sort_by(|&a, &b| score(&scores[b]).total_cmp(&score(&scores[a])).then(a.cmp(&b)));
        if first < n_folds {
            racing.truncate(FINALISTS);
        }
    }
    let winner = racing.first().map(|&leader| {
        let within_noise = |at: &usize| {
            let (gain, standard_error) = paired_gain(best(&scores[leader]), best(&scores[*at]));
            gain <= standard_error
        };
        let simplest = racing.iter().copied().filter(within_noise).min();
        candidates[simplest.unwrap_or(leader)]
    });
    let scores = candidates.iter().zip(&scores).filter(|(_, scores)| !scores.is_empty());
    let scores = scores.map(|(basis, scores)| FeatureScore {
        kind: basis.kind(),
        bandwidth: basis.bandwidth(),
        score: score(scores),
        folds: scores[0].len(),
    });
    Ok((winner, scores.collect()))
}

/// The scores on the folds of the strength whose mean is the largest, the strongest of equal ones.
fn best(scores: &[Vec<f64>]) -> &[f64] {
    let sum = |strength: &Vec<f64>| strength.iter().sum::<f64>();
    // Sums of the same scores in another order differ by rounding.
    let is_better = |a: &Vec<f64>, b: &Vec<f64>| sum(a) > sum(b) + 1e-9;
    scores
        .iter()
        .reduce(|best, other| if is_better(other, best) { other } else { best })
        .map_or(&[], Vec::as_slice)
}

/// The mean of these.
fn score(scores: &[Vec<f64>]) -> f64 {
    let best = best(scores);
    (best.iter().sum::<f64>() / best.len() as f64 * 1e9).round() / 1e9
}
