//! Accuracy, or another metric, by loss: a dot per fold or seed, their mean, and that on the test rows.

use kuva::plot::line::LinePlot;
use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::plots::Plot;

use crate::measure::Measure;

use super::{BLUE, GRID, Picture, Range, SKY, VERMILION, WIDTH, draw, label, layout};

/// The values of one loss.
pub(crate) struct AccuracyRow<'a> {
    pub loss: &'a str,
    /// One for each fold or seed.
    pub dots: Vec<f64>,
    /// Their mean.
    pub mean: Option<f64>,
    /// That on the test rows, if the dots are something else.
    pub test: Option<f64>,
}

/// `dot` is what there is a dot for, such as "fold". `None` if no loss has a held-out value.
pub(crate) fn accuracy_by_loss(
    rows: &[AccuracyRow<'_>],
    measure: Measure,
    dot: &str,
    description: String,
) -> Option<Picture> {
    let scale = measure.scale();
    // Categories count from 1 at the bottom; the first loss stands at the top.
    let height = |row: usize| (rows.len() - row) as f64;
    let (mut folds, mut means, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    for (i, row) in rows.iter().enumerate() {
        folds.extend(row.dots.iter().map(|accuracy| (scale * accuracy, height(i) + 0.14)));
        means.extend(row.mean.map(|mean| (scale * mean, height(i) + 0.14)));
        tests.extend(row.test.map(|accuracy| (scale * accuracy, height(i) - 0.2)));
    }
    for points in [&mut folds, &mut means, &mut tests] {
        points.retain(|(accuracy, _): &(f64, f64)| accuracy.is_finite());
    }
    let all = || folds.iter().chain(&means).chain(&tests).map(|point| point.0);
    all().next()?;
    let x = Range::of_values(all(), 0.05, measure);
    let y = Range { low: 0.5, high: rows.len() as f64 + 0.5 };
    let points = |points: Vec<(f64, f64)>, color: &str, size: f64, marker, name: &str| {
        let series =
            ScatterPlot::new().with_data(points).with_color(color).with_size(size).with_marker(marker);
        Plot::Scatter(series.with_legend(name))
    };
    // A guide through each row leads the eye from the name to the dots.
    let guide = |row: usize| {
        let ends = [(x.low, height(row)), (x.high, height(row))];
        Plot::Line(LinePlot::new().with_data(ends).with_color(GRID).with_stroke_width(1.0))
    };
    let mut plots: Vec<Plot> = (0..rows.len()).map(guide).collect();
    if !means.is_empty() {
        plots.push(points(folds, SKY, 4.5, MarkerShape::Circle, &format!("one {dot}")));
        plots.push(points(means, BLUE, 6.5, MarkerShape::Diamond, &format!("mean of {dot}s")));
    }
    if !tests.is_empty() {
        plots.push(points(tests, VERMILION, 6.0, MarkerShape::Triangle, "test"));
    }
    let names = rows.iter().rev().map(|row| label(row.loss)).collect();
    let layout = layout(&plots, WIDTH, 110.0 + 44.0 * rows.len() as f64, x, y)
        .with_y_categories(names)
        .with_x_label(measure.with_unit());
    Some(draw("accuracy", description, plots, layout))
}
