//! Truncated Newton beside L-BFGS on convex objectives: `cargo bench -p exact-linear --bench newton` prints a table in
//! Markdown.
//!
//! Products with the Hessian are differences of the analytic gradient, one evaluation each; analytic products that reuse
//! what earlier ones computed are not measured. Both solvers start from zero, and truncated Newton runs until it is as
//! low as L-BFGS ended. Evaluations are those of value and gradient; a problem that either fails on ends the run.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

// Its own tests have no part here.
#[allow(dead_code, unused_imports)]
#[path = "../src/lbfgs.rs"]
mod lbfgs;
mod objective;

use std::convert::Infallible;
use std::time::Instant;

use exact_core::Rule;
use exact_core::loss::{CrossEntropy, Loss, Probit};
use lbfgs::{Limits, minimize};
use objective::{Data, Objective};

const LIMITS: Limits = Limits { iterations: 400, gradient: 1e-6, decrease: 1e-9 };
const L2_STRENGTHS: [f64; 3] = [1e-1, 1e-3, 1e-5];
/// How close to the value of L-BFGS is as low.
const CLOSE: f64 = 1e-9;
const MAX_STEPS: usize = 60;
const MAX_PRODUCTS: usize = 100;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(sum: &mut [f64], factor: f64, term: &[f64]) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += factor * term;
    }
}

/// An objective that counts its evaluations.
struct Counted<'a> {
    objective: &'a Objective<'a>,
    evaluations: usize,
}

impl Counted<'_> {
    fn evaluate(&mut self, x: &[f64]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; x.len()];
        self.evaluations += 1;
        (self.objective.evaluate(x, &mut gradient), gradient)
    }

    /// The Hessian times a direction, by a forward difference.
    fn product(&mut self, x: &[f64], gradient: &[f64], direction: &[f64]) -> Vec<f64> {
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

/// Truncated Newton: conjugate gradients to a forcing term, then halving of the step (Nocedal and Wright, algorithm
/// 7.1). Returns the evaluations that it takes to get down to `target`.
fn newton(objective: &Objective<'_>, start: &[f64], target: f64) -> Option<usize> {
    let mut counted = Counted { objective, evaluations: 0 };
    let mut x = start.to_vec();
    let (mut value, mut gradient) = counted.evaluate(&x);
    for _ in 0..MAX_STEPS {
        if value <= target {
            return Some(counted.evaluations);
        }
        let norm = dot(&gradient, &gradient).sqrt();
        let tolerance = norm * norm.sqrt().min(0.5);
        let (mut step, mut residual) = (vec![0.0; x.len()], gradient.clone());
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        for _ in 0..MAX_PRODUCTS {
            let product = counted.product(&x, &gradient, &direction);
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

fn main() {
    // `cargo test --benches` only has to see that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| data | loss | l2 | L-BFGS evaluations | ms | truncated Newton evaluations | ms |");
    println!("|---|---|---|---|---|---|---|");
    let probit = Probit::new(1.0).unwrap().with_rule(Rule::precise::<f64>());
    let losses: [(&str, &dyn Loss<f64>); 2] = [("cross-entropy", &CrossEntropy::new()), ("probit", &probit)];
    let (mut evaluations, mut milliseconds) = ([0, 0], [0.0, 0.0]);
    for name in ["wine", "car", "mice-protein"] {
        let data = Data::bundled(name);
        let zero = vec![0.0; data.n_parameters()];
        for (loss_name, loss) in losses {
            for l2 in L2_STRENGTHS {
                let objective = Objective { data: &data, loss, normalized: false, l2 };
                let begin = Instant::now();
                let mut x = zero.clone();
                let outcome = minimize(&mut x, LIMITS, |x, gradient| {
                    Ok::<_, Infallible>(objective.evaluate(x, gradient))
                })
                .unwrap();
                let ours = begin.elapsed().as_secs_f64() * 1e3;
                let begin = Instant::now();
                let target = outcome.value + CLOSE * outcome.value.abs().max(1.0);
                let newton = newton(&objective, &zero, target);
                let newton_time = begin.elapsed().as_secs_f64() * 1e3;
                // Totals mean something only if every problem is solved.
                let newton = newton.unwrap();
                println!(
                    "| {name} | {loss_name} | {l2:e} | {} | {ours:.1} | {newton} | {newton_time:.1} |",
                    outcome.evaluations
                );
                evaluations = [evaluations[0] + outcome.evaluations, evaluations[1] + newton];
                milliseconds = [milliseconds[0] + ours, milliseconds[1] + newton_time];
            }
        }
    }
    println!(
        "| **all** | | | {} | {:.0} | {} | {:.0} |",
        evaluations[0], milliseconds[0], evaluations[1], milliseconds[1]
    );
}
