//! Groups of rows that cross-validation keeps together.

use exact_data::{DataError, DenseMatrix, Split, stratified_group_folds};
use exact_linear::{
    Dataset, LinearError, LossChoice, LossKind, Progress, Solver, TrainOptions, Trained, Trainer,
};

const ROWS: usize = 90;

/// Ten groups of nine rows; one column that overlaps.
fn rows() -> (Vec<f64>, Vec<u32>, Vec<u32>) {
    let x = (0..ROWS).map(|row| (row * 37 % 90) as f64).collect();
    let labels = (0..ROWS).map(|row| u32::from((row * 37 % 90 + row * 11 % 40) > 60)).collect();
    (x, labels, (0..ROWS).map(|row| 7 * (row / 9) as u32).collect())
}

fn options(folds: usize) -> TrainOptions {
    TrainOptions::default().with_folds(folds).with_seed(4).with_solver(Solver::Lbfgs)
}

fn grouped<'a>(x: &'a [f64], labels: &[u32], groups: &[u32], weights: Option<Vec<f64>>) -> Dataset<'a> {
    let rows = DenseMatrix::new(x, 1).unwrap();
    Dataset::with_groups(rows, labels.to_vec(), 2, weights, groups.to_vec()).unwrap()
}

fn train(trainer: Result<Trainer<'_>, LinearError>) -> Trained {
    trainer.unwrap().train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore).unwrap()
}

/// The folds that hold out these rows.
fn splits(folds: Vec<Vec<usize>>) -> Vec<Split> {
    let split =
        |test: Vec<usize>| Split { train: (0..ROWS).filter(|row| !test.contains(row)).collect(), test };
    folds.into_iter().map(split).collect()
}

#[test]
fn folds_are_those_of_groups() {
    let (x, labels, groups) = rows();
    let folds = splits(stratified_group_folds(&labels, 2, &groups, 3, 4).unwrap());
    let plain = || Dataset::new(DenseMatrix::new(x.as_slice(), 1).unwrap(), labels.clone(), 2, None).unwrap();
    let given = train(Trainer::with_folds(plain(), &folds, options(3)));
    let drawn = train(Trainer::on(grouped(&x, &labels, &groups, None), options(3)));
    assert_eq!((drawn.cv, drawn.path), (given.cv.clone(), given.path));
    assert_ne!(train(Trainer::on(plain(), options(3))).cv, given.cv);

    let folds = splits((0..10).map(|group| (9 * group..9 * group + 9).collect()).collect());
    let given = train(Trainer::with_folds(plain(), &folds, options(3)));
    let left_out = train(Trainer::with_groups_as_folds(grouped(&x, &labels, &groups, None), options(3)));
    assert_eq!((left_out.cv, left_out.path), (given.cv, given.path));
}

#[test]
fn rows_without_a_weight_have_no_group() {
    let (x, labels, groups) = rows();
    let kept: Vec<usize> = (0..ROWS).filter(|row| row % 4 != 1 && row / 9 != 3).collect();
    let weights = (0..ROWS).map(|row| f64::from(u8::from(kept.contains(&row)))).collect();
    let weighted = train(Trainer::on(grouped(&x, &labels, &groups, Some(weights)), options(3)));
    let [labels, groups] = [labels, groups].map(|of| kept.iter().map(|&row| of[row]).collect::<Vec<_>>());
    let x: Vec<f64> = kept.iter().map(|&row| x[row]).collect();
    let selected = train(Trainer::on(grouped(&x, &labels, &groups, None), options(3)));
    assert_eq!(weighted.cv, selected.cv);
}

#[test]
fn groups_that_cannot_be_folds_are_refused() {
    let (x, labels, groups) = rows();
    let problem = |groups: &[u32], folds| {
        Trainer::on(grouped(&x, &labels, groups, None), options(folds)).err().unwrap().to_string()
    };
    assert_eq!(problem(&groups, 11), "10 groups of rows cannot be divided into 11 folds");
    assert_eq!(problem(&labels, 2), "fold 0 of the cross-validation has rows of one class alone to train on");
    let one =
        Trainer::with_groups_as_folds(grouped(&x, &labels, &[3; ROWS], None), options(3)).err().unwrap();
    assert!(matches!(one, LinearError::Data(DataError::TooFewGroups { groups: 1, folds: 2 })), "{one}");
    let rows = DenseMatrix::new(x.as_slice(), 1).unwrap();
    let error = Dataset::with_groups(rows, labels.clone(), 2, None, vec![0; 4]).unwrap_err();
    assert!(matches!(error, LinearError::Data(DataError::GroupCount { rows: ROWS, groups: 4 })), "{error}");
}
