//! `exact integrate`.

use std::io::{self, BufRead as _, Write as _};

use anyhow::{Context as _, bail, ensure};
use exact_core::estimator::{Estimator, Genz, MonteCarlo};
use exact_core::expected::{ExpectedAccuracy, ExpectedTopK, Probability, Sigma};
use exact_core::loss::Logits;
use exact_core::{Real, Rule};
use serde::{Deserialize, Serialize};

use crate::arguments::{Integrate, Method, Precision};

/// The truncation that goes with a number of nodes in either precision; see [`Rule`].
const TRUNCATION_F32: f64 = 13.0;
const TRUNCATION_F64: f64 = 32.0;
/// The ratio of the label's sigma to another from which the integrand needs the wide rule.
const WIDE_RATIO: f64 = 4.0;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    mu: Vec<f64>,
    sigma: SigmaValue,
    label: u32,
    #[serde(default = "one")]
    k: usize,
}

fn one() -> usize {
    1
}

/// One sigma for all classes, or one a class.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
enum SigmaValue {
    Common(f64),
    PerClass(Vec<f64>),
}

#[derive(Debug, Serialize)]
struct Answer {
    p: f64,
    one_minus_p: f64,
    log_p: f64,
    grad: Vec<f64>,
    dsigma: SigmaValue,
}

pub(crate) fn run(arguments: &Integrate) -> anyhow::Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let place = || format!("standard input, line {}", index + 1);
        let line = line.with_context(place)?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = answer(arguments, &line, index as u64).with_context(place)?;
        writeln!(stdout, "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(stdout.flush()?)
}

fn answer(arguments: &Integrate, line: &str, stream: u64) -> anyhow::Result<Answer> {
    let request: Request = serde_json::from_str(line)
        .context("expected an object {\"mu\": […], \"sigma\": s or [s_1…s_C], \"label\": y, \"k\": 1}")?;
    let (found, n_classes) = (request.label as usize, request.mu.len());
    ensure!(n_classes > 0, "mu must have at least one class");
    ensure!(found < n_classes, "label must be below the number of classes, {n_classes}, got {found}");
    ensure!(request.k > 0, "k must be at least 1, got 0");
    match (arguments.method, arguments.precision) {
        (Method::Quadrature, Precision::F64) => quadrature::<f64>(&request, arguments.nodes),
        (Method::Quadrature, Precision::F32) => quadrature::<f32>(&request, arguments.nodes),
        (method, _) => estimate(&request, method, arguments, stream),
    }
}

fn quadrature<T: Real>(request: &Request, nodes: Option<usize>) -> anyhow::Result<Answer> {
    let convert = |values: &[f64]| -> Vec<T> { values.iter().map(|&value| T::from_f64(value)).collect() };
    let n_classes = request.mu.len();
    let rule = match nodes {
        Some(nodes) if T::EPSILON.to_f64() > 1e-10 => Rule::new(nodes, TRUNCATION_F32)?,
        Some(nodes) => Rule::new(nodes, TRUNCATION_F64)?,
        None if request.sigma.ratio(request.label as usize) > WIDE_RATIO => Rule::wide(),
        None => Rule::precise::<T>(),
    };
    let mu = convert(&request.mu);
    let logits = Logits::new(&mu, n_classes)?;
    let sigmas = match &request.sigma {
        SigmaValue::Common(sigma) => vec![T::from_f64(*sigma)],
        SigmaValue::PerClass(sigmas) => convert(sigmas),
    };
    let sigma = match &request.sigma {
        SigmaValue::Common(_) => Sigma::Common(sigmas[0]),
        SigmaValue::PerClass(_) => Sigma::PerClass(&sigmas),
    };
    let mut value = [Probability::default()];
    let (mut grad, mut sigma_grad) = (vec![T::ZERO; n_classes], vec![T::ZERO; n_classes]);
    let labels = [request.label];
    let per_class = Some(sigma_grad.as_mut_slice());
    if request.k == 1 {
        ExpectedAccuracy::new(rule)
            .evaluate_with_sigma_gradient(logits, &labels, sigma, &mut value, &mut grad, per_class)?;
    } else {
        ExpectedTopK::new(request.k, rule)?
            .evaluate_with_sigma_gradient(logits, &labels, sigma, &mut value, &mut grad, per_class)?;
    }
    let widen = |values: &[T]| values.iter().map(|value| value.to_f64()).collect();
    let [value] = value;
    Ok(Answer {
        p: value.p.to_f64(),
        one_minus_p: value.one_minus_p.to_f64(),
        log_p: value.log_p.to_f64(),
        grad: widen(&grad),
        dsigma: match request.sigma {
            SigmaValue::Common(_) => SigmaValue::Common(value.dsigma.to_f64()),
            SigmaValue::PerClass(_) => SigmaValue::PerClass(widen(&sigma_grad)),
        },
    })
}

impl SigmaValue {
    /// The largest ratio of the label's sigma to another.
    fn ratio(&self, label: usize) -> f64 {
        match self {
            Self::Common(_) => 1.0,
            Self::PerClass(sigmas) => {
                let label = sigmas.get(label).copied().unwrap_or(1.0);
                sigmas.iter().map(|sigma| label / sigma).fold(1.0, f64::max)
            }
        }
    }
}

/// The paper's estimators, for one sigma and `k = 1`. The line number chooses the stream of random numbers.
fn estimate(request: &Request, method: Method, arguments: &Integrate, stream: u64) -> anyhow::Result<Answer> {
    let SigmaValue::Common(sigma) = request.sigma else {
        bail!("the estimators take one sigma for all classes; use --method quadrature");
    };
    ensure!(request.k == 1, "the estimators take k = 1 only, got {}; use --method quadrature", request.k);
    let (samples, seed) = (arguments.samples, arguments.seed);
    let estimator: Box<dyn Estimator> = match method {
        Method::MonteCarlo => Box::new(MonteCarlo::new(samples, seed)?),
        _ => Box::new(Genz::new(samples, seed)?),
    };
    let mut grad = vec![0.0; request.mu.len()];
    let estimate = estimator.estimate(&request.mu, request.label as usize, sigma, stream, &mut grad)?;
    Ok(Answer {
        p: estimate.p,
        one_minus_p: estimate.one_minus_p,
        log_p: estimate.log_p,
        grad,
        dsigma: SigmaValue::Common(estimate.dsigma),
    })
}
