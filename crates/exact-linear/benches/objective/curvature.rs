//! Products with the Hessian in closed form, which reuse what was computed once at a point.

use exact_core::{Rule, normal};
use ndarray::Array2;

use super::{Data, Objective};

/// Nodes of the integrals over the label's noise, and how far they reach from the mode.
const NODES: usize = 48;
const REACH: f64 = 7.5;

/// Which second derivatives, with respect to the logits.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    CrossEntropy,
    /// Of `-log P`.
    Probit,
    /// Of `1 - P` the part that is positive semidefinite, `-P` times the Hessian of `log P`.
    ExpectedError,
}

/// What the products at a point need.
pub struct Curvature<'a> {
    objective: &'a Objective<'a>,
    rows: Rows,
}

enum Rows {
    /// Softmax probabilities, `[n, c]`.
    Softmax(Array2<f64>),
    /// One for each sample.
    Orthant(Vec<Orthant>),
}

/// Moments of the rivals' hazards `h` under the law of the label's noise given that it wins
/// (docs/derivation.md, section 10), for one sigma of 1.
struct Orthant {
    label: usize,
    /// What the Hessian of `-log P` is multiplied by.
    factor: f64,
    /// Of the nodes.
    weights: Vec<f64>,
    /// `[nodes, rivals]`.
    hazards: Vec<f64>,
    /// `E[h]`, and `E[h (x + h)]`.
    mean: Vec<f64>,
    slope: Vec<f64>,
}

impl<'a> Curvature<'a> {
    pub fn new(objective: &'a Objective<'a>, parameters: &[f64], kind: Kind) -> Self {
        let mut logits = objective.data.logits(parameters);
        let rows = if kind == Kind::CrossEntropy {
            for mut row in logits.rows_mut() {
                let largest = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                row.mapv_inplace(|logit| (logit - largest).exp());
                row /= row.sum();
            }
            Rows::Softmax(logits)
        } else {
            let rule = Rule::new(NODES, 30.0).unwrap();
            let labels = &objective.data.labels;
            let rows = logits.rows().into_iter().zip(labels);
            Rows::Orthant(
                rows.map(|(row, &y)| Orthant::new(row.as_slice().unwrap(), y, &rule, kind)).collect(),
            )
        };
        Self { objective, rows }
    }

    /// The Hessian of the objective times a direction.
    pub fn product(&self, direction: &[f64]) -> Vec<f64> {
        let Data { x, n_classes, .. } = self.objective.data;
        let mut slopes = self.objective.data.logits(direction);
        let mean = 1.0 / x.nrows() as f64;
        for (i, mut row) in slopes.rows_mut().into_iter().enumerate() {
            match &self.rows {
                Rows::Softmax(probabilities) => {
                    let p = probabilities.row(i);
                    let shift = p.dot(&row);
                    row.zip_mut_with(&p, |v, p| *v = mean * p * (*v - shift));
                }
                Rows::Orthant(samples) => samples[i].multiply(row.as_slice_mut().unwrap(), mean),
            }
        }
        let mut product = vec![0.0; direction.len()];
        self.objective.data.transpose(&slopes.view(), &mut product);
        let weights = &direction[..x.ncols() * n_classes];
        product.iter_mut().zip(weights).for_each(|(w, v)| *w += self.objective.l2 * v);
        product
    }
}

impl Orthant {
    fn new(logits: &[f64], label: u32, rule: &Rule, kind: Kind) -> Self {
        let label = label as usize;
        let rivals = || logits.iter().enumerate().filter(|(class, _)| *class != label);
        let d: Vec<f64> = rivals().map(|(_, logit)| logits[label] - logit).collect();
        let mode = mode(&d);
        let mut weights = Vec::with_capacity(NODES);
        let (mut points, mut log_cdfs) = (Vec::new(), Vec::new());
        for node in rule.nodes() {
            let z = mode + REACH * node.position;
            points.extend(d.iter().map(|d| z + d));
            log_cdfs.clear();
            log_cdfs.extend_from_slice(&points[points.len() - d.len()..]);
            normal::log_cdf_in_place(&mut log_cdfs);
            weights.push((node.weight * REACH).ln() - 0.5 * z * z + log_cdfs.iter().sum::<f64>());
        }
        let largest = weights.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        for weight in &mut weights {
            *weight = (*weight - largest).exp();
        }
        let total: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= total;
        }
        let mut hazards = points.clone();
        normal::inverse_mills_ratio_in_place(&mut hazards);
        let (mut mean, mut slope) = (vec![0.0; d.len()], vec![0.0; d.len()]);
        for (at, (h, x)) in hazards.iter().zip(&points).enumerate() {
            let (node, class) = (at / d.len(), at % d.len());
            mean[class] += weights[node] * h;
            slope[class] += weights[node] * h * (x + h);
        }
        let p = total * (largest.exp() * normal::INV_SQRT_2PI);
        Self { label, factor: if kind == Kind::Probit { 1.0 } else { p }, weights, hazards, mean, slope }
    }

    /// Replaces a direction of the logits by `factor` times the product with it.
    fn multiply(&self, row: &mut [f64], factor: f64) {
        let (factor, label) = (factor * self.factor, self.label);
        let n = self.mean.len();
        let class = |rival: usize| rival + usize::from(rival >= label);
        let v: Vec<f64> = (0..n).map(|rival| row[label] - row[class(rival)]).collect();
        let mut out: Vec<f64> = self.slope.iter().zip(&v).map(|(s, v)| s * v).collect();
        let mut expected = 0.0;
        for (weight, hazards) in self.weights.iter().zip(self.hazards.chunks_exact(n)) {
            let sum: f64 = hazards.iter().zip(&v).map(|(h, v)| h * v).sum();
            expected += weight * sum;
            out.iter_mut().zip(hazards).for_each(|(out, h)| *out -= weight * sum * h);
        }
        row[label] = 0.0;
        for (rival, out) in out.iter().enumerate() {
            let slope = factor * (out + self.mean[rival] * expected);
            row[class(rival)] = -slope;
            row[label] += slope;
        }
    }
}

/// Where `φ(z) Π Φ(z + d)` is largest: a root of `-z + Σ h`, which decreases.
fn mode(d: &[f64]) -> f64 {
    let mut z = 0.0;
    for _ in 0..50 {
        let (mut slope, mut curvature) = (-z, 1.0);
        for d in d {
            let h = normal::inverse_mills_ratio(z + d);
            slope += h;
            curvature += h * (z + d + h);
        }
        z += slope / curvature;
        if slope.abs() < 1e-3 * curvature {
            break;
        }
    }
    z
}
