//! Numbers that can be read in no other way.

/// The powers of 10 that a float has exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// As many digits as an integer has that every float has exactly.
const EXACT_DIGITS: usize = 15;

/// The value of a text that is a number without doubt: digits, a decimal point, a minus sign, an exponent.
/// What may be a code is none: a number with leading zeros, or one with more digits than a float holds.
///
/// A quotient of an integer of at most 15 digits and a power of 10 up to 22 is rounded once, hence rightly
/// (Clinger 1990); the rest is left to the standard library.
pub(crate) fn plain_number(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let first = *digits.first()?;
    if !first.is_ascii_digit() && first != b'.' {
        return None;
    }
    if first == b'0' && digits.get(1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (mut mantissa, mut n_digits, mut decimals, mut point) = (0_u64, 0, 0, false);
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                n_digits += usize::from(n_digits > 0 || byte != b'0');
                decimals += usize::from(point);
            }
            b'.' if !point => point = true,
            b'e' | b'E' if at > 0 => return with_exponent(text),
            _ => return None,
        }
    }
    if point && digits.len() == 1 {
        return None;
    }
    if n_digits > EXACT_DIGITS || decimals >= EXACT_POWERS.len() {
        // An integer of so many digits is a code.
        return if point { with_exponent(text) } else { None };
    }
    let value = mantissa as f64 / EXACT_POWERS[decimals];
    Some(if negative { -value } else { value })
}

fn with_exponent(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// The number with which a text begins, as [`plain_number`] reads it, and its bytes, if that is quick: there
/// are at most seven digits on each side of the point, and the text goes on behind it for some bytes.
pub(crate) fn leading_number(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let (mut mantissa, n_whole) = leading_digits(&text[start..])?;
    let (mut end, mut decimals) = (start + n_whole, 0);
    if text.get(end) == Some(&b'.') {
        let (fraction, n_digits) = leading_digits(&text[end + 1..])?;
        mantissa = mantissa * POWERS[n_digits] + fraction;
        decimals = n_digits;
        end += 1 + n_digits;
    }
    let has_leading_zero = n_whole > 1 && text[start] == b'0';
    if n_whole + decimals == 0 || has_leading_zero {
        return None;
    }
    let value = mantissa as f64 / EXACT_POWERS[decimals];
    Some((if negative { -value } else { value }, end))
}

const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The integer with which eight bytes begin, and its digits; `None` if all are digits.
///
/// The bytes are the lanes of one integer, so that no branch depends on how many digits there are: the lanes
/// behind the digits are shifted out, which puts zeros before them, and neighbours are added up in three
/// steps (Lemire 2018, "Quickly parsing eight digits").
fn leading_digits(text: &[u8]) -> Option<(u64, usize)> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const TO_HIGH_BIT: u64 = 0x7676_7676_7676_7676;
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let lanes = u64::from_le_bytes(*text.first_chunk()?) ^ ZEROS;
    // A lane above 9 has the high bit, or gets it; what it carries changes only lanes behind it.
    let others = (lanes | lanes.wrapping_add(TO_HIGH_BIT)) & HIGH_BITS;
    if others == 0 {
        return None;
    }
    let n_digits = others.trailing_zeros() / 8;
    let digits = lanes << (56 - 8 * n_digits) << 8;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    Some((low.wrapping_add(high) >> 32, n_digits as usize))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_plainly_a_number() {
        for (text, number) in [("0", 0.0), ("-0.5", -0.5), ("12.50", 12.5), (".5", 0.5), ("5.", 5.0)] {
            assert_eq!(plain_number(text.as_bytes()), Some(number), "{text}");
        }
        assert_eq!(plain_number(b"1e-3"), Some(1e-3));
        assert_eq!(plain_number(b"0.1234567890123456789"), Some(0.123_456_789_012_345_68));
        for text in ["", "-", ".", "1.2.3", "007", "1,5", "+1", "nan", "inf", "1e999", "e5", "1 2", "0x10"] {
            assert_eq!(plain_number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(plain_number(b"1234567890123456789"), None, "a code");
    }

    #[test]
    fn what_begins_with_a_number() {
        for (text, number) in [
            ("0,.......", (0.0, 1)),
            ("-0.5,.......", (-0.5, 4)),
            ("1234567.1234567;.......", (1_234_567.123_456_7, 15)),
            (".25\n.......", (0.25, 3)),
            ("5.,.......", (5.0, 2)),
            ("1.2.3.......", (1.2, 3)),
            ("1é.......", (1.0, 1)),
        ] {
            assert_eq!(leading_number(text.as_bytes()), Some(number), "{text}");
        }
        for text in ["", "1,2", "12345678,......", "1.12345678,......", "007,......", "-,......", ".,......"]
        {
            assert_eq!(leading_number(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(value in -1e12_f64..1e12, decimals in 0_usize..18) {
            let text = format!("{value:.decimals$}");
            let parsed: f64 = text.parse().unwrap();
            if let Some(number) = plain_number(text.as_bytes()) {
                prop_assert_eq!(number.to_bits(), parsed.to_bits());
            } else {
                prop_assert!(false, "{} is a number", text);
            }
        }

        #[test]
        fn a_leading_number_is_a_plain_one(
            text in "-?[0-9]{0,9}[.,]?[0-9]{0,9}[,.e\u{80}-\u{ff}]?",
            rest in "[0-9,;]{0,12}",
        ) {
            let text = text + &rest;
            if let Some((number, length)) = leading_number(text.as_bytes()) {
                let plain = plain_number(&text.as_bytes()[..length]).map(f64::to_bits);
                prop_assert_eq!(Some(number.to_bits()), plain, "{}", text);
            }
        }

        #[test]
        fn most_numbers_are_quick_to_read(
            whole in -9_999_999_i64..10_000_000,
            decimals in 0_u32..10_000_000,
        ) {
            let text = format!("{whole}.{decimals:07}");
            let (number, length) = leading_number((text.clone() + ",......").as_bytes()).unwrap();
            prop_assert_eq!(number.to_bits(), text.parse::<f64>().unwrap().to_bits());
            prop_assert_eq!(length, text.len());
        }
    }
}
