//! Convolution, batch normalisation and pooling of images on the processor, several times as fast as those of
//! Burn's backend for it.
//!
//! Images are `[n, height, width, channels]`, so that the numbers of a pixel are neighbours. Autodiff takes
//! the gradients from here too.

// Vector instructions reach only what is inlined.
#![allow(clippy::inline_always)]

mod convolution;
mod in_chunks;
mod normalization;
mod pooling;
mod tiles;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, Dispatch, DispatchTensorKind, Flex, TensorMetadata, backend_extension,
};
use burn::tensor::{DType, Tensor, TensorData};

use convolution::Convolution;
use normalization::{Normalization, Statistics};
use pooling::MaxPooling;

/// Whether a tensor is where these kernels run.
pub(crate) fn run_on<const D: usize>(tensor: &Tensor<D>) -> bool {
    let kind = tensor.clone().into_dispatch().kind;
    let kind = if let DispatchTensorKind::Autodiff(inner) = kind { *inner } else { kind };
    matches!(kind, DispatchTensorKind::Flex(_)) && tensor.dtype() == DType::F32
}

/// A square convolution without bias.
///
/// # Shapes
/// `[n, height, width, channels]` and `[outputs, channels, kernel, kernel]` to `[n, height, width, outputs]`
pub(crate) fn convolve(images: Tensor<4>, weights: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
    let (images, weights) = (images.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(Dispatch::convolve(images, weights, stride, padding))
}

/// The maxima over square windows.
///
/// # Shapes
/// `[n, height, width, channels]` to the same with other heights and widths
pub(crate) fn max_pool(images: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::max_pool(images.into_dispatch(), kernel, stride, padding))
}

/// Batch normalisation by the statistics of the images, with rectified units behind it or not; and the mean
/// and biased variance.
///
/// # Shapes
/// `[n, height, width, channels]`, `[channels]` and `[channels]` to the first and two of the second
pub(crate) fn normalize(
    images: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    rectified: bool,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let (images, gamma, beta) = (images.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
    let (result, mean, variance) = Dispatch::normalize(images, gamma, beta, epsilon, rectified);
    (Tensor::from_dispatch(result), Tensor::from_dispatch(mean), Tensor::from_dispatch(variance))
}

/// Batch normalisation by given statistics, without gradients, with rectified units behind it or not.
///
/// # Shapes
/// `[n, height, width, channels]` and `[channels]` to the first
pub(crate) fn normalize_by(
    [mean, variance]: [Tensor<1>; 2],
    images: Tensor<4>,
    [gamma, beta]: [Tensor<1>; 2],
    epsilon: f64,
    rectified: bool,
) -> Tensor<4> {
    let [mean, variance, gamma, beta] = [mean, variance, gamma, beta].map(Tensor::into_dispatch);
    let images = images.into_dispatch();
    Tensor::from_dispatch(Dispatch::normalize_by(images, mean, variance, gamma, beta, epsilon, rectified))
}

#[backend_extension(Flex)]
trait WithoutGradients: Backend {
    fn normalize_by(
        images: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> FloatTensor<Self>;
}

#[backend_extension(Flex, Autodiff)]
trait Kernels: Backend {
    fn convolve(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    fn max_pool(images: FloatTensor<Self>, kernel: usize, stride: usize, padding: usize)
    -> FloatTensor<Self>;

    fn normalize(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

type Values = FloatTensor<Flex>;

/// The tensor with its numbers in the order of its dimensions.
fn in_order(tensor: Values) -> Values {
    if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() }
}

/// The numbers of a tensor that is [`in_order`].
fn numbers(tensor: &Values) -> &[f32] {
    tensor.as_slice().expect("the numbers of the tensor are in order")
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Values {
    Values::from_data(TensorData::new(values, shape))
}

fn dims<const D: usize>(tensor: &Values) -> [usize; D] {
    tensor.shape().dims()
}

impl Convolution {
    fn of(images: &Values, weights: &Values, stride: usize, padding: usize) -> Self {
        let ([_, height, width, inputs], [outputs, _, kernel, _]) = (dims(images), dims(weights));
        Self { size: [height, width], channels: [inputs, outputs], kernel, stride, padding }
    }
}

impl MaxPooling {
    fn of(images: &Values, kernel: usize, stride: usize, padding: usize) -> Self {
        let [_, height, width, channels] = dims(images);
        Self { size: [height, width], channels, kernel, stride, padding }
    }

    /// The maxima, and where they are.
    fn apply(&self, images: &Values) -> (Values, Vec<u32>) {
        let ([n, ..], [height, width]) = (dims::<4>(images), self.output_size());
        let (maxima, pixels) = self.forward(numbers(images));
        (tensor(maxima, [n, height, width, self.channels]), pixels)
    }
}

impl Kernels for Flex {
    fn convolve(images: Values, weights: Values, stride: usize, padding: usize) -> Values {
        let (images, weights) = (in_order(images), in_order(weights));
        let convolution = Convolution::of(&images, &weights, stride, padding);
        let ([n, ..], [height, width]) = (dims::<4>(&images), convolution.output_size());
        let results = convolution.forward(numbers(&images), numbers(&weights));
        tensor(results, [n, height, width, convolution.channels[1]])
    }

    fn max_pool(images: Values, kernel: usize, stride: usize, padding: usize) -> Values {
        let images = in_order(images);
        MaxPooling::of(&images, kernel, stride, padding).apply(&images).0
    }

    fn normalize(
        images: Values,
        gamma: Values,
        beta: Values,
        epsilon: f64,
        rectified: bool,
    ) -> (Values, Values, Values) {
        let [images, gamma, beta] = [images, gamma, beta].map(in_order);
        let (statistics, normalization) = normalization(&images, &gamma, &beta, epsilon, rectified);
        statistics_and(apply(&normalization, &images), statistics)
    }
}

impl WithoutGradients for Flex {
    fn normalize_by(
        images: Values,
        mean: Values,
        variance: Values,
        gamma: Values,
        beta: Values,
        epsilon: f64,
        rectified: bool,
    ) -> Values {
        let [images, mean, variance, gamma, beta] = [images, mean, variance, gamma, beta].map(in_order);
        let statistics = Statistics { mean: numbers(&mean).to_vec(), variance: numbers(&variance).to_vec() };
        apply(&Normalization::new(&statistics, numbers(&gamma), numbers(&beta), epsilon, rectified), &images)
    }
}

fn normalization(
    images: &Values,
    gamma: &Values,
    beta: &Values,
    epsilon: f64,
    rectified: bool,
) -> (Statistics, Normalization) {
    let [.., channels] = dims::<4>(images);
    let statistics = Statistics::of(numbers(images), channels);
    let normalization = Normalization::new(&statistics, numbers(gamma), numbers(beta), epsilon, rectified);
    (statistics, normalization)
}

fn apply(normalization: &Normalization, images: &Values) -> Values {
    tensor(normalization.forward(numbers(images)), dims::<4>(images))
}

fn statistics_and<T>(results: T, Statistics { mean, variance }: Statistics) -> (T, Values, Values) {
    let shape = [mean.len()];
    (results, tensor(mean, shape), tensor(variance, shape))
}

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn convolve(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let preparation = ConvolutionGradient.prepare::<C>([images.node(), weights.node()]);
        let [images, weights] = [images, weights].map(|tensor| in_order(tensor.into_primitive()));
        let convolution = Convolution::of(&images, &weights, stride, padding);
        let results = Flex::convolve(images.clone(), weights.clone(), stride, padding);
        match preparation.compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish((images, weights, convolution), results),
            OpsKind::UnTracked(preparation) => preparation.finish(results),
        }
    }

    fn max_pool(
        images: FloatTensor<Self>,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let preparation = MaxPoolingGradient.prepare::<C>([images.node()]);
        let images = in_order(images.into_primitive());
        let pooling = MaxPooling::of(&images, kernel, stride, padding);
        let (maxima, pixels) = pooling.apply(&images);
        match preparation.compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish((pixels, pooling), maxima),
            OpsKind::UnTracked(preparation) => preparation.finish(maxima),
        }
    }

    fn normalize(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let preparation = NormalizationGradient.prepare::<C>([images.node(), gamma.node(), beta.node()]);
        let [images, gamma, beta] = [images, gamma, beta].map(|tensor| in_order(tensor.into_primitive()));
        let (statistics, normalization) = normalization(&images, &gamma, &beta, epsilon, rectified);
        let results = apply(&normalization, &images);
        let results = match preparation.compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish((images, normalization), results),
            OpsKind::UnTracked(preparation) => preparation.finish(results),
        };
        let (results, mean, variance) = statistics_and(results, statistics);
        (results, FloatTensor::<Self>::new(mean), FloatTensor::<Self>::new(variance))
    }
}

#[derive(Debug)]
struct ConvolutionGradient;

impl Backward<Flex, 2> for ConvolutionGradient {
    type State = (Values, Values, Convolution);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let ([of_images, of_weights], (images, weights, convolution)) = (ops.parents, ops.state);
        if let Some(node) = of_weights {
            let values = convolution.weights_gradient(numbers(&images), numbers(&gradient));
            gradients.register::<Flex>(node.id, tensor(values, dims::<4>(&weights)));
        }
        if let Some(node) = of_images {
            let values = convolution.images_gradient(numbers(&gradient), numbers(&weights));
            gradients.register::<Flex>(node.id, tensor(values, dims::<4>(&images)));
        }
    }
}

#[derive(Debug)]
struct MaxPoolingGradient;

impl Backward<Flex, 1> for MaxPoolingGradient {
    type State = (Vec<u32>, MaxPooling);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let ([of_images], (pixels, pooling)) = (ops.parents, ops.state);
        if let Some(node) = of_images {
            let [n, ..] = dims::<4>(&gradient);
            let ([height, width], channels) = (pooling.size, pooling.channels);
            let values = pooling.images_gradient(numbers(&gradient), &pixels);
            gradients.register::<Flex>(node.id, tensor(values, [n, height, width, channels]));
        }
    }
}

#[derive(Debug)]
struct NormalizationGradient;

impl Backward<Flex, 3> for NormalizationGradient {
    type State = (Values, Normalization);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let mut gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let ([of_images, of_gamma, of_beta], (images, normalization)) = (ops.parents, ops.state);
        let (start, end) = gradient.layout().contiguous_offsets().expect("the gradient is in order");
        let values = &mut gradient.storage_mut()[start..end];
        let sums = normalization.backward(numbers(&images), values);
        for (node, values) in [of_gamma, of_beta].into_iter().zip(sums) {
            if let Some(node) = node {
                let shape = [values.len()];
                gradients.register::<Flex>(node.id, tensor(values, shape));
            }
        }
        if let Some(node) = of_images {
            gradients.register::<Flex>(node.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests;
