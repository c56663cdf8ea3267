//! Training steps on the processor: what the EXACT loss adds to one with cross-entropy, or how many images a
//! network is trained on, or classifies, in a second.
//!
//! `cargo bench -p exact-vision --bench training [-- train|predict NETWORK STEPS]`, which
//! `python/benchmarks/training.py` calls beside `PyTorch`. Steps take turns, and the fastest counts.

#![allow(clippy::print_stdout, clippy::cast_possible_wrap)]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use exact_core::loss::{CrossEntropy, Exact, Loss};
use exact_vision::ImageShape;
use exact_vision::burn::module::Module;
use exact_vision::burn::nn::{Linear, LinearConfig};
use exact_vision::burn::optim::GradientsParams;
use exact_vision::burn::tensor::{Device, Distribution, Int, Tensor};
use exact_vision::loss::Criterion;
use exact_vision::models::{Architecture, Network};
use exact_vision::optim::{Algorithm, Optimizer, OptimizerSettings};

const BATCH_SIZE: usize = 64;
const HEAD_BATCH_SIZE: usize = 128;
const STEPS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::default().autodiff();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [work, name, steps] = arguments.as_slice() {
        let steps = steps.parse()?;
        let seconds = if work == "predict" {
            fastest_prediction(&small_images(name, &Device::default())?, steps)?
        } else {
            let [step] = fastest(&small_images(name, &device)?, steps, [cross_entropy()])?;
            step.seconds
        };
        println!("{:.1}", BATCH_SIZE as f64 / seconds);
        return Ok(());
    }
    println!(
        "| step | batch | cross-entropy ms | EXACT ms | more | of it the loss: cross-entropy ms | EXACT ms |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let both = || -> Result<_, Box<dyn Error>> { Ok([cross_entropy(), Arc::new(Exact::new(0.5)?)]) };
    print_row("M3", BATCH_SIZE, fastest(&small_images("m3", &device)?, STEPS, both()?)?);
    let head = LinearConfig::new(2048, 1000).init(&device);
    let task =
        Task { module: head, forward: Linear::forward, inputs: random([HEAD_BATCH_SIZE, 2048], &device) };
    print_row("head of ResNet-50, 1000 classes", HEAD_BATCH_SIZE, fastest(&task, 10 * STEPS, both()?)?);
    // Images of a tenth of the usual pixels are a tenth of the work, and the loss takes what it takes.
    // Smaller ones would get a network without the strides at the beginning.
    let images = ImageShape { channels: 3, height: 72, width: 72 };
    let whole = network("resnet-50", images, 1000, HEAD_BATCH_SIZE, &device)?;
    print_row("ResNet-50 of 72 x 72 pixels, 1000 classes", HEAD_BATCH_SIZE, fastest(&whole, 3, both()?)?);
    Ok(())
}

fn print_row(name: &str, batch_size: usize, [cross_entropy, exact]: [Step; 2]) {
    let more = 100.0 * (exact.seconds / cross_entropy.seconds - 1.0);
    let [whole, with_exact] = [cross_entropy.seconds, exact.seconds].map(|seconds| 1e3 * seconds);
    let [loss, exact_loss] = [cross_entropy.loss, exact.loss].map(|seconds| 1e3 * seconds);
    println!(
        "| {name} | {batch_size} | {whole:.2} | {with_exact:.2} | {more:.1} % | {loss:.3} | {exact_loss:.3} |"
    );
}

fn cross_entropy() -> Arc<dyn Loss<f32>> {
    Arc::new(CrossEntropy::new())
}

/// What is trained, and on what.
struct Task<M, const D: usize> {
    module: M,
    forward: fn(&M, Tensor<D>) -> Tensor<2>,
    inputs: Tensor<D>,
}

/// A network on the images that it is for.
fn small_images(name: &str, device: &Device) -> Result<Task<Network, 4>, Box<dyn Error>> {
    let [channels, size] = if name.starts_with("wrn") { [3, 32] } else { [1, 28] };
    network(name, ImageShape { channels, height: size, width: size }, 10, BATCH_SIZE, device)
}

fn network(
    name: &str,
    images: ImageShape,
    n_classes: usize,
    batch_size: usize,
    device: &Device,
) -> Result<Task<Network, 4>, Box<dyn Error>> {
    let module = name.parse::<Architecture>()?.init(images, n_classes, 0, device)?;
    let inputs = random([batch_size, images.channels, images.height, images.width], device);
    Ok(Task { module, forward: Network::forward, inputs })
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// How long a step takes, and how much of it the loss with its gradient.
#[derive(Clone, Copy)]
struct Step {
    seconds: f64,
    loss: f64,
}

/// The fastest of several steps with each loss, each of which trains a module of its own; the first step is
/// not counted.
fn fastest<M: Module + Clone, const D: usize, const N: usize>(
    task: &Task<M, D>,
    steps: usize,
    losses: [Arc<dyn Loss<f32>>; N],
) -> Result<[Step; N], Box<dyn Error>> {
    let device = task.inputs.device();
    let [n, n_classes] = (task.forward)(&task.module, task.inputs.clone()).dims();
    let targets = Tensor::<1, Int>::arange(0..n as i64, &device).remainder_scalar(n_classes as i64);
    let sgd = Algorithm::Sgd { momentum: 0.9, nesterov: false };
    let mut settings = OptimizerSettings::new(sgd);
    settings.weight_decay = 1e-4;
    let optimizer = Optimizer::new(settings)?;
    let mut trainees =
        losses.map(|loss| (task.module.clone(), optimizer.clone(), Criterion::new(loss, &device)));
    let mut fastest = [Step { seconds: f64::INFINITY, loss: f64::INFINITY }; N];
    for step in 0..=steps {
        for ((module, optimizer, criterion), fastest) in trainees.iter_mut().zip(&mut fastest) {
            let start = Instant::now();
            let mut seconds = 0.0;
            let evaluate = |module: &M| {
                let logits = (task.forward)(module, task.inputs.clone());
                let start = Instant::now();
                let loss = criterion.forward(logits, targets.clone())?;
                seconds = start.elapsed().as_secs_f64();
                let gradients = GradientsParams::from_grads(loss.backward(), module);
                Ok((loss.try_into_scalar()?, gradients))
            };
            *module = optimizer.step(module.clone(), 0.01, evaluate)?.0;
            if step > 0 {
                fastest.seconds = fastest.seconds.min(start.elapsed().as_secs_f64());
                fastest.loss = fastest.loss.min(seconds);
            }
        }
    }
    Ok(fastest)
}

/// The seconds that the logits of a batch take, in the fastest of several; the first is not counted.
fn fastest_prediction<M, const D: usize>(task: &Task<M, D>, steps: usize) -> Result<f64, Box<dyn Error>> {
    let mut fastest = f64::INFINITY;
    for step in 0..=steps {
        let start = Instant::now();
        let logits: Vec<f32> = (task.forward)(&task.module, task.inputs.clone()).try_into_vec_as()?;
        let seconds = start.elapsed().as_secs_f64();
        assert!(logits.iter().all(|logit| logit.is_finite()), "the network has logits");
        if step > 0 {
            fastest = fastest.min(seconds);
        }
    }
    Ok(fastest)
}
