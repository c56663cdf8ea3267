//! Folds that keep groups of rows together.

use std::collections::HashMap;

use exact_core::random::stream;
use rand::seq::SliceRandom;

use crate::DataError;
use crate::split::Purpose;

/// The rows of a group.
#[derive(Default)]
struct Group {
    rows: Vec<usize>,
    /// The classes that it has, and how many rows of each.
    classes: Vec<(usize, f64)>,
}

/// Divides rows into folds so that all rows of a group are in the same fold. Groups are dealt one after the
/// other, the largest first and equal ones at random, each to the fold that leaves the folds most even.
/// Returns the validation rows of each fold, sorted; none is empty.
///
/// # Formula
/// The fold with the least sum of squares `Σ_f (n_f / n)² + Σ_f Σ_c (n_fc / n_c)²` over the folds `f` and the
/// classes `c`, where `n` are numbers of rows: that is, with the least variance of the sizes of folds and of
/// their parts of each class. The first of equal ones.
///
/// # Errors
/// [`DataError`] if there are fewer than 2 folds, fewer groups than folds, not one group for each row, or a
/// label is not below `n_classes`.
///
/// # Example
/// ```
/// let (labels, groups) = ([0, 1, 0, 1, 0, 1], [7, 7, 8, 8, 9, 9]);
/// let folds = exact_data::stratified_group_folds(&labels, 2, &groups, 3, 0)?;
/// assert!(folds.iter().all(|fold| groups[fold[0]] == groups[fold[1]]));
/// # Ok::<(), exact_data::DataError>(())
/// ```
pub fn stratified_group_folds(
    labels: &[u32],
    n_classes: usize,
    groups: &[u32],
    folds: usize,
    seed: u64,
) -> Result<Vec<Vec<usize>>, DataError> {
    if folds < 2 {
        return Err(DataError::Setting { name: "folds", expected: "at least 2", value: folds as f64 });
    }
    if groups.len() != labels.len() {
        return Err(DataError::GroupCount { rows: labels.len(), groups: groups.len() });
    }
    let mut of_class = vec![0.0; n_classes];
    for (row, &label) in labels.iter().enumerate() {
        let count = of_class.get_mut(label as usize);
        *count.ok_or(DataError::LabelOutOfRange { row, label, n_classes })? += 1.0;
    }
    let mut groups = gathered(labels, groups);
    if groups.len() < folds {
        return Err(DataError::TooFewGroups { groups: groups.len(), folds });
    }
    groups.shuffle(&mut stream(seed, Purpose::Folds as u64));
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));

    let n_rows = labels.len() as f64;
    let mut dealt = vec![Vec::new(); folds];
    let mut counts = vec![vec![0.0; n_classes]; folds];
    let mut left = groups.len();
    for group in groups {
        let empty = dealt.iter().filter(|rows: &&Vec<usize>| rows.is_empty()).count();
        // What adding the group adds to the sum of squares, but for what is the same for all folds.
        let unevenness = |fold: usize| {
            let classes = group.classes.iter();
            let classes = classes
                .map(|&(class, rows)| counts[fold][class] * rows / (of_class[class] * of_class[class]));
            let size = dealt[fold].len() as f64 * group.rows.len() as f64 / (n_rows * n_rows);
            size + classes.sum::<f64>()
        };
        let best = (0..folds)
            .filter(|&fold| left > empty || dealt[fold].is_empty())
            .map(|fold| (fold, unevenness(fold)))
            .reduce(|best, other| if other.1 < best.1 { other } else { best });
        let (fold, _) = best.expect("no more folds are empty than groups are left");
        for &(class, rows) in &group.classes {
            counts[fold][class] += rows;
        }
        dealt[fold].extend(group.rows);
        left -= 1;
    }
    for rows in &mut dealt {
        rows.sort_unstable();
    }
    Ok(dealt)
}

/// The groups in the order of their first rows.
fn gathered(labels: &[u32], groups: &[u32]) -> Vec<Group> {
    let mut places = HashMap::new();
    let mut gathered: Vec<Group> = Vec::new();
    for (row, (group, &label)) in groups.iter().zip(labels).enumerate() {
        let place = *places.entry(group).or_insert(gathered.len());
        if place == gathered.len() {
            gathered.push(Group::default());
        }
        let Group { rows, classes } = &mut gathered[place];
        rows.push(row);
        let class = label as usize;
        match classes.iter_mut().find(|(other, _)| *other == class) {
            Some((_, count)) => *count += 1.0,
            None => classes.push((class, 1.0)),
        }
    }
    gathered
}
