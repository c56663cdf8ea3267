//! The L-BFGS of this crate beside that of argmin: evaluations, value reached, time and failures of the line
//! search.
//!
//! `cargo bench -p exact-linear --bench lbfgs` prints a table. Softmax regression starts from zero on a path
//! of L2 strengths, each from the solution of the stronger one; EXACT starts from the cross-entropy solution.
//! argmin asks for value and gradient in separate calls; with a memo of the last point, two calls at one
//! point are one evaluation.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

// Its own tests have no part here.
#[allow(dead_code, unused_imports)]
#[path = "../src/lbfgs.rs"]
mod lbfgs;
mod objective;

use std::cell::RefCell;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use argmin::core::{CostFunction, Error, Executor, Gradient, State, TerminationReason, TerminationStatus};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use exact_core::loss::{CrossEntropy, Exact};
use lbfgs::{Limits, minimize};
use objective::{Data, Objective};

const CONVEX: Limits = Limits { iterations: 200, gradient: 1e-6, decrease: 1e-7 };
const NON_CONVEX: Limits = Limits { iterations: 60, gradient: 1e-5, decrease: 1e-5 };
const L2_STRENGTHS: [f64; 5] = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5];
const SIGMAS: [f64; 4] = [1.0, 0.3, 0.1, 0.03];
/// Each run is timed this often; the fastest counts.
const REPEATS: usize = 5;

/// What one minimisation did.
#[derive(Debug, Clone, Default)]
struct Run {
    x: Vec<f64>,
    value: f64,
    /// Passes over the data.
    evaluations: usize,
    milliseconds: f64,
    /// Why it ended early, if it did.
    failure: Option<String>,
}

fn ours(objective: &Objective<'_>, start: &[f64], limits: Limits) -> Run {
    let mut x = start.to_vec();
    let outcome =
        minimize(&mut x, limits, |x, gradient| Ok::<_, Infallible>(objective.evaluate(x, gradient))).unwrap();
    let failure = (!outcome.value.is_finite()).then(|| "the value is not finite".into());
    Run { x, value: outcome.value, evaluations: outcome.evaluations, failure, ..Run::default() }
}

/// An objective as argmin wants it, counting what it costs.
struct Counted<'a> {
    objective: &'a Objective<'a>,
    memo: bool,
    evaluations: &'a RefCell<usize>,
    last: RefCell<Option<Last>>,
}

/// The last point with value and gradient there.
struct Last {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl Counted<'_> {
    fn at(&self, x: &[f64]) -> (f64, Vec<f64>) {
        if let Some(last) = self.last.borrow().as_ref().filter(|last| self.memo && last.x == x) {
            return (last.value, last.gradient.clone());
        }
        let mut gradient = vec![0.0; x.len()];
        let value = self.objective.evaluate(x, &mut gradient);
        *self.evaluations.borrow_mut() += 1;
        *self.last.borrow_mut() = Some(Last { x: x.to_vec(), value, gradient: gradient.clone() });
        (value, gradient)
    }
}

impl CostFunction for Counted<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.at(x).0)
    }
}

impl Gradient for Counted<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.at(x).1)
    }
}

fn argmin(objective: &Objective<'_>, start: &[f64], limits: Limits, memo: bool) -> Run {
    let evaluations = RefCell::new(0);
    let counted = Counted { objective, memo, evaluations: &evaluations, last: RefCell::new(None) };
    let search = MoreThuenteLineSearch::new().with_c(1e-4, 0.9).unwrap();
    let solver = LBFGS::new(search, 10).with_tolerance_grad(limits.gradient).unwrap();
    let solver = solver.with_tolerance_cost(limits.decrease).unwrap();
    let result = Executor::new(counted, solver)
        .configure(|state| state.param(start.to_vec()).max_iters(limits.iterations as u64))
        .run();
    let run = match result {
        Ok(result) => {
            let state = result.state();
            let failure = match state.get_termination_status() {
                TerminationStatus::Terminated(TerminationReason::SolverExit(why)) => Some(why.clone()),
                _ => None,
            };
            let x = state.get_best_param().cloned().unwrap_or_else(|| start.to_vec());
            Run { x, value: state.get_best_cost(), failure, ..Run::default() }
        }
        Err(error) => Run {
            x: start.to_vec(),
            value: objective.evaluate(start, &mut vec![0.0; start.len()]),
            failure: Some(error.to_string()),
            ..Run::default()
        },
    };
    let evaluations = *evaluations.borrow();
    Run { evaluations, ..run }
}

fn timed(run: impl Fn() -> Run) -> Run {
    let mut best = Run { milliseconds: f64::INFINITY, ..Run::default() };
    for _ in 0..REPEATS {
        let start = Instant::now();
        let run = black_box(run());
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        if milliseconds < best.milliseconds {
            best = Run { milliseconds, ..run };
        }
    }
    best
}

/// Runs all three on one problem, prints them, and returns the point that ours found.
fn compare(what: &str, objective: &Objective<'_>, start: &[f64], limits: Limits) -> Vec<f64> {
    let ours = timed(|| ours(objective, start, limits));
    let others = [false, true].map(|memo| timed(|| argmin(objective, start, limits, memo)));
    for (name, run) in [("ours", &ours), ("argmin", &others[0]), ("argmin, memo", &others[1])] {
        println!(
            "{what:<36} {name:<13} {:>6} {:>14.9} {:>9.2}  {}",
            run.evaluations,
            run.value,
            run.milliseconds,
            run.failure.as_deref().unwrap_or("")
        );
    }
    ours.x
}

fn main() {
    println!("{:<36} {:<13} {:>6} {:>14} {:>9}  failure", "problem", "solver", "evals", "value", "ms");
    let cross_entropy = CrossEntropy::new();
    for name in ["car", "mice-protein"] {
        let data = Data::bundled(name);
        let mut start = vec![0.0; data.n_parameters()];
        for l2 in L2_STRENGTHS {
            let objective = Objective { data: &data, loss: &cross_entropy, normalized: false, l2 };
            start = compare(&format!("{name} softmax l2 {l2:e}"), &objective, &start, CONVEX);
            for sigma in SIGMAS.into_iter().filter(|_| [1e-2, 1e-4].contains(&l2)) {
                let loss = Exact::new(sigma).unwrap();
                let objective = Objective { data: &data, loss: &loss, normalized: true, l2: 0.1 * l2 };
                compare(&format!("{name} exact {sigma} l2 {l2:e}"), &objective, &start, NON_CONVEX);
            }
        }
        let objective = Objective { data: &data, loss: &cross_entropy, normalized: false, l2: 1e-4 };
        let zero = vec![0.0; data.n_parameters()];
        compare(&format!("{name} softmax from zero 1e-4"), &objective, &zero, CONVEX);
    }
}
