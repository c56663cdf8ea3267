//! Training on partitions gives what training on all rows gives.

use exact_core::loss::LossError;
use exact_data::DenseMatrix;
use exact_linear::{
    Dataset, FitOptions, Fitted, LinearClassifier, LinearError, LossSettings, Partition, Query, RandomScores,
    Settings,
};

/// Relative to the largest weight. Sums are added in another order, and losses of random scores are computed
/// in single precision.
const TOLERANCE: f64 = 1e-6;
const N_COLUMNS: usize = 4;
const N_ROWS: usize = 300;

/// Columns of different scales, one of them constant; labels that overlap; weights.
fn rows() -> (Vec<f64>, Vec<u32>, Vec<f64>) {
    let wave = |i: usize, k: f64| (i as f64 * k).sin();
    let values =
        (0..N_ROWS).flat_map(|i| [wave(i, 0.7), 100.0 + 10.0 * wave(i, 1.3), 7.0, 0.01 * wave(i, 2.9)]);
    let labels = (0..N_ROWS).map(|i| {
        let score = wave(i, 0.7) + wave(i, 1.3) + 0.8 * wave(i, 12.7);
        if score > 0.5 { 2 } else { u32::from(score > -0.5) }
    });
    (values.collect(), labels.collect(), (0..N_ROWS).map(|i| 0.5 + (i % 4) as f64).collect())
}

/// The first 40 rows, whose labels are those of two classes at most, the next 100 and the rest.
fn partitions(weighted: bool) -> Vec<Partition<'static>> {
    let (values, labels, weights) = rows();
    let parts = [(0, 40), (40, 140), (140, N_ROWS)].map(|(first, end)| {
        let values = values[first * N_COLUMNS..end * N_COLUMNS].to_vec();
        let weights = weighted.then(|| weights[first..end].to_vec());
        let rows = DenseMatrix::new(values, N_COLUMNS).unwrap();
        Partition::new(rows, labels[first..end].to_vec(), 3, weights).unwrap()
    });
    parts.into()
}

fn assert_same(settings: &Settings, weighted: bool) {
    let kind = settings.loss.kind();
    let (values, labels, weights) = rows();
    let rows = DenseMatrix::new(values, N_COLUMNS).unwrap();
    let data = Dataset::new(rows, labels, 3, weighted.then_some(weights)).unwrap();
    let whole = LinearClassifier::fit(&data, settings, &FitOptions::default()).unwrap();
    let parts = LinearClassifier::fit_partitions(&mut partitions(weighted), 3, settings).unwrap();
    let of = |fitted: &Fitted| [fitted.classifier.coefficients(), fitted.classifier.intercepts()].concat();
    let (expected, found) = (of(&whole), of(&parts));
    let largest = expected.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!(
            (found - expected).abs() <= TOLERANCE * largest,
            "{kind} weighted {weighted}: {found} against {expected}"
        );
    }
    assert!((parts.loss - whole.loss).abs() <= TOLERANCE, "{kind}: {} against {}", parts.loss, whole.loss);
    assert_eq!((parts.iterations, parts.converged), (whole.iterations, whole.converged), "{kind}");
}

#[test]
fn partitions_give_the_classifier_of_all_rows() {
    for loss in [
        LossSettings::default(),
        LossSettings::Exact(RandomScores::constant(0.3)),
        LossSettings::Probit(RandomScores::constant(0.3)),
        LossSettings::Sigmoid { temperature: 0.5 },
        LossSettings::BetaBernoulli { temperature: 0.5 },
        LossSettings::Poly1 { epsilon: 1.0 },
    ] {
        for weighted in [false, true] {
            for l1 in [0.0, 1e-2] {
                assert_same(&Settings::new(loss.clone(), 1e-3).with_l1(l1), weighted);
            }
            assert_same(&Settings::new(loss.clone(), 1e-3).with_group_l1(1e-2), weighted);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let rows = || DenseMatrix::new(vec![1.0, 2.0, 3.0, 4.0], 2).unwrap();
    let new = |labels: Vec<u32>, weights| Partition::new(rows(), labels, 3, weights);
    assert!(matches!(new(vec![0], None), Err(LinearError::Rows { .. })));
    assert!(matches!(new(vec![0, 3], None), Err(LinearError::Data(_))));
    let partition = new(vec![0, 0], Some(vec![0.0, 0.0])).unwrap();
    assert!(matches!(partition.moments(), Err(LinearError::NoRows)));
    let partition = new(vec![0, 0], None).unwrap();
    assert!(matches!(
        partition.logit_moments(&[1.0]),
        Err(LinearError::Parameters { found: 1, expected: 9 })
    ));
    let query = Query {
        loss: &LossSettings::default(),
        parameters: &[0.0; 9],
        loss_parameters: &[1.0],
        normalization: None,
    };
    let error = partition.evaluate(query).unwrap_err();
    assert!(matches!(error, LinearError::Loss(LossError::Length { found: 1, expected: 0, .. })), "{error}");
    let fit = |loss: LossSettings| {
        LinearClassifier::fit_partitions(&mut partitions(false), 3, &Settings::new(loss, 1e-3)).unwrap_err()
    };
    let error = fit(LossSettings::Exact(RandomScores::constant(-1.0)));
    assert!(matches!(error, LinearError::Loss(LossError::Setting { name: "sigma", .. })), "{error}");
    let error = fit(LossSettings::Focal { gamma: 1.0 });
    assert!(matches!(error, LinearError::UnknownLoss { .. }), "{error}");
    let settings = Settings::new(LossSettings::default(), 1e-3);
    let none = LinearClassifier::fit_partitions(&mut Vec::<Partition<'_>>::new(), 3, &settings);
    assert!(matches!(none, Err(LinearError::NoRows)));
}
