//! Random changes of random strength: `RandAugment`, and the policy that `AutoAugment` found for CIFAR-10.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use super::geometry::Affine;
use super::image::Image;
use super::{colour, geometry};

/// One of the changes that policies are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Saturation,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

use Operation::{
    AutoContrast, Brightness, Contrast, Equalize, Identity, Invert, Posterize, Rotate, Saturation, Sharpness,
    ShearX, ShearY, Solarize, TranslateX, TranslateY,
};

/// The largest shear, as a slope.
const SHEAR: f64 = 0.3;
/// The largest translation, as a share of the side.
const TRANSLATION: f64 = 150.0 / 331.0;
/// The largest rotation, in degrees.
const ROTATION: f64 = 30.0;
/// The largest difference of the factors of colours from 1.
const ENHANCEMENT: f64 = 0.9;
/// The most bits that are dropped.
const BITS: f64 = 4.0;

impl Operation {
    /// Changes the image by the given share of the largest strength, to a random side where there are two.
    fn apply(self, image: &mut Image, strength: f64, random: &mut ChaCha8Rng) {
        let signed = if random.random() { strength } else { -strength };
        let shift = |side: usize| (signed * TRANSLATION * side as f64).round() as isize;
        let factor = 1.0 + signed * ENHANCEMENT;
        match self {
            Identity => {}
            ShearX => Affine::shear_x(signed * SHEAR).apply(image),
            ShearY => Affine::shear_y(signed * SHEAR).apply(image),
            TranslateX => geometry::shift(image, 0, shift(image.shape.width)),
            TranslateY => geometry::shift(image, shift(image.shape.height), 0),
            Rotate => Affine::rotation(signed * ROTATION).apply(image),
            Brightness => colour::brightness(image, factor),
            Saturation => colour::saturation(image, factor),
            Contrast => colour::contrast(image, factor),
            Sharpness => colour::sharpness(image, factor),
            Posterize => colour::posterize(image, 8 - (strength * BITS).round() as u32),
            Solarize => colour::solarize(image, 255.0 * (1.0 - strength)),
            AutoContrast => colour::auto_contrast(image),
            Equalize => colour::equalize(image),
            Invert => colour::invert(image),
        }
    }
}

/// What `RandAugment` chooses from.
const RAND_AUGMENT: [Operation; 14] = [
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Saturation,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
];

/// The strongest magnitude of `RandAugment`.
pub(super) const STRONGEST: u32 = 30;

/// So many random changes, each of the same magnitude of [`STRONGEST`].
pub(super) fn rand_augment(image: &mut Image, operations: usize, magnitude: u32, random: &mut ChaCha8Rng) {
    for _ in 0..operations {
        let operation = RAND_AUGMENT.choose(random).expect("there are fourteen to choose from");
        operation.apply(image, f64::from(magnitude) / f64::from(STRONGEST), random);
    }
}

/// A change, how probable it is in tenths, and its magnitude from 0 to 9.
type Step = (Operation, u32, u32);

/// Table 7 of the paper: pairs of changes, of which one pair is chosen for each image.
const CIFAR_POLICY: [[Step; 2]; 25] = [
    [(Invert, 1, 7), (Contrast, 2, 6)],
    [(Rotate, 7, 2), (TranslateX, 3, 9)],
    [(Sharpness, 8, 1), (Sharpness, 9, 3)],
    [(ShearY, 5, 8), (TranslateY, 7, 9)],
    [(AutoContrast, 5, 8), (Equalize, 9, 2)],
    [(ShearY, 2, 7), (Posterize, 3, 7)],
    [(Saturation, 4, 3), (Brightness, 6, 7)],
    [(Sharpness, 3, 9), (Brightness, 7, 9)],
    [(Equalize, 6, 5), (Equalize, 5, 1)],
    [(Contrast, 6, 7), (Sharpness, 6, 5)],
    [(Saturation, 7, 7), (TranslateX, 5, 8)],
    [(Equalize, 3, 7), (AutoContrast, 4, 8)],
    [(TranslateY, 4, 3), (Sharpness, 2, 6)],
    [(Brightness, 9, 6), (Saturation, 2, 8)],
    [(Solarize, 5, 2), (Invert, 0, 3)],
    [(Equalize, 2, 0), (AutoContrast, 6, 0)],
    [(Equalize, 2, 8), (Equalize, 6, 4)],
    [(Saturation, 9, 9), (Equalize, 6, 6)],
    [(AutoContrast, 8, 4), (Solarize, 2, 8)],
    [(Brightness, 1, 3), (Saturation, 7, 0)],
    [(Solarize, 4, 5), (AutoContrast, 9, 3)],
    [(TranslateY, 9, 9), (TranslateY, 7, 9)],
    [(AutoContrast, 9, 2), (Solarize, 8, 3)],
    [(Equalize, 8, 8), (Invert, 1, 3)],
    [(TranslateY, 7, 9), (AutoContrast, 9, 1)],
];

/// A random pair of the policy for CIFAR-10.
pub(super) fn auto_augment(image: &mut Image, random: &mut ChaCha8Rng) {
    let pair = CIFAR_POLICY.choose(random).expect("there are 25 pairs to choose from");
    for &(operation, tenths, magnitude) in pair {
        if random.random_ratio(tenths, 10) {
            operation.apply(image, f64::from(magnitude) / 9.0, random);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;
    use crate::ImageShape;

    #[test]
    fn operations_reach_their_strongest() {
        let shape = ImageShape { channels: 1, height: 3, width: 9 };
        let image = Image { pixels: (0..27).map(|pixel| 9 * pixel).collect(), shape };
        let strongest = |operation: Operation, signs: [fn(&mut Image); 2]| {
            let mut random = ChaCha8Rng::seed_from_u64(0);
            let mut seen = [false; 2];
            for _ in 0..20 {
                let mut changed = image.clone();
                operation.apply(&mut changed, 1.0, &mut random);
                let expected = signs.map(|sign| {
                    let mut expected = image.clone();
                    sign(&mut expected);
                    expected
                });
                assert!(expected.contains(&changed), "{operation:?}");
                seen[usize::from(changed != expected[0])] = true;
            }
            assert_eq!(seen, [true; 2], "{operation:?}: only one sign in twenty draws");
        };
        strongest(
            Brightness,
            [
                |image| colour::brightness(image, 1.0 + ENHANCEMENT),
                |image| colour::brightness(image, 1.0 - ENHANCEMENT),
            ],
        );
        // 9 · 150 / 331 = 4.08.
        strongest(TranslateX, [|image| geometry::shift(image, 0, 4), |image| geometry::shift(image, 0, -4)]);
        strongest(TranslateY, [|image| geometry::shift(image, 1, 0), |image| geometry::shift(image, -1, 0)]);
        strongest(
            Rotate,
            [|image| Affine::rotation(30.0).apply(image), |image| Affine::rotation(-30.0).apply(image)],
        );
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let mut changed = image.clone();
        Posterize.apply(&mut changed, 1.0, &mut random);
        assert!(changed.pixels.iter().all(|pixel| pixel % 16 == 0));
        Solarize.apply(&mut changed, 1.0, &mut random);
        assert_eq!(changed.pixels[0], 255);
    }

    #[test]
    fn policies_change_most_images_and_keep_their_shape() {
        let shape = ImageShape { channels: 3, height: 32, width: 32 };
        let image = Image { pixels: (0..3072).map(|at| (at * at % 251) as u8).collect(), shape };
        let policies: [fn(&mut Image, &mut ChaCha8Rng); 2] =
            [|image, random| rand_augment(image, 2, 9, random), auto_augment];
        for policy in policies {
            let mut random = ChaCha8Rng::seed_from_u64(1);
            let mut unchanged = 0;
            for _ in 0..200 {
                let mut changed = image.clone();
                policy(&mut changed, &mut random);
                assert_eq!((changed.pixels.len(), changed.shape), (3072, shape));
                unchanged += usize::from(changed == image);
            }
            assert!(unchanged < 40, "{unchanged} of 200 images are unchanged");
        }
    }
}
