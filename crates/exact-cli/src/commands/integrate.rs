//! `exact integrate`.

use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};

use anyhow::Context as _;
use exact_core::estimator::{Estimator, Genz, MonteCarlo, Sequence};
use exact_core::expected::{ExpectedAccuracy, ExpectedTopK, Probability, Sigma};
use exact_core::loss::{Logits, LossError};
use exact_core::{Real, Rule};
use serde::{Deserialize, Serialize};

use crate::arguments::{Integrate, Method, Precision};
use crate::failure::CommandError;

/// The truncation that goes with a number of nodes in either precision; see [`Rule`].
const TRUNCATION_F32: f64 = 13.0;
const TRUNCATION_F64: f64 = 32.0;

const REQUEST: &str =
    r#"expected an object {"mu": […], "sigma": s or [s_1…s_C], "label": y, "k": 1} on each line"#;

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
#[serde(untagged, expecting = "sigma must be a number or a list of numbers")]
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

/// What is wrong with a request.
#[derive(Debug)]
struct Refusal {
    column: Option<usize>,
    problem: String,
    hint: &'static str,
}

impl Refusal {
    fn new(problem: String) -> Self {
        Self { column: None, problem, hint: REQUEST }
    }
}

impl From<LossError> for Refusal {
    fn from(error: LossError) -> Self {
        Self::new(error.to_string())
    }
}

/// Answers the request of a line with the given index.
type Integrator = Box<dyn Fn(&Request, u64) -> Result<Answer, Refusal>>;

pub(crate) fn run(arguments: &Integrate) -> anyhow::Result<()> {
    let integrator = integrator(arguments)?;
    let mut stdin = BufReader::with_capacity(1 << 16, io::stdin().lock());
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut line = String::new();
    for index in 0.. {
        let place = || format!("standard input, line {}", index + 1);
        line.clear();
        if stdin.read_line(&mut line).with_context(place)? == 0 {
            break;
        }
        if !line.trim().is_empty() {
            let answer = parse(line.trim_end()).and_then(|request| integrator(&request, index));
            let answer = answer.map_err(|Refusal { column, problem, hint }| {
                let column = column.map(|column| format!(", column {column}")).unwrap_or_default();
                CommandError::Request { place: place() + &column, problem, hint }
            })?;
            // Not `to_writer`, whose error hides that a reader went away.
            writeln!(stdout, "{}", serde_json::to_string(&answer)?)
                .context("cannot write to standard output")?;
        }
        // Another program may wait for this answer before it asks again.
        if stdin.buffer().is_empty() {
            stdout.flush().context("cannot write to standard output")?;
        }
    }
    Ok(())
}

/// The method that was asked for, its settings checked.
fn integrator(arguments: &Integrate) -> anyhow::Result<Integrator> {
    match arguments.precision {
        Precision::F64 => integrator_in::<f64>(arguments, TRUNCATION_F64),
        Precision::F32 => integrator_in::<f32>(arguments, TRUNCATION_F32),
    }
}

fn integrator_in<T: Real>(arguments: &Integrate, truncation: f64) -> anyhow::Result<Integrator>
where
    Genz: Estimator<T>,
    MonteCarlo: Estimator<T>,
{
    let (samples, seed) = (arguments.samples, arguments.seed);
    if arguments.nearest_classes.is_some() && !matches!(arguments.method, Method::Genz | Method::GenzQuasi) {
        return Err(CommandError::NearestClasses.into());
    }
    let genz = |sequence| -> anyhow::Result<Genz> {
        let genz = Genz::new(samples, seed)?.with_sequence(sequence);
        Ok(match arguments.nearest_classes {
            Some(classes) => genz.with_nearest_classes(classes)?,
            None => genz,
        })
    };
    Ok(match arguments.method {
        Method::Quadrature => quadrature::<T>(arguments.nodes, truncation)?,
        Method::Genz => sampling::<T>(genz(Sequence::Random)?),
        Method::GenzQuasi => sampling::<T>(genz(Sequence::QuasiRandom)?),
        Method::MonteCarlo => sampling::<T>(MonteCarlo::new(samples, seed)?),
    })
}

fn parse(line: &str) -> Result<Request, Refusal> {
    let request: Request = serde_json::from_str(line).map_err(|error| {
        let message = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        let problem = message.strip_suffix(&position).unwrap_or(&message).into();
        Refusal { column: Some(error.column()), ..Refusal::new(problem) }
    })?;
    let n_classes = request.mu.len();
    if n_classes == 0 {
        return Err(Refusal::new("mu must have at least one class".into()));
    }
    if request.label as usize >= n_classes {
        let label = request.label;
        let problem = format!("label must be below the number of classes, {n_classes}, got {label}");
        return Err(Refusal { hint: "labels count the entries of mu from 0", ..Refusal::new(problem) });
    }
    if request.k == 0 {
        return Err(Refusal::new("k must be at least 1, got 0".into()));
    }
    match &request.sigma {
        SigmaValue::PerClass(sigmas) if sigmas.len() != n_classes => {
            let found = sigmas.len();
            Err(Refusal::new(format!(
                "a list of sigmas must have one for each of the {n_classes} classes, got {found}"
            )))
        }
        _ => Ok(request),
    }
}

fn quadrature<T: Real>(nodes: Option<usize>, truncation: f64) -> anyhow::Result<Integrator> {
    let rule = match nodes {
        Some(nodes) => Rule::new(nodes, truncation)?,
        None => Rule::precise::<T>(),
    };
    Ok(Box::new(move |request, _| integrate::<T>(request, &rule)))
}

fn integrate<T: Real>(request: &Request, rule: &Rule) -> Result<Answer, Refusal> {
    let convert = |values: &[f64]| -> Vec<T> { values.iter().map(|&value| T::from_f64(value)).collect() };
    let n_classes = request.mu.len();
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
        ExpectedAccuracy::new(rule.clone())
            .evaluate_with_sigma_gradient(logits, &labels, sigma, &mut value, &mut grad, per_class)?;
    } else {
        ExpectedTopK::new(request.k, rule.clone())?
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

/// The paper's estimators. The line chooses the stream of random numbers.
fn sampling<T: Real>(estimator: impl Estimator<T> + 'static) -> Integrator {
    const HINT: &str = "use --method quadrature";
    Box::new(move |request, stream| {
        let name = estimator.name();
        let SigmaValue::Common(sigma) = request.sigma else {
            let problem = format!("{name} takes one sigma for all classes, got a list");
            return Err(Refusal { hint: HINT, ..Refusal::new(problem) });
        };
        if request.k != 1 {
            let problem = format!("{name} takes k = 1 only, got {}", request.k);
            return Err(Refusal { hint: HINT, ..Refusal::new(problem) });
        }
        let mu: Vec<T> = request.mu.iter().map(|&mean| T::from_f64(mean)).collect();
        let mut grad = vec![T::ZERO; mu.len()];
        let estimate = estimator.estimate(&mu, request.label as usize, sigma, stream, &mut grad)?;
        Ok(Answer {
            p: estimate.p,
            one_minus_p: estimate.one_minus_p,
            log_p: estimate.log_p,
            grad: grad.iter().map(|slope| slope.to_f64()).collect(),
            dsigma: SigmaValue::Common(estimate.dsigma),
        })
    })
}
