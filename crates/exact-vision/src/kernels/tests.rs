use burn::module::{Module, Param};
use burn::nn::BatchNormConfig;
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::ThreadPoolBuilder;

/// Relative to the largest number: sums of 32-bit numbers in another order.
const TOLERANCE: f32 = 1e-5;

/// Numbers that look random, between -1 and 1.
fn numbers<const D: usize>(shape: [usize; D], seed: u32) -> Tensor<D> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) as f32 / 2_147_483_648.0 - 1.0
    };
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::default().autodiff())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn assert_close<const D: usize>(found: Tensor<D>, expected: Tensor<D>, tolerance: f32, what: &str) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let (found, expected) = (values(found), values(expected));
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(difference <= tolerance * largest, "{what} {i}: {found} {expected}");
    }
}

struct Shape {
    n: usize,
    size: [usize; 2],
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
}

const SHAPES: [Shape; 10] = [
    Shape { n: 3, size: [9, 7], channels: [5, 6], kernel: 3, stride: 1, padding: 0 },
    Shape { n: 2, size: [8, 8], channels: [16, 48], kernel: 3, stride: 1, padding: 1 },
    Shape { n: 9, size: [7, 10], channels: [3, 33], kernel: 3, stride: 2, padding: 1 },
    Shape { n: 1, size: [6, 5], channels: [32, 64], kernel: 1, stride: 1, padding: 0 },
    Shape { n: 2, size: [7, 5], channels: [20, 80], kernel: 1, stride: 2, padding: 0 },
    Shape { n: 2, size: [15, 14], channels: [3, 16], kernel: 7, stride: 2, padding: 3 },
    Shape { n: 17, size: [6, 6], channels: [1, 7], kernel: 5, stride: 1, padding: 2 },
    Shape { n: 2, size: [4, 4], channels: [200, 97], kernel: 3, stride: 1, padding: 1 },
    Shape { n: 1, size: [3, 3], channels: [2, 1], kernel: 3, stride: 3, padding: 0 },
    // The gradient of weights is added up in parts.
    Shape { n: 50, size: [10, 10], channels: [3, 17], kernel: 3, stride: 1, padding: 1 },
];

#[test]
fn convolutions_and_their_gradients_are_those_of_burn() {
    for Shape { n, size: [height, width], channels: [inputs, outputs], kernel, stride, padding } in SHAPES {
        let what = format!("{inputs} {outputs} {kernel} {stride} {padding}");
        let images = numbers([n, height, width, inputs], 1).require_grad();
        let weights = numbers([outputs, inputs, kernel, kernel], 2).require_grad();
        let found = super::convolve(images.clone(), weights.clone(), stride, padding);
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        let expected = conv2d(images.clone().permute([0, 3, 1, 2]), weights.clone(), None, options);
        let expected = expected.permute([0, 2, 3, 1]);
        assert_close(found.clone(), expected.clone(), TOLERANCE, &what);

        let slope = numbers(expected.dims(), 3);
        let found = (found * slope.clone()).sum().backward();
        let expected = (expected * slope).sum().backward();
        let gradients = |all| (images.grad(all).unwrap(), weights.grad(all).unwrap());
        let (found, expected) = (gradients(&found), gradients(&expected));
        assert_close(found.0, expected.0, TOLERANCE, &format!("images {what}"));
        assert_close(found.1, expected.1, TOLERANCE, &format!("weights {what}"));
    }
}

#[test]
fn maxima_and_their_gradients_are_those_of_burn() {
    for (size, channels, kernel, stride, padding) in
        [([7, 8], 5, 2, 2, 0), ([8, 9], 17, 3, 2, 1), ([6, 6], 1, 3, 1, 1), ([5, 4], 3, 3, 3, 0)]
    {
        let what = format!("{size:?} {channels} {kernel} {stride} {padding}");
        let images = numbers([3, size[0], size[1], channels], 1).require_grad();
        let found = super::max_pool(images.clone(), kernel, stride, padding);
        let first = images.clone().permute([0, 3, 1, 2]);
        let options = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
        let expected = max_pool2d(first, options);
        let expected = expected.permute([0, 2, 3, 1]);
        assert_close(found.clone(), expected.clone(), 0.0, &what);

        let slope = numbers(expected.dims(), 3);
        let found = (found * slope.clone()).sum().backward();
        let expected = (expected * slope).sum().backward();
        let [found, expected] = [found, expected].map(|all| images.grad(&all).unwrap());
        assert_close(found, expected, TOLERANCE, &what);
    }
}

#[test]
fn maxima_of_equal_and_of_no_numbers() {
    let values_of = [0.0, 1.0, 1.0, f32::NAN, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let images = Tensor::<1>::from_data(values_of, &Device::default().autodiff()).reshape([3, 1, 2, 1]);
    let images = images.detach().require_grad();
    let maxima = super::max_pool(images.clone(), 2, 1, 1);
    // A window of four pixels, of which one row or column is in the image, at each of two by three places.
    let found = values(maxima.clone());
    assert_eq!(found[..6], [0.0, 1.0, 1.0].repeat(2));
    assert!(found[6] == 1.0 && found[7].is_nan() && found[8].is_nan());
    assert_eq!(found[12..], [f32::NEG_INFINITY; 6]);
    let gradients = maxima.slice([0..3, 0..1, 1..2, 0..1]).sum().backward();
    assert_eq!(values(images.grad(&gradients).unwrap()), [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn normalisation_and_its_gradients_are_those_of_burn() {
    // The second has several blocks; the level is far from 0, where variances are easily lost.
    for (shape, level) in [([3, 5, 4, 7], 0.0), ([4, 40, 30, 16], 100.0), ([2, 3, 3, 35], 1.0)] {
        for rectified in [false, true] {
            let what = format!("{shape:?} {rectified}");
            let channels = shape[3];
            let images = (numbers(shape, 4) + level).detach().require_grad();
            let device = images.device();
            let mut layer = BatchNormConfig::new(channels).with_momentum(1.0).init(&device);
            layer.gamma = Param::from_tensor(numbers([channels], 5));
            layer.beta = Param::from_tensor(numbers([channels], 6));
            let (gamma, beta) = (layer.gamma.val(), layer.beta.val());
            let (found, mean, variance) =
                super::normalize(images.clone(), gamma.clone(), beta.clone(), layer.epsilon, rectified);
            let expected = layer.forward(images.clone().permute([0, 3, 1, 2])).permute([0, 2, 3, 1]);
            let expected = if rectified { relu(expected) } else { expected };
            assert_close(found.clone(), expected.clone(), 1e-4, &what);
            assert_close(mean, layer.running_mean.value_sync(), TOLERANCE, &what);
            assert_close(variance, layer.running_var.value_sync(), 1e-4, &what);

            let (layer, inner) = (layer.valid(), images.clone().inner());
            let statistics = [layer.running_mean.value(), layer.running_var.value()];
            let learned = [layer.gamma.val(), layer.beta.val()];
            let by = super::normalize_by(statistics, inner, learned, layer.epsilon, rectified);
            assert_close(by, expected.clone().inner(), 1e-4, &what);

            let slope = numbers(shape, 7);
            let found = (found * slope.clone()).sum().backward();
            let expected = (expected * slope).sum().backward();
            assert_close(images.grad(&found).unwrap(), images.grad(&expected).unwrap(), 1e-4, &what);
            assert_close(gamma.grad(&found).unwrap(), gamma.grad(&expected).unwrap(), 1e-4, &what);
            assert_close(beta.grad(&found).unwrap(), beta.grad(&expected).unwrap(), 1e-4, &what);
        }
    }
}

#[test]
fn rectified_units_pass_on_what_is_not_a_number() {
    let images = numbers([1, 2, 2, 3], 1).slice_fill([0..1, 0..1, 0..1, 1..2], f32::NAN);
    let (results, ..) = super::normalize(images, numbers([3], 2), numbers([3], 3), 1e-5, true);
    let nan: Vec<bool> = values(results).iter().map(|value| value.is_nan()).collect();
    assert_eq!(nan, [false, true, false].repeat(4));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let all = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let images = numbers([70, 8, 8, 20], 1).require_grad();
            let weights = numbers([36, 20, 3, 3], 2).require_grad();
            let results = super::convolve(images.clone(), weights.clone(), 1, 1);
            let (gamma, beta) = (numbers([36], 3).require_grad(), numbers([36], 4).require_grad());
            let (results, ..) = super::normalize(results, gamma.clone(), beta.clone(), 1e-5, true);
            let results = super::max_pool(results, 3, 2, 1);
            let gradients = (results.clone() * numbers([70, 4, 4, 36], 5)).sum().backward();
            let [gamma, beta] = [gamma, beta].map(|tensor| values(tensor.grad(&gradients).unwrap()));
            let [images, weights] = [images, weights].map(|tensor| values(tensor.grad(&gradients).unwrap()));
            [values(results), images, weights, gamma, beta]
        })
    };
    let expected = all(1);
    for threads in [2, 3] {
        assert_eq!(all(threads), expected);
    }
}
