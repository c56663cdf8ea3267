//! Accelerated proximal gradient steps for a smooth function with a penalty on the norms of groups.
//!
//! Beck and Teboulle, *A fast iterative shrinkage-thresholding algorithm for linear inverse problems*, 2009,
//! with backtracking, and restarts where the value goes up: O'Donoghue and Candès, *Adaptive restart for
//! accelerated gradient schemes*, 2015.

use crate::column_groups::ColumnGroups;
use crate::lbfgs::{LINE_SEARCH_EVALUATIONS, Limits, Outcome, add};

/// Steps over which the decrease is measured: steps after a restart are short, wherever the minimum is.
const DECREASE_STEPS: usize = 5;
/// The rounding of values, relative to the larger of the value and 1.
const ROUNDING: f64 = 1e-14;

/// The group penalty `Σ_g rate_g √|g| ‖w_g‖` of Yuan and Lin (2006) on the first parameters, `[n_columns,
/// n_scores]`, with the weights `w_g` of the columns of a group for all scores.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupPenalty {
    pub groups: ColumnGroups,
    pub n_scores: usize,
    /// One for each group.
    pub rates: Vec<f64>,
}

impl GroupPenalty {
    /// The columns of each group with the coefficient of their norm.
    fn groups(&self) -> impl Iterator<Item = (&[usize], f64)> {
        let groups = self.groups.iter().zip(&self.rates);
        groups.map(|(columns, rate)| (columns, rate * (columns.len() as f64).sqrt()))
    }

    /// The norm of what parameters or slopes belong to a group.
    fn norm(&self, columns: &[usize], values: &[f64]) -> f64 {
        norm(columns, self.n_scores, values)
    }

    fn value(&self, x: &[f64]) -> f64 {
        self.groups().map(|(columns, rate)| rate * self.norm(columns, x)).sum()
    }

    /// Writes the subgradient of least norm of the whole, given the gradient of the smooth part.
    fn subgradient(&self, x: &[f64], gradient: &[f64], subgradient: &mut [f64]) {
        subgradient.copy_from_slice(gradient);
        for (columns, rate) in self.groups() {
            let norm = self.norm(columns, x);
            let slope = self.norm(columns, gradient);
            for &column in columns {
                for at in column * self.n_scores..(column + 1) * self.n_scores {
                    if norm > 0.0 {
                        subgradient[at] += rate * x[at] / norm;
                    } else if slope > 0.0 {
                        subgradient[at] *= (1.0 - rate / slope).max(0.0);
                    }
                }
            }
        }
    }

    /// Shrinks each group's norm by `length` times its coefficient, to 0 if it is not larger: the proximal
    /// step.
    fn shrink(&self, length: f64, x: &mut [f64]) {
        for (columns, rate) in self.groups() {
            let factor = 1.0 - length * rate / self.norm(columns, x);
            for &column in columns {
                for value in &mut x[column * self.n_scores..][..self.n_scores] {
                    // Not a product, which could be -0.
                    *value = if factor > 0.0 { factor * *value } else { 0.0 };
                }
            }
        }
    }
}

/// The norm of the values of some columns, `[n_columns, n_scores]`.
pub(crate) fn norm(columns: &[usize], n_scores: usize, values: &[f64]) -> f64 {
    let of_column = |&column: &usize| &values[column * n_scores..][..n_scores];
    columns.iter().flat_map(of_column).map(|value| value * value).sum::<f64>().sqrt()
}

/// A point with the value and the gradient of the smooth part there.
struct Point {
    x: Vec<f64>,
    gradient: Vec<f64>,
    smooth: f64,
}

impl Point {
    fn evaluate<E>(
        &mut self,
        evaluate: &mut impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
    ) -> Result<(), E> {
        self.smooth = evaluate(&self.x, &mut self.gradient)?;
        Ok(())
    }
}

/// Minimises a function plus a group penalty from `x`, which is left at the best point found. `evaluate`
/// returns the function's value at a point and writes its gradient; its error ends the minimisation. The
/// limit of the gradient is one of the subgradient of least norm, that of the decrease one of a few steps
/// together.
pub(crate) fn minimize<E>(
    x: &mut [f64],
    penalty: &GroupPenalty,
    limits: Limits,
    mut evaluate: impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
) -> Result<Outcome, E> {
    let n = x.len();
    let point = |x: &[f64]| Point { x: x.to_vec(), gradient: vec![0.0; n], smooth: 0.0 };
    let (mut here, mut ahead, mut next) = (point(x), point(x), point(x));
    let (mut last, mut subgradient) = (x.to_vec(), vec![0.0; n]);
    here.evaluate(&mut evaluate)?;
    let mut value = here.smooth + penalty.value(x);
    let (mut evaluations, mut iterations, mut converged) = (1, 0, false);
    let (mut length, mut momentum, mut reference) = (1.0, 1.0, value);
    while iterations < limits.iterations {
        penalty.subgradient(&here.x, &here.gradient, &mut subgradient);
        let steepest = subgradient.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        converged = steepest <= limits.gradient && value.is_finite();
        if steepest <= limits.gradient || !steepest.is_finite() {
            break;
        }
        // The point ahead, to which the last step is taken on; after a restart it is this one.
        let next_momentum = f64::midpoint(1.0, f64::sqrt(1.0 + 4.0 * momentum * momentum));
        let restarted = momentum == 1.0;
        ahead.x.copy_from_slice(&here.x);
        if restarted {
            ahead.gradient.copy_from_slice(&here.gradient);
            ahead.smooth = here.smooth;
        } else {
            let share = (momentum - 1.0) / next_momentum;
            add(&mut ahead.x, share, &here.x);
            add(&mut ahead.x, -share, &last);
            ahead.evaluate(&mut evaluate)?;
            evaluations += 1;
        }
        let mut bounded = false;
        for _ in 0..LINE_SEARCH_EVALUATIONS {
            next.x.copy_from_slice(&ahead.x);
            add(&mut next.x, -length, &ahead.gradient);
            penalty.shrink(length, &mut next.x);
            next.evaluate(&mut evaluate)?;
            evaluations += 1;
            let steps = next.x.iter().zip(&ahead.x).map(|(a, b)| a - b);
            let (slope, squares) = steps
                .zip(&ahead.gradient)
                .fold((0.0, 0.0), |(slope, squares), (step, g)| (slope + step * g, squares + step * step));
            let bound = ahead.smooth + slope + squares / (2.0 * length);
            bounded = next.smooth <= bound + ROUNDING * ahead.smooth.abs().max(1.0);
            if bounded {
                break;
            }
            length *= 0.5;
        }
        let there = next.smooth + penalty.value(&next.x);
        if !(bounded && there <= value) {
            if restarted {
                // A step without momentum that meets the bound goes down, but for rounding.
                converged = bounded;
                break;
            }
            (momentum, length) = (1.0, 2.0 * length);
            continue;
        }
        last.copy_from_slice(&here.x);
        std::mem::swap(&mut here, &mut next);
        (value, momentum) = (there, next_momentum);
        iterations += 1;
        if iterations % DECREASE_STEPS == 0 {
            if reference - value <= limits.decrease * value.abs().max(1.0) {
                converged = true;
                break;
            }
            reference = value;
        }
    }
    x.copy_from_slice(&here.x);
    Ok(Outcome { value, evaluations, iterations, converged })
}

#[cfg(test)]
mod tests {
    use super::{GroupPenalty, minimize};
    use crate::column_groups::ColumnGroups;
    use crate::dataset::Dataset;
    use crate::lbfgs::{self, Limits, Outcome};
    use exact_data::{Features, Layout};
    use proptest::prelude::*;
    use std::convert::Infallible;

    const LIMITS: Limits = Limits { iterations: 5000, gradient: 1e-9, decrease: 0.0 };

    /// Blocks of three and of two columns, of two scores each.
    fn penalty(rate: f64) -> GroupPenalty {
        let layout = Layout {
            n_dense: 0,
            block_offsets: vec![0, 3, 5],
            indicator_mean: vec![0.5; 5],
            indicator_std: vec![0.5; 5],
            ..Layout::dense(0)
        };
        let features = Features::new(2, Vec::new(), vec![0, 0, 1, 1], layout).unwrap();
        let data = Dataset::new(features, vec![0, 1], 2, None).unwrap();
        GroupPenalty { groups: ColumnGroups::of(&data), n_scores: 2, rates: vec![rate; 2] }
    }

    /// Parameters: those of the two groups, and two free ones.
    const GROUPS: [std::ops::Range<usize>; 2] = [0..6, 6..10];
    const N: usize = 12;

    /// `½ Σ s (x - c)²`.
    fn quadratic<'a>(
        scales: &'a [f64],
        centre: &'a [f64],
    ) -> impl Fn(&[f64], &mut [f64]) -> Result<f64, Infallible> + 'a {
        move |x, gradient| {
            let terms = x.iter().zip(centre).zip(scales);
            for (slope, ((x, c), scale)) in gradient.iter_mut().zip(terms.clone()) {
                *slope = scale * (x - c);
            }
            Ok(terms.map(|((x, c), scale)| 0.5 * scale * (x - c).powi(2)).sum())
        }
    }

    fn norm(values: &[f64]) -> f64 {
        values.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    #[test]
    fn an_error_of_the_function_ends_the_minimisation() {
        let (mut x, mut count) = ([1.0; N], 0);
        let outcome = minimize(&mut x, &penalty(0.1), LIMITS, |x, gradient| {
            count += 1;
            gradient.copy_from_slice(x);
            if count == 2 { Err("stop") } else { Ok(x.iter().map(|x| 0.5 * x * x).sum()) }
        });
        assert_eq!((outcome, count), (Err("stop"), 2));
    }

    #[test]
    fn a_region_without_values_is_stepped_back_from_and_a_limit_of_steps_is_kept() {
        let penalty = GroupPenalty { groups: ColumnGroups::single(1), n_scores: 1, rates: vec![0.5] };
        let evaluate = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 0.5 - 1.0 / x[0];
            Ok::<_, Infallible>(if x[0] > 0.0 { 0.5 * x[0] - x[0].ln() } else { f64::NAN })
        };
        let mut x = [0.01];
        let outcome = minimize(&mut x, &penalty, LIMITS, evaluate).unwrap();
        assert!((x[0] - 1.0).abs() < 1e-6 && outcome.converged, "{x:?} {outcome:?}");
        let limits = Limits { iterations: 1, ..LIMITS };
        let outcome = minimize(&mut [0.01], &penalty, limits, evaluate).unwrap();
        assert_eq!((outcome.iterations, outcome.converged), (1, false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// `c (1 - rate √|g| / (s ‖c‖))₊`, with one curvature `s` for all.
        #[test]
        fn the_minimum_of_an_orthogonal_design_is_its_centre_with_shrunken_groups(
            scale in 0.05_f64..20.0,
            centre in prop::collection::vec(-3.0_f64..3.0, N),
            start in prop::collection::vec(-3.0_f64..3.0, N),
            rate in 0.01_f64..6.0,
        ) {
            let mut x = start;
            let scales = [scale; N];
            let outcome = minimize(&mut x, &penalty(rate), LIMITS, quadratic(&scales, &centre)).unwrap();
            prop_assert!(outcome.converged, "{outcome:?}");
            for (group, columns) in GROUPS.into_iter().zip([3.0_f64, 2.0]) {
                let (found, centre) = (&x[group.clone()], &centre[group]);
                let factor = 1.0 - rate * columns.sqrt() / (scale * norm(centre));
                if factor <= 0.0 {
                    prop_assert!(found.iter().all(|&x| x == 0.0), "{found:?}");
                }
                for (found, centre) in found.iter().zip(centre) {
                    prop_assert!((found - factor.max(0.0) * centre).abs() < 1e-6, "{found} {centre}");
                }
            }
            prop_assert!(x[10..].iter().zip(&centre[10..]).all(|(x, c)| (x - c).abs() < 1e-6), "{x:?}");
        }

        /// Where curvatures differ, by the conditions of the minimum: a group without weights has a slope of
        /// at most its coefficient, another has the opposite of the penalty's.
        #[test]
        fn the_minimum_meets_its_conditions(
            scales in prop::collection::vec(0.05_f64..20.0, N),
            centre in prop::collection::vec(-3.0_f64..3.0, N),
            rate in 0.0_f64..6.0,
        ) {
            let (mut x, penalty) = (vec![0.0; N], penalty(rate));
            let outcome = minimize(&mut x, &penalty, LIMITS, quadratic(&scales, &centre)).unwrap();
            let mut gradient = vec![0.0; N];
            let Ok(smooth) = quadratic(&scales, &centre)(&x, &mut gradient);
            prop_assert!((smooth + penalty.value(&x) - outcome.value).abs() < 1e-12);
            for (group, columns) in GROUPS.into_iter().zip([3.0_f64, 2.0]) {
                let (x, gradient, rate) = (&x[group.clone()], &gradient[group], rate * columns.sqrt());
                if norm(x) == 0.0 {
                    prop_assert!(norm(gradient) <= rate + 1e-6, "{gradient:?}");
                    continue;
                }
                for (of_x, slope) in x.iter().zip(gradient) {
                    prop_assert!((slope + rate * of_x / norm(x)).abs() < 1e-5, "{outcome:?} {x:?}");
                }
            }
        }

        #[test]
        fn without_a_penalty_the_minimum_is_that_of_lbfgs(
            scales in prop::collection::vec(0.05_f64..20.0, N),
            centre in prop::collection::vec(-3.0_f64..3.0, N),
        ) {
            let (mut x, mut expected) = (vec![0.0; N], vec![0.0; N]);
            let outcome: Outcome =
                minimize(&mut x, &penalty(0.0), LIMITS, quadratic(&scales, &centre)).unwrap();
            lbfgs::minimize(&mut expected, LIMITS, quadratic(&scales, &centre)).unwrap();
            for (found, expected) in x.iter().zip(&expected) {
                prop_assert!((found - expected).abs() < 1e-5, "{outcome:?} {found} {expected}");
            }
        }
    }
}
