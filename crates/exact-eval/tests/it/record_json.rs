//! The JSON of records is a contract of the command line: names and nesting may not change.

use exact_eval::record::{
    BenchmarkRecord, BenchmarkResult, BenchmarkSetRecord, BenchmarkSettings, CompareRecord, CrossValidation,
    DataRecord, FitRecord, LossRecord, MetricName, Selected, SelectedFeatures, SigmaPathPoint, Spread,
    TestMetrics, TrainMetrics,
};
use serde_json::{Value, json};

fn data() -> DataRecord {
    DataRecord {
        name: Some("wine".into()),
        target: "class".into(),
        train_rows: 142,
        test_rows: Some(2),
        features: 13,
        classes: 3,
        class_names: vec!["1".into(), "2".into(), "3".into()],
    }
}

fn outcome() -> LossRecord {
    LossRecord {
        loss: "exact".into(),
        selected: Selected { l2: 0.1, sigma: Some(0.3), ..Selected::default() },
        features: SelectedFeatures::default(),
        metric: MetricName::TopK(2),
        cv: CrossValidation::of_folds(vec![0.5, 0.75]),
        train: TrainMetrics { accuracy: 1.0 },
        test: TestMetrics::measure(&[0, 2], &[0, 1], &[0.8, 0.1, 0.1, 0.2, 0.5, 0.3], 3).ok(),
        test_value: Some(0.5),
        seconds: 0.25,
        chosen_loss: None,
    }
}

fn has_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "{key} is missing from {value}");
    }
}

#[test]
fn fit_prints_its_contract() {
    let sigma_path = vec![SigmaPathPoint {
        sigma: 1.0,
        l2: 0.1,
        margin: None,
        train_accuracy: 0.9,
        validation_accuracy: 0.8,
        expected_accuracy: 0.7,
    }];
    let record = FitRecord {
        data: data(),
        columns: Vec::new(),
        outcome: outcome(),
        cross_entropy_cv: CrossValidation::of_folds(vec![0.5, 0.5]),
        seed: 7,
        solver: "lbfgs".into(),
        model: Some("wine.safetensors".into()),
        sigma_path,
    };
    let value = serde_json::to_value(&record).unwrap();
    has_keys(&value, &["data", "loss", "selected", "cv", "train", "test", "seconds", "model"]);
    has_keys(&value["data"], &["train_rows", "test_rows", "features", "classes"]);
    assert_eq!(value["selected"], json!({"l2": 0.1, "sigma": 0.3, "margin": null}));
    has_keys(&value["cv"], &["mean", "std"]);
    assert_eq!((&value["metric"], &value["test_value"]), (&json!("top-2"), &json!(0.5)));
    has_keys(&value["cross_entropy_cv"], &["mean", "std"]);
    assert_eq!(value["train"], json!({"accuracy": 1.0}));
    has_keys(&value["test"], &["accuracy", "balanced_accuracy", "macro_f1", "log_loss"]);
    assert_eq!(value["test"]["confusion"], json!([[1, 0, 0], [0, 0, 0], [0, 1, 0]]));
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<FitRecord>(&text).unwrap(), record);
}

#[test]
fn compare_prints_its_contract() {
    let record = CompareRecord {
        data: data(),
        columns: Vec::new(),
        rows: vec![outcome(), LossRecord { cv: None, test: None, ..outcome() }],
        sigma_path: Vec::new(),
        seed: 0,
        folds: 2,
        report: None,
    };
    let value = serde_json::to_value(&record).unwrap();
    has_keys(&value, &["data", "rows", "report"]);
    has_keys(&value["rows"][0], &["loss", "selected", "cv", "train", "test", "seconds"]);
    assert_eq!(value["rows"][1]["test"], Value::Null);
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<CompareRecord>(&text).unwrap(), record);
}

#[test]
fn cross_validation_is_never_nan() {
    assert_eq!(CrossValidation::of_folds(Vec::new()), None);
    assert_eq!(CrossValidation::of_folds(vec![0.5, f64::NAN]), None);
    assert_eq!(CrossValidation::of_folds(vec![0.5]).unwrap().std, 0.0);
}

/// Two methods, of which the second is better on every set but the last.
fn benchmark(n_sets: usize) -> BenchmarkRecord {
    let result = |splits: Vec<f64>| BenchmarkResult { accuracy: Spread::of(&splits).unwrap(), splits };
    let set = |at: usize| BenchmarkSetRecord {
        name: format!("set-{at}"),
        target: "class".into(),
        rows: 100,
        columns: 4,
        classes: 3,
        results: vec![
            // The same mean in another order is the same mean.
            result(vec![0.1, 0.2, 0.3]),
            result(if at + 1 == n_sets { vec![0.3, 0.2, 0.1] } else { vec![0.5, 0.5, 0.8] }),
        ],
    };
    let settings = BenchmarkSettings { splits: 3, test_share: 0.25, folds: 5, seed: 7, alpha: 0.05 };
    let sets = (0..n_sets).map(set).collect();
    BenchmarkRecord::compare(settings, &["cross-entropy".into(), "exact".into()], sets).unwrap()
}

#[test]
fn benchmark_prints_its_contract() {
    let record = benchmark(8);
    let value = serde_json::to_value(&record).unwrap();
    has_keys(
        &value,
        &["splits", "test_share", "folds", "seed", "alpha", "methods", "sets", "tests", "report"],
    );
    has_keys(&value["sets"][0], &["name", "target", "rows", "columns", "classes", "results"]);
    has_keys(&value["sets"][0]["results"][0], &["mean", "std", "splits"]);
    assert_eq!(value["methods"][1]["name"], "exact");
    assert_eq!(value["methods"][1]["mean_rank"], 1.0625);
    assert_eq!(value["methods"][0]["mean_rank"], 1.9375);
    let tests = &value["tests"];
    has_keys(&tests["friedman"], &["chi_squared", "p_value", "iman_davenport", "iman_davenport_p_value"]);
    // 1.96 / sqrt(8): two methods on eight sets.
    assert!((tests["critical_difference"].as_f64().unwrap() - 0.693).abs() < 1e-3);
    let pair = &tests["pairs"][0];
    assert_eq!((&pair["better"], &pair["worse"]), (&json!("exact"), &json!("cross-entropy")));
    assert_eq!((&pair["wins"], &pair["ties"], &pair["losses"]), (&json!(7), &json!(1), &json!(0)));
    // Both signs of seven differences of the same size.
    assert_eq!((&pair["p_value"], &pair["holm_p_value"]), (&json!(2.0 / 128.0), &json!(2.0 / 128.0)));
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<BenchmarkRecord>(&text).unwrap(), record);
}

#[test]
fn one_data_set_is_not_tested() {
    let record = benchmark(1);
    assert_eq!(record.tests, None);
    assert_eq!(record.methods.iter().map(|method| method.mean_rank).collect::<Vec<_>>(), [1.5, 1.5]);
    let mut sets = record.sets;
    sets[0].results.pop();
    let methods = ["cross-entropy".into(), "exact".into()];
    assert!(BenchmarkRecord::compare(record.settings, &methods, sets).is_err());
}
