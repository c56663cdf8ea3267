//! Which kernel evaluates a row.

use pulp::Arch;

use super::{LANES, kernel, many, pair};
use crate::Real;
use crate::expected::batch::{OrthantBatch, Outcome, Quantity};
use crate::expected::exceedance;
use crate::expected::sigma::Sigma;
use crate::real::Compiled;

/// From so many classes on, representatives are faster. Their accuracy does not depend on it: the tests below
/// have 100 classes too.
const MANY: usize = 400;
/// The label's sigma over the smallest of the row, up to which one panel resolves the integrand.
const MAX_RATIO: f64 = 2.0;

/// What a kernel computes in, whatever the type of the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Single,
    Double,
}

/// The ways from a row of logits to the probability of its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// Two classes: the closed form of [`pair`].
    Pair(Precision),
    /// The integral over the classes that matter, samples side by side: [`kernel`].
    Lanes(Precision),
    /// The same over few representatives of hundreds of classes, in single precision: [`many`].
    Many,
    /// One sample after the other by the integral of top-k, in double precision: [`exceedance`]. Where the
    /// label's sigma is much larger than another class's, `F` rises within a fraction of the label's sigma,
    /// and `γ = φ F'` may have two modes. The bracket and the single panel of the lanes are made for one
    /// broad mode; the integral of top-k scans for the interval and halves it until each step is resolved.
    Steep,
}

impl Path {
    /// The path of a row. Without a sigma per class, it is that of all rows.
    fn of<T: Real>(batch: &OrthantBatch<'_, T>, row: usize) -> Self {
        let n_classes = batch.n_classes;
        // A closed form needs no rule, whose accuracy would do.
        let single = T::IS_SINGLE || (batch.rule.is_single_precision() && n_classes > 2);
        let precision = match batch.quantity {
            Quantity::Probability if single => Precision::Single,
            // log P is wanted where P may be far below the range of f32.
            Quantity::Probability | Quantity::LogProbability => Precision::Double,
        };
        if n_classes == 2 {
            return Self::Pair(precision);
        }
        match batch.sigma {
            Sigma::PerClass(_) if is_steep(batch, row) => Self::Steep,
            Sigma::Common(_) | Sigma::PerSample(_) if precision == Precision::Single && n_classes >= MANY => {
                Self::Many
            }
            _ => Self::Lanes(precision),
        }
    }

    fn run<T: Real>(self, batch: OrthantBatch<'_, T>, arch: Arch) {
        match self {
            Self::Pair(Precision::Single) => pair::evaluate::<T, f32, LANES>(batch, arch),
            Self::Pair(Precision::Double) => pair::evaluate::<T, f64, LANES>(batch, arch),
            Self::Lanes(Precision::Single) => kernel::evaluate::<T, f32, LANES>(batch, arch),
            Self::Lanes(Precision::Double) => kernel::evaluate::<T, f64, LANES>(batch, arch),
            Self::Many => many::evaluate(batch, arch),
            Self::Steep => exceedance::evaluate_on(batch, 1, arch),
        }
    }
}

/// Whether the integrand of a row with a sigma per class has steps.
fn is_steep<T: Real>(batch: &OrthantBatch<'_, T>, row: usize) -> bool {
    let sigmas = batch.sigma.row(row, batch.n_classes);
    let label = sigmas[batch.labels[row] as usize].to_f64();
    sigmas.iter().any(|sigma| label > MAX_RATIO * sigma.to_f64())
}

/// The probability that the label's score is the largest, for each row on its path.
pub(crate) fn evaluate<T: Real>(batch: OrthantBatch<'_, T>) {
    T::run::<Rows>(batch);
}

/// The rows of a batch, each on its path.
struct Rows;

impl Compiled for Rows {
    type Input<'a, T: Real> = OrthantBatch<'a, T>;

    fn single(batch: OrthantBatch<'_, f32>) {
        evaluate_rows(batch);
    }

    fn double(batch: OrthantBatch<'_, f64>) {
        evaluate_rows(batch);
    }
}

fn evaluate_rows<T: Real>(mut batch: OrthantBatch<'_, T>) {
    let Sigma::PerClass(sigmas) = batch.sigma else {
        return Path::of(&batch, 0).run(batch, Arch::new());
    };
    let (n, n_classes) = (batch.labels.len(), batch.n_classes);
    let mut first = 0;
    while first < n {
        let path = Path::of(&batch, first);
        let end = (first..n).find(|&row| Path::of(&batch, row) != path).unwrap_or(n);
        let visit = &mut batch.visit;
        let entries = first * n_classes..end * n_classes;
        let rows = OrthantBatch {
            logits: &batch.logits[entries.clone()],
            labels: &batch.labels[first..end],
            sigma: Sigma::PerClass(&sigmas[entries.clone()]),
            grad: &mut batch.grad[entries.clone()],
            sigma_grad: batch.sigma_grad.as_mut().map(|grad| &mut grad[entries]),
            visit: &mut |row: usize, outcome: &Outcome| visit(first + row, outcome),
            ..batch
        };
        path.run(rows, Arch::new());
        first = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quadrature::Rule;

    /// P, 1 - P and the gradient row of each sample.
    fn evaluate<T: Real>(arch: Arch, per_class: bool, many: bool, n_classes: usize) -> Vec<[Vec<f64>; 2]> {
        let n = 37;
        let wave = |i: usize, frequency: f64| (i as f64 * frequency).sin();
        let logits: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(3.0 * wave(i, 0.7))).collect();
        let labels: Vec<u32> = (0..n).map(|i| u32::try_from(i % n_classes).unwrap()).collect();
        let sigma: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(1.0 + 0.4 * wave(i, 0.9))).collect();
        let mut grad = vec![T::ZERO; logits.len()];
        let mut probabilities = Vec::new();
        let batch = OrthantBatch {
            logits: &logits,
            n_classes,
            labels: &labels,
            sigma: if per_class { Sigma::PerClass(&sigma) } else { Sigma::Common(T::from_f64(0.7)) },
            margin: None,
            rule: &Rule::precise::<T>(),
            quantity: Quantity::Probability,
            grad: &mut grad,
            sigma_grad: None,
            visit: &mut |_, outcome| {
                probabilities.push(vec![outcome.probability(), outcome.complement()]);
                T::ONE
            },
        };
        let precision = if T::IS_SINGLE { Precision::Single } else { Precision::Double };
        let path = match n_classes {
            2 => Path::Pair(precision),
            _ if many => Path::Many,
            _ => Path::Lanes(precision),
        };
        path.run(batch, arch);
        let rows = grad.chunks(n_classes).map(|row| row.iter().map(|g| g.to_f64()).collect());
        probabilities.into_iter().zip(rows).map(|(probability, row)| [probability, row]).collect()
    }

    /// The largest difference of a probability, relative to it, or of a gradient entry, relative to its row's
    /// largest.
    fn difference(found: &[[Vec<f64>; 2]], expected: &[[Vec<f64>; 2]]) -> f64 {
        let mut worst: f64 = 0.0;
        for ([p, grad], [p_expected, grad_expected]) in found.iter().zip(expected) {
            for (p, p_expected) in p.iter().zip(p_expected) {
                worst = worst.max((p / p_expected - 1.0).abs());
            }
            let size = grad_expected.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
            for (g, g_expected) in grad.iter().zip(grad_expected) {
                worst = worst.max((g - g_expected).abs() / size);
            }
        }
        worst
    }

    /// The instruction sets that this processor has, beside the scalar one.
    fn instruction_sets() -> Vec<Arch> {
        let widest = std::iter::once(Arch::new());
        #[cfg(target_arch = "x86_64")]
        let widest = widest.chain(pulp::x86::V3::try_new().map(Arch::V3));
        widest.collect()
    }

    /// Measured: 4.1 in `f64`, 5.0 in `f32`.
    const ULPS: f64 = 16.0;

    /// The instruction sets differ in fused multiplications, whose roundings add up over nodes and classes.
    fn agree<T: Real>(cases: &[(bool, bool, usize)]) {
        for &(per_class, many, n_classes) in cases {
            let scalar = evaluate::<T>(Arch::Scalar, per_class, many, n_classes);
            for arch in instruction_sets() {
                let vector = evaluate::<T>(arch, per_class, many, n_classes);
                let ulps = difference(&vector, &scalar) / T::EPSILON.to_f64();
                assert!(ulps <= ULPS, "{arch:?}, {n_classes} classes: {ulps:.1} ulps");
            }
        }
    }

    #[test]
    fn scalar_and_vector_instructions_agree() {
        agree::<f64>(&[
            (false, false, 2),
            (false, false, 3),
            (false, false, 40),
            (true, false, 2),
            (true, false, 9),
        ]);
    }

    #[test]
    fn scalar_and_vector_instructions_agree_in_single_precision() {
        agree::<f32>(&[
            (false, false, 2),
            (false, false, 3),
            (false, false, 40),
            (true, false, 2),
            (true, false, 9),
        ]);
        agree::<f32>(&[(false, true, 500)]);
    }

    #[test]
    fn representatives_stand_for_their_classes() {
        for n_classes in [100, 3000] {
            let all = evaluate::<f32>(Arch::new(), false, false, n_classes);
            let represented = evaluate::<f32>(Arch::new(), false, true, n_classes);
            let error = difference(&represented, &all);
            assert!(error < 3e-6, "{n_classes} classes: {error:e}");
        }
    }
}
