//! The layers of networks as operators.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Dropout, Linear};

use super::graph::{Graph, Value};
use super::messages::AttributeProto;
use crate::file::{self, Tensors};
use crate::models::{ForwardPass, Network, padding};
use crate::{ImageShape, VisionError};

/// Adds a network to a graph, from normalised images of a shape to logits.
///
/// # Errors
/// [`VisionError::Device`] if the device fails.
pub(super) fn draw(
    graph: &mut Graph,
    network: &Network,
    images: Value,
    shape: ImageShape,
) -> Result<Value, VisionError> {
    let (names, tensors) = (file::names_of(network).into_iter().collect(), file::tensors_of(network)?);
    let images = Pixels { value: images, size: [shape.height, shape.width] };
    Ok(network.pass(&mut Drawing { graph, names, tensors }, images))
}

/// The pass that draws.
struct Drawing<'a> {
    graph: &'a mut Graph,
    /// What the network's parameters are called.
    names: HashMap<ParamId, String>,
    /// Those that are not drawn yet.
    tensors: Tensors,
}

/// Images `[n, channels, height, width]` in a graph, and their height and width.
#[derive(Debug, Clone)]
struct Pixels {
    value: Value,
    size: [usize; 2],
}

impl Drawing<'_> {
    /// The name of the parameter with this number.
    fn name(&self, number: ParamId) -> &str {
        self.names.get(&number).expect("every parameter of a network has a name")
    }

    /// A tensor of the network, which in a graph is called by its fields alone, without the type of the
    /// network.
    fn tensor(&mut self, name: &str) -> Value {
        let tensor = self.tensors.remove(name).expect("every layer of a network has tensors of its own");
        let (_, fields) = name.split_once('.').expect("tensors are fields of their network");
        self.graph.constant(fields, &tensor.shape, tensor.floats())
    }

    /// The tensor of the parameter with this number.
    fn parameter(&mut self, number: ParamId) -> Value {
        let name = self.name(number).to_owned();
        self.tensor(&name)
    }

    /// Batch normalisation by the running statistics.
    fn normalize(&mut self, layer: &BatchNorm, input: &str) -> Value {
        let gamma = self.name(layer.gamma.id);
        let layer_name = gamma.strip_suffix("gamma").expect("gamma is a field of its layer").to_owned();
        let fields = ["gamma", "beta", "running_mean", "running_var"];
        let [gamma, beta, mean, variance] = fields.map(|field| self.tensor(&format!("{layer_name}{field}")));
        let inputs = [input, &gamma, &beta, &mean, &variance];
        let epsilon = AttributeProto::of_float("epsilon", layer.epsilon as f32);
        self.graph.operator("BatchNormalization", &inputs, vec![epsilon])
    }

    /// An operator on square windows.
    fn slide(&mut self, kind: &str, inputs: &[&str], window: Window, size: [usize; 2]) -> Pixels {
        let Window { kernel, stride, padding } = window;
        let attributes = vec![
            AttributeProto::of_ints("kernel_shape", &[kernel; 2]),
            AttributeProto::of_ints("strides", &[stride; 2]),
            AttributeProto::of_ints("pads", &[padding; 4]),
        ];
        let value = self.graph.operator(kind, inputs, attributes);
        Pixels { value, size: size.map(|length| (length + 2 * padding - kernel) / stride + 1) }
    }

    /// `[n, …]` to `[n, features]`.
    fn flatten(&mut self, input: &str) -> Value {
        self.graph.operator("Flatten", &[input], vec![AttributeProto::of_int("axis", 1)])
    }
}

/// Square windows of an image.
#[derive(Debug, Clone, Copy)]
struct Window {
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl ForwardPass for Drawing<'_> {
    type Pixels = Pixels;
    type Features = Value;

    fn convolution(&mut self, layer: &Conv2d, input: Pixels) -> Pixels {
        let mut inputs = vec![input.value, self.parameter(layer.weight.id)];
        inputs.extend(layer.bias.as_ref().map(|bias| self.parameter(bias.id)));
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let (kernel, stride) = (layer.kernel_size[0], layer.stride[0]);
        self.slide("Conv", &inputs, Window { kernel, stride, padding: padding(&layer.padding) }, input.size)
    }

    fn normalization(&mut self, layer: &BatchNorm, input: Pixels, rectified: bool) -> Pixels {
        let normalized = Pixels { value: self.normalize(layer, &input.value), ..input };
        if rectified { self.relu(normalized) } else { normalized }
    }

    fn relu(&mut self, input: Pixels) -> Pixels {
        Pixels { value: self.graph.relu(&input.value), ..input }
    }

    fn sum(&mut self, a: Pixels, b: Pixels) -> Pixels {
        Pixels { value: self.graph.add(&a.value, &b.value), ..a }
    }

    fn max_pool(&mut self, layer: &MaxPool2d, input: Pixels) -> Pixels {
        let (kernel, stride) = (layer.kernel_size[0], layer.stride[0]);
        let window = Window { kernel, stride, padding: padding(&layer.padding) };
        self.slide("MaxPool", &[&input.value], window, input.size)
    }

    fn mean(&mut self, input: Pixels) -> Value {
        let average = self.graph.operator("GlobalAveragePool", &[&input.value], Vec::new());
        self.flatten(&average)
    }

    /// As products with the matrix of the areas' shares in each row and column.
    fn means(&mut self, input: Pixels, areas: usize) -> Value {
        if areas == 1 {
            return self.mean(input);
        }
        let [height, width] = input.size;
        let columns = transposed(&shares(width, areas), width);
        let columns = self.graph.constant("areas.columns", &[width, areas], &columns);
        let rows = self.graph.constant("areas.rows", &[areas, height], &shares(height, areas));
        let narrow = self.graph.operator("MatMul", &[&input.value, &columns], Vec::new());
        let means = self.graph.operator("MatMul", &[&rows, &narrow], Vec::new());
        self.flatten(&means)
    }

    fn flat(&mut self, input: Pixels) -> Value {
        self.flatten(&input.value)
    }

    /// `input · weights`, plus the biases if there are some.
    fn linear(&mut self, layer: &Linear, input: Value, rectified: bool) -> Value {
        let weight = self.parameter(layer.weight.id);
        let results = match &layer.bias {
            Some(bias) => {
                let bias = self.parameter(bias.id);
                self.graph.operator("Gemm", &[&input, &weight, &bias], Vec::new())
            }
            None => self.graph.operator("MatMul", &[&input, &weight], Vec::new()),
        };
        if rectified { self.graph.relu(&results) } else { results }
    }

    /// Nothing is dropped where nothing is trained.
    fn dropout(&mut self, _: &Dropout, input: Value) -> Value {
        input
    }

    fn normalized_features(&mut self, layer: &BatchNorm, input: Value) -> Value {
        self.normalize(layer, &input)
    }
}

/// The share of each of `length` pixels in the mean of each of `areas`, `[areas, length]`: area `i` reaches
/// from `floor(i length / areas)` to `ceil((i + 1) length / areas)`.
fn shares(length: usize, areas: usize) -> Vec<f32> {
    let mut shares = vec![0.0; areas * length];
    for (area, row) in shares.chunks_exact_mut(length).enumerate() {
        let (first, last) = (area * length / areas, ((area + 1) * length).div_ceil(areas));
        row[first..last].fill(1.0 / (last - first) as f32);
    }
    shares
}

fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| matrix.iter().skip(column).step_by(columns).copied()).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::module::adaptive_avg_pool2d;
    use burn::tensor::{Device, Tensor};

    use super::{shares, transposed};

    #[test]
    fn areas_are_those_of_adaptive_pooling() {
        assert_eq!(shares(4, 2), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        assert_eq!(transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let device = Device::default();
        // More pixels than areas, no multiple of them, and fewer.
        let (height, width, area) = (9, 3, 7);
        let pixels: Vec<f32> = (0..height * width).map(|at| (at * at % 17) as f32).collect();
        let pixels = Tensor::<1>::from_floats(pixels.as_slice(), &device).reshape([height, width]);
        let matrix = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<1>::from_floats(values.as_slice(), &device).reshape(shape)
        };
        let rows: Tensor<2> = matrix(shares(height, area), [area, height]);
        let columns = matrix(transposed(&shares(width, area), width), [width, area]);
        let means: Vec<f32> = rows.matmul(pixels.clone()).matmul(columns).into_data().try_to_vec().unwrap();
        let expected = adaptive_avg_pool2d(pixels.unsqueeze::<4>(), [area; 2]);
        let expected: Vec<f32> = expected.into_data().try_to_vec().unwrap();
        assert!(means.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{means:?} {expected:?}");
    }
}
