//! Orthant-wise limited-memory quasi-Newton: L-BFGS for a smooth function with an L1 penalty.
//!
//! Andrew and Gao, *Scalable training of L1-regularized log-linear models*, ICML 2007.

use crate::lbfgs::{ARMIJO, History, LINE_SEARCH_EVALUATIONS, Limits, Outcome, add, dot};

/// The sum of the absolute values of the first parameters, each times its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct L1<'a> {
    pub rates: &'a [f64],
}

impl L1<'_> {
    fn value(self, x: &[f64]) -> f64 {
        self.rates.iter().zip(x).map(|(rate, x)| rate * x.abs()).sum()
    }

    /// Writes the subgradient of least norm of the whole, given the gradient of the smooth part.
    fn subgradient(self, x: &[f64], gradient: &[f64], subgradient: &mut [f64]) {
        subgradient.copy_from_slice(gradient);
        for ((slope, &x), rate) in subgradient.iter_mut().zip(x).zip(self.rates) {
            *slope = if x == 0.0 {
                slope.signum() * (slope.abs() - rate).max(0.0)
            } else {
                *slope + rate * x.signum()
            };
        }
    }

    /// Keeps a direction from going up in any penalised parameter.
    fn align(self, direction: &mut [f64], subgradient: &[f64]) {
        for (step, slope) in direction[..self.rates.len()].iter_mut().zip(subgradient) {
            if *step * slope >= 0.0 {
                *step = 0.0;
            }
        }
    }

    /// Stops penalised parameters of `next` at 0 where the step from `x` would take them past it.
    fn project(self, next: &mut [f64], x: &[f64], subgradient: &[f64]) {
        for ((next, &x), slope) in next[..self.rates.len()].iter_mut().zip(x).zip(subgradient) {
            let side = if x == 0.0 { -slope } else { x };
            if *next * side <= 0.0 {
                *next = 0.0;
            }
        }
    }
}

/// Minimises a function plus an L1 penalty from `x`, which is left at the best point found. `evaluate`
/// returns the function's value at a point and writes its gradient; its error ends the minimisation. The
/// limit of the gradient is one of the subgradient of least norm.
pub(crate) fn minimize<E>(
    x: &mut [f64],
    l1: L1<'_>,
    limits: Limits,
    mut evaluate: impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
) -> Result<Outcome, E> {
    let n = x.len();
    let mut gradient = vec![0.0; n];
    let mut value = evaluate(x, &mut gradient)? + l1.value(x);
    let (mut evaluations, mut iterations, mut converged) = (1, 0, false);
    let mut history = History::default();
    let [mut subgradient, mut direction, mut next, mut next_gradient] = [const { Vec::new() }; 4];
    for buffer in [&mut subgradient, &mut direction, &mut next, &mut next_gradient] {
        buffer.resize(n, 0.0);
    }
    while iterations < limits.iterations {
        l1.subgradient(x, &gradient, &mut subgradient);
        let steepest = subgradient.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        converged = steepest <= limits.gradient && value.is_finite();
        if steepest <= limits.gradient || !steepest.is_finite() {
            break;
        }
        history.direction(&subgradient, &mut direction);
        l1.align(&mut direction, &subgradient);
        if dot(&direction, &subgradient) >= 0.0 {
            history.clear();
            history.direction(&subgradient, &mut direction);
        }
        let norm = dot(&subgradient, &subgradient).sqrt();
        let mut length = if history.is_empty() { norm.recip().min(1.0) } else { 1.0 };
        let mut lower = None;
        for _ in 0..LINE_SEARCH_EVALUATIONS {
            next.copy_from_slice(x);
            add(&mut next, length, &direction);
            l1.project(&mut next, x, &subgradient);
            let there = evaluate(&next, &mut next_gradient)? + l1.value(&next);
            evaluations += 1;
            let slope: f64 =
                next.iter().zip(&*x).zip(&subgradient).map(|((a, b), slope)| (a - b) * slope).sum();
            if slope < 0.0 && there <= value + ARMIJO * slope {
                lower = Some(there);
                break;
            }
            length *= 0.5;
        }
        let Some(lower) = lower else {
            // A search that fails along the quasi-Newton direction may still succeed along the subgradient.
            if history.is_empty() {
                break;
            }
            history.clear();
            continue;
        };
        let decrease = value - lower;
        history.push([x, &next], [&gradient, &next_gradient]);
        x.copy_from_slice(&next);
        gradient.copy_from_slice(&next_gradient);
        value = lower;
        iterations += 1;
        if decrease <= limits.decrease * value.abs().max(1.0) {
            converged = true;
            break;
        }
    }
    Ok(Outcome { value, evaluations, iterations, converged })
}

#[cfg(test)]
mod tests {
    use super::{L1, minimize};
    use crate::lbfgs::{Limits, Outcome};
    use proptest::prelude::*;
    use std::convert::Infallible;

    const LIMITS: Limits = Limits { iterations: 5000, gradient: 1e-9, decrease: 0.0 };

    /// `½ (x - c)ᵀ A (x - c)` with `A = BᵀB + I / 2`.
    struct Quadratic {
        b: Vec<f64>,
        centre: Vec<f64>,
    }

    impl Quadratic {
        fn evaluate(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
            let offset: Vec<f64> = x.iter().zip(&self.centre).map(|(x, c)| x - c).collect();
            let rows = self.b.chunks(x.len());
            let product: Vec<f64> =
                rows.clone().map(|row| row.iter().zip(&offset).map(|(b, d)| b * d).sum()).collect();
            for (i, slope) in gradient.iter_mut().enumerate() {
                let through: f64 = rows.clone().zip(&product).map(|(row, p)| row[i] * p).sum();
                *slope = through + 0.5 * offset[i];
            }
            let squares = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
            0.5 * (squares(&product) + 0.5 * squares(&offset))
        }

        /// By proximal gradient steps, as short as the curvature asks for.
        fn proximal(&self, l1: L1<'_>) -> Vec<f64> {
            let n = self.centre.len();
            let step = 1.0 / (0.5 + self.b.iter().map(|b| b * b).sum::<f64>());
            let (mut x, mut gradient) = (vec![0.0; n], vec![0.0; n]);
            for _ in 0..20_000 {
                self.evaluate(&x, &mut gradient);
                for (i, (x, slope)) in x.iter_mut().zip(&gradient).enumerate() {
                    let there = *x - step * slope;
                    let threshold = l1.rates.get(i).map_or(0.0, |rate| step * rate);
                    *x = there.signum() * (there.abs() - threshold).max(0.0);
                }
            }
            x
        }
    }

    fn run(function: &Quadratic, l1: L1<'_>, limits: Limits, x: &mut [f64]) -> Outcome {
        minimize(x, l1, limits, |x, gradient| Ok::<_, Infallible>(function.evaluate(x, gradient))).unwrap()
    }

    #[test]
    fn an_error_of_the_function_ends_the_minimisation() {
        let (mut x, mut count) = ([-1.2, 1.0], 0);
        let outcome = minimize(&mut x, L1 { rates: &[0.1; 2] }, LIMITS, |x, gradient| {
            count += 1;
            gradient.copy_from_slice(x);
            if count == 2 { Err("stop") } else { Ok(x.iter().map(|x| 0.5 * x * x).sum()) }
        });
        assert_eq!((outcome, count), (Err("stop"), 2));
    }

    #[test]
    fn parameters_past_the_penalised_ones_are_free() {
        let function = Quadratic { b: vec![0.0; 4], centre: vec![3.0, 3.0] };
        let mut x = [0.0; 2];
        let outcome = run(&function, L1 { rates: &[100.0] }, LIMITS, &mut x);
        assert!(x[0] == 0.0 && (x[1] - 3.0).abs() < 1e-8 && outcome.converged, "{x:?}");
    }

    #[test]
    fn a_region_without_values_is_stepped_back_from_and_a_limit_of_steps_is_kept() {
        let mut x = [40.0];
        let evaluate = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 0.5 - 1.0 / x[0];
            Ok::<_, Infallible>(if x[0] > 0.0 { 0.5 * x[0] - x[0].ln() } else { f64::NAN })
        };
        let outcome = minimize(&mut x, L1 { rates: &[0.5] }, LIMITS, evaluate).unwrap();
        assert!((x[0] - 1.0).abs() < 1e-6 && outcome.value.is_finite(), "{x:?}");
        let limits = Limits { iterations: 1, ..LIMITS };
        let outcome = minimize(&mut [40.0], L1 { rates: &[0.5] }, limits, evaluate).unwrap();
        assert_eq!((outcome.iterations, outcome.converged), (1, false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn the_minimum_is_that_of_proximal_steps_and_meets_its_conditions(
            (n, b, centre, start) in (1_usize..9).prop_flat_map(|n| (
                Just(n),
                prop::collection::vec(-2.0_f64..2.0, n * n),
                prop::collection::vec(-3.0_f64..3.0, n),
                prop::collection::vec(-3.0_f64..3.0, n),
            )),
            rates in prop::collection::vec(0.01_f64..6.0, 9),
            free in 0_usize..2,
        ) {
            let function = Quadratic { b, centre };
            let l1 = L1 { rates: &rates[..n - free.min(n)] };
            let mut x = start;
            let outcome = run(&function, l1, LIMITS, &mut x);
            let mut gradient = vec![0.0; n];
            let value = function.evaluate(&x, &mut gradient) + l1.value(&x);
            prop_assert!((value - outcome.value).abs() < 1e-12);
            for (i, (&x, expected)) in x.iter().zip(function.proximal(l1)).enumerate() {
                prop_assert!((x - expected).abs() < 1e-5, "{outcome:?} {x} {expected}");
                let slope = gradient[i];
                let short = match (l1.rates.get(i), x == 0.0) {
                    (None, _) => slope,
                    (Some(rate), true) => (slope.abs() - rate).max(0.0),
                    (Some(rate), false) => slope + rate * x.signum(),
                };
                prop_assert!(short.abs() < 1e-5, "{outcome:?} {x} {slope}");
            }
        }
    }
}
