//! Numbers as text. What is not finite, or not known, is a dash.

use kuva::DateTimeAxis;

const UNKNOWN: &str = "–";

/// A fraction as a percentage with two decimals, without the sign.
pub(crate) fn percent(fraction: f64) -> String {
    fixed(100.0 * fraction, 2)
}

pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}").replace('-', "−") } else { UNKNOWN.into() }
}

/// About three significant digits, with an exponent only where plain digits would be long.
pub(crate) fn significant(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        UNKNOWN.into()
    } else if size == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&size) {
        let decimals = (2 - size.log10().floor() as i32).max(0) as usize;
        trim_zeros(&format!("{value:.decimals$}")).replace('-', "−")
    } else {
        let text = format!("{value:.2e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{exponent}", trim_zeros(digits)).replace('-', "−")
    }
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

pub(crate) fn known(value: Option<f64>, format: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| UNKNOWN.into(), format)
}

/// What follows a `p`: its value, or that it is very small. There are three decimals, or as many as show on
/// which side of the level of significance it is.
pub(crate) fn p_value(p: f64, level: f64) -> String {
    if p < 0.001 {
        return "< 0.001".into();
    }
    let shows_side = |decimals: &usize| p == level || fixed(p, *decimals) != fixed(level, *decimals);
    let decimals = (3..f64::DIGITS as usize).find(shows_side).unwrap_or(3);
    format!("= {}", fixed(p, decimals))
}

/// A moment in seconds since the beginning of 1970, on an axis of so many seconds: its day, or on a short one
/// day and time.
pub(crate) fn moment(value: f64, width: f64) -> String {
    const DAY: f64 = 86400.0;
    let format = if width < 3.0 * DAY { "%m-%d %H:%M" } else { "%Y-%m-%d" };
    DateTimeAxis::days(format).format_tick(value)
}

pub(crate) fn seconds(value: f64) -> String {
    if value >= 120.0 {
        format!("{} min", fixed(value / 60.0, 1))
    } else if value >= 10.0 {
        format!("{} s", fixed(value, 0))
    } else {
        format!("{} s", fixed(value, 2))
    }
}

/// A whole number with thin spaces between thousands.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_nan() {
        assert_eq!(percent(0.934_21), "93.42");
        assert_eq!(percent(f64::NAN), "–");
        let texts = [0.0, 0.1, 2.5e-5, 12345.0, 1.0, 0.0123, 1e-6, 999.9].map(significant);
        assert_eq!(texts, ["0", "0.1", "2.5e−5", "12345", "1", "0.0123", "1e−6", "1000"]);
        assert_eq!(known(None, significant), "–");
        let p_values = [0.0009, 0.049, 0.0496, 0.05, 0.050_04, 0.2].map(|p| p_value(p, 0.05));
        assert_eq!(p_values, ["< 0.001", "= 0.049", "= 0.0496", "= 0.050", "= 0.05004", "= 0.200"]);
        let moments = [1e6, 1e5].map(|width| moment(1_709_214_300.0, width));
        assert_eq!(moments, ["2024-02-29", "02-29 13:45"]);
        assert_eq!([0.123, 12.3, 600.0].map(seconds), ["0.12 s", "12 s", "10.0 min"]);
        assert_eq!([999, 1234, 32_561].map(count), ["999", "1234", "32\u{202f}561"]);
    }
}
