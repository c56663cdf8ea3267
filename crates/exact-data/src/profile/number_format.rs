//! Numbers as people write them: `1,234.50`, `1.234,50`, `(12)`, `−3`, `$5`, `12 %`, `5 kg`.

use serde::{Deserialize, Serialize};

/// How the numbers of a column are written. Signs, parentheses around negative numbers and white space are
/// understood in every format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NumberFormat {
    /// The decimal separator, a point or a comma.
    pub decimal: char,
    /// The separator of thousands; each kind of space stands for all.
    pub grouping: Option<char>,
    /// What stands before or behind each number: a currency, a percent sign or a unit.
    pub affix: Option<String>,
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self { decimal: '.', grouping: None, affix: None }
    }
}

/// Decimal and grouping separators, the more usual ones first.
const SEPARATORS: [(char, char); 7] =
    [('.', ','), (',', '.'), ('.', ' '), (',', ' '), ('.', '\''), (',', '\''), ('.', '_')];
const CURRENCIES: [&str; 24] = [
    "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₫", "฿", "₪", "R$", "US$", "kr", "zł", "USD", "EUR", "GBP",
    "CHF", "JPY", "SEK", "NOK", "DKK",
];
const PERCENT: &str = "%";
/// Texts from which affixes are guessed.
const GUESSED_FROM: usize = 20;
/// A unit is a word.
const LONGEST_UNIT: usize = 12;

impl NumberFormat {
    /// The value of a text, or `None` if it is no number of this format, or not finite.
    ///
    /// # Example
    /// ```
    /// use exact_data::NumberFormat;
    ///
    /// assert_eq!(NumberFormat::default().parse("−1.5"), Some(-1.5));
    /// assert_eq!(NumberFormat::default().parse("(3)"), Some(-3.0));
    /// assert_eq!(NumberFormat::default().parse("1,5"), None);
    /// ```
    pub fn parse(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        let (text, in_parentheses) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
            Some(inner) => (inner.trim(), true),
            None => (text, false),
        };
        let (text, sign) = strip_sign(text);
        let text = self.strip_affix(text);
        let (text, second) = strip_sign(text);
        if u8::from(in_parentheses) + u8::from(sign.is_some()) + u8::from(second.is_some()) > 1 {
            return None;
        }
        let value = self.magnitude(text)?;
        Some(if in_parentheses || sign.or(second) == Some('-') { -value } else { value })
    }

    fn strip_affix<'a>(&self, text: &'a str) -> &'a str {
        let Some(affix) = &self.affix else { return text };
        let bare = text.strip_prefix(affix.as_str()).or_else(|| text.strip_suffix(affix.as_str()));
        bare.map_or(text, str::trim)
    }

    /// The value of digits with separators, and perhaps an exponent.
    fn magnitude(&self, text: &str) -> Option<f64> {
        if !text.starts_with(|c: char| c.is_ascii_digit() || c == self.decimal) {
            return None;
        }
        let mut plain = String::with_capacity(text.len());
        let (whole, rest) = match text.find([self.decimal, 'e', 'E']) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        match self.grouping {
            Some(grouping) => push_groups(whole, grouping, &mut plain)?,
            None => plain.push_str(whole),
        }
        match rest.strip_prefix(self.decimal) {
            Some(decimals) => {
                plain.push('.');
                plain.push_str(decimals);
            }
            None => plain.push_str(rest),
        }
        if !plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        {
            return None;
        }
        plain.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// The format that most of some texts have, each of which stands for as many cells as its count says; of
    /// equally good ones the simplest. `has_plain` says that the column has plain numbers too,
    /// `prefers_comma` that a comma which may be either is the decimal separator, and `decimal` what it is
    /// known to be.
    pub(crate) fn infer(
        texts: &[(&str, usize)],
        has_plain: bool,
        prefers_comma: bool,
        decimal: Option<char>,
    ) -> Self {
        let mut affixes = vec![None];
        for (text, _) in texts.iter().take(GUESSED_FROM) {
            let affix = affix_of(text).map(String::from);
            if affix.is_some() && !affixes.contains(&affix) {
                affixes.push(affix);
            }
        }
        let mut best = (Self::default(), 0);
        for affix in affixes {
            let is_unit = affix.as_deref().is_some_and(|affix| !is_currency_or_percent(affix));
            let plain = std::iter::once((decimal.unwrap_or('.'), None));
            let mut separated: Vec<_> =
                SEPARATORS.iter().map(|&(decimal, grouping)| (decimal, Some(grouping))).collect();
            if prefers_comma {
                separated.swap(0, 1);
            }
            for (point, grouping) in plain.chain(separated) {
                if decimal.is_some_and(|decimal| decimal != point) {
                    continue;
                }
                let format = Self { decimal: point, grouping, affix: affix.clone() };
                // Every field has the unit, or there is none.
                if is_unit && (has_plain || !texts.iter().all(|(text, _)| format.has_affix(text))) {
                    continue;
                }
                let parsed: usize = texts
                    .iter()
                    .filter(|(text, _)| format.parse(text).is_some())
                    .map(|(_, count)| count)
                    .sum();
                if parsed > best.1 {
                    best = (format, parsed);
                }
            }
        }
        best.0.simplified(texts)
    }

    fn has_affix(&self, text: &str) -> bool {
        self.affix.as_deref().is_some_and(|affix| affix_of(text) == Some(affix))
    }

    /// Without a grouping that no text has.
    fn simplified(self, texts: &[(&str, usize)]) -> Self {
        let plain = Self { grouping: None, ..self.clone() };
        let same = texts.iter().all(|(text, _)| plain.parse(text) == self.parse(text));
        if same { plain } else { self }
    }

    /// Whether the texts would as well be numbers of other values with point and comma exchanged.
    pub(crate) fn is_ambiguous(&self, texts: &[(&str, usize)]) -> bool {
        let other = match (self.decimal, self.grouping) {
            ('.', Some(',')) => Self { decimal: ',', grouping: Some('.'), affix: self.affix.clone() },
            (',', None | Some('.')) => Self { decimal: '.', grouping: Some(','), affix: self.affix.clone() },
            _ => return false,
        };
        let parsed = |format: &Self| texts.iter().filter(|(text, _)| format.parse(text).is_some()).count();
        parsed(self) > 0 && parsed(&other) == parsed(self)
    }
}

impl std::fmt::Display for NumberFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if self.decimal == ',' {
            parts.push("decimal comma".to_string());
        }
        match self.grouping {
            Some(' ') => parts.push("spaces between thousands".into()),
            Some(grouping) => parts.push(format!("`{grouping}` between thousands")),
            None => {}
        }
        parts.extend(self.affix.as_ref().map(|affix| format!("`{affix}`")));
        formatter.write_str(&parts.join(", "))
    }
}

/// Without the sign before a text, or the minus sign behind it, as accountants write it.
fn strip_sign(text: &str) -> (&str, Option<char>) {
    let is_minus = |c: char| matches!(c, '-' | '\u{2212}' | '\u{2013}');
    if let Some(rest) = text.strip_prefix(is_minus) {
        (rest.trim_start(), Some('-'))
    } else if let Some(rest) = text.strip_prefix(|c| c == '+') {
        (rest.trim_start(), Some('+'))
    } else if let Some(rest) = text.strip_suffix(is_minus) {
        (rest.trim_end(), Some('-'))
    } else {
        (text, None)
    }
}

/// Appends digits without the separators between groups of three, and of two before these.
fn push_groups(whole: &str, grouping: char, plain: &mut String) -> Option<()> {
    let is_grouping = |c: char| {
        if grouping == ' ' {
            c.is_whitespace()
        } else {
            c == grouping || (grouping == '\'' && c == '\u{2019}')
        }
    };
    let groups: Vec<&str> = whole.split(is_grouping).collect();
    let last = groups.len() - 1;
    for (at, group) in groups.iter().enumerate() {
        let fits = match at {
            _ if last == 0 => true,
            0 => matches!(group.len(), 1..=3),
            _ if at == last => group.len() == 3,
            _ => matches!(group.len(), 2..=3),
        };
        if !fits {
            return None;
        }
        plain.push_str(group);
    }
    Some(())
}

/// What stands before or behind the digits of a text, if it can be a currency, a percent sign or a unit.
fn affix_of(text: &str) -> Option<&str> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    let is_sign = |c: char| matches!(c, '-' | '+' | '\u{2212}' | '\u{2013}') || c.is_whitespace();
    let first = text.find(|c: char| c.is_ascii_digit())?;
    let last = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let before = text[..first].trim_end_matches(['.', ',']).trim_matches(is_sign);
    let behind = text[last..].trim_start_matches(['.', ',']).trim_matches(is_sign);
    let affix = match (before, behind) {
        ("", "") => return None,
        ("", behind) => behind,
        (before, "") if is_currency_or_percent(before) => before,
        _ => return None,
    };
    let is_unit = affix.len() <= LONGEST_UNIT && !affix.contains(char::is_whitespace);
    (is_unit && !affix.starts_with([':', ';', '/', '-', '_'])).then_some(affix)
}

fn is_currency_or_percent(affix: &str) -> bool {
    affix == PERCENT || CURRENCIES.contains(&affix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(texts: &[&str]) -> (NumberFormat, Vec<Option<f64>>) {
        let counted: Vec<(&str, usize)> = texts.iter().map(|&text| (text, 1)).collect();
        let format = NumberFormat::infer(&counted, false, false, None);
        let values = texts.iter().map(|text| format.parse(text)).collect();
        (format, values)
    }

    #[test]
    fn formats_follow_from_texts() {
        let cases: [(&[&str], &[f64], &str); 13] = [
            (&["1,5", "-0,25"], &[1.5, -0.25], "decimal comma"),
            (&["1,234", "12,345,678"], &[1234.0, 12_345_678.0], "`,` between thousands"),
            (&["1,234.5", "0.5"], &[1234.5, 0.5], "`,` between thousands"),
            (&["1.234,5", "2.000.000,0"], &[1234.5, 2e6], "decimal comma, `.` between thousands"),
            (&["1 234,5", "12\u{a0}345,0"], &[1234.5, 12345.0], "decimal comma, spaces between thousands"),
            (&["1'234.5", "1\u{2019}000.0"], &[1234.5, 1000.0], "`'` between thousands"),
            (&["$5", "-$1,000.5", "($7)"], &[5.0, -1000.5, -7.0], "`,` between thousands, `$`"),
            (&["12 %", "3.5%"], &[12.0, 3.5], "`%`"),
            (&["5 kg", "7.5 kg"], &[5.0, 7.5], "`kg`"),
            (&["\u{2212}3", "+4", "5-"], &[-3.0, 4.0, -5.0], ""),
            (&["1e3", "2.5E-1"], &[1000.0, 0.25], ""),
            (&["1_000", "12_345.5"], &[1000.0, 12_345.5], "`_` between thousands"),
            (&["1,23,456.0", "007"], &[123_456.0, 7.0], "`,` between thousands"),
        ];
        for (texts, values, name) in cases {
            let (format, parsed) = infer(texts);
            assert_eq!(parsed, values.iter().map(|&value| Some(value)).collect::<Vec<_>>(), "{texts:?}");
            assert_eq!(format.to_string(), name, "{texts:?}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "1,2,3",
            "--1",
            "1--",
            "+1-",
            "(-1)",
            "5 kg",
            "a",
            "",
            "1:30",
            "2024-01-02",
            "1.2.3",
            "nan",
            "inf",
            "0x1f",
            "1e999",
        ] {
            assert_eq!(NumberFormat::default().parse(text), None, "{text}");
        }
        // A unit that not all have, and two units.
        assert_eq!(infer(&["5 kg", "7"]).1, [None, Some(7.0)]);
        assert_eq!(infer(&["5 kg", "7 lb"]).1, [None, None]);
    }

    #[test]
    fn a_comma_that_may_be_either() {
        let texts = [("1,234", 1), ("5,678", 1)];
        let thousands = NumberFormat::infer(&texts, false, false, None);
        assert_eq!(thousands.parse("1,234"), Some(1234.0));
        assert!(thousands.is_ambiguous(&texts));
        let decimals = NumberFormat::infer(&texts, false, true, None);
        assert_eq!(decimals.parse("1,234"), Some(1.234));
        assert_eq!(NumberFormat::infer(&texts, false, false, Some(',')), decimals);
        let clear = [("1,234", 1), ("5,67", 1)];
        let format = NumberFormat::infer(&clear, false, false, None);
        assert_eq!(format.parse("1,234"), Some(1.234));
        assert!(!format.is_ambiguous(&clear));
    }
}
