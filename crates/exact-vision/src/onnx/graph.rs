//! A graph of operators, built layer by layer from the stored tensors of a network.

use super::messages::{AttributeProto, FLOAT, INT64, NodeProto, TensorProto, length};
use crate::file::{StoredTensor, Tensors, Values};

/// What batch normalisation adds to the variance.
const EPSILON: f32 = 1e-5;

/// The name of a value in the graph.
pub(super) type Value = String;

/// Operators on values, with the weights that they use. Layers go by the names of their tensors in the network's file.
#[derive(Debug)]
pub(super) struct Graph {
    /// Before the name of each tensor.
    prefix: &'static str,
    tensors: Tensors,
    pub nodes: Vec<NodeProto>,
    pub initializers: Vec<TensorProto>,
}

impl Graph {
    pub fn new(prefix: &'static str, tensors: Tensors) -> Self {
        Self { prefix, tensors, nodes: Vec::new(), initializers: Vec::new() }
    }

    /// Whether the network has a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(&format!("{}.{name}", self.prefix))
    }

    /// An operator of one result.
    pub fn operator(&mut self, kind: &str, input: &[&str], attribute: Vec<AttributeProto>) -> Value {
        let name = format!("{}_{}", kind.to_lowercase(), self.nodes.len());
        self.nodes.push(NodeProto {
            input: input.iter().copied().map(Into::into).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: kind.into(),
            attribute,
        });
        name
    }

    /// Calls a value by another name.
    pub fn rename(&mut self, value: &str, name: &str) {
        let values = self.nodes.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
        values.filter(|other| *other == value).for_each(|other| name.clone_into(other));
    }

    /// A tensor that is not one of the network's.
    pub fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Value {
        self.initializers.push(TensorProto {
            dims: shape.iter().copied().map(length).collect(),
            data_type: FLOAT,
            name: name.into(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.into()
    }

    /// A list of whole numbers.
    pub fn indices(&mut self, name: &str, values: &[i64]) -> Value {
        self.initializers.push(TensorProto {
            dims: vec![length(values.len())],
            data_type: INT64,
            name: name.into(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.into()
    }

    /// A tensor of the network, and its shape.
    fn tensor(&mut self, name: &str) -> Result<(Value, Vec<usize>), String> {
        match self.tensors.remove(&format!("{}.{name}", self.prefix)) {
            Some(StoredTensor { shape, values: Values::Floats(values) }) => {
                Ok((self.constant(name, &shape, &values), shape))
            }
            _ => Err(format!("the network has no tensor '{name}'")),
        }
    }

    /// A square convolution, with biases if it has them.
    pub fn convolution(
        &mut self,
        layer: &str,
        input: &str,
        stride: usize,
        padding: usize,
    ) -> Result<Value, String> {
        let (weight, shape) = self.tensor(&format!("{layer}.weight"))?;
        let kernel = shape.last().copied().unwrap_or(1);
        let mut inputs = vec![input.to_owned(), weight];
        let bias = format!("{layer}.bias");
        if self.has(&bias) {
            inputs.push(self.tensor(&bias)?.0);
        }
        let attributes = window(kernel, stride, padding);
        Ok(self.operator("Conv", &inputs.iter().map(String::as_str).collect::<Vec<_>>(), attributes))
    }

    /// Batch normalisation by the running statistics.
    pub fn normalization(&mut self, layer: &str, input: &str) -> Result<Value, String> {
        let mut tensor = |field: &str| Ok::<_, String>(self.tensor(&format!("{layer}.{field}"))?.0);
        let (scale, shift) = (tensor("gamma")?, tensor("beta")?);
        let (mean, variance) = (tensor("running_mean")?, tensor("running_var")?);
        let inputs = [input, &scale, &shift, &mean, &variance];
        Ok(self.operator("BatchNormalization", &inputs, vec![AttributeProto::of_float("epsilon", EPSILON)]))
    }

    /// A convolution and batch normalisation, as the networks' layers have them.
    pub fn normalized_convolution(
        &mut self,
        layer: &str,
        input: &str,
        stride: usize,
        padding: usize,
    ) -> Result<Value, String> {
        let convolved = self.convolution(&format!("{layer}.convolution"), input, stride, padding)?;
        self.normalization(&format!("{layer}.norm"), &convolved)
    }

    /// `input · weights`, plus the biases if there are some.
    pub fn linear(&mut self, layer: &str, input: &str) -> Result<Value, String> {
        let (weight, _) = self.tensor(&format!("{layer}.weight"))?;
        let bias = format!("{layer}.bias");
        if !self.has(&bias) {
            return Ok(self.operator("MatMul", &[input, &weight], Vec::new()));
        }
        let (bias, _) = self.tensor(&bias)?;
        Ok(self.operator("Gemm", &[input, &weight, &bias], Vec::new()))
    }

    pub fn relu(&mut self, input: &str) -> Value {
        self.operator("Relu", &[input], Vec::new())
    }

    pub fn add(&mut self, a: &str, b: &str) -> Value {
        self.operator("Add", &[a, b], Vec::new())
    }

    pub fn max_pool(&mut self, input: &str, kernel: usize, stride: usize, padding: usize) -> Value {
        self.operator("MaxPool", &[input], window(kernel, stride, padding))
    }

    /// `[n, …]` to `[n, features]`.
    pub fn flatten(&mut self, input: &str) -> Value {
        self.operator("Flatten", &[input], vec![AttributeProto::of_int("axis", 1)])
    }

    /// The mean over all pixels, `[n, channels]`.
    pub fn global_average(&mut self, input: &str) -> Value {
        let average = self.operator("GlobalAveragePool", &[input], Vec::new());
        self.flatten(&average)
    }

    /// The mean over `area` x `area` areas of about the same size of images of `height` x `width`, as products with the matrix of
    /// the areas' shares in each row and column.
    pub fn area_average(&mut self, input: &str, [height, width]: [usize; 2], area: usize) -> Value {
        let columns =
            self.constant("areas.columns", &[width, area], &transposed(&shares(width, area), width));
        let rows = self.constant("areas.rows", &[area, height], &shares(height, area));
        let narrow = self.operator("MatMul", &[input, &columns], Vec::new());
        self.operator("MatMul", &[&rows, &narrow], Vec::new())
    }
}

/// The attributes of square windows.
fn window(kernel: usize, stride: usize, padding: usize) -> Vec<AttributeProto> {
    vec![
        AttributeProto::of_ints("kernel_shape", &[kernel; 2]),
        AttributeProto::of_ints("strides", &[stride; 2]),
        AttributeProto::of_ints("pads", &[padding; 4]),
    ]
}

/// The share of each of `length` pixels in the mean of each of `areas`, `[areas, length]`: area `i` reaches from
/// `floor(i length / areas)` to `ceil((i + 1) length / areas)`.
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
