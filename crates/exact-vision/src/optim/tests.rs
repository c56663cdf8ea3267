use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::{Algorithm, GradientScaling, Optimizer, OptimizerSettings, Sharpness, global_norm};
use crate::VisionError;

const SGD: Algorithm = Algorithm::Sgd { momentum: 0.0, nesterov: false };

/// A weight matrix `w` and a bias `b`, with the loss `(w² + 2 b²) / 2`, whose gradient is `(w, 2 b)`.
#[derive(Module, Debug)]
struct Bowl {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Bowl {
    fn at(weight: f32, bias: f32) -> Self {
        let device = Device::default().autodiff();
        Self {
            weight: Param::from_tensor(Tensor::from_floats([[weight]], &device)),
            bias: Param::from_tensor(Tensor::from_floats([bias], &device)),
        }
    }

    fn evaluate(&self) -> Result<(f32, GradientsParams), VisionError> {
        let loss = self.weight.val().square().sum() * 0.5 + self.bias.val().square().sum();
        let gradients = GradientsParams::from_grads(loss.backward(), self);
        Ok((loss.try_into_scalar()?, gradients))
    }

    fn position(&self) -> [f32; 2] {
        [self.weight.val().into_scalar(), self.bias.val().into_scalar()]
    }
}

/// Where each of two steps from (3, 2) with learning rate 0.1 ends.
fn two_steps(settings: OptimizerSettings) -> [[f32; 2]; 2] {
    let mut optimizer = Optimizer::new(settings).unwrap();
    let first = optimizer.step(Bowl::at(3.0, 2.0), 0.1, Bowl::evaluate).unwrap();
    assert_eq!(first.1, 8.5);
    let second = optimizer.step(first.0.clone(), 0.1, Bowl::evaluate).unwrap();
    [first.0.position(), second.0.position()]
}

fn assert_close(found: [[f32; 2]; 2], expected: [[f64; 2]; 2]) {
    let pairs = found.as_flattened().iter().zip(expected.as_flattened());
    let close = pairs.into_iter().all(|(&a, b)| (f64::from(a) - b).abs() < 1e-6);
    assert!(close, "{found:?} {expected:?}");
}

#[test]
fn parameters_have_their_share_of_the_learning_rate() {
    let bowl = Bowl::at(3.0, 2.0);
    let momentum = OptimizerSettings::new(Algorithm::Sgd { momentum: 0.9, nesterov: false });
    let mut optimizer = Optimizer::new(momentum).unwrap().with_rates([(bowl.weight.id, 0.5)].into());
    // Half a step along 3, then along 0.9 · 3 + 2.85; the bias moves as with no shares.
    let first = optimizer.step(bowl, 0.1, Bowl::evaluate).unwrap().0;
    let second = optimizer.step(first.clone(), 0.1, Bowl::evaluate).unwrap().0;
    assert_close([first.position(), second.position()], [[2.85, 1.6], [2.5725, 0.92]]);
}

#[test]
fn sgd_steps_along_the_velocity() {
    // Gradients (3, 4), then (2.7, 3.2).
    assert_close(two_steps(OptimizerSettings::new(SGD)), [[2.7, 1.6], [2.43, 1.28]]);
    // Velocities (3, 4), then 0.9 (3, 4) + (2.7, 3.2) = (5.4, 6.8).
    let momentum = Algorithm::Sgd { momentum: 0.9, nesterov: false };
    assert_close(two_steps(OptimizerSettings::new(momentum)), [[2.7, 1.6], [2.16, 0.92]]);
    // Steps along 1.9 (3, 4) = (5.7, 7.6), then with gradients (2.43, 2.48), velocities (5.13, 6.08), along
    // (7.047, 7.952).
    let nesterov = Algorithm::Sgd { momentum: 0.9, nesterov: true };
    assert_close(two_steps(OptimizerSettings::new(nesterov)), [[2.43, 1.24], [1.7253, 0.4448]]);
}

#[test]
fn weights_decay_and_biases_do_not() {
    let sgd = OptimizerSettings { weight_decay: 0.5, ..OptimizerSettings::new(SGD) };
    // Slopes of the weight: 3 + 1.5, then 2.55 · 1.5.
    assert_close(two_steps(sgd), [[2.55, 1.6], [2.55 - 0.3825, 1.28]]);
    // Adam's first step has the length of the learning rate whatever the slope, 3 or 3 + 1.5.
    let adam = OptimizerSettings { weight_decay: 0.5, ..OptimizerSettings::new(Algorithm::Adam) };
    let first = two_steps(adam)[0];
    assert_close([first, first], [[2.9, 1.9]; 2]);
    // Decoupled: the weight shrinks by 0.1 · 0.5 first.
    let adam_w = OptimizerSettings { weight_decay: 0.5, ..OptimizerSettings::new(Algorithm::AdamW) };
    let first = two_steps(adam_w)[0];
    assert_close([first, first], [[2.85 - 0.1, 1.9]; 2]);
}

#[test]
fn adam_follows_its_moments() {
    let bias = |mean: f64, square: f64| (mean / 0.19) / ((square / 0.001_999).sqrt() + 1e-8);
    // After gradients (3, 4) and (2.9, 3.8).
    let step = |first: f64, second: f64| {
        0.1 * bias(0.09 * first + 0.1 * second, 0.000_999 * first.powi(2) + 0.001 * second.powi(2))
    };
    let expected = [[2.9, 1.9], [2.9 - step(3.0, 2.9), 1.9 - step(4.0, 3.8)]];
    for algorithm in [Algorithm::Adam, Algorithm::AdamW] {
        assert_close(two_steps(OptimizerSettings::new(algorithm)), expected);
    }
}

#[test]
fn the_global_norm_is_clipped() {
    let (_, gradients) = Bowl::at(3.0, 2.0).evaluate().unwrap();
    assert_eq!(global_norm(&Bowl::at(3.0, 2.0), &gradients).unwrap(), 0.0);
    let bowl = Bowl::at(3.0, 2.0);
    assert_eq!(global_norm(&bowl, &bowl.evaluate().unwrap().1).unwrap(), 5.0);
    let clipped = |norm| OptimizerSettings {
        gradient_scaling: GradientScaling::Clip { norm },
        ..OptimizerSettings::new(SGD)
    };
    // (3, 4) of length 5 becomes (0.6, 0.8); then (2.94, 3.84).
    let length = 2.94_f64.hypot(3.84);
    let second = [2.94 - 0.294 / length, 1.92 - 0.384 / length];
    assert_close(two_steps(clipped(1.0)), [[2.94, 1.92], second]);
    assert_close(two_steps(clipped(5.0)), two_steps(OptimizerSettings::new(SGD)).map(|at| at.map(f64::from)));
}

#[test]
fn the_normaliser_divides_by_the_running_mean_of_the_norm() {
    let mut settings = OptimizerSettings::new(SGD);
    settings.gradient_scaling = GradientScaling::Normalize;
    // The first gradient is divided by its length, 5, the second by 0.9 · 5 + 0.1 times its own.
    let mean = 4.5 + 0.1 * 2.94_f64.hypot(3.84);
    assert_close(two_steps(settings), [[2.94, 1.92], [2.94 - 0.294 / mean, 1.92 - 0.384 / mean]]);
}

#[test]
fn the_gradient_is_taken_at_the_worst_weights_nearby() {
    let with = |sharpness| OptimizerSettings { sharpness: Some(sharpness), ..OptimizerSettings::new(SGD) };
    // SAM: (3, 2) + 0.5 (0.6, 0.8) = (3.3, 2.4), slopes (3.3, 4.8); then (2.67, 1.52), slopes (2.67, 3.04).
    let length = 2.67_f64.hypot(3.04);
    let ascended = [2.67 * (1.0 + 0.5 / length), 1.52 + 0.5 * 3.04 / length];
    let second = [2.67 - 0.1 * ascended[0], 1.52 - 0.2 * ascended[1]];
    assert_close(two_steps(with(Sharpness::Sam { rho: 0.5 })), [[2.67, 1.52], second]);

    // ASAM: T = (3.01, 1), T g = (9.03, 4).
    let length = 9.03_f64.hypot(4.0);
    let ascended = [3.0 + 0.5 * 3.01 * 9.03 / length, 2.0 + 0.5 * 4.0 / length];
    let expected = [3.0 - 0.1 * ascended[0], 2.0 - 0.2 * ascended[1]];
    let first = two_steps(with(Sharpness::Asam { rho: 0.5 }))[0];
    assert_close([first, first], [expected; 2]);
}

#[test]
fn sharpness_stays_where_the_gradient_is_zero() {
    let settings =
        OptimizerSettings { sharpness: Some(Sharpness::Asam { rho: 1.0 }), ..OptimizerSettings::new(SGD) };
    let mut optimizer = Optimizer::new(settings).unwrap();
    assert_eq!(optimizer.step(Bowl::at(0.0, 0.0), 0.1, Bowl::evaluate).unwrap().0.position(), [0.0, 0.0]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = |settings| match Optimizer::new(settings) {
        Err(VisionError::Setting { name, .. }) => name,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("accepted"),
    };
    let plain = OptimizerSettings::new(SGD);
    for momentum in [-0.1, 1.0, f64::NAN] {
        assert_eq!(refused(OptimizerSettings::new(Algorithm::Sgd { momentum, nesterov: true })), "momentum");
    }
    assert_eq!(refused(OptimizerSettings { weight_decay: -1.0, ..plain }), "weight decay");
    assert_eq!(refused(OptimizerSettings { sharpness: Some(Sharpness::Sam { rho: 0.0 }), ..plain }), "rho");
    let gradient_scaling = GradientScaling::Clip { norm: f64::INFINITY };
    assert_eq!(
        refused(OptimizerSettings { gradient_scaling, ..plain }),
        "the norm that gradients are clipped at"
    );
}
