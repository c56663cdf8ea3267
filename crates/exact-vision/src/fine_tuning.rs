//! How fast the layers of a network move that was trained on other images.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::VisionError;
use crate::models::Network;

/// Layers that stay as they are: those with weights, in the order of the network. The running means of
/// normalisation follow the new images all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Count", into = "Count")]
pub enum Freeze {
    /// The first so many.
    First(usize),
    /// All but the last.
    All,
}

/// A number or a word of a recipe.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Count {
    Number(usize),
    Word(String),
}

impl From<Freeze> for Count {
    fn from(freeze: Freeze) -> Self {
        match freeze {
            Freeze::First(layers) => Self::Number(layers),
            Freeze::All => Self::Word("all".into()),
        }
    }
}

impl TryFrom<Count> for Freeze {
    type Error = VisionError;

    fn try_from(count: Count) -> Result<Self, VisionError> {
        match count {
            Count::Number(layers) => Ok(Self::First(layers)),
            Count::Word(word) => word.parse(),
        }
    }
}

impl FromStr for Freeze {
    type Err = VisionError;

    fn from_str(text: &str) -> Result<Self, VisionError> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::First).map_err(|_| VisionError::Recipe {
            problem: format!("layers to freeze are a number or all, got `{text}`"),
        })
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(layers) => layers.fmt(formatter),
            Self::All => formatter.write_str("all"),
        }
    }
}

/// The network with layers that stay as they are, and the shares of the learning rate of parameters that
/// move by less than the whole: `first_rate` in the first layer, and in those between it and the last a share
/// between.
///
/// # Errors
/// [`VisionError::Recipe`] if more layers are to stay as they are than there are before the last.
pub(crate) fn prepared(
    network: Network,
    freeze: Option<Freeze>,
    first_rate: Option<f64>,
) -> Result<(Network, HashMap<ParamId, f64>), VisionError> {
    let mut layers = Layers { ids: Vec::new() };
    network.visit(&mut layers);
    let head = network.head().weight.id;
    let last = layers.ids.iter().position(|layer| layer.contains(&head)).expect("the head is a layer");
    let frozen = match freeze {
        None => 0,
        Some(Freeze::All) => last,
        Some(Freeze::First(frozen)) if frozen <= last => frozen,
        Some(Freeze::First(frozen)) => {
            let problem = format!("{frozen} layers are to be frozen, the network has {last} before the last");
            return Err(VisionError::Recipe { problem });
        }
    };
    let network = network.map(&mut Freezing { ids: layers.ids[..frozen].concat() });
    let Some(first_rate) = first_rate else { return Ok((network, HashMap::new())) };
    let rate = |layer: usize| first_rate.powf(1.0 - layer as f64 / last as f64);
    let moving = layers.ids.into_iter().enumerate().take(last).skip(frozen);
    Ok((network, moving.flat_map(|(at, ids)| ids.into_iter().map(move |id| (id, rate(at)))).collect()))
}

/// The parameters of each layer: a matrix or a kernel, and the vectors that follow it.
struct Layers {
    ids: Vec<Vec<ParamId>>,
}

impl ModuleVisitor for Layers {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match self.ids.last_mut() {
            Some(layer) if D < 2 => layer.push(param.id),
            _ => self.ids.push(vec![param.id]),
        }
    }
}

/// Takes parameters out of the gradient.
struct Freezing {
    ids: Vec<ParamId>,
}

impl ModuleMapper for Freezing {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.ids.contains(&param.id) { param.map(|tensor| tensor.set_require_grad(false)) } else { param }
    }
}
