//! Constants of the branch-free approximations, fitted or chosen for `f32` and `f64`.

use super::logarithm::{LN_2_HIGH_F32, LN_2_LOW_F32, ln_f32, ln_f64};

/// What the branch-free approximations need of a type. Out of reach outside the crate, which seals
/// [`Real`](crate::Real).
pub trait Approximation: Sized + 'static {
    /// Whether this is `f32`.
    const IS_SINGLE: bool;
    /// Coefficients of `(y + 4) erfcx(y/√2) / 2` in ascending powers of `t = (y - 4) / (y + 4)`.
    const HALF_ERFCX: &'static [Self];
    /// Coefficients of `e^r` for `|r| <= ln(2)/2` in ascending powers.
    const EXP: &'static [Self];
    /// 1.5 times the power of 2 from which on numbers are integers: adding it rounds a moderate number to an
    /// integer, which stands in the low bits of the sum.
    const ROUND_MAGIC: Self;
    /// Below this exponent `e^v` is taken as `e^EXP_FLOOR`, so that no product of it with a number above 1e-3
    /// is subnormal, which would be slow: `e^-80` is 1500 times the smallest normal `f32`, `e^-700` 4400
    /// times the smallest normal `f64`.
    const EXP_FLOOR: Self;
    /// `2^s + 1` with half of the digits `s`, rounded up: multiplying by it splits a number into two halves
    /// (Dekker 1971, Numer. Math. 18).
    const SPLITTER: Self;
    /// ln 2 rounded to few bits, so that small integer multiples are exact: as in Cephes' `expf` (`f32`) and
    /// fdlibm's `exp` (`f64`).
    const LN_2_HIGH: Self;
    /// ln 2 less [`Self::LN_2_HIGH`].
    const LN_2_LOW: Self;
    /// Below this many sigmas a difference of means is clamped, so that its square keeps its digits.
    const SHIFT_MIN: f64;
    /// Above this many sigmas a difference of means is clamped: 1 - P, at least `Q(18/√2)` = 2e-37 (`f32`) or
    /// `Q(53/√2)` = 1e-307 (`f64`), would underflow.
    const SHIFT_MAX: f64;
    /// `value * 2^n` for `shifted = ROUND_MAGIC + n`, where value and product are normal numbers.
    fn scale_by_power_of_two(value: Self, shifted: Self) -> Self;
    /// The natural logarithm of a positive normal number.
    fn kernel_ln<const FUSED: bool>(value: Self) -> Self;
}

// The shortest digits that give back the fitted f64 values, rounded by the compiler.
#[allow(clippy::excessive_precision)]
const HALF_ERFCX_F32: [f32; 10] = [
    0.755_285_14,
    -0.607_896_4,
    0.387_137_92,
    -0.186_527_3,
    0.060_393_22,
    -0.007_509_172,
    -0.003_472_362_9,
    0.001_558_564_3,
    0.000_127_214_46,
    -0.000_154_546_64,
];
const HALF_ERFCX_F64: [f64; 25] = [
    0.755_285_130_415_751_5,
    -0.607_896_641_971_892_3,
    0.387_137_400_742_214_9,
    -0.186_521_857_959_636_6,
    0.060_396_574_890_917_876,
    -0.007_540_188_967_386_312,
    -0.003_479_692_367_047_973_6,
    0.001_630_818_467_409_908_5,
    0.000_133_344_309_411_832_56,
    -0.000_231_095_017_362_774_26,
    -1.908_246_351_414_571e-06,
    3.514_511_190_283_765e-05,
    7.166_587_641_195_121e-07,
    -5.921_611_045_923_978e-06,
    -6.298_367_338_492_369e-07,
    1.024_785_101_655_277_4e-06,
    2.724_629_695_114_587_3e-07,
    -1.597_739_614_223_922e-07,
    -8.686_647_015_997_893e-08,
    1.784_492_777_298_141_5e-08,
    2.142_760_384_345_235_5e-08,
    -5.873_626_764_987_191e-10,
    -3.730_645_081_868_37e-09,
    -1.199_778_203_125_309_5e-10,
    3.403_312_308_649_495e-10,
];
/// Interpolation of `(e^r - 1) / r` at Chebyshev points: relative error 1.1e-8 of `e^r`.
const EXP_F32: [f32; 7] = [1.0, 1.0, 0.5, 0.166_665_03, 0.041_666_463, 0.008_369_341, 0.001_393_388_1];
/// Interpolation of `(e^r - 1 - r) / r²` at Chebyshev points: relative error 1.8e-17 of `e^r`.
const EXP_F64: [f64; 12] = [
    1.0,
    1.0,
    0.5,
    0.166_666_666_666_666_69,
    0.041_666_666_666_623_24,
    0.008_333_333_333_329_994,
    0.001_388_888_891_765_401_6,
    0.000_198_412_698_639_221_42,
    2.480_152_061_356_622_3e-5,
    2.755_726_793_523_192_6e-6,
    2.762_041_219_449_885e-7,
    2.510_063_446_187_849_7e-8,
];

impl Approximation for f32 {
    const IS_SINGLE: bool = true;
    const HALF_ERFCX: &'static [f32] = &HALF_ERFCX_F32;
    const EXP: &'static [f32] = &EXP_F32;
    const ROUND_MAGIC: f32 = 12_582_912.0;
    const EXP_FLOOR: f32 = -80.0;
    const SPLITTER: f32 = 4_097.0;
    const SHIFT_MIN: f64 = -64.0;
    const SHIFT_MAX: f64 = 18.0;
    const LN_2_HIGH: f32 = LN_2_HIGH_F32;
    const LN_2_LOW: f32 = LN_2_LOW_F32;

    #[inline(always)]
    fn scale_by_power_of_two(value: f32, shifted: f32) -> f32 {
        f32::from_bits((shifted.to_bits() << 23).wrapping_add(value.to_bits()))
    }

    #[inline(always)]
    fn kernel_ln<const FUSED: bool>(value: f32) -> f32 {
        ln_f32::<FUSED>(value)
    }
}

impl Approximation for f64 {
    const IS_SINGLE: bool = false;
    const HALF_ERFCX: &'static [f64] = &HALF_ERFCX_F64;
    const EXP: &'static [f64] = &EXP_F64;
    const ROUND_MAGIC: f64 = 6_755_399_441_055_744.0;
    const EXP_FLOOR: f64 = -700.0;
    const SPLITTER: f64 = 134_217_729.0;
    const SHIFT_MIN: f64 = -1e6;
    const SHIFT_MAX: f64 = 53.0;
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

    #[inline(always)]
    fn scale_by_power_of_two(value: f64, shifted: f64) -> f64 {
        f64::from_bits((shifted.to_bits() << 52).wrapping_add(value.to_bits()))
    }

    #[inline(always)]
    fn kernel_ln<const FUSED: bool>(value: f64) -> f64 {
        ln_f64::<FUSED>(value)
    }
}
