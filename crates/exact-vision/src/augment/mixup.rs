//! Mixup: samples that lie between two of a batch.

use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution as _};

use crate::VisionError;

/// Replaces each image of a batch by `λ x_i + (1 - λ) x_j` with another image `j` of it, and the loss by
/// `λ loss(y_i) + (1 - λ) loss(y_j)`; one `λ ~ Beta(α, α)` per batch.
///
/// # References
/// Zhang, Cisse, Dauphin and Lopez-Paz, *mixup: Beyond Empirical Risk Minimization*, arXiv 1710.09412.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixup {
    beta: Beta<f64>,
}

/// What one batch is mixed with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mixing {
    /// λ, the share of each sample itself.
    pub share: f32,
    /// The other sample of each.
    pub partners: Vec<usize>,
}

impl Mixup {
    /// With parameter `α`: small values leave most images nearly as they are.
    ///
    /// # Errors
    /// [`VisionError::Setting`] if `alpha` is not positive and finite.
    ///
    /// # Example
    /// ```
    /// use exact_vision::augment::Mixup;
    ///
    /// assert!(Mixup::new(0.2).is_ok() && Mixup::new(0.0).is_err());
    /// ```
    pub fn new(alpha: f64) -> Result<Self, VisionError> {
        let beta = Beta::new(alpha, alpha).ok().filter(|_| alpha.is_finite());
        let (name, expected) = ("the alpha of mixup", "positive and finite");
        let beta = beta.ok_or(VisionError::Setting { name, expected, value: alpha })?;
        Ok(Self { beta })
    }

    pub(crate) fn draw(&self, n_samples: usize, mut random: ChaCha8Rng) -> Mixing {
        let share = self.beta.sample(&mut random) as f32;
        let mut partners: Vec<usize> = (0..n_samples).collect();
        partners.shuffle(&mut random);
        Mixing { share, partners }
    }
}

impl Mixing {
    /// Mixes the images of a batch, each of `values` floats.
    pub fn apply(&self, images: &mut [f32], values: usize) {
        let plain = images.to_vec();
        for (image, &partner) in images.chunks_exact_mut(values).zip(&self.partners) {
            for (value, other) in image.iter_mut().zip(&plain[partner * values..]) {
                *value = self.share * *value + (1.0 - self.share) * other;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mixing, Mixup};
    use crate::augment::{Purpose, stream};

    #[test]
    fn images_are_mixed_with_their_partners() {
        let mut images = [0.0, 10.0, 4.0, 20.0, 8.0, 30.0];
        Mixing { share: 0.75, partners: vec![1, 2, 0] }.apply(&mut images, 2);
        assert_eq!(images, [1.0, 12.5, 5.0, 22.5, 6.0, 25.0]);
    }

    #[test]
    fn shares_follow_the_beta_distribution() {
        let draw = |batch| Mixup::new(2.0).unwrap().draw(4, stream(0, Purpose::Mixup, 0, batch));
        let shares: Vec<f64> = (0..2000).map(|batch| f64::from(draw(batch).share)).collect();
        let mean = shares.iter().sum::<f64>() / 2000.0;
        let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 2000.0;
        // Mean 1/2, variance 1 / (4 (2 α + 1)) = 1/20.
        assert!((mean - 0.5).abs() < 0.02 && (variance - 0.05).abs() < 0.005, "{mean} {variance}");
        let mut partners = draw(0).partners;
        partners.sort_unstable();
        assert_eq!(partners, [0, 1, 2, 3]);
    }

    #[test]
    fn alpha_is_positive() {
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Mixup::new(alpha).is_err(), "{alpha}");
        }
    }
}
