//! Folds and splits: every row once, classes in proportion, the same for the same seed.

use std::collections::HashSet;

use exact_data::{DataError, folds, split, stratified_folds, stratified_group_folds, stratified_split};
use proptest::prelude::*;

fn sizes(rows: &[usize], labels: &[u32], n_classes: usize) -> Vec<usize> {
    let count = |class| rows.iter().filter(|&&row| labels[row] == class).count();
    (0..n_classes as u32).map(count).collect()
}

proptest! {
    #[test]
    fn folds_partition_the_rows_in_proportion(
        labels in proptest::collection::vec(0..4_u32, 10..200),
        n_folds in 2..10_usize,
        seed: u64,
    ) {
        let several = |label: u32| labels.iter().filter(|&&other| other == label).count() > 1;
        let held_out: Vec<usize> = (0..labels.len()).filter(|&row| several(labels[row])).collect();
        prop_assume!(held_out.len() >= n_folds);
        let folds = stratified_folds(&labels, 4, n_folds, seed).unwrap();
        let mut rows: Vec<usize> = folds.iter().flatten().copied().collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, held_out);
        prop_assert!(folds.iter().all(|fold| fold.is_sorted()));
        let by_class: Vec<Vec<usize>> = folds.iter().map(|fold| sizes(fold, &labels, 4)).collect();
        for class in 0..4 {
            let counts = by_class.iter().map(|counts| counts[class]);
            prop_assert!(counts.clone().max().unwrap() - counts.min().unwrap() <= 1);
        }
        let counts = folds.iter().map(Vec::len);
        prop_assert!(counts.clone().max().unwrap() - counts.min().unwrap() <= 1);
        prop_assert_eq!(&folds, &stratified_folds(&labels, 4, n_folds, seed).unwrap());
    }

    #[test]
    fn a_split_takes_the_fraction_of_each_class(
        labels in proptest::collection::vec(0..3_u32, 20..200),
        test_fraction in 0.1..0.6,
        seed: u64,
    ) {
        let split = stratified_split(&labels, 3, test_fraction, seed).unwrap();
        let mut rows: Vec<usize> = split.train.iter().chain(&split.test).copied().collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..labels.len()).collect::<Vec<_>>());
        prop_assert!(split.train.is_sorted() && split.test.is_sorted());
        let (train, test) = (sizes(&split.train, &labels, 3), sizes(&split.test, &labels, 3));
        for class in 0..3 {
            let due = (train[class] + test[class]) as f64 * test_fraction;
            // A class of one row stays in training, and what it was due goes to the next.
            prop_assert!((test[class] as f64 - due).abs() < 2.0, "class {class}: {} of {due}", test[class]);
            prop_assert!(train[class] > 0 || test[class] == 0);
        }
    }
}

#[test]
fn another_seed_gives_other_folds() {
    assert_ne!(folds(100, 5, 0).unwrap(), folds(100, 5, 1).unwrap());
    assert_ne!(split(100, 0.3, 0).unwrap(), split(100, 0.3, 1).unwrap());
}

/// Stored results name seeds, so what a seed gives must not change.
#[test]
fn a_seed_gives_the_same_rows_for_ever() {
    assert_eq!(folds(10, 3, 7).unwrap(), GOLDEN_FOLDS);
    assert_eq!(split(10, 0.3, 7).unwrap().test, GOLDEN_TEST);
}

const GOLDEN_FOLDS: [&[usize]; 3] = [&[0, 1, 3, 9], &[2, 4, 5], &[6, 7, 8]];
const GOLDEN_TEST: [usize; 3] = [2, 6, 8];

#[test]
fn impossible_requests_are_refused() {
    assert!(matches!(folds(10, 1, 0), Err(DataError::Setting { .. })));
    assert!(matches!(split(10, 1.0, 0), Err(DataError::Setting { .. })));
    assert!(matches!(split(10, f64::NAN, 0), Err(DataError::Setting { .. })));
    assert!(matches!(split(1, 0.5, 0), Err(DataError::TooFewRows { .. })));
    assert_eq!(folds(3, 5, 0).unwrap_err().to_string(), "3 rows cannot be divided into 5 parts");
    let error = stratified_folds(&[0, 1, 2], 2, 2, 0).unwrap_err();
    assert_eq!(error.to_string(), "label 2 of row 2 is not below the number of classes, 2");
}

proptest! {
    #[test]
    fn folds_keep_groups_together(
        rows in proptest::collection::vec((0..3_u32, 0..20_u32), 20..200),
        n_folds in 2..6_usize,
        seed: u64,
    ) {
        let (labels, groups): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
        let n_groups = groups.iter().collect::<HashSet<_>>().len();
        prop_assume!(n_groups >= n_folds);
        let folds = stratified_group_folds(&labels, 3, &groups, n_folds, seed).unwrap();
        let mut all: Vec<usize> = folds.iter().flatten().copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        prop_assert!(folds.iter().all(|fold| fold.is_sorted() && !fold.is_empty()));
        let of_fold = |fold: &Vec<usize>| fold.iter().map(|&row| groups[row]).collect::<HashSet<_>>().len();
        prop_assert_eq!(folds.iter().map(of_fold).sum::<usize>(), n_groups);
        prop_assert_eq!(&folds, &stratified_group_folds(&labels, 3, &groups, n_folds, seed).unwrap());
    }

    #[test]
    fn folds_of_small_groups_are_even(seed: u64) {
        // 60 groups of two rows, a third of which have both rows of the rare class.
        let groups: Vec<u32> = (0..120).map(|row| row / 2).collect();
        let labels: Vec<u32> = groups.iter().map(|group| u32::from(group % 3 == 0)).collect();
        for fold in stratified_group_folds(&labels, 2, &groups, 5, seed).unwrap() {
            prop_assert_eq!(sizes(&fold, &labels, 2), [16, 8]);
        }
    }
}

#[test]
fn groups_of_unequal_sizes_are_dealt_evenly() {
    // One group of 40 rows, the others of 4 and of both classes.
    let groups: Vec<u32> = (0..200).map(|row: u32| row.saturating_sub(36) / 4).collect();
    let labels: Vec<u32> = (0..200).map(|row| row % 2).collect();
    for fold in stratified_group_folds(&labels, 2, &groups, 5, 0).unwrap() {
        assert_eq!(sizes(&fold, &labels, 2), [20, 20]);
    }
}

#[test]
fn groups_that_are_too_few_are_refused() {
    let (labels, groups) = ([0, 1, 0, 1], [5, 5, 6, 6]);
    let error = stratified_group_folds(&labels, 2, &groups, 3, 0).unwrap_err();
    assert!(matches!(error, DataError::TooFewGroups { groups: 2, folds: 3 }), "{error}");
    assert_eq!(error.to_string(), "2 groups of rows cannot be divided into 3 folds");
    let error = stratified_group_folds(&labels, 2, &groups[..3], 2, 0).unwrap_err();
    assert!(matches!(error, DataError::GroupCount { rows: 4, groups: 3 }), "{error}");
}
