//! What sampling needs of a floating-point type: uniform draws, and the pieces of the inverse normal
//! distribution function.

// Coefficients have the digits that were published.
#![allow(clippy::excessive_precision)]

use crate::Real;

/// `f32` or `f64`, as the estimators need it. Out of reach outside the crate.
pub trait Sampled: Real {
    /// Numerator and denominator for `|p - 1/2| <= 0.425`, in ascending powers of `0.180625 - (p - 1/2)²`:
    /// Wichura's PPND7 for `f32` and PPND16 for `f64`.
    const CENTRAL: [&'static [Self]; 2];
    /// The same for the tails up to `r = sqrt(-ln p) = 5`, in powers of `r - 1.6`.
    const TAIL: [&'static [Self]; 2];
    /// The same beyond, in powers of `r - 5`.
    const FAR_TAIL: [&'static [Self]; 2];
    /// Smaller probabilities are taken as this one, whose logarithm is finite.
    const SMALLEST: Self;
    /// The bytes of randomness of a draw.
    const BYTES: usize = size_of::<Self>();

    /// Uniform in the open interval (0, 1) from [`Self::BYTES`] random bytes: the middles of 2^23 (`f32`) or
    /// 2^52 (`f64`) cells.
    fn uniform(bytes: &[u8]) -> Self;
}

impl Sampled for f32 {
    const CENTRAL: [&[f32]; 2] = [
        &[3.387_132_717_9, 50.434_271_938, 159.291_132_02, 59.109_374_720],
        &[1.0, 17.895_169_469, 78.757_757_664, 67.187_563_600],
    ];
    const TAIL: [&[f32]; 2] = [
        &[1.423_437_277_7, 2.756_815_390_0, 1.306_728_481_6, 0.170_238_211_03],
        &[1.0, 0.737_001_642_50, 0.120_211_329_75],
    ];
    const FAR_TAIL: [&[f32]; 2] = [
        &[6.657_905_115_0, 3.081_226_386_0, 0.428_682_943_37, 0.017_337_203_997],
        &[1.0, 0.241_978_942_25, 0.012_258_202_635],
    ];
    const SMALLEST: f32 = 1e-37;

    #[inline(always)]
    fn uniform(bytes: &[u8]) -> f32 {
        let bits = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        ((bits >> 9) as f32 + 0.5) * f32::EPSILON
    }
}

impl Sampled for f64 {
    const CENTRAL: [&[f64]; 2] = [
        &[
            3.387_132_872_796_366_608,
            1.331_416_678_917_843_774_5e2,
            1.971_590_950_306_551_442_7e3,
            1.373_169_376_550_946_112_5e4,
            4.592_195_393_154_987_145_7e4,
            6.726_577_092_700_870_085_3e4,
            3.343_057_558_358_812_810_5e4,
            2.509_080_928_730_122_672_7e3,
        ],
        &[
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
    const TAIL: [&[f64]; 2] = [
        &[
            1.423_437_110_749_683_577_34,
            4.630_337_846_156_545_295_9,
            5.769_497_221_460_691_405_5,
            3.647_848_324_763_204_605_04,
            1.270_458_252_452_368_382_58,
            2.417_807_251_774_506_117_7e-1,
            2.272_384_498_926_918_458_33e-2,
            7.745_450_142_783_414_076_4e-4,
        ],
        &[
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
    const FAR_TAIL: [&[f64]; 2] = [
        &[
            6.657_904_643_501_103_777_2,
            5.463_784_911_164_114_369_9,
            1.784_826_539_917_291_335_8,
            2.965_605_718_285_048_912_3e-1,
            2.653_218_952_657_612_309_3e-2,
            1.242_660_947_388_078_438_6e-3,
            2.711_555_568_743_487_578_15e-5,
            2.010_334_399_292_288_132_65e-7,
        ],
        &[
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

    const SMALLEST: f64 = 1e-300;

    #[inline(always)]
    fn uniform(bytes: &[u8]) -> f64 {
        let [low, high] =
            [0, 4].map(|at| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
        ((u64::from(high) << 20 | u64::from(low >> 12)) as f64 + 0.5) * f64::EPSILON
    }
}
