//! The report of methods over several data sets.

use exact_eval::record::{BenchmarkRecord, BenchmarkResult, BenchmarkSetRecord, BenchmarkSettings, Spread};
use exact_report::{ReportError, benchmark_findings, benchmark_report};

use crate::common::{LOSSES, check, noise, plots};

/// Each method is better than the one after it by `gap`, more or less.
fn benchmark(methods: &[&str], n_sets: usize, gap: f64) -> BenchmarkRecord {
    let result = |set: usize, method: usize| {
        let accuracy = |split| {
            let chance = noise(set * 1009 + method * 31 + split);
            0.95 - 0.02 * set as f64 - gap * method as f64 - 0.02 * chance
        };
        let splits: Vec<f64> = (0..3).map(accuracy).collect();
        BenchmarkResult { accuracy: Spread::of(&splits).unwrap(), splits }
    };
    let set = |at: usize| BenchmarkSetRecord {
        name: format!("set <{at}>"),
        target: "class".into(),
        rows: 12_345,
        columns: 7,
        classes: 3,
        results: (0..methods.len()).map(|method| result(at, method)).collect(),
    };
    let settings = BenchmarkSettings { splits: 3, test_share: 0.2, folds: 5, seed: 1, alpha: 0.05 };
    let names: Vec<String> = methods.iter().map(ToString::to_string).collect();
    BenchmarkRecord::compare(settings, &names, (0..n_sets).map(set).collect()).unwrap()
}

#[test]
fn every_method_set_and_pair_is_shown() {
    let record = benchmark(&LOSSES, 12, 0.005);
    let html = check("benchmark", benchmark_report(&record).unwrap());
    assert_eq!(plots(&html), 1);
    for text in LOSSES {
        assert!(html.contains(&format!("<th scope=\"col\"><bdi>{text}</bdi></th>")), "{text}");
    }
    for (set, record) in record.sets.iter().enumerate() {
        assert!(html.contains(&format!("<bdi>set &lt;{set}&gt;</bdi>")), "{set}");
        assert!(html.contains(&format!("<td>{:.2} ± ", 100.0 * record.results[3].accuracy.mean)), "{set}");
    }
    let tests = record.tests.as_ref().unwrap();
    assert_eq!(tests.pairs.len(), 28);
    for method in &record.methods {
        assert!(html.contains(&format!(">{} ({:.2})</text>", method.name, method.mean_rank)), "{method:?}");
    }
    assert!(html.contains(&format!("critical difference {:.2}</text>", tests.critical_difference)));
    assert!(html.contains("12\u{202f}345") && html.contains("Best mean rank: exact, "));
    assert_eq!(html, benchmark_report(&record).unwrap());
}

#[test]
fn the_findings_say_what_the_tests_found() {
    let clear = benchmark_findings(&benchmark(&["exact", "cross-entropy", "hinge"], 12, 0.03)).join("\n");
    assert!(
        clear.contains("Friedman's test: some methods differ at the level of 0.05 (χ² = 24.00, p < 0.001")
    );
    assert!(clear.contains("F of Iman and Davenport = ∞, p < 0.001)"), "{clear}");
    assert!(clear.contains("exact is better than hinge (p = 0.001), "), "{clear}");
    let chance = benchmark_findings(&benchmark(&["exact", "cross-entropy", "hinge"], 12, 0.0)).join("\n");
    assert!(
        chance.contains("no difference is found") && chance.contains("no two methods differ"),
        "{chance}"
    );
    let many = benchmark_findings(&benchmark(&LOSSES, 15, 0.03)).join("\n");
    assert!(many.contains(", and 22 pairs more differ."), "{many}");
}

#[test]
fn one_method_or_set_is_shown_without_tests() {
    let one_set = benchmark(&["exact", "hinge"], 1, 0.0);
    let html = check("benchmark-one-set", benchmark_report(&one_set).unwrap());
    assert!(html.contains("tests need at least two") && plots(&html) == 0 && !html.contains("Holm"));
    let one_method = benchmark(&["exact"], 4, 0.0);
    let html = check("benchmark-one-method", benchmark_report(&one_method).unwrap());
    assert!(html.contains("With one method there is nothing to test") && plots(&html) == 0);
    assert!(matches!(benchmark_report(&benchmark(&[], 2, 0.0)), Err(ReportError::NoLosses)));
}

#[test]
fn hostile_names_are_text() {
    let hostile = "</text></svg><script>alert(1)</script>\"' & {{ 7 * 7 }}";
    let html = check("benchmark-hostile", benchmark_report(&benchmark(&[hostile, "exact"], 2, 0.0)).unwrap());
    assert!(!html.contains("<script") && html.contains("{{ 7 * 7 }}"));
}
