//! Limited-memory BFGS with a line search for the strong Wolfe conditions.
//!
//! Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithms 7.4, 7.5, 3.5 and 3.6.

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    /// Steps at most.
    pub iterations: usize,
    /// Stop when the largest entry of the gradient is below this.
    pub gradient: f64,
    /// Stop when a step lowers the value by less than this, relative to the larger of the value and 1.
    pub decrease: f64,
}

/// Curvature pairs that are kept.
const MEMORY: usize = 10;
/// Sufficient decrease.
pub(crate) const ARMIJO: f64 = 1e-4;
/// Curvature condition.
const WOLFE: f64 = 0.9;
/// Evaluations in one line search at most.
pub(crate) const LINE_SEARCH_EVALUATIONS: usize = 20;

/// What a minimisation did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    /// The value at the end.
    pub value: f64,
    /// Evaluations of value and gradient.
    pub evaluations: usize,
    /// Steps.
    pub iterations: usize,
    /// Whether the gradient or the last decrease came below its limit.
    pub converged: bool,
}

/// Minimises a function from `x`, which is left at the best point found. `evaluate` returns the value at a
/// point and writes the gradient; its error ends the minimisation.
pub(crate) fn minimize<E>(
    x: &mut [f64],
    limits: Limits,
    mut evaluate: impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
) -> Result<Outcome, E> {
    let n = x.len();
    let mut gradient = vec![0.0; n];
    let mut value = evaluate(x, &mut gradient)?;
    let (mut evaluations, mut iterations, mut converged) = (1, 0, false);
    let mut history = History::default();
    let mut trial = Trial { x: vec![0.0; n], gradient: vec![0.0; n], value, evaluations: 0 };
    let mut direction = vec![0.0; n];
    for iteration in 0..limits.iterations {
        let steepest = gradient.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        converged = steepest <= limits.gradient && value.is_finite();
        if steepest <= limits.gradient || !steepest.is_finite() {
            break;
        }
        history.direction(&gradient, &mut direction);
        if dot(&direction, &gradient) >= 0.0 {
            history.clear();
            history.direction(&gradient, &mut direction);
        }
        let first = if iteration == 0 { 1.0 / dot(&gradient, &gradient).sqrt() } else { 1.0 };
        trial.evaluations = 0;
        let found = trial.search(x, value, &gradient, &direction, first, &mut evaluate)?;
        evaluations += trial.evaluations;
        if !found {
            // A search that fails along the quasi-Newton direction may still succeed along the gradient.
            if history.is_empty() {
                break;
            }
            history.clear();
            continue;
        }
        let decrease = value - trial.value;
        history.push([x, &trial.x], [&gradient, &trial.gradient]);
        x.copy_from_slice(&trial.x);
        gradient.copy_from_slice(&trial.gradient);
        value = trial.value;
        iterations += 1;
        if decrease <= limits.decrease * value.abs().max(1.0) {
            converged = true;
            break;
        }
    }
    Ok(Outcome { value, evaluations, iterations, converged })
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A step and the change of the gradient over it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// `1 / (step · change)`.
    rho: f64,
}

/// The last steps.
#[derive(Default)]
pub(crate) struct History {
    pairs: std::collections::VecDeque<Pair>,
}

impl History {
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Minus the inverse Hessian's approximation times the gradient, by the two-loop recursion.
    pub fn direction(&self, gradient: &[f64], direction: &mut [f64]) {
        for (d, g) in direction.iter_mut().zip(gradient) {
            *d = -g;
        }
        let mut alphas = [0.0; MEMORY];
        for (pair, alpha) in self.pairs.iter().zip(&mut alphas).rev() {
            *alpha = pair.rho * dot(&pair.step, direction);
            add(direction, -*alpha, &pair.change);
        }
        if let Some(last) = self.pairs.back() {
            let scale = 1.0 / (last.rho * dot(&last.change, &last.change));
            for d in direction.iter_mut() {
                *d *= scale;
            }
        }
        for (pair, alpha) in self.pairs.iter().zip(alphas) {
            let beta = pair.rho * dot(&pair.change, direction);
            add(direction, alpha - beta, &pair.step);
        }
    }

    /// Adds the step from the first of two points, with their gradients, to the second.
    pub fn push(&mut self, [x, next]: [&[f64]; 2], [gradient, next_gradient]: [&[f64]; 2]) {
        let mut pair = if self.pairs.len() == MEMORY { self.pairs.pop_front() } else { None }
            .unwrap_or_else(|| Pair { step: vec![0.0; x.len()], change: vec![0.0; x.len()], rho: 0.0 });
        for i in 0..x.len() {
            pair.step[i] = next[i] - x[i];
            pair.change[i] = next_gradient[i] - gradient[i];
        }
        let curvature = dot(&pair.step, &pair.change);
        // Without positive curvature the pair would make the approximation indefinite.
        if curvature > 1e-10 * dot(&pair.change, &pair.change).max(f64::MIN_POSITIVE) {
            pair.rho = 1.0 / curvature;
            self.pairs.push_back(pair);
        }
    }
}

pub(crate) fn add(x: &mut [f64], factor: f64, y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += factor * y;
    }
}

/// A point along the search direction.
struct Trial {
    x: Vec<f64>,
    gradient: Vec<f64>,
    value: f64,
    evaluations: usize,
}

/// A step length with value and slope there.
#[derive(Clone, Copy)]
struct Point {
    length: f64,
    value: f64,
    slope: f64,
}

impl Trial {
    fn at<E>(
        &mut self,
        length: f64,
        x: &[f64],
        direction: &[f64],
        evaluate: &mut impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
    ) -> Result<Point, E> {
        self.x.copy_from_slice(x);
        add(&mut self.x, length, direction);
        self.value = evaluate(&self.x, &mut self.gradient)?;
        self.evaluations += 1;
        Ok(Point { length, value: self.value, slope: dot(&self.gradient, direction) })
    }

    /// Searches along `direction` and stays at the point found; false if no point lowers the value.
    fn search<E>(
        &mut self,
        x: &[f64],
        value: f64,
        gradient: &[f64],
        direction: &[f64],
        first: f64,
        evaluate: &mut impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
    ) -> Result<bool, E> {
        let start = Point { length: 0.0, value, slope: dot(gradient, direction) };
        let enough = |p: Point| p.value <= value + ARMIJO * p.length * start.slope;
        let flat = |p: Point| p.slope.abs() <= -WOLFE * start.slope;
        let (mut low, mut high) = (start, None::<Point>);
        let mut length = first;
        while self.evaluations < LINE_SEARCH_EVALUATIONS {
            let point = self.at(length, x, direction, evaluate)?;
            if !enough(point) || point.value >= low.value {
                // NaN and infinity land here as well: the step was too long.
                high = Some(point);
            } else if flat(point) {
                return Ok(true);
            } else {
                if point.slope * (high.map_or(1.0, |high| high.length - low.length)) >= 0.0 {
                    high = Some(low);
                }
                low = point;
            }
            length = match high {
                None => 2.0 * length,
                Some(high) => between(low, high),
            };
            if high.is_some_and(|high| (high.length - low.length).abs() <= 1e-12 * low.length.abs().max(1e-8))
            {
                break;
            }
        }
        // No point meets both conditions; the lowest seen will do.
        if low.length == 0.0 {
            return Ok(false);
        }
        if self.value != low.value {
            self.at(low.length, x, direction, evaluate)?;
        }
        Ok(true)
    }
}

/// The minimiser of the cubic through two points with their slopes, kept well inside.
fn between(low: Point, high: Point) -> f64 {
    let width = high.length - low.length;
    let theta = low.slope + high.slope - 3.0 * (high.value - low.value) / width;
    let root = (theta * theta - low.slope * high.slope).max(0.0).sqrt() * width.signum();
    let cubic = high.length - width * (high.slope + root - theta) / (high.slope - low.slope + 2.0 * root);
    let (near, far) = (low.length + 0.1 * width, low.length + 0.9 * width);
    if cubic.is_finite() { cubic.clamp(near.min(far), near.max(far)) } else { low.length + 0.5 * width }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Outcome};
    use proptest::prelude::*;
    use std::convert::Infallible;

    const LIMITS: Limits = Limits { iterations: 500, gradient: 1e-9, decrease: 0.0 };

    fn minimize(
        x: &mut [f64],
        limits: Limits,
        mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
    ) -> Outcome {
        super::minimize(x, limits, |x, gradient| Ok::<_, Infallible>(function(x, gradient))).unwrap()
    }

    #[test]
    fn an_error_of_the_function_ends_the_minimisation() {
        let (mut x, mut count) = ([-1.2, 1.0], 0);
        let outcome = super::minimize(&mut x, LIMITS, |x, gradient| {
            count += 1;
            gradient.copy_from_slice(x);
            if count == 2 { Err("stop") } else { Ok(x.iter().map(|x| 0.5 * x * x).sum()) }
        });
        assert_eq!((outcome, count), (Err("stop"), 2));
    }

    #[test]
    fn reports_whether_it_converged() {
        let run = |iterations| {
            minimize(&mut [5.0, 3.0], Limits { iterations, ..LIMITS }, |x, gradient| {
                gradient.copy_from_slice(&[2.0 * x[0], 20.0 * x[1]]);
                x[0] * x[0] + 10.0 * x[1] * x[1]
            })
        };
        let (cut, whole) = (run(1), run(100));
        assert_eq!((cut.iterations, cut.converged), (1, false));
        assert!(whole.converged && whole.iterations > 1 && whole.iterations < 100);
    }

    #[test]
    fn reaches_the_minimum_of_the_rosenbrock_function() {
        let mut x = [-1.2, 1.0, -1.2, 1.0];
        let outcome = minimize(&mut x, LIMITS, |x, gradient| {
            let mut value = 0.0;
            for (x, gradient) in x.chunks(2).zip(gradient.chunks_mut(2)) {
                let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
                value += a * a + 100.0 * b * b;
                gradient[0] = -2.0 * a - 400.0 * x[0] * b;
                gradient[1] = 200.0 * b;
            }
            value
        });
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-7), "{x:?}");
        assert!(outcome.evaluations < 80, "{}", outcome.evaluations);
    }

    #[test]
    fn solves_a_badly_scaled_quadratic() {
        let mut x = vec![1.0; 50];
        let outcome = minimize(&mut x, LIMITS, |x, gradient| {
            let mut value = 0.0;
            for (i, (x, gradient)) in x.iter().zip(gradient).enumerate() {
                let scale = 10.0_f64.powf(i as f64 / 20.0);
                value += 0.5 * scale * x * x;
                *gradient = scale * x;
            }
            value
        });
        assert!(x.iter().all(|x| x.abs() < 1e-6), "{outcome:?} {x:?}");
    }

    #[test]
    fn steps_back_from_a_region_without_values() {
        let mut x = [1.0];
        let outcome = minimize(&mut x, LIMITS, |x, gradient| {
            gradient[0] = 1.0 - 1.0 / x[0];
            if x[0] > 0.0 { x[0] - x[0].ln() } else { f64::NAN }
        });
        assert!((x[0] - 1.0).abs() < 1e-6 && outcome.value.is_finite());
        let mut x = [40.0];
        minimize(&mut x, LIMITS, |x, gradient| {
            gradient[0] = 1.0 - 1.0 / x[0];
            if x[0] > 0.0 { x[0] - x[0].ln() } else { f64::NAN }
        });
        assert!((x[0] - 1.0).abs() < 1e-6, "{x:?}");
    }

    #[test]
    fn stays_at_a_stationary_point() {
        let mut x = [0.0];
        let outcome = minimize(&mut x, LIMITS, |x, gradient| {
            gradient[0] = 2.0 * x[0];
            x[0] * x[0]
        });
        assert_eq!((x[0], outcome.evaluations), (0.0, 1));
    }

    #[test]
    fn leaves_the_start_where_nothing_lower_is_found() {
        // The slope has the wrong sign, so no step along it lowers the value.
        let mut x = [3.0];
        let outcome = minimize(&mut x, LIMITS, |x, gradient| {
            gradient[0] = -1.0;
            x[0]
        });
        assert_eq!((x[0], outcome.value), (3.0, 3.0));
        // No value at the start.
        for value in [f64::NAN, f64::INFINITY] {
            let mut x = [3.0];
            minimize(&mut x, LIMITS, |_, gradient| {
                gradient[0] = 1.0;
                value
            });
            assert!(x[0].is_finite());
        }
    }

    #[test]
    fn the_outcome_is_the_value_at_the_point_returned_and_counts_every_evaluation() {
        let function = |x: &[f64], gradient: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient[0] = -2.0 * a - 400.0 * x[0] * b;
            gradient[1] = 200.0 * b;
            a * a + 100.0 * b * b
        };
        for iterations in 0..30 {
            let (mut x, mut count) = ([-1.2, 1.0], 0);
            let outcome = minimize(&mut x, Limits { iterations, ..LIMITS }, |x, gradient| {
                count += 1;
                function(x, gradient)
            });
            assert_eq!(outcome.evaluations, count);
            assert_eq!(outcome.value, function(&x, &mut [0.0; 2]));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// `½ (x - c)ᵀ A (x - c)` with `A = BᵀB + I / 2`, and no value above the start.
        #[test]
        fn finds_the_minimum_of_convex_quadratics(
            (n, b, centre, start) in (1_usize..12).prop_flat_map(|n| (
                Just(n),
                prop::collection::vec(-3.0_f64..3.0, n * n),
                prop::collection::vec(-10.0_f64..10.0, n),
                prop::collection::vec(-10.0_f64..10.0, n),
            )),
            scale in -3_i32..4,
        ) {
            let scale = 10.0_f64.powi(scale);
            let mut x = start;
            let mut first = None;
            let outcome = minimize(&mut x, LIMITS, |x, gradient| {
                let offset: Vec<f64> = x.iter().zip(&centre).map(|(x, c)| x - c).collect();
                let product: Vec<f64> =
                    b.chunks(n).map(|row| row.iter().zip(&offset).map(|(b, d)| b * d).sum()).collect();
                for (i, slope) in gradient.iter_mut().enumerate() {
                    let through: f64 = b.chunks(n).zip(&product).map(|(row, p)| row[i] * p).sum();
                    *slope = scale * (through + 0.5 * offset[i]);
                }
                let squares = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
                let value = 0.5 * scale * (squares(&product) + 0.5 * squares(&offset));
                first.get_or_insert(value);
                value
            });
            prop_assert!(first.is_some_and(|first| outcome.value <= first));
            for (x, c) in x.iter().zip(&centre) {
                prop_assert!((x - c).abs() < 1e-4, "{outcome:?} {x} {c}");
            }
        }
    }
}
