//! Made-up records, the same in every run, and what holds for every report. Each test leaves its HTML in the
//! target directory to look at.

use exact_eval::record::{
    ColumnRecord, CompareRecord, CrossValidation, DataRecord, FitRecord, LossRecord, MetricName, Selected,
    SelectedFeatures, SigmaPathPoint, TestMetrics, ToyCurve, ToyRecord, ToyRun, TrainMetrics,
};
use roxmltree::{Document, ParsingOptions};

pub const LOSSES: [&str; 8] =
    ["exact", "probit", "cross-entropy", "hinge", "sigmoid", "beta-bernoulli", "polynomial", "poly1"];

/// A fraction in `0..1` that looks random.
pub fn noise(index: usize) -> f64 {
    let mixed = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / (1_u64 << 24) as f64
}

/// Metrics of a model with about this accuracy on `n` rows; `absent` is a class without rows.
pub fn test_metrics(
    n: usize,
    classes: usize,
    accuracy: f64,
    absent: Option<u32>,
    seed: usize,
) -> TestMetrics {
    let mut labels = Vec::new();
    let mut predictions = Vec::new();
    let mut probabilities = Vec::new();
    for row in 0..n {
        let draw = |k: usize| noise(seed * 1_000_003 + row * 7 + k);
        let mut label = (draw(0) * draw(0).sqrt() * classes as f64) as u32;
        if absent == Some(label) {
            label = (label + 1) % classes as u32;
        }
        let confidence =
            1.0 / classes as f64 + (1.0 - 1.0 / classes as f64) * (1.0 - draw(1) * draw(1) * 0.9);
        let right = draw(2) < accuracy * (0.6 + 0.45 * confidence);
        let other = (label + 1 + (draw(3) * draw(4) * (classes - 1) as f64) as u32) % classes as u32;
        let prediction = if right { label } else { other };
        labels.push(label);
        predictions.push(prediction);
        for class in 0..classes as u32 {
            let rest = (1.0 - confidence) / (classes - 1) as f64;
            probabilities.push(if class == prediction { confidence } else { rest });
        }
    }
    TestMetrics::measure(&labels, &predictions, &probabilities, classes).unwrap()
}

pub fn data(classes: usize, test_rows: Option<usize>) -> DataRecord {
    const NAMES: [&str; 7] = ["Barbunya", "Bombay", "Cali", "Dermason", "Horoz", "Seker", "Sira"];
    let name = |class: usize| NAMES.get(class).map_or_else(|| format!("class {class}"), ToString::to_string);
    DataRecord {
        name: Some("dry-bean".into()),
        target: "Class".into(),
        train_rows: 10_888,
        test_rows,
        features: 16,
        classes,
        class_names: (0..classes).map(name).collect(),
    }
}

pub fn loss_record(index: usize, loss: &str, classes: usize, test_rows: Option<usize>) -> LossRecord {
    let base = 0.925 - 0.004 * noise(index + 77);
    let folds = (0..5).map(|fold| base + 0.012 * noise(fold) + 0.004 * noise(index * 31 + fold)).collect();
    let has_sigma = ["exact", "probit", "auto"].contains(&loss);
    LossRecord {
        loss: loss.into(),
        selected: Selected {
            l2: [1e-4, 1e-3, 0.01, 2.5e-5][index % 4],
            sigma: has_sigma.then_some(0.316_227_766),
            margin: (loss == "hinge" || loss == "exact").then_some(1.0),
            ..Selected::default()
        },
        features: SelectedFeatures::default(),
        metric: MetricName::Accuracy,
        cv: CrossValidation::of_folds(folds),
        train: TrainMetrics { accuracy: base + 0.015 },
        test: test_rows.map(|n| test_metrics(n, classes, 0.93 + 0.01 * noise(index), None, index)),
        test_value: None,
        seconds: [0.42, 3.1, 14.0, 260.0][index % 4],
        chosen_loss: (loss == "auto").then(|| "exact".into()),
    }
}

pub fn sigma_path() -> Vec<SigmaPathPoint> {
    (0..16)
        .map(|step| {
            let sigma = 10.0_f64.powf(1.0 - 0.2 * f64::from(step));
            SigmaPathPoint {
                sigma,
                l2: 1e-4,
                margin: Some(1.0),
                train_accuracy: 0.94 - 0.02 * (sigma / 10.0),
                validation_accuracy: 0.932 - 0.004 * (sigma.ln() + 1.15).powi(2) / 6.0,
                expected_accuracy: 0.94 / (1.0 + 0.06 * sigma),
            }
        })
        .collect()
}

fn columns() -> Vec<ColumnRecord> {
    let column = |name: &str, kind: &str, distinct, note: &str| ColumnRecord {
        name: name.into(),
        kind: kind.into(),
        distinct,
        missing: 3,
        numbers: 100,
        texts: 0,
        note: note.into(),
    };
    vec![column("Area", "numeric", None, "numbers"), column("<Id>", "identifier", Some(100), "left out")]
}

pub fn compare(losses: &[&str], classes: usize, test_rows: Option<usize>) -> CompareRecord {
    CompareRecord {
        data: data(classes, test_rows),
        columns: columns(),
        rows: losses.iter().enumerate().map(|(i, loss)| loss_record(i, loss, classes, test_rows)).collect(),
        sigma_path: sigma_path(),
        seed: 0,
        folds: 5,
        report: None,
    }
}

pub fn fit() -> FitRecord {
    FitRecord {
        data: data(3, Some(400)),
        columns: columns(),
        outcome: loss_record(0, "auto", 3, Some(400)),
        cross_entropy_cv: CrossValidation::of_folds(vec![0.9, 0.91, 0.92, 0.91, 0.9]),
        seed: 7,
        solver: "lbfgs".into(),
        model: Some("models/dry-bean.safetensors".into()),
        sigma_path: sigma_path(),
    }
}

pub fn toy() -> ToyRecord {
    let x = vec![-6.0, -5.0, -4.0, 0.0, 2.0];
    let labels = vec![0, 1, 1, 0, 1];
    let points = |loss: fn(f64) -> f64| {
        let mean = |b: f64| {
            x.iter().zip(&labels).map(|(x, y)| loss(if *y == 1 { x - b } else { b - x })).sum::<f64>() / 5.0
        };
        (0..=240).map(|i| -10.0 + 0.0625 * f64::from(i)).map(|b| (b, mean(b))).collect::<Vec<_>>()
    };
    let curve = |loss: &str, value: fn(f64) -> f64| ToyCurve { loss: loss.into(), points: points(value) };
    let run = |loss: &str, end: f64, accuracy, sigma: bool| ToyRun {
        loss: loss.into(),
        path: (0..=1000).map(|step| end * (1.0 - (-f64::from(step) / 120.0).exp())).collect(),
        final_b: end,
        accuracy,
        sigma_path: sigma.then(|| (0..=1000).map(|step| 100.0 * 0.99_f64.powi(step)).collect()),
    };
    ToyRecord {
        curves: vec![
            curve("cross-entropy", |d| (1.0 + (-d).exp()).ln()),
            curve("hinge", |d| (1.0 - d).max(0.0)),
            curve("exact, sigma 3", |d| 1.0 / (1.0 + (0.6 * d).exp())),
            curve("exact, sigma 0.3", |d| 1.0 / (1.0 + (6.0 * d).exp())),
        ],
        runs: vec![
            run("cross-entropy", -2.1, 0.6, false),
            run("hinge", -3.0, 0.6, false),
            run("exact", -5.5, 0.8, true),
        ],
        best_accuracy: 0.8,
        x,
        labels,
    }
}

/// Keeps the report to look at, and checks what holds for every report: it is well formed, whole and never
/// NaN.
pub fn check(name: &str, html: String) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.html"));
    std::fs::write(path, &html).unwrap();
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&html, options).unwrap();
    let mut identifiers: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let all = identifiers.len();
    identifiers.sort_unstable();
    identifiers.dedup();
    assert_eq!(identifiers.len(), all, "identifiers repeat");
    for node in document.descendants() {
        assert!(!["script", "link", "iframe", "object"].contains(&node.tag_name().name()));
        for attribute in node.attributes() {
            let refers = ["src", "href"].contains(&attribute.name());
            let whole = attribute.value().starts_with("data:image/png;base64,");
            assert!(!refers || whole, "{name} refers to {}", attribute.value());
            assert!(!attribute.name().starts_with("on"), "{name} has an event handler");
        }
    }
    for plot in document.descendants().filter(|node| node.attribute("class") == Some("plot")) {
        assert!(plot.attribute("aria-label").is_some_and(|text| text.len() > 10));
        assert!(plot.descendants().any(|node| node.has_tag_name("svg")));
    }
    assert!(!html.contains("http") && !html.contains("@import") && !html.contains("NaN"), "{name}");
    assert!(!html.contains("inf<") && !html.contains(">none<") && !html.contains("undefined"), "{name}");
    html
}

pub fn plots(html: &str) -> usize {
    html.matches("class=\"plot\"").count()
}
