//! What the classes are called, and in which order the columns come, has no part in what is learned.

use exact_data::{DenseMatrix, Features};
use exact_linear::{
    Dataset, FitOptions, LinearClassifier, LossChoice, LossKind, LossSettings, Progress, RandomScores,
    Settings, TrainOptions, Trained, Trainer,
};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const COLUMNS: usize = 4;

/// Overlapping classes of different sizes.
fn data(n_classes: usize, seed: u64) -> (Vec<f64>, Vec<u32>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut x = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..150 {
        let label = random.random_range(0..n_classes).min(random.random_range(0..n_classes));
        labels.push(label as u32);
        for column in 0..COLUMNS {
            let centre = ((label * 7 + column * 3) % 5) as f64;
            x.push(centre + 3.0 * (random.random::<f64>() + random.random::<f64>()));
        }
    }
    (x, labels)
}

fn permutation(n: usize, seed: u64) -> Vec<usize> {
    let mut permutation: Vec<usize> = (0..n).collect();
    permutation.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    permutation
}

fn settings() -> [Settings; 6] {
    [
        Settings::new(LossSettings::default(), 0.1),
        Settings::new(LossSettings::default(), 1e-3),
        Settings::new(LossSettings::default(), 1e-2).with_l1(2e-2),
        Settings::new(LossSettings::default(), 1e-2).with_group_l1(2e-2),
        Settings::new(LossSettings::Exact(RandomScores::constant(0.5)), 1e-2),
        Settings::new(LossSettings::Probit(RandomScores::constant(1.0)), 1e-2),
    ]
}

fn fit(x: Vec<f64>, labels: Vec<u32>, n_classes: usize, settings: &Settings) -> LinearClassifier {
    let data = Dataset::new(DenseMatrix::new(x, COLUMNS).unwrap(), labels, n_classes, None).unwrap();
    LinearClassifier::fit(&data, settings, &FitOptions::default()).unwrap().classifier
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn names_of_classes_and_order_of_columns_have_no_part(n_classes in 2_usize..5, seed in 0_u64..1000) {
        let (x, labels) = data(n_classes, seed);
        let (classes, columns) = (permutation(n_classes, seed), permutation(COLUMNS, seed + 1));
        let renamed: Vec<u32> = labels.iter().map(|&label| classes[label as usize] as u32).collect();
        let reordered: Vec<f64> =
            x.chunks_exact(COLUMNS).flat_map(|row| columns.iter().map(|&column| row[column])).collect();
        for settings in settings() {
            let plain = fit(x.clone(), labels.clone(), n_classes, &settings).coefficients();
            let other = fit(reordered.clone(), renamed.clone(), n_classes, &settings).coefficients();
            for class in 0..n_classes {
                for (place, &column) in columns.iter().enumerate() {
                    let (a, b) = (plain[class * COLUMNS + column], other[classes[class] * COLUMNS + place]);
                    prop_assert!((a - b).abs() < 1e-3 * a.abs().max(0.1), "{settings:?}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn coefficients_and_logits_are_centred(n_classes in 2_usize..6, seed in 0_u64..1000) {
        let (x, labels) = data(n_classes, seed);
        for settings in settings() {
            let classifier = fit(x.clone(), labels.clone(), n_classes, &settings);
            let rows = DenseMatrix::new(x.as_slice(), COLUMNS).unwrap();
            let coefficients = classifier.coefficients();
            for column in 0..COLUMNS {
                let sum: f64 = coefficients.iter().skip(column).step_by(COLUMNS).sum();
                prop_assert!(sum.abs() < 1e-12, "{sum}");
            }
            for logits in classifier.logits(&rows).unwrap().chunks_exact(n_classes) {
                prop_assert!(logits.iter().sum::<f64>().abs() < 1e-10, "{logits:?}");
            }
        }
    }
}

#[test]
fn selection_chooses_the_same_whatever_the_classes_are_called() {
    let (x, labels) = data(3, 7);
    let train = |labels: Vec<u32>| -> Trained {
        let features = Features::from_dense(x.clone(), COLUMNS).unwrap();
        let options = TrainOptions::default().with_folds(3);
        let trainer = Trainer::new(features, labels, 3, options).unwrap();
        trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore).unwrap()
    };
    let plain = train(labels.clone());
    for classes in [[1, 2, 0], [2, 1, 0], [0, 2, 1]] {
        let renamed = train(labels.iter().map(|&label| classes[label as usize]).collect());
        assert_eq!((renamed.selected, renamed.cv.folds), (plain.selected, plain.cv.folds.clone()));
        assert_eq!(renamed.train_accuracy, plain.train_accuracy);
    }
}
