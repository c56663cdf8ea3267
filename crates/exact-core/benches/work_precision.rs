//! Error against cost of every way to compute expected accuracy and its gradient:
//! `cargo bench -p exact-core --bench work_precision` prints a table in Markdown; with `-- --write` it draws
//! `docs/work-precision.svg` too.
//!
//! One thread, standard normal logits, labels drawn evenly, sigma 0.5. The error is the root mean square over
//! samples of the gradient's error, relative to its norm, against 200 nodes in `f64`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::path::PathBuf;

use common::{Batch, SIGMA};
use exact_core::Rule;
use exact_core::estimator::{EstimatedLoss, Genz, MonteCarlo, Sequence};
use exact_core::loss::{Exact, Loss, OnRandomScores};
use kuva::backend::svg::SvgBackend;
use kuva::plot::LegendPosition;
use kuva::plot::line::{LinePlot, LineStyle};
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use kuva::render::theme::Theme;

const ROUNDS: usize = 5;
/// Nodes and truncations, each about as precise as the other.
const RULES: [(usize, f64); 6] = [(8, 8.0), (12, 10.0), (16, 13.0), (20, 13.0), (32, 20.0), (56, 32.0)];

/// One way to compute, with its cost and error for growing effort.
struct Curve {
    name: String,
    color: &'static str,
    style: LineStyle,
    /// µs per sample and relative error.
    points: Vec<(f64, f64)>,
}

fn curves(n_classes: usize, style: &LineStyle) -> Vec<Curve> {
    let single = Batch::<f32>::normal(64, n_classes);
    let double = Batch::<f64>::normal(64, n_classes);
    let curve = |name: &str, color, points| {
        let curve =
            Curve { name: format!("{name}, {n_classes} classes"), color, style: style.clone(), points };
        for (time, error) in &curve.points {
            println!("| {n_classes} | {name} | {time:.3} | {error:.1e} |");
        }
        curve
    };
    let exact = |&(nodes, truncation): &(usize, f64)| {
        Exact::new(SIGMA).unwrap().with_rule(Rule::new(nodes, truncation).unwrap())
    };
    let single_points = RULES[..4].iter().map(|rule| measure(&single, &exact(rule))).collect();
    let double_points = RULES.iter().map(|rule| measure(&double, &exact(rule))).collect();
    let genz = |sequence, exponents: &[u32]| {
        let point = |&exponent: &u32| {
            let genz = Genz::new(4_usize.pow(exponent), 0).unwrap().with_sequence(sequence);
            measure(&double, &EstimatedLoss::new(genz, SIGMA).unwrap())
        };
        exponents.iter().map(point).collect()
    };
    let draws = |&exponent: &u32| {
        let draws = MonteCarlo::new(4_usize.pow(exponent), 0).unwrap();
        measure(&double, &EstimatedLoss::new(draws, SIGMA).unwrap())
    };
    let exponents: &[u32] = if n_classes > 10 { &[1, 2, 3] } else { &[1, 2, 3, 4, 5, 6] };
    vec![
        curve("quadrature, f32", "#56b4e9", single_points),
        curve("quadrature, f64", "#0072b2", double_points),
        curve("Genz", "#d55e00", genz(Sequence::Random, exponents)),
        curve("Genz, quasi-random", "#e69f00", genz(Sequence::QuasiRandom, exponents)),
        curve("Monte Carlo", "#009e73", [2, 4, 6, 8].iter().map(draws).collect()),
    ]
}

/// The smallest time of a few rounds, and the error.
fn measure<T: exact_core::Real>(batch: &Batch<T>, loss: &dyn Loss<T>) -> (f64, f64) {
    let mut grad = vec![T::ZERO; batch.logits.len()];
    let mut time = f64::INFINITY;
    for round in 0..ROUNDS {
        if round < 1 || time * (batch.labels.len() as f64) < 1e6 {
            time = time.min(batch.time(loss, &mut grad));
        }
    }
    (time, batch.errors(&grad, &batch.reference(false)).rms)
}

fn draw(curves: &[Curve]) -> String {
    let plots: Vec<Plot> = curves
        .iter()
        .map(|curve| {
            let points: Vec<_> = curve.points.iter().map(|(time, error)| (*time, error.log10())).collect();
            let line = LinePlot::new().with_data(points).with_color(curve.color);
            let line = line.with_stroke_width(2.0).with_line_style(curve.style.clone());
            Plot::Line(line.with_legend(curve.name.as_str()))
        })
        .collect();
    let theme = Theme { background: "white".into(), ..Theme::light() };
    let layout = Layout::auto_from_plots(&plots)
        .with_theme(theme)
        .with_width(1100.0)
        .with_height(640.0)
        .with_x_axis_min(0.1)
        .with_x_axis_max(1e5)
        .with_y_axis_min(-16.0)
        .with_y_axis_max(2.0)
        .with_label_size(14)
        .with_tick_size(13)
        .with_body_size(13)
        .with_log_x()
        .with_x_label("µs per sample, one thread")
        .with_y_label("log10 of the relative error of the gradient")
        .with_legend_position(LegendPosition::OutsideRightTop);
    let scene = render_multiple(plots, layout);
    let size = format!(r#"<svg viewBox="0 0 {} {}" "#, scene.width, scene.height);
    SvgBackend::new().render_scene(&scene).replacen("<svg ", &size, 1)
}

fn main() {
    // `cargo test --benches` only has to see that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| classes | method | µs per sample | relative error |\n|---|---|---|---|");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let curves = pool.install(|| {
        let mut all = curves(10, &LineStyle::Solid);
        all.extend(curves(100, &LineStyle::Dashed));
        all
    });
    if std::env::args().any(|argument| argument == "--write") {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/work-precision.svg");
        std::fs::write(&path, draw(&curves)).unwrap();
        println!("\nwrote {}", path.display());
    }
}
