//! Folds and splits of rows, the same for the same seed.

use exact_core::random::stream;
use rand::seq::SliceRandom;

use crate::DataError;

/// The random numbers of one purpose do not depend on those of another.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Folds = 1,
    Split = 2,
}

/// The rows of a split, each part sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The rows to train on.
    pub train: Vec<usize>,
    /// The rows to test on.
    pub test: Vec<usize>,
}

/// Divides rows into folds at random, so that the folds' numbers of rows differ by at most 1, and so do their
/// numbers of rows of each class. Returns the validation rows of each fold, sorted. The only row of a class
/// is in none of them: it is always trained on.
///
/// # Errors
/// [`DataError`] if there are fewer than 2 folds, fewer rows than folds, or a label is not below `n_classes`.
///
/// # Example
/// ```
/// let folds = exact_data::stratified_folds(&[0, 0, 0, 0, 1, 1], 2, 2, 0)?;
/// assert_eq!(folds.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
/// # Ok::<(), exact_data::DataError>(())
/// ```
pub fn stratified_folds(
    labels: &[u32],
    n_classes: usize,
    folds: usize,
    seed: u64,
) -> Result<Vec<Vec<usize>>, DataError> {
    if folds < 2 {
        return Err(DataError::Setting { name: "folds", expected: "at least 2", value: folds as f64 });
    }
    if labels.len() < folds {
        return Err(DataError::TooFewRows { rows: labels.len(), parts: folds });
    }
    let shuffled = shuffled_classes(labels, n_classes, seed, Purpose::Folds)?;
    // Dealing the classes one after the other, without starting anew, levels the folds as well as each class.
    let mut dealt = vec![Vec::with_capacity(labels.len() / folds + 1); folds];
    let several: Vec<usize> = shuffled.into_iter().filter(|rows| rows.len() > 1).flatten().collect();
    if several.len() < folds {
        return Err(DataError::TooFewRows { rows: several.len(), parts: folds });
    }
    for (at, row) in several.into_iter().enumerate() {
        dealt[at % folds].push(row);
    }
    for rows in &mut dealt {
        rows.sort_unstable();
    }
    Ok(dealt)
}

/// Divides rows into folds at random, so that their numbers of rows differ by at most 1. Returns the
/// validation rows of each fold, sorted.
///
/// # Errors
/// [`DataError`] if there are fewer than 2 folds or fewer rows than folds.
pub fn folds(n_rows: usize, folds: usize, seed: u64) -> Result<Vec<Vec<usize>>, DataError> {
    stratified_folds(&vec![0; n_rows], 1, folds, seed)
}

/// Splits rows at random so that the part `test_fraction` of all rows, and of each class as nearly as whole
/// rows allow, is for testing. Each class keeps at least one row to train on.
///
/// # Errors
/// [`DataError`] if `test_fraction` is not between 0 and 1, there are too few rows for two parts, or a label
/// is not below `n_classes`.
///
/// # Example
/// ```
/// let split = exact_data::stratified_split(&[0, 1, 0, 1, 0, 1, 0, 1], 2, 0.25, 0)?;
/// assert_eq!((split.train.len(), split.test.len()), (6, 2));
/// assert_ne!(split.test[0] % 2, split.test[1] % 2); // one row of each class
/// # Ok::<(), exact_data::DataError>(())
/// ```
pub fn stratified_split(
    labels: &[u32],
    n_classes: usize,
    test_fraction: f64,
    seed: u64,
) -> Result<Split, DataError> {
    if !(test_fraction > 0.0 && test_fraction < 1.0) {
        let expected = "above 0 and below 1";
        return Err(DataError::Setting { name: "test fraction", expected, value: test_fraction });
    }
    let mut split = Split { train: Vec::new(), test: Vec::new() };
    let mut seen = 0;
    for rows in shuffled_classes(labels, n_classes, seed, Purpose::Split)? {
        seen += rows.len();
        // Rounding the running total, not each class, makes the whole test part as large as asked for.
        let due = ((seen as f64 * test_fraction).round() as usize).saturating_sub(split.test.len());
        let n_test = due.min(rows.len().saturating_sub(1));
        split.test.extend(&rows[..n_test]);
        split.train.extend(&rows[n_test..]);
    }
    if split.test.is_empty() || split.train.is_empty() {
        return Err(DataError::TooFewRows { rows: labels.len(), parts: 2 });
    }
    split.train.sort_unstable();
    split.test.sort_unstable();
    Ok(split)
}

/// Splits rows at random so that the part `test_fraction` of them is for testing.
///
/// # Errors
/// [`DataError`] if `test_fraction` is not between 0 and 1, or there are too few rows for two parts.
pub fn split(n_rows: usize, test_fraction: f64, seed: u64) -> Result<Split, DataError> {
    stratified_split(&vec![0; n_rows], 1, test_fraction, seed)
}

/// The rows of each class, shuffled; the classes in the order of their first rows, so that their names, which
/// number them, have no part in it.
fn shuffled_classes(
    labels: &[u32],
    n_classes: usize,
    seed: u64,
    purpose: Purpose,
) -> Result<Vec<Vec<usize>>, DataError> {
    let mut places = vec![None; n_classes];
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for (row, &label) in labels.iter().enumerate() {
        let place = places.get_mut(label as usize);
        let place = place.ok_or(DataError::LabelOutOfRange { row, label, n_classes })?;
        let place = *place.get_or_insert(classes.len());
        if place == classes.len() {
            classes.push(Vec::new());
        }
        classes[place].push(row);
    }
    let mut random = stream(seed, purpose as u64);
    for rows in &mut classes {
        rows.shuffle(&mut random);
    }
    Ok(classes)
}
