//! Train, validation and expected accuracy, or another metric, along the path over sigma.

use exact_eval::record::SigmaPathPoint;
use kuva::plot::line::{LinePlot, LineStyle};
use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::annotations::ReferenceLine;
use kuva::render::plots::Plot;

use crate::measure::Measure;

use super::{BLUE, GREEN, MUTED, Picture, Range, VERMILION, WIDTH, draw, layout, plain_ticks};

/// The accuracy of a point, the name of its series and how it is drawn.
type Series = (fn(&SigmaPathPoint) -> f64, &'static str, &'static str, LineStyle, MarkerShape);

/// How far below train and validation accuracy the plot reaches, in ranges of these.
const FALL: f64 = 2.5;

const SERIES: [Series; 3] = [
    (|point| point.train_accuracy, "train", BLUE, LineStyle::Solid, MarkerShape::Circle),
    (|point| point.validation_accuracy, "validation", VERMILION, LineStyle::Solid, MarkerShape::Triangle),
    (|point| point.expected_accuracy, "expected (train)", GREEN, LineStyle::Dashed, MarkerShape::Square),
];

/// `None` if there are no points with a positive sigma.
pub(crate) fn sigma_path(
    path: &[SigmaPathPoint],
    measure: Measure,
    selected: Option<f64>,
) -> Option<Picture> {
    let scale = measure.scale();
    let mut path: Vec<SigmaPathPoint> =
        path.iter().copied().filter(|point| point.sigma > 0.0 && point.sigma.is_finite()).collect();
    path.sort_by(|a, b| a.sigma.total_cmp(&b.sigma));
    let (first, last) = (path.first()?.sigma, path.last()?.sigma);
    // A single point still needs an axis; a twentieth of a decade frames the ends of a path.
    let pad = if first == last { 10.0 } else { (last / first).powf(0.02).max(1.05) };
    let x = Range { low: first / pad, high: last * pad };
    let accuracies = || path.iter().flat_map(|point| SERIES.map(|(accuracy, ..)| scale * accuracy(point)));
    let mut y = Range::of_values(accuracies(), 0.06, measure);
    // Expected accuracy falls far below, or an expected cost rises far above, at a large sigma; it may
    // leave the plot, so that the others can be told apart.
    let counted = || path.iter().flat_map(|point| [point.train_accuracy, point.validation_accuracy]);
    let focus = Range::around(counted().map(|accuracy| scale * accuracy), 0.0, 0.01 * scale);
    y.low = y.low.max(focus.low - FALL * (focus.high - focus.low));
    y.high = y.high.min(focus.high + FALL * (focus.high - focus.low));
    let mut plots = Vec::new();
    for (accuracy, name, color, style, marker) in SERIES {
        let points: Vec<(f64, f64)> = path
            .iter()
            .map(|point| (point.sigma, scale * accuracy(point)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        let line = LinePlot::new().with_data(points.clone()).with_color(color).with_line_style(style);
        plots.push(Plot::Line(line.with_stroke_width(2.0).with_legend(name)));
        plots.push(Plot::Scatter(
            ScatterPlot::new().with_data(points).with_color(color).with_size(3.5).with_marker(marker),
        ));
    }
    let mut layout = layout(&plots, WIDTH, 360.0, x, y)
        .with_log_x()
        .with_x_tick_format(plain_ticks())
        .with_x_label("sigma")
        .with_y_label(measure.with_unit());
    if let Some(sigma) = selected.filter(|sigma| (x.low..=x.high).contains(sigma)) {
        layout = layout.with_reference_line(ReferenceLine::vertical(sigma).with_color(MUTED));
    }
    let description = format!("Train, validation and expected {} against sigma", measure.words());
    Some(draw("sigma", description, plots, layout))
}
