//! The natural logarithm of positive normal numbers, without branches.

use super::{mul_add, polynomial};

/// ln 2 rounded to few bits, so that small integer multiples are exact, as in Cephes' `expf`.
pub(super) const LN_2_HIGH_F32: f32 = 0.693_359_4;
/// ln 2 less [`LN_2_HIGH_F32`].
pub(super) const LN_2_LOW_F32: f32 = -2.121_944_4e-4;

/// `ln v` for a positive normal number, to a rounding of the result: `v = 2^n m` with m around 1, and the
/// polynomial of Cephes' `logf`.
#[inline(always)]
pub(crate) fn ln_f32<const FUSED: bool>(v: f32) -> f32 {
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    const POLYNOMIAL: [f32; 9] = [
        0.333_333_3,
        -0.249_999_94,
        0.200_007_15,
        -0.166_680_57,
        0.142_493_23,
        -0.124_201_41,
        0.116_769_99,
        -0.115_146_1,
        0.070_376_836,
    ];
    let bits = v.to_bits().cast_signed();
    let exponent = (bits - SQRT_HALF_BITS) >> 23;
    let f = f32::from_bits((bits - (exponent << 23)).cast_unsigned()) - 1.0;
    let n = exponent as f32;
    let square = f * f;
    let tail = f * square * polynomial::<f32, FUSED>(f, &POLYNOMIAL);
    let tail = mul_add::<f32, FUSED>(n, LN_2_LOW_F32, tail);
    let tail = mul_add::<f32, FUSED>(-0.5, square, tail);
    mul_add::<f32, FUSED>(n, LN_2_HIGH_F32, f + tail)
}

/// `ln x` for a positive normal number, to two roundings of the result: by the series of
/// `2 artanh((m - 1) / (m + 1))`.
#[inline(always)]
pub(crate) fn ln_f64<const FUSED: bool>(x: f64) -> f64 {
    // Subtracting the bits of sqrt(1/2) makes the exponent field count from there, so that the mantissa is in
    // [sqrt(1/2), sqrt(2)).
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
    use super::{ln_f32, ln_f64};

    #[test]
    fn logarithms_are_accurate_over_the_range_and_near_one() {
        for i in 1..4000 {
            let x = 1.3_f64.powi(i - 2500) * 1.000_1;
            let near = 1.0 - 0.5_f64.powf(f64::from(i) / 80.0);
            for x in [x, near] {
                assert!((ln_f64::<false>(x) / x.ln() - 1.0).abs() <= 6e-16, "{x}");
                let single = x as f32;
                if single.is_normal() && single != 1.0 {
                    let expected = f64::from(single).ln();
                    assert!((f64::from(ln_f32::<false>(single)) / expected - 1.0).abs() <= 2e-7, "{single}");
                }
            }
        }
    }
}
