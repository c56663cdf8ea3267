//! Probabilities of logits as operators.

use exact_core::Link;

use super::graph::{Graph, Value};
use super::messages::AttributeProto;

/// The nodes of the trapezoidal rule for the winning score, which is sought between so many sigmas from the
/// largest logit.
const NODES: usize = 96;
const RANGE: [f32; 2] = [-6.0, 8.0];

/// Below every probability that counts, and above 0 so that it has a logarithm.
const SMALLEST: f32 = 1e-12;

/// Adds the probabilities of logits, `[n, classes]`, to a graph.
pub(super) fn draw(graph: &mut Graph, link: Link, logits: &str) -> Value {
    let scale = graph.constant("probabilities.scale", &[1], &[link.scale() as f32]);
    let scaled = graph.operator("Div", &[logits, &scale], Vec::new());
    match link {
        Link::Probit { .. } => argmax_of_normal(graph, &scaled),
        _ => graph.operator("Softmax", &[&scaled], vec![AttributeProto::of_int("axis", 1)]),
    }
}

/// The distribution of the argmax of normal scores with these means and variance 1.
///
/// # Formula
/// `p_c ∝ Σ_k φ(s_k - m_c) / Φ(s_k - m_c) Π_j Φ(s_k - m_j)` over equidistant scores `s_k` of the winner. The
/// trapezoidal rule converges geometrically for such a function, so that what remains is the rounding of
/// single precision.
fn argmax_of_normal(graph: &mut Graph, means: &str) -> Value {
    let largest = graph.operator("ReduceMax", &[means], axes(&[1]));
    let below = graph.operator("Sub", &[means, &largest], Vec::new());
    let last = graph.indices("probabilities.last", &[2]);
    let below = graph.operator("Unsqueeze", &[&below, &last], Vec::new());
    let step = (RANGE[1] - RANGE[0]) / (NODES - 1) as f32;
    let scores: Vec<f32> = (0..NODES).map(|node| RANGE[0] + node as f32 * step).collect();
    let scores = graph.constant("probabilities.scores", &[1, 1, NODES], &scores);
    // [n, classes, nodes]
    let distance = graph.operator("Sub", &[&scores, &below], Vec::new());

    let root = graph.constant("probabilities.root", &[1], &[std::f32::consts::FRAC_1_SQRT_2]);
    let half = graph.constant("probabilities.half", &[1], &[0.5]);
    let erf = graph.operator("Mul", &[&distance, &root], Vec::new());
    let erf = graph.operator("Erf", &[&erf], Vec::new());
    let won = graph.operator("Mul", &[&erf, &half], Vec::new());
    let won = graph.add(&won, &half);
    let smallest = graph.constant("probabilities.smallest", &[], &[SMALLEST]);
    let won = graph.operator("Max", &[&won, &smallest], Vec::new());

    let logarithm = graph.operator("Log", &[&won], Vec::new());
    let classes = graph.indices("probabilities.classes", &[1]);
    let all_won =
        graph.operator("ReduceSum", &[&logarithm, &classes], vec![AttributeProto::of_int("keepdims", 1)]);
    let square = graph.operator("Mul", &[&distance, &distance], Vec::new());
    let square = graph.operator("Mul", &[&square, &half], Vec::new());
    let exponent = graph.operator("Sub", &[&all_won, &square], Vec::new());
    let density = graph.operator("Exp", &[&exponent], Vec::new());
    let density = graph.operator("Div", &[&density, &won], Vec::new());
    let mass = graph.operator("ReduceSum", &[&density, &last], vec![AttributeProto::of_int("keepdims", 0)]);
    let total = graph.operator("ReduceSum", &[&mass, &classes], vec![AttributeProto::of_int("keepdims", 1)]);
    graph.operator("Div", &[&mass, &total], Vec::new())
}

fn axes(axes: &[usize]) -> Vec<AttributeProto> {
    vec![AttributeProto::of_ints("axes", axes), AttributeProto::of_int("keepdims", 1)]
}
