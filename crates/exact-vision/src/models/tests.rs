use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Architecture, Network};
use crate::{ImageShape, VisionError};

const GREY: ImageShape = ImageShape { channels: 1, height: 28, width: 28 };
const COLOUR: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
const PHOTOGRAPH: ImageShape = ImageShape { channels: 3, height: 224, width: 224 };

fn build(name: &str, input: ImageShape, n_classes: usize) -> Network {
    let architecture: Architecture = name.parse().unwrap();
    assert_eq!(architecture.to_string(), name);
    architecture.zeros(input, n_classes, &Device::default().autodiff()).unwrap()
}

/// Parameters that are trained, which running means and variances are not.
fn n_parameters(network: &Network) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0 += param.lazy_shape().num_elements();
            }
        }
    }
    let mut count = Count(0);
    network.visit(&mut count);
    count.0
}

#[test]
fn parameters_are_as_many_as_published() {
    for (name, input, n_classes, expected) in [
        ("small-cnn", GREY, 10, 61_706),
        ("m3", GREY, 10, 1_124_180),
        ("wrn-16-4", COLOUR, 10, 2_748_890),
        ("wrn-16-8", COLOUR, 10, 10_961_370),
        ("wrn-28-10", COLOUR, 10, 36_479_194),
        ("wrn-28-10", COLOUR, 100, 36_536_884),
        ("resnet-18", PHOTOGRAPH, 1000, 11_689_512),
        ("resnet-34", PHOTOGRAPH, 1000, 21_797_672),
        ("resnet-50", PHOTOGRAPH, 1000, 25_557_032),
        ("resnet-18", COLOUR, 10, 11_173_962),
        ("vgg-16", PHOTOGRAPH, 1000, 138_365_992),
        ("vgg-19", PHOTOGRAPH, 1000, 143_678_248),
        ("vgg-11", COLOUR, 10, 9_231_114),
        ("vgg-16", COLOUR, 10, 14_728_266),
    ] {
        assert_eq!(n_parameters(&build(name, input, n_classes)), expected, "{name}");
    }
}

#[test]
fn images_become_logits_and_features() {
    for (name, input, features) in [
        ("small-cnn", COLOUR, 84),
        ("m3", GREY, 11_264),
        ("m3", ImageShape { channels: 3, height: 21, width: 24 }, 176 * 4),
        ("wrn-10-1", COLOUR, 64),
        ("resnet-18", COLOUR, 512),
        ("resnet-18", ImageShape { channels: 1, height: 65, width: 70 }, 512),
        ("resnet-50", COLOUR, 2048),
        ("vgg-11", COLOUR, 512),
    ] {
        let architecture: Architecture = name.parse().unwrap();
        let device = Device::default();
        let network = architecture.init(input, 7, 3, &device).unwrap();
        let images = Tensor::<4>::ones([2, input.channels, input.height, input.width], &device);
        assert_eq!(network.features(images.clone()).dims(), [2, features], "{name}");
        let logits: Vec<f32> = network.forward(images).into_data().try_to_vec().unwrap();
        assert_eq!(logits.len(), 14, "{name}");
        assert!(logits.iter().all(|logit| logit.is_finite() && logit.abs() < 1e3), "{name}: {logits:?}");
    }
}

#[test]
fn the_last_layer_is_replaced() {
    let device = Device::default();
    for (name, input) in
        [("small-cnn", COLOUR), ("m3", GREY), ("wrn-10-1", COLOUR), ("resnet-18", COLOUR), ("vgg-11", COLOUR)]
    {
        let mut network = build(name, input, 3);
        let [n_features, n_classes] = network.head_shape();
        assert_eq!(n_classes, 3, "{name}");
        let weights: Vec<f32> = (0..3 * n_features).map(|at| (at as f32).sin()).collect();
        let weights = Tensor::from_data(TensorData::new(weights, [n_features, 3]), &device);
        let biases = Tensor::<1>::from_floats([1.0, -2.0, 0.5], &device);
        network.set_head(weights.clone(), biases.clone());
        let network = network.valid();
        let images = Tensor::<4>::ones([2, input.channels, input.height, input.width], &device);
        let expected = network.features(images.clone()).matmul(weights) + biases.unsqueeze();
        let expected: Vec<f32> = expected.into_data().try_to_vec().unwrap();
        let logits: Vec<f32> = network.forward(images).into_data().try_to_vec().unwrap();
        for (logit, expected) in logits.iter().zip(&expected) {
            assert!(
                (logit - expected).abs() < 1e-3 * (1.0 + expected.abs()),
                "{name}: {logits:?} {expected:?}"
            );
        }
    }
}

/// Every float of the network, in order.
fn values(network: &Network) -> Vec<f32> {
    struct Values(Vec<f32>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().try_to_vec::<f32>().unwrap());
        }
    }
    let mut values = Values(Vec::new());
    network.visit(&mut values);
    values.0
}

/// Rank, root mean square and largest absolute value of each parameter.
struct Moments(Vec<(usize, f32, f32)>);
impl ModuleVisitor for Moments {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values: Vec<f32> = param.val().into_data().try_to_vec().unwrap();
        let n = values.len() as f32;
        let square = values.iter().map(|value| value * value).sum::<f32>() / n;
        self.0.push((D, square.sqrt(), values.iter().fold(0.0, |largest, value| largest.max(value.abs()))));
    }
}

#[test]
fn weights_follow_the_seed_and_their_distribution() {
    let init = |seed| Architecture::SmallCnn.init(GREY, 10, seed, &Device::default()).unwrap();
    assert_eq!(values(&init(1)), values(&init(1)));
    assert_ne!(values(&init(1)), values(&init(2)));

    let Network::SmallCnn(network) = init(1) else { panic!("another network") };
    let mut moments = Moments(Vec::new());
    network.visit(&mut moments);
    // The second convolution: 2400 draws of deviation √(2 / (16 · 25)).
    let (rank, deviation, _) = moments.0[2];
    assert_eq!(rank, 4);
    assert!((deviation / 0.005_f32.sqrt() - 1.0).abs() < 0.1, "{deviation}");
    // The first linear layer: 48,000 draws within 1/√400, of deviation 1/√1200.
    let (rank, deviation, largest) = moments.0[4];
    assert_eq!(rank, 2);
    assert!(largest <= 0.05 && largest > 0.0499, "{largest}");
    assert!((deviation * 1200_f32.sqrt() - 1.0).abs() < 0.02, "{deviation}");
    // Biases.
    assert_eq!(moments.0[5].2, 0.0);
}

#[test]
fn what_cannot_be_built_is_an_error() {
    for name in [
        "",
        "m4",
        "wrn-28",
        "resnet-18-x",
        "vgg-",
        "small-cnn-2",
        "wrn-a-1",
        "wrn-4-1",
        "wrn-27-10",
        "wrn-28-0",
        "resnet-19",
        "vgg-12",
    ] {
        let error = name.parse::<Architecture>().unwrap_err();
        assert!(matches!(error, VisionError::Architecture { .. }), "{name}");
    }
    let init = |name: &str, input, n_classes| {
        let architecture: Architecture = name.parse().unwrap();
        architecture.init(input, n_classes, 0, &Device::default()).unwrap_err()
    };
    let shallow = Architecture::WideResNet { depth: 4, width: 1 };
    let error = shallow.init(COLOUR, 10, 0, &Device::default()).unwrap_err();
    assert!(matches!(error, VisionError::Architecture { name } if name == "wrn-4-1"));
    let small = ImageShape { height: 20, ..GREY };
    let error = init("m3", small, 10);
    assert_eq!(error.to_string(), "m3 needs images of at least 21 x 21 pixels, these have 20 x 28");
    assert!(matches!(init("vgg-16", small, 10), VisionError::InputSize { smallest: 32, .. }));
    assert!(matches!(init("m3", GREY, 0), VisionError::Empty { what: "classes" }));
    let colourless = ImageShape { channels: 0, ..GREY };
    assert!(matches!(init("m3", colourless, 10), VisionError::Empty { what: "channels" }));
}
