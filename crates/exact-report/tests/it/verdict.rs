//! What a report says of EXACT and cross-entropy, and how sure it is.

use exact_eval::record::{CompareRecord, CrossValidation, FitRecord, MetricName};
use exact_report::{compare_report, fit_report};

use crate::common::{compare, fit};

/// The sentences of the verdict, the headline first.
fn sentences(html: &str) -> Vec<String> {
    let verdict = html.split("class=\"verdict\"").nth(1).unwrap().split("</section>").next().unwrap();
    let texts = verdict.split('>').map(|piece| piece.split('<').next().unwrap().trim().to_owned());
    texts.filter(|text| !text.is_empty()).collect()
}

fn verdict(record: &CompareRecord) -> Vec<String> {
    sentences(&compare_report(record).unwrap())
}

/// The verdict on two losses with these accuracies in folds.
fn of_folds(exact: &[f64], baseline: &[f64]) -> Vec<String> {
    let mut record = compare(&["exact", "cross-entropy"], 3, None);
    record.rows[0].cv = CrossValidation::of_folds(exact.to_vec());
    record.rows[1].cv = CrossValidation::of_folds(baseline.to_vec());
    verdict(&record)
}

/// The verdict on five folds that differ by `difference` with this `t`. The corrected standard error of
/// differences in equal steps is sqrt((1/5 + 1/4) 10/4) steps.
fn of_t(difference: f64, t: f64) -> Vec<String> {
    let step = difference / t / (0.45_f64 * 2.5).sqrt();
    let exact = [-2.0, -1.0, 0.0, 1.0, 2.0].map(|fold| 0.9 + difference + fold * step);
    of_folds(&exact, &[0.9; 5])
}

#[test]
fn five_percent_are_the_boundary_of_chance() {
    // scipy: scipy.stats.t.ppf(0.975, 4)
    const CRITICAL: f64 = 2.776_445_105_197_793;
    let (clear, chance) = (CRITICAL + 1e-3, CRITICAL - 1e-3);
    for (difference, t, headline) in [
        (0.01, clear, "EXACT beats cross-entropy by 1.00 points"),
        (
            0.01,
            chance,
            "EXACT does not clearly beat cross-entropy: it is ahead by 1.00 points, which may be chance",
        ),
        (-0.01, clear, "EXACT does not beat cross-entropy: it is behind by 1.00 points"),
        (
            -0.01,
            chance,
            "EXACT does not beat cross-entropy: it is behind by 1.00 points, which may be chance",
        ),
    ] {
        let verdict = of_t(difference, t);
        assert_eq!(verdict[0], headline);
        let is_clear = if t == clear { "is significant" } else { "is not significant" };
        let start =
            format!("The paired difference over 5 folds {is_clear} at the level of 5 % (standard error");
        assert!(verdict[2].starts_with(&start), "{}", verdict[2]);
        let sign = if difference > 0.0 { '+' } else { '−' };
        assert!(verdict[1].ends_with(&format!("({sign}1.00 points).")), "{}", verdict[1]);
        let p = if t == clear { "p = 0.0499)." } else { "p = 0.0501)." };
        assert!(verdict[2].ends_with(p), "{}", verdict[2]);
    }
}

#[test]
fn small_p_values_are_not_written_out() {
    // scipy: scipy.stats.t.ppf(0.9995, 4)
    const CRITICAL: f64 = 8.610_301_581_379_274;
    for (t, p) in [(CRITICAL + 1e-3, "p &lt; 0.001)."), (CRITICAL - 1e-3, "p = 0.001).")] {
        assert!(of_t(0.01, t)[2].ends_with(p), "{t}");
    }
    // The same difference in each fold has no spread.
    let verdict = of_folds(&[0.75, 0.5, 0.25], &[0.5, 0.25, 0.0]);
    assert_eq!(verdict[0], "EXACT beats cross-entropy by 25.00 points");
    assert!(verdict[2].contains("(standard error 0.00 points,"), "{}", verdict[2]);
    assert!(verdict[2].ends_with("p &lt; 0.001)."), "{}", verdict[2]);
}

#[test]
fn more_than_two_standard_errors_tell_little_of_few_folds() {
    let verdict = of_folds(&[0.91, 0.925, 0.93, 0.915], &[0.90; 4]);
    assert!(
        verdict[0].contains("does not clearly beat") && verdict[2].ends_with("p = 0.064)."),
        "{verdict:?}"
    );
}

#[test]
fn tiny_differences_and_none() {
    let equal = of_folds(&[0.9, 0.8, 0.9, 0.8], &[0.9, 0.8, 0.9, 0.8]);
    assert_eq!(equal[0], "EXACT and cross-entropy are equally accurate");
    assert!(equal[2].contains("is not significant") && equal[2].ends_with("p = 1.000)."), "{}", equal[2]);
    // Half of a hundredth of a point is rounded up.
    let tiny = of_folds(&[0.500_049], &[0.5]);
    assert!(tiny[0].ends_with("it is ahead by less than 0.01 points, which may be chance"), "{}", tiny[0]);
    let small = of_folds(&[0.500_051], &[0.5]);
    assert!(small[0].ends_with("it is ahead by 0.01 points, which may be chance"), "{}", small[0]);
}

#[test]
fn without_two_common_folds_nothing_is_said_of_significance() {
    for (exact, baseline) in [(&[0.95][..], &[0.9][..]), (&[0.95; 3], &[0.9; 2])] {
        let verdict = of_folds(exact, baseline);
        let headline =
            "EXACT does not clearly beat cross-entropy: it is ahead by 5.00 points, which may be chance";
        assert_eq!(verdict[0], headline);
        assert!(!verdict.iter().any(|sentence| sentence.contains("significant")), "{verdict:?}");
    }
}

#[test]
fn without_folds_the_test_rows_decide_and_without_both_nothing() {
    let mut record = compare(&["exact", "cross-entropy"], 3, Some(400));
    record.rows[0].cv = None;
    let with = |record: &mut CompareRecord, accuracies: [f64; 2]| {
        for (row, accuracy) in record.rows.iter_mut().zip(accuracies) {
            row.test.as_mut().unwrap().accuracy = accuracy;
        }
        verdict(record)
    };
    let ahead = with(&mut record, [0.95, 0.9]);
    assert_eq!(
        ahead,
        [
            "EXACT does not clearly beat cross-entropy: it is ahead by 5.00 points, which may be chance",
            "Without folds of both losses, the spread of this difference is not known.",
            "Test accuracy: 95.00 % against 90.00 % (+5.00 points).",
            "With 400 test rows, the standard error of a test accuracy near 95.00 % is 1.09 points.",
        ]
    );
    let behind = with(&mut record, [0.9, 0.95]);
    let headline = "EXACT does not beat cross-entropy: it is behind by 5.00 points, which may be chance";
    assert_eq!(behind[0], headline);
    assert_eq!(behind[2], "Test accuracy: 90.00 % against 95.00 % (−5.00 points).");
    assert_eq!(with(&mut record, [0.9, 0.9])[0], "EXACT and cross-entropy are equally accurate");
    record.rows[1].test = None;
    assert_eq!(verdict(&record)[0], "No accuracy on held-out rows, so the losses cannot be ranked");
}

#[test]
fn auto_stands_for_exact_with_the_loss_that_it_chose() {
    let mut record = compare(&["auto", "cross-entropy"], 3, None);
    record.rows[0].cv = CrossValidation::of_folds(vec![0.9, 0.8]);
    record.rows[1].cv = CrossValidation::of_folds(vec![0.9, 0.8]);
    let headline = "auto (which chose exact) and cross-entropy are equally accurate";
    assert_eq!(verdict(&record)[0], headline);
    record.rows[0].chosen_loss = None;
    assert_eq!(verdict(&record)[0], "auto and cross-entropy are equally accurate");
}

#[test]
fn without_cross_entropy_the_best_is_named_and_ties_are() {
    let mut record = compare(&["exact", "hinge", "probit"], 3, Some(400));
    for (row, accuracy) in record.rows.iter_mut().zip([0.9, 0.8, 0.9]) {
        row.cv = CrossValidation::of_folds(vec![accuracy; 5]);
        row.test.as_mut().unwrap().accuracy = 1.7 - accuracy;
    }
    assert_eq!(
        verdict(&record)[..3],
        [
            "Highest held-out accuracy: exact, probit, 90.00 %",
            "Highest cross-validated accuracy: exact, probit, 90.00 %.",
            "Highest test accuracy: hinge, 90.00 %.",
        ]
    );
    for row in &mut record.rows {
        (row.cv, row.test) = (None, None);
    }
    assert_eq!(verdict(&record), ["No accuracy on held-out rows"]);
}

#[test]
fn a_fit_is_told_by_the_best_evidence_there_is() {
    let mut record = fit();
    record.outcome.cv = CrossValidation::of_folds(vec![0.8, 0.9]);
    record.outcome.test.as_mut().unwrap().accuracy = 0.9;
    let verdict = |record: &FitRecord| sentences(&fit_report(record, &[]).unwrap());
    assert_eq!(
        verdict(&record),
        [
            "Test accuracy 90.00 %",
            "Selection by cross-validation chose the loss exact.",
            "Cross-validated accuracy: 85.00 ± 7.07 % over 2 folds.",
            "That of cross-entropy: 90.80 ± 0.84 % over 5 folds.",
            "With 400 test rows, the standard error of a test accuracy near 90.00 % is 1.50 points.",
        ]
    );
    record.outcome.test = None;
    assert_eq!(verdict(&record)[0], "Cross-validated accuracy 85.00 %");
    record.outcome.cv = None;
    record.outcome.train.accuracy = 0.99;
    assert_eq!(verdict(&record)[0], "Train accuracy 99.00 %; no held-out rows");
}

#[test]
fn the_verdict_is_in_the_metric_of_selection() {
    let mut record = fit();
    record.outcome.metric = MetricName::TopK(2);
    record.outcome.cv = CrossValidation::of_folds(vec![0.8, 0.9]);
    record.outcome.test_value = Some(0.95);
    record.cross_entropy_cv = None;
    assert_eq!(
        sentences(&fit_report(&record, &[]).unwrap()),
        [
            "Test top-2 accuracy 95.00 %",
            "Selection by cross-validation chose the loss exact.",
            "Cross-validated top-2 accuracy: 85.00 ± 7.07 % over 2 folds.",
        ]
    );

    // Of log loss, less is better.
    let mut record = compare(&["exact", "cross-entropy", "hinge"], 3, None);
    for (row, value) in record.rows.iter_mut().zip([0.25, 0.5, 0.125]) {
        row.metric = MetricName::LogLoss;
        row.cv = CrossValidation::of_folds(vec![value; 5]);
    }
    let html = compare_report(&record).unwrap();
    let verdict = sentences(&html);
    assert_eq!(verdict[0], "EXACT beats cross-entropy by 0.2500");
    assert_eq!(verdict[1], "Cross-validated log loss: 0.2500 against 0.5000 (−0.2500).");
    assert_eq!(verdict[3], "Lowest cross-validated log loss: hinge, 0.1250.");
    for fragment in
        ["Log loss by loss", "Bold: lowest of its column.", "<td class=\"best\">0.1250 ± 0.0000</td>"]
    {
        assert!(html.contains(fragment), "{fragment}");
    }
}
