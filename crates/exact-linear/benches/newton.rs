//! Truncated Newton beside L-BFGS: `cargo bench -p exact-linear --bench newton` prints a table in Markdown.
//!
//! Products with the Hessian are differences of the analytic gradient, one evaluation each, or come in closed
//! form from probabilities and hazards that are computed once for each step. Solvers start from zero, for
//! expected error from the minimum of cross-entropy, and truncated Newton runs until it is as low as L-BFGS
//! ended. For expected error, which is not convex, the products are with the positive semidefinite part, and
//! a lower or higher minimum may be found: a dash stands where truncated Newton stops above.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

// Its own tests have no part here.
#[allow(dead_code, unused_imports)]
#[path = "../src/lbfgs.rs"]
mod lbfgs;
mod objective;

use std::convert::Infallible;
use std::time::Instant;

use exact_core::Rule;
use exact_core::loss::{CrossEntropy, Exact, Loss, OnRandomScores, Probit};
use lbfgs::{Limits, minimize};
use objective::curvature::{Curvature, Kind};
use objective::{Data, Objective};

const LIMITS: Limits = Limits { iterations: 400, gradient: 1e-6, decrease: 1e-9 };
const L2_STRENGTHS: [f64; 3] = [1e-1, 1e-3, 1e-5];
/// How close to the value of L-BFGS is as low.
const CLOSE: f64 = 1e-9;
const MAX_STEPS: usize = 60;
const ROUNDS: usize = 5;
const MAX_PRODUCTS: usize = 100;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(sum: &mut [f64], factor: f64, term: &[f64]) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += factor * term;
    }
}

/// An objective that counts its evaluations and its products in closed form.
struct Counted<'a> {
    objective: &'a Objective<'a>,
    evaluations: usize,
    products: usize,
}

impl Counted<'_> {
    fn evaluate(&mut self, x: &[f64]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; x.len()];
        self.evaluations += 1;
        (self.objective.evaluate(x, &mut gradient), gradient)
    }

    /// The Hessian times a direction, by a forward difference.
    fn difference(&mut self, x: &[f64], gradient: &[f64], direction: &[f64]) -> Vec<f64> {
        let step = 1e-6 * (1.0 + dot(x, x).sqrt()) / dot(direction, direction).sqrt();
        let mut moved = x.to_vec();
        add(&mut moved, step, direction);
        let (_, mut difference) = self.evaluate(&moved);
        for (difference, gradient) in difference.iter_mut().zip(gradient) {
            *difference = (*difference - gradient) / step;
        }
        difference
    }
}

/// Truncated Newton: conjugate gradients to a forcing term, then halving of the step (Nocedal and Wright,
/// algorithm 7.1), until the value is down to `target`. Products are in closed form if there is a kind of
/// them.
fn newton(counted: &mut Counted<'_>, start: &[f64], target: f64, kind: Option<Kind>) -> Option<()> {
    let mut x = start.to_vec();
    let (mut value, mut gradient) = counted.evaluate(&x);
    for _ in 0..MAX_STEPS {
        if value <= target {
            return Some(());
        }
        let curvature = kind.map(|kind| Curvature::new(counted.objective, &x, kind));
        let norm = dot(&gradient, &gradient).sqrt();
        let tolerance = norm * norm.sqrt().min(0.5);
        let (mut step, mut residual) = (vec![0.0; x.len()], gradient.clone());
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        for _ in 0..MAX_PRODUCTS {
            let product = match &curvature {
                Some(curvature) => {
                    counted.products += 1;
                    curvature.product(&direction)
                }
                None => counted.difference(&x, &gradient, &direction),
            };
            let (squares, curvature) = (dot(&residual, &residual), dot(&direction, &product));
            if curvature <= 0.0 {
                break;
            }
            let length = squares / curvature;
            add(&mut step, length, &direction);
            add(&mut residual, length, &product);
            let remaining = dot(&residual, &residual);
            if remaining.sqrt() <= tolerance {
                break;
            }
            for (direction, residual) in direction.iter_mut().zip(&residual) {
                *direction = remaining / squares * *direction - residual;
            }
        }
        let slope = dot(&gradient, &step);
        let mut length = 1.0;
        loop {
            let mut moved = x.clone();
            add(&mut moved, length, &step);
            let (found, slopes) = counted.evaluate(&moved);
            if found <= value + 1e-4 * length * slope {
                (x, value, gradient) = (moved, found, slopes);
                break;
            }
            length *= 0.5;
            if length < 1e-10 {
                return None;
            }
        }
    }
    None
}

/// Products in closed form and by differences agree, or the times of the former mean nothing.
fn check(objective: &Objective<'_>, x: &[f64], kind: Kind) {
    let mut counted = Counted { objective, evaluations: 0, products: 0 };
    let (_, gradient) = counted.evaluate(x);
    let direction: Vec<f64> = (0..x.len()).map(|i| (i as f64 * 0.7).sin()).collect();
    let expected = counted.difference(x, &gradient, &direction);
    let mut difference = Curvature::new(objective, x, kind).product(&direction);
    add(&mut difference, -1.0, &expected);
    let error = (dot(&difference, &difference) / dot(&expected, &expected)).sqrt();
    assert!(error < 1e-4, "the products differ by {error:e}");
}

/// The value at the end and the evaluations of L-BFGS.
fn lbfgs(objective: &Objective<'_>, x: &mut [f64]) -> (f64, usize) {
    let evaluate = |x: &[f64], gradient: &mut [f64]| Ok::<_, Infallible>(objective.evaluate(x, gradient));
    let outcome = minimize(x, LIMITS, evaluate).unwrap();
    (outcome.value, outcome.evaluations)
}

fn main() {
    // `cargo test --benches` only has to see that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!(
        "| data | loss | l2 | L-BFGS evaluations | ms | differences evaluations | ms | \
         closed form evaluations \
         | products | ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let cross_entropy = CrossEntropy::new();
    let probit = Probit::new(1.0).unwrap().with_rule(Rule::precise::<f64>());
    let exact = Exact::new(1.0).unwrap().with_rule(Rule::precise::<f64>());
    let losses: [(&str, &dyn Loss<f64>, Kind); 3] = [
        ("cross-entropy", &cross_entropy, Kind::CrossEntropy),
        ("probit", &probit, Kind::Probit),
        ("expected error", &exact, Kind::ExpectedError),
    ];
    for (name, loss, kind) in losses {
        let mut total = [0.0; 7];
        let mut solved = true;
        for data_name in ["wine", "car", "mice-protein"] {
            let data = Data::bundled(data_name);
            for l2 in L2_STRENGTHS {
                let objective = |loss| Objective { data: &data, loss, normalized: false, l2 };
                let mut start = vec![0.0; data.n_parameters()];
                if kind == Kind::ExpectedError {
                    lbfgs(&objective(&cross_entropy), &mut start);
                } else {
                    check(&objective(loss), &vec![0.1; data.n_parameters()], kind);
                }
                let row = compare(&objective(loss), &start, kind);
                let cells: Vec<String> =
                    row.iter().map(|cell| cell.map_or("–".into(), |cell| format!("{cell:.0}"))).collect();
                println!("| {data_name} | {name} | {l2:e} | {} |", cells.join(" | "));
                for (total, cell) in total.iter_mut().zip(row) {
                    *total += cell.unwrap_or(0.0);
                    solved &= cell.is_some();
                }
            }
        }
        // Totals mean something only if every problem is solved.
        if solved {
            let cells = total.map(|total| format!("{total:.0}"));
            println!("| **all** | {name} | | {} |", cells.join(" | "));
        }
    }
}

/// What a solver took: evaluations, products in closed form, and milliseconds, the least of some rounds.
struct Cost {
    evaluations: usize,
    products: usize,
    milliseconds: f64,
}

/// A row of the table: evaluations and milliseconds of L-BFGS and of truncated Newton by differences, and
/// evaluations, products and milliseconds of truncated Newton in closed form.
fn compare(objective: &Objective<'_>, start: &[f64], kind: Kind) -> [Option<f64>; 7] {
    let (mut value, mut evaluations) = (0.0, 0);
    let quasi = timed(|| {
        (value, evaluations) = lbfgs(objective, &mut start.to_vec());
        Some((evaluations, 0))
    });
    let target = value + CLOSE * value.abs().max(1.0);
    let solve = |kind| {
        timed(|| {
            let mut counted = Counted { objective, evaluations: 0, products: 0 };
            newton(&mut counted, start, target, kind)?;
            Some((counted.evaluations, counted.products))
        })
    };
    // The Hessian of expected error itself is indefinite.
    let differences = if kind == Kind::ExpectedError { None } else { solve(None) };
    let closed = solve(Some(kind));
    let evaluations = |cost: &Option<Cost>| cost.as_ref().map(|cost| cost.evaluations as f64);
    let milliseconds = |cost: &Option<Cost>| cost.as_ref().map(|cost| cost.milliseconds);
    [
        evaluations(&quasi),
        milliseconds(&quasi),
        evaluations(&differences),
        milliseconds(&differences),
        evaluations(&closed),
        closed.as_ref().map(|cost| cost.products as f64),
        milliseconds(&closed),
    ]
}

fn timed(mut solve: impl FnMut() -> Option<(usize, usize)>) -> Option<Cost> {
    let mut least = f64::INFINITY;
    let mut counts = (0, 0);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        counts = solve()?;
        least = least.min(begin.elapsed().as_secs_f64() * 1e3);
    }
    Some(Cost { evaluations: counts.0, products: counts.1, milliseconds: least })
}
