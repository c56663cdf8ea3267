//! Plots of the five-point example.

use exact_eval::record::{ToyCurve, ToyRecord, ToyRun};
use kuva::plot::line::LinePlot;
use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::annotations::ReferenceLine;
use kuva::render::plots::Plot;

use super::curves::{Curve, Scale, curves};
use super::{BLUE, MUTED, Picture, Range, VERMILION, WIDTH, draw, label, layout};

/// The points with their classes, and below them the threshold of each loss.
pub(crate) fn thresholds(record: &ToyRecord) -> Picture {
    let rows = record.runs.len() + 1;
    let class = |class: u32| {
        let points = record.x.iter().zip(&record.labels).filter(move |(_, label)| **label == class);
        points.map(|(x, _)| (*x, rows as f64)).collect::<Vec<_>>()
    };
    let finals: Vec<(f64, f64)> = record
        .runs
        .iter()
        .enumerate()
        .filter(|(_, run)| run.final_b.is_finite())
        .map(|(i, run)| (run.final_b, (rows - 1 - i) as f64))
        .collect();
    let x = Range::around(record.x.iter().copied().chain(finals.iter().map(|point| point.0)), 0.06, 1.0);
    let y = Range { low: 0.5, high: rows as f64 + 0.5 };
    let series = |points: Vec<(f64, f64)>, color: &str, marker, name: &str| {
        let series =
            ScatterPlot::new().with_data(points).with_color(color).with_size(7.0).with_marker(marker);
        Plot::Scatter(series.with_legend(name))
    };
    let mut plots = vec![
        series(class(0), BLUE, MarkerShape::Circle, "class 0"),
        series(class(1), VERMILION, MarkerShape::Triangle, "class 1"),
    ];
    if !finals.is_empty() {
        plots.push(series(finals, MUTED, MarkerShape::Diamond, "threshold b"));
    }
    let names = record.runs.iter().rev().map(|run| label(&run.loss)).chain(["data".to_owned()]).collect();
    let layout = layout(&plots, WIDTH, 110.0 + 36.0 * rows as f64, x, y)
        .with_y_categories(names)
        .with_x_label("x; right of b is class 1");
    let description = "The points with their classes, and the threshold that each loss ends at".to_owned();
    draw("thresholds", description, plots, layout)
}

/// One loss against `b`, with the final `b` of the run of the same name. `None` without finite points.
pub(crate) fn landscape(index: usize, curve: &ToyCurve, runs: &[ToyRun]) -> Option<Picture> {
    let points: Vec<(f64, f64)> =
        curve.points.iter().copied().filter(|(b, value)| b.is_finite() && value.is_finite()).collect();
    let (first, last) = (points.first()?.0, points.last()?.0);
    let y = Range::around(points.iter().map(|point| point.1), 0.06, 1e-6);
    let line = LinePlot::new().with_data(points).with_color(BLUE).with_stroke_width(2.0);
    let plots = vec![Plot::Line(line)];
    let mut layout = layout(&plots, 460.0, 260.0, Range { low: first, high: last }, y)
        .with_title(label(&curve.loss))
        .with_title_size(14)
        .with_ticks(5)
        .with_x_label("b");
    // A curve may carry parameters after the name of its loss: "exact, sigma 1".
    let run =
        runs.iter().find(|run| curve.loss == run.loss || curve.loss.starts_with(&format!("{},", run.loss)));
    if let Some(run) = run.filter(|run| (first..=last).contains(&run.final_b)) {
        layout = layout.with_reference_line(ReferenceLine::vertical(run.final_b).with_color(VERMILION));
    }
    let description = format!("The loss {} against b", curve.loss);
    Some(draw(&format!("landscape-{index}"), description, plots, layout))
}

/// `b` against the step, one line per loss. `None` if no run has a path.
pub(crate) fn training_paths(runs: &[ToyRun]) -> Option<Picture> {
    let line = |(number, run): (usize, &ToyRun)| {
        let points = run.path.iter().enumerate().map(|(step, b)| (step as f64, *b)).collect();
        Curve::numbered(number, &run.loss, points)
    };
    let lines = runs.iter().enumerate().map(line).collect();
    let description = "The parameter b after each step of training, by loss";
    curves("paths", description, lines, ["step", "b"], Scale::Linear)
}
