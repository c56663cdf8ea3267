//! The layers of each network as operators.

use super::graph::{Graph, Value};
use crate::ImageShape;
use crate::models::{Architecture, ResNetLayout};

impl Architecture {
    /// What stands before the names of the network's tensors.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::SmallCnn => "SmallCnn",
            Self::M3 => "M3",
            Self::WideResNet { .. } => "WideResNet",
            Self::ResNet { .. } => "ResNet",
            Self::Vgg { .. } => "Vgg",
        }
    }

    /// Adds the network to a graph, from normalised images to logits.
    pub(super) fn draw(self, graph: &mut Graph, images: &str, shape: ImageShape) -> Result<Value, String> {
        match self {
            Self::SmallCnn => small_cnn(graph, images),
            Self::M3 => m3(graph, images),
            Self::WideResNet { depth, .. } => wide_resnet(graph, images, depth),
            Self::ResNet { depth } => resnet(graph, images, shape, depth),
            Self::Vgg { .. } => vgg(graph, images, shape),
        }
    }
}

fn small_cnn(graph: &mut Graph, images: &str) -> Result<Value, String> {
    let mut pixels = images.to_owned();
    for (layer, padding) in ["convolutions.0", "convolutions.1"].into_iter().zip([2, 0]) {
        pixels = graph.convolution(layer, &pixels, 1, padding)?;
        pixels = graph.relu(&pixels);
        pixels = graph.max_pool(&pixels, 2, 2, 0);
    }
    let mut features = graph.flatten(&pixels);
    for layer in ["linear.0", "linear.1"] {
        features = graph.linear(layer, &features)?;
        features = graph.relu(&features);
    }
    graph.linear("head", &features)
}

fn m3(graph: &mut Graph, images: &str) -> Result<Value, String> {
    let mut pixels = images.to_owned();
    for layer in 0..10 {
        pixels = graph.normalized_convolution(&format!("convolutions.{layer}"), &pixels, 1, 0)?;
        pixels = graph.relu(&pixels);
    }
    let features = graph.flatten(&pixels);
    let logits = graph.linear("head", &features)?;
    graph.normalization("norm", &logits)
}

fn wide_resnet(graph: &mut Graph, images: &str, depth: usize) -> Result<Value, String> {
    let mut pixels = graph.convolution("convolution", images, 1, 1)?;
    let blocks = (depth - 4) / 6;
    for number in 0..3 * blocks {
        let stride = if number > 0 && number % blocks == 0 { 2 } else { 1 };
        let block = format!("blocks.{number}");
        let activated = graph.normalization(&format!("{block}.norms.0"), &pixels)?;
        let activated = graph.relu(&activated);
        let shortcut = format!("{block}.shortcut");
        let carried = if graph.has(&format!("{shortcut}.weight")) {
            graph.convolution(&shortcut, &activated, stride, 0)?
        } else {
            pixels
        };
        let middle = graph.convolution(&format!("{block}.convolutions.0"), &activated, stride, 1)?;
        let middle = graph.normalization(&format!("{block}.norms.1"), &middle)?;
        let middle = graph.relu(&middle);
        let last = graph.convolution(&format!("{block}.convolutions.1"), &middle, 1, 1)?;
        pixels = graph.add(&carried, &last);
    }
    let pixels = graph.normalization("norm", &pixels)?;
    let pixels = graph.relu(&pixels);
    let features = graph.global_average(&pixels);
    graph.linear("head", &features)
}

fn resnet(graph: &mut Graph, images: &str, shape: ImageShape, depth: usize) -> Result<Value, String> {
    let (stride, padding) = if shape.is_small() { (1, 1) } else { (2, 3) };
    let stem = graph.normalized_convolution("stem", images, stride, padding)?;
    let mut pixels = graph.relu(&stem);
    if !shape.is_small() {
        pixels = graph.max_pool(&pixels, 3, 2, 1);
    }
    let groups = ResNetLayout::of(depth).map_or([0; 4], |layout| layout.blocks);
    let strides = groups
        .into_iter()
        .enumerate()
        .flat_map(|(group, count)| (0..count).map(move |block| if group > 0 && block == 0 { 2 } else { 1 }));
    for (number, stride) in strides.enumerate() {
        let block = format!("blocks.{number}");
        let bottleneck = graph.has(&format!("{block}.convolutions.2.convolution.weight"));
        // Stride and padding of each convolution.
        let layers: &[(usize, usize)] =
            if bottleneck { &[(1, 0), (stride, 1), (1, 0)] } else { &[(stride, 1), (1, 1)] };
        let mut output = pixels.clone();
        for (layer, &(stride, padding)) in layers.iter().enumerate() {
            if layer > 0 {
                output = graph.relu(&output);
            }
            let layer = format!("{block}.convolutions.{layer}");
            output = graph.normalized_convolution(&layer, &output, stride, padding)?;
        }
        let shortcut = format!("{block}.shortcut");
        if graph.has(&format!("{shortcut}.convolution.weight")) {
            pixels = graph.normalized_convolution(&shortcut, &pixels, stride, 0)?;
        }
        output = graph.add(&output, &pixels);
        pixels = graph.relu(&output);
    }
    let features = graph.global_average(&pixels);
    graph.linear("head", &features)
}

fn vgg(graph: &mut Graph, images: &str, shape: ImageShape) -> Result<Value, String> {
    let (mut pixels, mut size) = (images.to_owned(), [shape.height, shape.width]);
    for group in 0..5 {
        let names = (0..).map(|layer| format!("groups.{group}.{layer}"));
        let layers: Vec<String> =
            names.take_while(|layer| graph.has(&format!("{layer}.convolution.weight"))).collect();
        for layer in layers {
            pixels = graph.normalized_convolution(&layer, &pixels, 1, 1)?;
            pixels = graph.relu(&pixels);
        }
        pixels = graph.max_pool(&pixels, 2, 2, 0);
        size = size.map(|length| length / 2);
    }
    let mut features = if shape.is_small() {
        graph.global_average(&pixels)
    } else {
        let areas = graph.area_average(&pixels, size, 7);
        graph.flatten(&areas)
    };
    for layer in ["hidden.0", "hidden.1"] {
        if graph.has(&format!("{layer}.weight")) {
            features = graph.linear(layer, &features)?;
            features = graph.relu(&features);
        }
    }
    graph.linear("head", &features)
}
