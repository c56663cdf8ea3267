//! Reliability diagram: accuracy against confidence.

use exact_eval::record::TestMetrics;
use kuva::plot::line::LinePlot;
use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::plots::Plot;

use super::{BLUE, MUTED, Picture, Range, VERMILION, draw, label, layout};

const MARKERS: [(&str, MarkerShape); 2] = [(BLUE, MarkerShape::Circle), (VERMILION, MarkerShape::Square)];

/// The diagrams of up to two losses in one plot; the area of a marker grows with the number of rows of its
/// bin. `None` if none has bins.
pub(crate) fn reliability(losses: &[(&str, &TestMetrics)]) -> Option<Picture> {
    // Room above 100 % for whole markers.
    let percent = Range { low: 0.0, high: 104.0 };
    let perfect = LinePlot::new().with_data([(0.0, 0.0), (100.0, 100.0)]).with_color(MUTED).with_dashed();
    let mut plots = vec![Plot::Line(perfect.with_stroke_width(1.5).with_legend("perfect calibration"))];
    for ((name, test), (color, marker)) in losses.iter().zip(MARKERS) {
        if test.reliability.is_empty() {
            continue;
        }
        let points: Vec<(f64, f64)> =
            test.reliability.iter().map(|bin| (100.0 * bin.mean_confidence, 100.0 * bin.accuracy)).collect();
        let total: f64 = test.reliability.iter().map(|bin| bin.weight).sum();
        let sizes: Vec<f64> =
            test.reliability.iter().map(|bin| 3.0 + 8.0 * (bin.weight / total).sqrt()).collect();
        let line = LinePlot::new().with_data(points.clone()).with_color(color).with_stroke_width(2.0);
        plots.push(Plot::Line(line.with_legend(label(name))));
        let series = ScatterPlot::new().with_data(points).with_color(color).with_marker(marker);
        plots.push(Plot::Scatter(series.with_sizes(sizes).with_marker_opacity(0.75)));
    }
    if plots.len() == 1 {
        return None;
    }
    let layout = layout(&plots, 520.0, 540.0, percent, percent)
        .with_x_tick_step(20.0)
        .with_y_tick_step(20.0)
        .with_x_label("mean confidence, %")
        .with_y_label("accuracy, %");
    let names: Vec<&str> = losses.iter().map(|(name, _)| *name).collect();
    let description = format!("Accuracy against confidence on the test set for {}", names.join(" and "));
    Some(draw("reliability", description, plots, layout))
}
