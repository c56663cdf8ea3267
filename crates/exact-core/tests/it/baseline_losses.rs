//! The baseline losses: golden values, gradients, invariances and extremes, in f64 and f32.
//!
//! Golden values were computed from the formulas with mpmath at 40 digits, gradients by its central
//! differences.

// Golden values have 17 digits.
#![allow(clippy::excessive_precision)]

use exact_core::Real;
use exact_core::loss::{
    BetaBernoulli, CrossEntropy, Focal, Hinge, Logits, Loss, LossSum, Poly1, Polynomial, Samples, Sigmoid,
};
use proptest::prelude::*;

/// Golden values agree to this in f64, relative to 1.
const TOLERANCE_F64: f64 = 4e-15;
/// The same in f32.
const TOLERANCE_F32: f64 = 2e-6;
/// Central differences at step [`STEP`] agree with the gradient to this.
const TOLERANCE_DIFFERENCE: f64 = 1e-8;
const STEP: f64 = 1e-5;

type Losses<T> = Vec<Box<dyn Loss<T>>>;

fn losses<T: Real>() -> Losses<T> {
    vec![
        Box::new(CrossEntropy::new()),
        Box::new(CrossEntropy::with_label_smoothing(0.1).unwrap()),
        Box::new(Hinge::new(1.0).unwrap()),
        Box::new(Sigmoid::new(0.5).unwrap()),
        Box::new(BetaBernoulli::new(0.5).unwrap()),
        Box::new(Polynomial::new(2.0).unwrap()),
        Box::new(Poly1::new(1.0).unwrap()),
        Box::new(Focal::new(2.0).unwrap()),
    ]
}

fn sum<T: Real>(
    loss: &dyn Loss<T>,
    logits: &[T],
    labels: &[u32],
    weights: Option<&[T]>,
) -> (LossSum<T>, Vec<T>) {
    let n_classes = logits.len() / labels.len();
    let samples = Samples::sum(Logits::new(logits, n_classes).unwrap(), labels, weights).unwrap();
    let mut grad = vec![T::from_f64(f64::NAN); logits.len()];
    let parameters = loss.initial_parameters();
    let sum = loss.sum(samples, &parameters, &mut grad);
    (sum, grad)
}

const LOGITS: [f64; 4] = [1.25, -0.5, 2.0, 0.375];

/// For each of [`losses`]: value and gradient at [`LOGITS`] with label 0, then with label 2.
#[rustfmt::skip]
const GOLDEN: [[(f64, [f64; 4]); 2]; 8] = [
    [(1.310_394_471_293_747_5,
      [-0.730_286_358_891_768_44, 0.046_869_203_017_755_483,
       0.570_983_782_706_791_18, 0.112_433_373_167_221_78]),
     (0.560_394_471_293_747_55,
      [0.269_713_641_108_231_56, 0.046_869_203_017_755_483,
       -0.429_016_217_293_208_82, 0.112_433_373_167_221_78])],
    [(1.357_269_471_293_747_5,
      [-0.655_286_358_891_768_44, 0.021_869_203_017_755_483,
       0.545_983_782_706_791_18, 0.087_433_373_167_221_777]),
     (0.682_269_471_293_747_55,
      [0.244_713_641_108_231_56, 0.021_869_203_017_755_483,
       -0.354_016_217_293_208_82, 0.087_433_373_167_221_777])],
    [(1.75, [-1.0, 0.0, 1.0, 0.0]),
     (0.25, [1.0, 0.0, -1.0, 0.0])],
    [(0.994_933_904_976_689_45,
      [-0.607_457_402_273_447_22, 0.056_906_047_759_471_12,
       0.298_292_904_140_665_71, 0.252_258_450_373_310_38]),
     (0.226_445_262_074_770_66,
      [0.298_292_904_140_665_71, 0.013_296_113_341_580_31,
       -0.383_456_199_132_902_28, 0.071_867_181_650_656_256])],
    [(1.822_793_280_107_061_5,
      [-1.586_850_193_694_734_5, 0.055_450_833_524_620_913,
       1.253_431_175_875_263_8, 0.277_968_184_294_849_73]),
     (0.385_981_376_470_682_37,
      [0.341_636_289_320_017_76, 0.012_676_695_703_709_456,
       -0.424_893_576_490_371_79, 0.070_580_591_466_644_58])],
    [(0.972_106_933_593_75, [-0.713_378_906_25, 0.087_890_625, 0.322_265_625, 0.303_222_656_25]),
     (0.256_652_832_031_25, [0.322_265_625, 0.0, -0.449_707_031_25, 0.127_441_406_25])],
    [(2.040_680_830_185_516,
      [-0.927_254_551_800_140_06, 0.059_510_466_419_515_229,
       0.724_985_897_754_391_13, 0.142_758_187_626_233_7]),
     (0.989_410_688_586_956_36,
      [0.423_715_756_155_831_51, 0.073_630_757_849_286_061,
       -0.673_977_519_885_843_87, 0.176_631_005_880_726_3])],
    [(0.698_857_176_145_164_37,
      [-0.766_457_608_752_308_72, 0.049_190_645_329_360_916,
       0.599_264_739_648_045_88, 0.118_002_223_774_901_92]),
     (0.103_143_356_612_643_84,
      [0.123_691_979_610_195_48, 0.021_494_443_070_055_721,
       -0.196_748_911_118_590_17, 0.051_562_488_438_338_969])],
];

fn assert_golden<T: Real>(tolerance: f64) {
    let logits = LOGITS.map(T::from_f64);
    for (loss, golden) in losses::<T>().iter().zip(GOLDEN) {
        for (label, (value, gradient)) in [0, 2].into_iter().zip(golden) {
            let (found, grad) = sum(loss.as_ref(), &logits, &[label], None);
            let name = loss.name();
            assert!((found.value.to_f64() - value).abs() < tolerance, "{name} {label}: {}", found.value);
            for (g, expected) in grad.iter().zip(gradient) {
                assert!((g.to_f64() - expected).abs() < tolerance, "{name} {label}: {grad:?}");
            }
        }
    }
}

#[test]
fn golden_values_f64() {
    assert_golden::<f64>(TOLERANCE_F64);
}

#[test]
fn golden_values_f32() {
    assert_golden::<f32>(TOLERANCE_F32);
}

/// Distinct logits of `n` rows, from a low-discrepancy sequence.
fn spread(n: usize, n_classes: usize) -> Vec<f64> {
    (0..n * n_classes).map(|i| ((i as f64 + 0.5) * 0.618_033_988_749_894_9).fract() * 5.0 - 2.5).collect()
}

#[test]
fn gradients_agree_with_central_differences() {
    for n_classes in [1, 2, 3, 17, 40] {
        let (logits, labels) = (spread(3, n_classes), [0, 1, 2].map(|row| row % n_classes as u32));
        let weights = [1.0, 0.25, 3.0];
        for loss in losses::<f64>() {
            let (_, grad) = sum(loss.as_ref(), &logits, &labels, Some(&weights));
            for at in 0..logits.len() {
                let value = |step: f64| {
                    let mut moved = logits.clone();
                    moved[at] += step;
                    sum(loss.as_ref(), &moved, &labels, Some(&weights)).0.value
                };
                let difference = (value(STEP) - value(-STEP)) / (2.0 * STEP);
                let error = (grad[at] - difference).abs();
                assert!(error < TOLERANCE_DIFFERENCE, "{} C={n_classes} {at}: {error}", loss.name());
            }
        }
    }
}

#[test]
fn parameter_gradients_agree_with_central_differences() {
    let (logits, labels, weights) = (spread(3, 5), [0, 3, 4], [1.0, 0.25, 3.0]);
    let samples = Samples::sum(Logits::new(&logits, 5).unwrap(), &labels, Some(&weights)).unwrap();
    let loss = BetaBernoulli::new(0.7).unwrap();
    let mut grad = vec![0.0; logits.len()];
    for parameters in [[-2.2, 0.0], [0.4, -1.0], [-1.0, 2.0]] {
        let slopes = loss.sum(samples, &parameters, &mut grad).parameters;
        for at in 0..2 {
            let mut value = |step: f64| {
                let mut moved = parameters;
                moved[at] += step;
                loss.sum(samples, &moved, &mut grad).value
            };
            let difference = (value(STEP) - value(-STEP)) / (2.0 * STEP);
            assert!((slopes[at] - difference).abs() < TOLERANCE_DIFFERENCE, "{parameters:?} {at}");
        }
    }
}

fn assert_extremes<T: Real>() {
    for n_classes in [1, 2, 3, 1000] {
        for pattern in [[1e30, -1e30], [-1e30, 1e30], [1e30, 1e30], [0.0, 1e30], [3e4, -3e4]] {
            let logits: Vec<T> = (0..n_classes).map(|class| T::from_f64(pattern[class % 2])).collect();
            for loss in losses::<T>() {
                let (found, grad) = sum(loss.as_ref(), &logits, &[0], None);
                let name = loss.name();
                assert!(found.value.is_finite(), "{name} C={n_classes} {pattern:?}: {}", found.value);
                assert!(found.parameters.iter().all(|slope| slope.is_finite()), "{name} {pattern:?}");
                assert!(grad.iter().all(|slope| slope.is_finite()), "{name} C={n_classes} {pattern:?}");
                let total: f64 = grad.iter().map(|slope| slope.to_f64()).sum();
                let size: f64 = grad.iter().map(|slope| slope.to_f64().abs()).sum();
                assert!(
                    total.abs() <= 1e-5 * size,
                    "{name} C={n_classes} {pattern:?}: gradient sums to {total}"
                );
            }
        }
    }
}

#[test]
fn extreme_logits_give_finite_values() {
    assert_extremes::<f64>();
    assert_extremes::<f32>();
}

#[test]
fn one_class_costs_nothing() {
    for loss in losses::<f64>() {
        let (found, grad) = sum(loss.as_ref(), &[3.0], &[0], None);
        assert_eq!((found.value, grad[0]), (0.0, 0.0), "{}", loss.name());
    }
}

#[test]
fn a_common_offset_costs_no_digits() {
    // 2^40 + k/1024 is exact in f64; all differences are as without the offset.
    let offset = 2.0_f64.powi(40);
    let shifted = LOGITS.map(|logit| logit + offset);
    for loss in losses::<f64>() {
        let (base, shifted) =
            (sum(loss.as_ref(), &LOGITS, &[0], None), sum(loss.as_ref(), &shifted, &[0], None));
        assert_eq!(base, shifted, "{}", loss.name());
    }
    // Equal logits, however large: log C.
    let loss = CrossEntropy::new();
    for n_classes in [2, 10, 1000] {
        let (found, _) = sum::<f32>(&loss, &vec![1e30; n_classes], &[1], None);
        assert!((found.value - (n_classes as f32).ln()).abs() < 1e-6 * found.value, "{}", found.value);
    }
}

#[test]
fn confident_predictions_keep_relative_accuracy() {
    // log(1 + e^-60) and, for Poly-1 with epsilon 1, twice that: 1 - p is the same to 27 digits.
    let rest = 8.756_510_762_696_520_3e-27;
    let expected: [(Box<dyn Loss<f64>>, f64); 2] =
        [(Box::new(CrossEntropy::new()), rest), (Box::new(Poly1::new(1.0).unwrap()), 2.0 * rest)];
    for (loss, expected) in expected {
        let (found, grad) = sum(loss.as_ref(), &[60.0, 0.0], &[0], None);
        for value in [found.value, -grad[0], grad[1]] {
            assert!((value / expected - 1.0).abs() < 1e-14, "{} {value}", loss.name());
        }
    }
}

#[test]
fn focal_loss_keeps_relative_accuracy_at_either_end() {
    let focal = Focal::new(2.0).unwrap();
    // 1 - p = m: the loss is m² log(1 / p) and its slope is -3 m³ but for a relative m.
    let (found, grad) = sum(&focal, &[60.0, 0.0], &[0], None);
    let expected = 6.714_184_288_211_612_3e-79;
    for value in [found.value, -grad[0] / 3.0, grad[1] / 3.0] {
        assert!((value / expected - 1.0).abs() < 1e-14, "{value}");
    }
    let (found, grad) = sum(&focal, &[-60.0, 0.0], &[0], None);
    assert!((found.value - 60.0).abs() < 1e-14 && (grad[0] + 1.0).abs() < 1e-14);
}

#[test]
fn focal_loss_without_focus_is_cross_entropy() {
    let logits = spread(7, 5);
    let labels = [0, 1, 2, 3, 4, 0, 1];
    let focal = sum(&Focal::new(0.0).unwrap(), &logits, &labels, None);
    assert_eq!(focal, sum(&CrossEntropy::new(), &logits, &labels, None));
}

#[test]
fn the_first_of_tied_rivals_takes_the_hinge_subgradient() {
    let (found, grad) = sum(&Hinge::new(1.0).unwrap(), &[0.5_f64, 0.0, 0.5, 0.5], &[1], None);
    assert_eq!((found.value, grad), (1.5, vec![1.0, -1.0, 0.0, 0.0]));
    // At the kink the loss is 0 and so is the subgradient.
    let (found, grad) = sum(&Hinge::new(1.0).unwrap(), &[1.0_f64, 0.0], &[0], None);
    assert_eq!((found.value, grad), (0.0, vec![0.0, 0.0]));
}

#[test]
fn large_batches_equal_the_sum_of_their_rows() {
    // Rows beyond one cache chunk and one parallel block, an odd count of them.
    let (n, n_classes) = (1501, 3);
    let logits = spread(n, n_classes);
    let labels: Vec<u32> = (0..n).map(|row| (row % 3) as u32).collect();
    for loss in losses::<f64>() {
        let mut grad = vec![f64::NAN; logits.len()];
        let mean = loss.evaluate(Logits::new(&logits, n_classes).unwrap(), &labels, None, &mut grad).unwrap();
        let mut total = 0.0;
        for row in 0..n {
            let at = row * n_classes..(row + 1) * n_classes;
            let (one, one_grad) = sum(loss.as_ref(), &logits[at.clone()], &labels[row..=row], None);
            total += one.value;
            for (g, one) in grad[at].iter().zip(one_grad) {
                assert!((g * n as f64 - one).abs() < 1e-12, "{} row {row}", loss.name());
            }
        }
        assert!((mean - total / n as f64).abs() < 1e-12, "{}", loss.name());
    }
}

proptest! {
    #[test]
    fn permuting_the_classes_permutes_the_gradient(
        logits in prop::collection::vec(-8.0_f64..8.0, 2..40),
        label in any::<prop::sample::Index>(),
        turn in any::<prop::sample::Index>(),
    ) {
        let n_classes = logits.len();
        let (label, turn) = (label.index(n_classes), turn.index(n_classes));
        let mut turned = logits.clone();
        turned.rotate_left(turn);
        let turned_label = (label + n_classes - turn) % n_classes;
        for loss in losses::<f64>() {
            let (a, mut grad) = sum(loss.as_ref(), &logits, &[label as u32], None);
            let (b, turned_grad) = sum(loss.as_ref(), &turned, &[turned_label as u32], None);
            grad.rotate_left(turn);
            prop_assert!((a.value - b.value).abs() <= 1e-13 * (1.0 + a.value), "{}", loss.name());
            for (a, b) in grad.iter().zip(&turned_grad) {
                prop_assert!((a - b).abs() <= 1e-13 * (1.0 + a.abs()), "{}", loss.name());
            }
        }
    }

    #[test]
    fn an_integer_weight_is_a_repeated_sample(
        logits in prop::collection::vec(-8.0_f64..8.0, 6),
        labels in prop::array::uniform2(0_u32..3),
    ) {
        let repeated = [&logits[..3], &logits[3..], &logits[3..]].concat();
        for loss in losses::<f64>() {
            let (a, _) = sum(loss.as_ref(), &logits, &labels, Some(&[1.0, 2.0]));
            let (b, _) = sum(loss.as_ref(), &repeated, &[labels[0], labels[1], labels[1]], None);
            prop_assert!((a.value - b.value).abs() <= 1e-13 * (1.0 + a.value), "{}", loss.name());
            for (a, b) in a.parameters.iter().zip(b.parameters) {
                prop_assert!((a - b).abs() <= 1e-13 * (1.0 + a.abs()), "{}", loss.name());
            }
        }
    }
}
