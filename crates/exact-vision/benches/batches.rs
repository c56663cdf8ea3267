//! Batches of images beside the training that uses them: `cargo bench -p exact-vision --bench batches` prints a table in Markdown.
//!
//! Prepared are the images that one epoch yields where nothing is done with them, on all threads. Trained are those of an epoch
//! in which each batch is a step of SGD on EXACT; waiting is the share of that epoch in which no step was at work.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::optim::GradientsParams;
use burn::tensor::Device;
use exact_core::loss::{Exact, Normalized};
use exact_images::{ChannelStatistics, ImageSize, Images};
use exact_vision::ImageShape;
use exact_vision::augment::{Mixup, Transform};
use exact_vision::batches::{Augmentation, Batches};
use exact_vision::burn;
use exact_vision::loss::Criterion;
use exact_vision::models::{Architecture, Network};
use exact_vision::optim::{Optimizer, OptimizerSettings};

const BATCH_SIZE: usize = 64;
const N_CLASSES: u32 = 10;
/// Epochs of preparation, of which the fastest counts.
const ROUNDS: usize = 3;

/// Images of noise.
fn noise(n: usize, channels: usize, side: usize) -> Images {
    let at = |at: usize| (at.wrapping_mul(2_654_435_761) >> 13) as u8;
    let pixels = (0..n * channels * side * side).map(at).collect();
    let labels = (0..n as u32).map(|label| label % N_CLASSES).collect();
    let names = (0..N_CLASSES).map(|class| class.to_string()).collect();
    Images::new(pixels, channels, ImageSize { height: side, width: side }, labels, names).unwrap()
}

/// Images per second that are prepared.
fn prepared(batches: &Batches<'_>, augmentation: Augmentation<'_>) -> f64 {
    let epoch = |epoch| {
        let (start, mut n) = (Instant::now(), 0);
        let count = |_, _| {
            n += BATCH_SIZE;
            Ok(())
        };
        batches.train(epoch, augmentation, count).unwrap();
        n as f64 / start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(epoch).fold(0.0, f64::max)
}

/// Images per second that are trained on, and the share of the time in which training waits.
fn trained(batches: &Batches<'_>, augmentation: Augmentation<'_>, model: Architecture) -> [f64; 2] {
    let device = Device::default().autodiff();
    let shape = ImageShape::of(batches.images);
    let mut network = model.init(shape, N_CLASSES as usize, 0, &device).unwrap();
    let loss = Normalized::new(Arc::new(Exact::new(1.0).unwrap()));
    let criterion = Criterion::new(Arc::new(loss), &device);
    let mut optimizer = Optimizer::new(OptimizerSettings::default()).unwrap();
    let (start, mut busy, mut n) = (Instant::now(), Duration::ZERO, 0);
    let step = |_, batch: exact_vision::batches::Batch| {
        let start = Instant::now();
        let evaluate = |network: &Network| {
            let logits = network.forward(batch.images(&device));
            let loss = criterion.forward(logits, batch.targets(&device))?;
            let gradients = GradientsParams::from_grads(loss.backward(), network);
            Ok((loss.try_into_scalar()?, gradients))
        };
        network = optimizer.step(network.clone(), 0.01, evaluate)?.0;
        busy += start.elapsed();
        n += BATCH_SIZE;
        Ok(())
    };
    batches.train(0, augmentation, step).unwrap();
    let total = start.elapsed();
    [n as f64 / total.as_secs_f64(), 1.0 - busy.as_secs_f64() / total.as_secs_f64()]
}

fn main() {
    let policies: [(&str, &[Transform], Option<f64>); 3] = [
        ("none", &[], None),
        (
            "crop, flip, cutout",
            &[Transform::Crop { padding: 4 }, Transform::Flip, Transform::Cutout { size: 8 }],
            None,
        ),
        (
            "rand-augment, auto-augment, crop, flip, cutout, mixup",
            &[
                Transform::RandAugment { operations: 2, magnitude: 9 },
                Transform::AutoAugment,
                Transform::Crop { padding: 4 },
                Transform::Flip,
                Transform::Cutout { size: 8 },
            ],
            Some(0.2),
        ),
    ];
    println!("| images | augmentation | prepared, images/s | network | trained, images/s | waiting |");
    println!("|---|---|--:|---|--:|--:|");
    for (channels, side, networks) in
        [(1, 28, [("small-cnn", 32), ("m3", 4)]), (3, 32, [("small-cnn", 32), ("wrn-16-4", 2)])]
    {
        let images = noise(64 * BATCH_SIZE, channels, side);
        let statistics = ChannelStatistics::of(&images);
        for (policy, transforms, alpha) in policies {
            let mixup = alpha.map(|alpha| Mixup::new(alpha).unwrap());
            let augmentation = Augmentation { transforms, mixup, seed: 0 };
            let batches = Batches { images: &images, statistics: &statistics, batch_size: BATCH_SIZE };
            let prepared = prepared(&batches, augmentation);
            for (network, steps) in networks {
                let images = images.select(&(0..steps * BATCH_SIZE).collect::<Vec<_>>()).unwrap();
                let batches = Batches { images: &images, ..batches };
                let [trained, waiting] = trained(&batches, augmentation, network.parse().unwrap());
                println!(
                    "| {side} x {side} x {channels} | {policy} | {prepared:.0} | {network} | {trained:.0} | {:.2} % |",
                    100.0 * waiting
                );
            }
        }
    }
}
