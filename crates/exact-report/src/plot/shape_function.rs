//! The contribution of a column to the logit of each class, over a histogram of its values.

use exact_eval::record::{ColumnUnit, ShapeCurve, ShapeFunctionRecord};
use kuva::TickFormat;
use kuva::plot::band::BandPlot;
use kuva::plot::line::LinePlot;
use kuva::render::plots::Plot;

use super::{Curve, MUTED, Picture, Range, draw, label, layout};
use crate::format::moment;

/// The part of the plot's height that the fullest bin fills.
const HISTOGRAM: f64 = 0.4;

/// The curves are those of the classes with the given numbers. `None` without finite curves.
pub(crate) fn shape_function(
    index: usize,
    shape: &ShapeFunctionRecord,
    curves: &[(usize, &ShapeCurve)],
) -> Option<Picture> {
    let [low, high] = shape.range;
    let contributions = || curves.iter().flat_map(|(_, curve)| &curve.contributions);
    let finite = contributions().chain(&shape.range).all(|value| value.is_finite());
    if !finite || contributions().next().is_none() || low >= high {
        return None;
    }
    let y = Range::around(contributions().copied(), 0.06, 1e-6);
    let mut plots = vec![Plot::Band(histogram(shape, y))];
    for (class, curve) in curves {
        let last = (curve.contributions.len() - 1).max(1) as f64;
        let x = |at: usize| low + (high - low) * at as f64 / last;
        let points = curve.contributions.iter().enumerate().map(|(at, value)| (x(at), *value)).collect();
        let Curve { legend, color, style, points } = Curve::numbered(*class, &curve.class, points);
        let line = LinePlot::new().with_data(points).with_color(color).with_line_style(style);
        plots.push(Plot::Line(line.with_stroke_width(2.0).with_legend(legend.unwrap_or_default())));
    }
    let mut layout = layout(&plots, 460.0, 320.0, Range { low, high }, y)
        .with_title(label(&shape.column))
        .with_title_size(14)
        .with_ticks(5)
        .with_y_label("contribution");
    match shape.unit {
        ColumnUnit::Number => {}
        ColumnUnit::Moment => {
            let tick = move |value| moment(value, high - low);
            layout = layout.with_x_tick_format(TickFormat::Custom(std::sync::Arc::new(tick)));
        }
        ColumnUnit::Hour => layout = layout.with_x_label("hour"),
    }
    let description = format!("The contribution of the column {} to the logit of each class", shape.column);
    Some(draw(&format!("shape-{index}"), description, plots, layout))
}

/// The outline of the bins, from the lower end of the plot.
fn histogram(shape: &ShapeFunctionRecord, y: Range) -> BandPlot {
    let [low, high] = shape.range;
    let most = shape.histogram.iter().copied().max().unwrap_or(0).max(1) as f64;
    let (mut x, mut top) = (Vec::new(), Vec::new());
    for (bin, count) in shape.histogram.iter().enumerate() {
        let edge = |bin: usize| low + (high - low) * bin as f64 / shape.histogram.len() as f64;
        x.extend([edge(bin), edge(bin + 1)]);
        top.extend([y.low + HISTOGRAM * (y.high - y.low) * *count as f64 / most; 2]);
    }
    let bottom = vec![y.low; x.len()];
    BandPlot::new(x, bottom, top).with_color(MUTED).with_opacity(0.25)
}
