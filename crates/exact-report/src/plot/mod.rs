//! Plots as SVG elements that take their colours from the page's style.

mod accuracy;
mod critical_difference;
mod curves;
mod reliability;
mod shape_function;
mod sigma_path;
mod toy;

use kuva::TickFormat;
use kuva::backend::svg::SvgBackend;
use kuva::plot::LegendPosition;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use kuva::render::theme::Theme;
use minijinja::Value;
use serde::Serialize;

use crate::measure::Measure;

pub(crate) use accuracy::{AccuracyRow, accuracy_by_loss};
pub(crate) use critical_difference::critical_difference;
pub(crate) use curves::{Curve, Scale, curves};
pub(crate) use reliability::reliability;
pub(crate) use shape_function::shape_function;
pub(crate) use sigma_path::sigma_path;
pub(crate) use toy::{landscape, thresholds, training_paths};

/// The palette of Okabe and Ito as variables of the style sheet, which has a brighter set for dark pages.
pub(crate) const BLUE: &str = "var(--blue)";
const SKY: &str = "var(--sky)";
const VERMILION: &str = "var(--vermilion)";
pub(crate) const GREEN: &str = "var(--green)";
const ORANGE: &str = "var(--orange)";
const PURPLE: &str = "var(--purple)";
const INK: &str = "var(--ink)";
const MUTED: &str = "var(--muted)";
const GRID: &str = "var(--grid)";
/// Colours of series that have no fixed one, in order.
const SERIES: [&str; 7] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK];

/// The width that fills the page's column, in pixels.
const WIDTH: f64 = 952.0;
/// The longest label that is drawn whole.
const LABEL_LENGTH: usize = 32;

/// A plot for the page: SVG, and what it shows in words.
#[derive(Serialize)]
pub(crate) struct Picture {
    svg: Value,
    description: String,
}

/// An inclusive range of an axis.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// The range of the finite values, widened by `margin` of its width on both sides, and to at least
    /// `width`.
    fn around(values: impl Iterator<Item = f64>, margin: f64, width: f64) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self { low: 0.0, high: width };
        }
        let missing = (width - (high - low)).max(0.0) / 2.0;
        let pad = margin * (high - low).max(width) + missing;
        Self { low: low - pad, high: high + pad }
    }

    /// [`Range::around`] values of a metric, which are at least a percent wide.
    fn of_values(values: impl Iterator<Item = f64>, margin: f64, measure: Measure) -> Self {
        let range = Self::around(values, margin, 0.01 * measure.scale());
        if measure.scale() > 1.0 { range.within_percent() } else { range }
    }

    /// Percentages do not leave `0..=100`.
    fn within_percent(self) -> Self {
        Self { low: self.low.max(0.0), high: self.high.min(100.0) }
    }
}

/// The layout that all plots share: `height` in pixels, the legend below.
fn layout(plots: &[Plot], width: f64, height: f64, x: Range, y: Range) -> Layout {
    let theme = Theme {
        background: "none".into(),
        axis_color: "var(--axis)".into(),
        grid_color: GRID.into(),
        tick_color: "var(--axis)".into(),
        text_color: INK.into(),
        legend_bg: "none".into(),
        legend_border: "none".into(),
        ..Theme::light()
    };
    Layout::auto_from_plots(plots)
        .with_theme(theme)
        .with_width(width)
        .with_height(height)
        .with_label_size(14)
        .with_tick_size(13)
        .with_body_size(13)
        .with_legend_position(LegendPosition::OutsideBottomColumns)
        .with_x_axis_min(x.low)
        .with_x_axis_max(x.high)
        .with_y_axis_min(y.low)
        .with_y_axis_max(y.high)
}

/// Ticks of a logarithmic axis as plain numbers.
fn plain_ticks() -> TickFormat {
    TickFormat::Custom(std::sync::Arc::new(crate::format::significant))
}

/// Text for the plotting library, shortened; it reads `$…$` as mathematics.
fn label(text: &str) -> String {
    shortened(text).replace('$', "\\$")
}

fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(LABEL_LENGTH).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Draws the plots. `name` is unique on the page: it keeps the identifiers of SVG elements apart.
fn draw(name: &str, description: String, plots: Vec<Plot>, layout: Layout) -> Picture {
    let scene = render_multiple(plots, layout);
    let size = format!(r#"<svg viewBox="0 0 {} {}" "#, scene.width, scene.height);
    let svg = SvgBackend::new().render_scene(&scene);
    // An SVG element inside HTML needs no namespace, and the page names no address at all.
    let svg = svg.replacen(r#"xmlns="http://www.w3.org/2000/svg" "#, "", 1).replacen("<svg ", &size, 1);
    Picture { svg: Value::from_safe_string(name_clips(&svg, name)), description }
}

/// The library numbers clip paths over the whole process; a page must depend on its record alone.
fn name_clips(svg: &str, name: &str) -> String {
    const PREFIX: &str = "kuva-clip-";
    let mut parts = svg.split(PREFIX);
    let mut named = parts.next().unwrap_or_default().to_owned();
    let mut seen: Vec<&str> = Vec::new();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let index = seen.iter().position(|&other| other == number).unwrap_or_else(|| {
            seen.push(number);
            seen.len() - 1
        });
        named.extend(["clip-", name, "-", &index.to_string(), rest]);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_values_and_are_never_empty() {
        let range = |values: &[f64]| {
            let range = Range::around(values.iter().copied(), 0.1, 1.0);
            (range.low, range.high)
        };
        assert_eq!(range(&[]), (0.0, 1.0));
        assert_eq!(range(&[f64::NAN, f64::INFINITY]), (0.0, 1.0));
        assert_eq!(range(&[5.0]), (4.4, 5.6));
        assert_eq!(range(&[0.0, 10.0]), (-1.0, 11.0));
    }

    #[test]
    fn clips_are_numbered_within_the_plot() {
        let svg = r#"id="kuva-clip-41" url(#kuva-clip-41) id="kuva-clip-42""#;
        assert_eq!(name_clips(svg, "a"), r#"id="clip-a-0" url(#clip-a-0) id="clip-a-1""#);
    }

    #[test]
    fn labels_are_short_and_literal() {
        assert_eq!(label("$x$"), "\\$x\\$");
        assert_eq!(label(&"é".repeat(40)).chars().count(), LABEL_LENGTH + 1);
    }
}
