//! The scores of several methods on the same data sets, checked once.

use crate::EvalError;
use crate::samples::check_length;

/// Checks scores by data set and method, `[set][method]`, and returns the numbers of sets and methods.
///
/// # Errors
/// [`EvalError::TooFew`] below two sets or two methods, [`EvalError::Length`] if sets have different numbers
/// of scores, [`EvalError::SetScore`] if one is not finite.
pub(crate) fn check_scores(scores: &[Vec<f64>]) -> Result<(usize, usize), EvalError> {
    let (n_sets, n_methods) = (scores.len(), scores.first().map_or(0, Vec::len));
    check_enough("data sets", n_sets)?;
    check_enough("methods", n_methods)?;
    for (set, scores) in scores.iter().enumerate() {
        check_length("a data set", n_methods, scores.len())?;
        if let Some((method, &value)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
            return Err(EvalError::SetScore { set, method, value });
        }
    }
    Ok((n_sets, n_methods))
}

/// A comparison needs two of everything.
pub(crate) fn check_enough(what: &'static str, found: usize) -> Result<(), EvalError> {
    if found < 2 { Err(EvalError::TooFew { what, found }) } else { Ok(()) }
}
