//! Relations between metrics that hold for any predictions.

use exact_eval::{
    accuracy, balanced_accuracy, brier_score, confusion_matrix, expected_calibration_error, friedman, holm,
    log_loss, macro_f1, mcnemar_exact, mean_ranks, reliability_bins, roc_auc, top_k_accuracy,
    wilcoxon_signed_rank,
};
use proptest::prelude::*;

const CLASSES: usize = 4;
const TOLERANCE: f64 = 1e-12;

/// Labels, unnormalised scores in `(0, 1]`, and positive weights.
fn samples() -> impl Strategy<Value = (Vec<u32>, Vec<f64>, Vec<f64>)> {
    (1..40_usize).prop_flat_map(|n| {
        (
            prop::collection::vec(0..CLASSES as u32, n),
            prop::collection::vec(0.01..1.0_f64, n * CLASSES),
            prop::collection::vec(0.1..3.0_f64, n),
        )
    })
}

fn normalise(scores: &[f64]) -> Vec<f64> {
    scores
        .chunks(CLASSES)
        .flat_map(|row| row.iter().map(|score| score / row.iter().sum::<f64>()).collect::<Vec<_>>())
        .collect()
}

fn argmax(probabilities: &[f64]) -> Vec<u32> {
    let best = |row: &[f64]| {
        (1..CLASSES).fold(0, |best, class| if row[class] > row[best] { class } else { best }) as u32
    };
    probabilities.chunks(CLASSES).map(best).collect()
}

proptest! {
    #[test]
    fn metrics_agree_and_stay_in_range((labels, scores, weights) in samples()) {
        let probabilities = normalise(&scores);
        let predictions = argmax(&probabilities);
        let weights = Some(&weights[..]);
        let correct = accuracy(&labels, &predictions, weights).unwrap();
        prop_assert!((0.0..=1.0 + TOLERANCE).contains(&correct));
        let top = |k| top_k_accuracy(&labels, &probabilities, CLASSES, k, weights).unwrap();
        prop_assert!((top(1) - correct).abs() < TOLERANCE);
        prop_assert!(top(2) >= top(1) && top(3) >= top(2) && (top(CLASSES) - 1.0).abs() < TOLERANCE);
        for rate in [
            balanced_accuracy(&labels, &predictions, CLASSES, weights).unwrap(),
            macro_f1(&labels, &predictions, CLASSES, weights).unwrap(),
            brier_score(&labels, &probabilities, CLASSES, weights).unwrap() / 2.0,
        ] {
            prop_assert!((0.0..=1.0 + TOLERANCE).contains(&rate));
        }
        prop_assert!(log_loss(&labels, &probabilities, CLASSES, weights).unwrap() >= 0.0);
        let bins = reliability_bins(&labels, &probabilities, CLASSES, 7, weights).unwrap();
        let total: f64 = bins.iter().map(|bin| bin.weight).sum();
        let binned: f64 = bins.iter().map(|bin| bin.weight * bin.accuracy).sum::<f64>() / total;
        prop_assert!((binned - correct).abs() < TOLERANCE);
        prop_assert!(expected_calibration_error(&bins) <= 1.0);
    }

    #[test]
    fn a_weight_of_two_is_a_row_repeated((labels, scores, _) in samples()) {
        let probabilities = normalise(&scores);
        let weights = vec![2.0; labels.len()];
        let twice = |slice: &[f64]| [slice, slice].concat();
        let weighted = log_loss(&labels, &probabilities, CLASSES, Some(&weights)).unwrap();
        let repeated =
            log_loss(&[&labels[..], &labels].concat(), &twice(&probabilities), CLASSES, None).unwrap();
        prop_assert!((weighted - repeated).abs() < TOLERANCE);
    }

    #[test]
    fn the_diagonal_of_the_confusion_matrix_is_accuracy((labels, scores, _) in samples()) {
        let predictions = argmax(&scores);
        let matrix = confusion_matrix(&labels, &predictions, CLASSES).unwrap();
        let diagonal: u64 = (0..CLASSES).map(|class| matrix[class][class]).sum();
        let correct = accuracy(&labels, &predictions, None).unwrap();
        prop_assert!((diagonal as f64 / labels.len() as f64 - correct).abs() < TOLERANCE);
    }

    #[test]
    fn the_area_of_opposite_scores_is_the_complement((labels, scores, weights) in samples()) {
        let binary: Vec<u32> = labels.iter().map(|label| label % 2).collect();
        let scores = &scores[..labels.len()];
        let opposite: Vec<f64> = scores.iter().map(|score| -score).collect();
        if let Ok(area) = roc_auc(&binary, scores, Some(&weights)) {
            let complement = roc_auc(&binary, &opposite, Some(&weights)).unwrap();
            prop_assert!((area + complement - 1.0).abs() < TOLERANCE);
        }
    }

    #[test]
    fn mcnemar_is_a_probability_and_symmetric((labels, scores, _) in samples()) {
        let first = argmax(&scores);
        let second = vec![0; labels.len()];
        let test = mcnemar_exact(&labels, &first, &second).unwrap();
        prop_assert!((0.0..=1.0).contains(&test.p_value));
        prop_assert_eq!(test.p_value, mcnemar_exact(&labels, &second, &first).unwrap().p_value);
    }

    #[test]
    fn wilcoxon_counts_the_ways_to_sign_the_differences(sizes in prop::collection::vec(-6..=6_i32, 2..9)) {
        let differences: Vec<f64> = sizes.iter().map(|&size| f64::from(size)).collect();
        let zeros = vec![0.0; differences.len()];
        let test = wilcoxon_signed_rank(&differences, &zeros).unwrap();
        let opposite = wilcoxon_signed_rank(&zeros, &differences).unwrap();
        prop_assert_eq!(test.p_value, opposite.p_value);
        prop_assert_eq!(test.first_better, opposite.second_better);
        // Every way, each as likely as the others.
        let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).filter(|size| *size > 0.0).collect();
        let ranks = exact_eval::ranks(&sizes);
        let smaller = test.first_better.min(test.second_better);
        let ways = 1_u32 << ranks.len();
        let sum = |way: u32| -> f64 {
            (0..ranks.len()).filter(|at| way >> at & 1 == 1).map(|at| ranks[at]).sum()
        };
        let as_small = (0..ways).filter(|&way| sum(way) <= smaller).count();
        let expected = (2.0 * as_small as f64 / f64::from(ways)).min(1.0);
        prop_assert!((test.p_value - expected).abs() < TOLERANCE, "{} {}", test.p_value, expected);
    }

    #[test]
    fn friedman_sees_ranks_alone(
        scores in prop::collection::vec(prop::collection::vec(0..5_i32, 4), 2..10),
        factor in 1..9_i32,
    ) {
        let table = |value: &dyn Fn(i32) -> f64| -> Vec<Vec<f64>> {
            scores.iter().map(|set| set.iter().map(|&score| value(score)).collect()).collect()
        };
        let plain = table(&f64::from);
        let test = friedman(&plain).unwrap();
        let cubed = friedman(&table(&|score| f64::from(factor) + f64::from(score).powi(3))).unwrap();
        prop_assert_eq!(test, cubed);
        for p_value in [test.p_value, test.iman_davenport_p_value] {
            prop_assert!((0.0..=1.0).contains(&p_value));
        }
        let ranks = mean_ranks(&plain);
        prop_assert!((ranks.iter().sum::<f64>() - 10.0).abs() < TOLERANCE);
    }

    #[test]
    fn holm_corrects_no_more_than_bonferroni(p_values in prop::collection::vec(0.0..=1.0_f64, 1..12)) {
        let adjusted = holm(&p_values).unwrap();
        for (p, adjusted) in p_values.iter().zip(&adjusted) {
            prop_assert!(*adjusted >= *p && *adjusted <= (p * p_values.len() as f64).min(1.0));
        }
    }
}
