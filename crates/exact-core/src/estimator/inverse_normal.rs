//! The inverse of the normal distribution function, and Φ with its complement, written so that loops over them
//! vectorise.

// Coefficients have the digits that were published.
#![allow(clippy::excessive_precision)]

use crate::normal::{exp_nonpositive, half_erfcx, mul_add};

/// Numerator and denominator of Wichura's PPND16 for `|p - 1/2| <= 0.425`, in ascending powers of
/// `0.180625 - (p - 1/2)²`.
const CENTRAL: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_608,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561e3,
    ],
];
/// The same for the tails up to `r = sqrt(-ln p) = 5`, in powers of `r - 1.6`.
const TAIL: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
];
/// The same beyond, in powers of `r - 5`.
const FAR_TAIL: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
];

/// Smaller probabilities are taken as this one; the quantile is then -37.
const SMALLEST: f64 = 1e-300;

/// `x` with `Φ(x) = p`, for `p` in `(0, 1)`.
///
/// # Accuracy
/// Relative, 1e-14.
///
/// # References
/// Wichura 1988, *Algorithm AS 241: The Percentage Points of the Normal Distribution*, Applied Statistics 37.
#[inline(always)]
pub(super) fn inverse_cdf<const FUSED: bool>(p: f64) -> f64 {
    let centred = p - 0.5;
    let [a, b] = rational::<FUSED>(&CENTRAL, mul_add::<f64, FUSED>(-centred, centred, 0.180_625));
    let smaller = if p < 0.5 { p } else { 1.0 - p };
    let smaller = if smaller < SMALLEST { SMALLEST } else { smaller };
    let r = (-ln::<FUSED>(smaller)).sqrt();
    let [c, d] = rational::<FUSED>(&TAIL, r - 1.6);
    let [e, f] = rational::<FUSED>(&FAR_TAIL, r - 5.0);
    let (tail, tail_scale) = if r <= 5.0 { (c, d) } else { (e, f) };
    let tail = if centred < 0.0 { -tail } else { tail };
    let (numerator, denominator) = if centred.abs() <= 0.425 { (centred * a, b) } else { (tail, tail_scale) };
    numerator / denominator
}

/// `Φ(x)` and `1 - Φ(x)`, each with relative accuracy.
#[inline(always)]
pub(super) fn cdf_and_survival<const FUSED: bool>(x: f64) -> (f64, f64) {
    let y = x.abs();
    let small = exp_nonpositive::<f64, FUSED>(-0.5 * y * y) * half_erfcx::<f64, FUSED>(y);
    let large = 1.0 - small;
    if x < 0.0 { (small, large) } else { (large, small) }
}

#[inline(always)]
fn rational<const FUSED: bool>(coefficients: &[[f64; 8]; 2], x: f64) -> [f64; 2] {
    let mut values = [coefficients[0][7], coefficients[1][7]];
    for power in (0..7).rev() {
        values[0] = mul_add::<f64, FUSED>(values[0], x, coefficients[0][power]);
        values[1] = mul_add::<f64, FUSED>(values[1], x, coefficients[1][power]);
    }
    values
}

/// The natural logarithm of a positive normal number, by the series of `2 artanh((m - 1) / (m + 1))`.
#[inline(always)]
fn ln<const FUSED: bool>(x: f64) -> f64 {
    // Subtracting the bits of sqrt(1/2) makes the exponent field count from there, so that m is in [sqrt(1/2), sqrt(2)).
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const EXPONENT: u64 = 0xfff0_0000_0000_0000;
    const BIAS: u64 = 1023;
    // As the low bits of 2^52, an integer is converted to a number by a subtraction.
    const TWO_52: f64 = 4_503_599_627_370_496.0;
    let above = x.to_bits().wrapping_sub(SQRT_HALF).wrapping_add(BIAS << 52);
    let exponent = f64::from_bits((above >> 52) | TWO_52.to_bits()) - TWO_52 - BIAS as f64;
    let mantissa = f64::from_bits((above & !EXPONENT).wrapping_add(SQRT_HALF));
    let f = (mantissa - 1.0) / (mantissa + 1.0);
    let square = f * f;
    let mut series = 1.0 / 21.0;
    for odd in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = mul_add::<f64, FUSED>(series, square, 1.0 / odd);
    }
    mul_add::<f64, FUSED>(exponent, std::f64::consts::LN_2, 2.0 * f * series)
}

#[cfg(test)]
mod tests {
    use super::{cdf_and_survival, inverse_cdf, ln};

    #[test]
    fn quantiles_agree_with_golden_values() {
        // mpmath, 30 digits.
        let golden = [
            (1e-290, -36.420_731_673_207_996),
            (1e-100, -21.273_453_560_965_326),
            (1e-20, -9.262_340_089_798_407),
            (1e-11, -6.706_023_155_495_136),
            (1e-5, -4.264_890_793_922_825),
            (0.01, -2.326_347_874_040_841),
            (0.0749, -1.440_238_267_527_963_7),
            (0.0751, -1.438_825_392_752_54),
            (0.3, -0.524_400_512_708_040_8),
            (0.6, 0.253_347_103_135_799_7),
            (0.925, 1.439_531_470_938_456_1),
            (0.999, 3.090_232_306_167_813),
        ];
        for (p, x) in golden {
            let found = inverse_cdf::<false>(p);
            assert!((found / x - 1.0).abs() < 1e-14, "{p}: {found}");
        }
        assert_eq!(inverse_cdf::<false>(0.5), 0.0);
    }

    #[test]
    fn quantiles_undo_the_distribution_function() {
        for i in -3700..500 {
            let x = f64::from(i) / 100.0;
            let found = inverse_cdf::<false>(cdf_and_survival::<false>(x).0);
            // Above the mean, Φ itself has absolute accuracy.
            assert!((found - x).abs() < if x < 0.0 { 1e-13 } else { 1e-9 }, "{x}: {found}");
        }
    }

    #[test]
    fn logarithm_is_accurate() {
        for i in 1..4000 {
            let x = 1.3_f64.powi(i - 2500) * 1.000_1;
            assert!((ln::<false>(x) - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1.0), "{x}");
        }
    }
}
