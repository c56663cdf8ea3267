//! Points of the unit cube: pseudo-random, or a randomised quasi-random sequence.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::LANES;
use super::sampled::Sampled;
use crate::random;

/// How the points of the unit cube are drawn that an integral is averaged over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sequence {
    /// Independent points: plain Monte Carlo, as in the paper.
    #[default]
    Random,
    /// A Richtmyer sequence: multiples of the square roots of the primes modulo 1, shifted at random (Cranley
    /// and Patterson 1976) and folded at 1/2. For one integral it is unbiased as random points are, with less
    /// variance.
    ///
    /// # References
    /// Genz and Bretz 2009, *Computation of Multivariate Normal and t Probabilities*, Lecture Notes in
    /// Statistics 195.
    QuasiRandom,
}

impl Sequence {
    /// Writes `samples` points of the unit cube of `dimension` dimensions, open at its ends: `LANES` points
    /// side by side, one entry per dimension, group after group. Places past the last sample are filled too.
    pub(super) fn fill<T: Sampled>(
        self,
        (seed, stream): (u64, u64),
        (samples, dimension): (usize, usize),
        steps: &mut Vec<f64>,
        points: &mut Vec<[T; LANES]>,
    ) {
        let mut random = random::stream(seed, stream);
        points.resize(samples.div_ceil(LANES) * dimension, [T::ZERO; LANES]);
        if self == Self::Random {
            for points in points.iter_mut() {
                *points = uniform(&mut random);
            }
            return;
        }
        extend_steps(steps, dimension);
        for (axis, &step) in steps[..dimension].iter().enumerate() {
            let [shift, ..] = uniform::<f64>(&mut random);
            for (group, points) in points[axis..].iter_mut().step_by(dimension).enumerate() {
                for (lane, point) in points.iter_mut().enumerate() {
                    let turn = step * (group * LANES + lane) as f64 + shift;
                    let folded = T::from_f64((2.0 * turn.fract() - 1.0).abs());
                    // Within the cube also where the fold meets its faces.
                    *point = folded.max(T::EPSILON).min(T::ONE - T::EPSILON);
                }
            }
        }
    }
}

/// Independent draws for all lanes.
fn uniform<T: Sampled>(random: &mut ChaCha8Rng) -> [T; LANES] {
    let mut bytes = [0; LANES * size_of::<f64>()];
    let bytes = &mut bytes[..LANES * T::BYTES];
    random.fill_bytes(bytes);
    let mut draws = [T::ZERO; LANES];
    for (draw, bytes) in draws.iter_mut().zip(bytes.chunks_exact(T::BYTES)) {
        *draw = T::uniform(bytes);
    }
    draws
}

/// The fractional parts of the square roots of the first primes.
fn extend_steps(steps: &mut Vec<f64>, dimension: usize) {
    if steps.len() >= dimension {
        return;
    }
    steps.clear();
    let mut primes: Vec<u64> = Vec::with_capacity(dimension);
    let mut candidate = 2;
    while primes.len() < dimension {
        if primes.iter().take_while(|&&prime| prime * prime <= candidate).all(|prime| candidate % prime != 0)
        {
            primes.push(candidate);
            steps.push((candidate as f64).sqrt().fract());
        }
        candidate += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{LANES, Sequence};

    fn points(sequence: Sequence, seed: u64, stream: u64) -> Vec<f64> {
        let (mut steps, mut points) = (Vec::new(), Vec::new());
        sequence.fill((seed, stream), (8 * LANES, 3), &mut steps, &mut points);
        points.into_iter().flatten().collect()
    }

    #[test]
    fn points_are_inside_the_cube_and_even() {
        for sequence in [Sequence::Random, Sequence::QuasiRandom] {
            let points = points(sequence, 1, 2);
            assert!(points.iter().all(|&point| point > 0.0 && point < 1.0));
            let mean = points.iter().sum::<f64>() / points.len() as f64;
            assert!((mean - 0.5).abs() < 5.0 / (12.0 * points.len() as f64).sqrt(), "{sequence:?} {mean}");
        }
    }

    #[test]
    fn seed_and_stream_decide() {
        for sequence in [Sequence::Random, Sequence::QuasiRandom] {
            assert_eq!(points(sequence, 1, 2), points(sequence, 1, 2));
            assert_ne!(points(sequence, 1, 2), points(sequence, 1, 3));
            assert_ne!(points(sequence, 1, 2), points(sequence, 2, 2));
        }
    }
}
