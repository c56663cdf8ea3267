//! Lines over the steps or epochs of training.

use kuva::plot::line::{LinePlot, LineStyle};
use kuva::render::plots::Plot;

use super::{Picture, Range, SERIES, WIDTH, draw, label, layout, plain_ticks};

/// The most points of a line that are drawn; more cannot be told apart at this width.
const MOST_POINTS: usize = 400;

/// One line.
pub(crate) struct Curve {
    /// Its name in the legend; lines without one share that of the line before.
    pub legend: Option<String>,
    pub color: &'static str,
    pub style: LineStyle,
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// The line of a series that has no colour of its own, by its number.
    pub fn numbered(number: usize, name: &str, points: Vec<(f64, f64)>) -> Self {
        const STYLES: [LineStyle; 3] = [LineStyle::Solid, LineStyle::Dashed, LineStyle::Dotted];
        Self {
            legend: Some(label(name)),
            color: SERIES[number % SERIES.len()],
            style: STYLES[number / SERIES.len() % STYLES.len()].clone(),
            points,
        }
    }
}

/// What the vertical axis shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Percent,
    Logarithmic,
}

/// The lines in one plot. `None` if none has a point that can be drawn.
pub(crate) fn curves(
    name: &str,
    description: &str,
    lines: Vec<Curve>,
    [x_label, y_label]: [&str; 2],
    scale: Scale,
) -> Option<Picture> {
    let drawable = |value: f64| value.is_finite() && (scale != Scale::Logarithmic || value > 0.0);
    let mut plots = Vec::new();
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for Curve { legend, color, style, points } in lines {
        let (stride, last) = (points.len().div_ceil(MOST_POINTS).max(1), points.len().saturating_sub(1));
        let points: Vec<(f64, f64)> = points
            .into_iter()
            .enumerate()
            .filter(|(at, (_, y))| (at % stride == 0 || *at == last) && drawable(*y))
            .map(|(_, point)| point)
            .collect();
        if points.is_empty() {
            continue;
        }
        xs.extend(points.iter().map(|point| point.0));
        ys.extend(points.iter().map(|point| point.1));
        let line = LinePlot::new().with_data(points).with_color(color).with_stroke_width(2.0);
        let line = line.with_line_style(style);
        plots.push(Plot::Line(match legend {
            Some(legend) => line.with_legend(legend),
            None => line,
        }));
    }
    if plots.is_empty() {
        return None;
    }
    let x = Range::around(xs.into_iter(), 0.0, 1.0);
    let y = match scale {
        Scale::Linear => Range::around(ys.into_iter(), 0.06, 1e-6),
        Scale::Percent => Range::around(ys.into_iter(), 0.06, 1.0).within_percent(),
        Scale::Logarithmic => {
            let powers = Range::around(ys.into_iter().map(f64::log10), 0.04, 0.5);
            Range { low: 10_f64.powf(powers.low), high: 10_f64.powf(powers.high) }
        }
    };
    let layout = layout(&plots, WIDTH, 340.0, x, y).with_x_label(x_label).with_y_label(y_label);
    // Steps and epochs are counted.
    let layout = if x.high - x.low < 6.0 { layout.with_x_tick_step(1.0) } else { layout };
    let layout = match scale {
        Scale::Logarithmic => layout.with_log_y().with_y_tick_format(plain_ticks()),
        Scale::Linear | Scale::Percent => layout,
    };
    Some(draw(name, description.to_owned(), plots, layout))
}
