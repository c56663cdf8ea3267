//! Dates and times as people write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use serde::{Deserialize, Serialize};

/// How the moments of a column are written, in the notation of `strftime`, like `%d.%m.%Y %H:%M`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DateFormat(String);

/// Which of day and month comes first where both are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// As in most countries.
    DayFirst,
    /// As in the United States.
    MonthFirst,
}

/// Of the type that a file has for moments.
const TYPED: &str = "";
/// Dates of the first of a month.
const MONTHS: [&str; 5] = ["%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y"];
const DATES: [&str; 31] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%y-%m-%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %y",
    "%d %B %Y",
    "%d. %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%a %d %b %Y",
    "%a, %d %b %Y",
    "%A, %d %B %Y",
    "%A, %B %d, %Y",
    "%a %b %d %Y",
    "%Y%m%d",
    "%Y-%j",
];
const TIMES: [&str; 8] =
    ["", "%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S,%3f", "%H%M%S"];
const BETWEEN: [&str; 3] = ["T", " ", ", "];
const ZONES: [&str; 4] = ["", "%#z", " %#z", " UTC"];
/// Texts from which formats are guessed.
const GUESSED_FROM: usize = 20;
/// A text that is written as codes are, among so many that are written as dates, is an exception.
const RULE: usize = 5;
/// No date that people have in tables is outside of these years.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=2999;
/// Numbers that are taken for years only if most of the column are within these.
const USUAL_YEARS: std::ops::RangeInclusive<i32> = 1500..=2200;

impl DateFormat {
    /// The format of files with a type for moments, or in which they are seconds since 1970.
    pub(crate) fn typed() -> Self {
        Self(TYPED.into())
    }

    /// Seconds since the beginning of 1970, of UTC where a zone stands with the time; for a time without a
    /// date, seconds since midnight. `None` if a text is not of this format.
    pub fn parse(&self, text: &str) -> Option<f64> {
        let format = self.0.as_str();
        let upper;
        // The letter of UTC as a numeric zone.
        let text = match text.strip_suffix(['Z', 'z']) {
            Some(text) if format.ends_with("%#z") => {
                upper = format!("{text}+00:00");
                &upper
            }
            _ => text,
        };
        if self.0 == TYPED {
            return Self(DATES[0].into()).parse(text);
        }
        if format.ends_with("%#z") {
            let moment = DateTime::parse_from_str(text, format).ok()?;
            return in_years(moment.naive_utc());
        }
        if self.is_month() {
            let first = format!("{text} 1");
            let date = NaiveDate::parse_from_str(&first, &format!("{format} %d")).ok()?;
            return in_years(date.and_time(NaiveTime::MIN));
        }
        if !self.has_time() {
            return in_years(NaiveDate::parse_from_str(text, format).ok()?.and_time(NaiveTime::MIN));
        }
        if !self.has_date() {
            let time = NaiveTime::parse_from_str(text, format).ok()?;
            return Some(
                f64::from(time.num_seconds_from_midnight())
                    + f64::from(time.nanosecond() % 1_000_000_000) / 1e9,
            );
        }
        in_years(NaiveDateTime::parse_from_str(text, format).ok()?)
    }

    /// Whether the format has a date.
    pub fn has_date(&self) -> bool {
        self.0 == TYPED || self.0.contains(['Y', 'y'])
    }

    /// Whether the format has a month of a year, and no day.
    fn is_month(&self) -> bool {
        self.has_date() && self.0 != TYPED && !self.0.contains(['d', 'j'])
    }

    fn has_time(&self) -> bool {
        self.0.contains(['H', 'I'])
    }

    /// The format in which most of some texts can be read, each of which stands for as many cells as its
    /// count says, and whether another order of day and month would do as well. `order` is what to take
    /// then: by default the day is first.
    pub(crate) fn infer(texts: &[(&str, usize)], order: Option<DateOrder>) -> Option<(Self, bool)> {
        let mut candidates: Vec<Self> = Vec::new();
        for (text, _) in texts.iter().take(GUESSED_FROM).filter(|(text, _)| can_be_date(text)) {
            for format in formats_of(text) {
                if !candidates.contains(&format) {
                    candidates.push(format);
                }
            }
        }
        let score = |format: &Self| -> usize {
            texts.iter().filter(|(text, _)| format.parse(text).is_some()).map(|(_, count)| count).sum()
        };
        let scored: Vec<(usize, Self)> = candidates
            .into_iter()
            .filter(|format| format.is_plausible(texts))
            .map(|format| (score(&format), format))
            .collect();
        let most = scored.iter().map(|(score, _)| *score).max().filter(|&most| most > 0)?;
        let mut best = scored
            .into_iter()
            .filter(|(score, _)| *score == most)
            .map(|(_, format)| format)
            .collect::<Vec<_>>();
        // The day before the month stands first in the list.
        let first = best.iter().position(|format| order.is_none_or(|order| format.order() == Some(order)));
        let chosen = best.remove(first.unwrap_or(0));
        let ambiguous = order.is_none()
            && chosen.order().is_some()
            && best.iter().any(|other| other.order().is_some() && other.order() != chosen.order());
        Some((chosen, ambiguous))
    }

    /// Whether most of the texts that the format can read are written as dates are, and not as codes: the
    /// numbers of parts and versions, scores.
    fn is_plausible(&self, texts: &[(&str, usize)]) -> bool {
        let read: Vec<&str> =
            texts.iter().map(|(text, _)| *text).filter(|text| self.parse(text).is_some()).collect();
        let most = |is: &dyn Fn(&str) -> bool| {
            let others = read.iter().filter(|text| !is(text)).count();
            read.len() >= RULE * others
        };
        let has_named_month = self.0.contains(['b', 'B']);
        if !self.has_date() {
            return most(&|text| text.split(':').skip(1).all(|part| n_digits(part) == 2));
        }
        if self.0 == "%Y-%j" {
            let is_day = |text: &str| text.split('-').next_back().is_some_and(|day| n_digits(day) == 3);
            return read.iter().all(|text| is_day(text) && self.is_usual_year(text));
        }
        if self.is_month() && !has_named_month {
            let has_month = |text: &str| text.split(['-', '/']).any(|part| n_digits(part) == 2);
            return read.iter().all(|text| has_month(text) && self.is_usual_year(text));
        }
        if self.0.contains("%Y") {
            return read.iter().filter(|text| self.is_usual_year(text)).count() * 2 >= read.len();
        }
        // The day and the month of a year of two digits have two as well, or none has a zero before it.
        let is_padded = |text: &str| numbers(text).iter().all(|number| n_digits(number) == 2);
        let has_no_zero = |text: &str| {
            let numbers = numbers(text);
            let year = if self.0.starts_with("%y") { numbers.split_first() } else { numbers.split_last() };
            let Some((year, others)) = year else { return false };
            n_digits(year) == 2 && others.iter().all(|number| !number.starts_with('0'))
        };
        has_named_month || most(&is_padded) || most(&has_no_zero)
    }

    fn is_usual_year(&self, text: &str) -> bool {
        use chrono::Datelike as _;

        let moment = self.parse(text).and_then(|seconds| DateTime::from_timestamp(seconds as i64, 0));
        moment.is_some_and(|moment| USUAL_YEARS.contains(&moment.year()))
    }

    /// Whether the texts are so short, and the format has so little, that they may as well be codes.
    pub(crate) fn is_doubtful(&self, texts: &[(&str, usize)]) -> bool {
        let is_short = |text: &str| text.split([':', '.', '/', '-']).any(|part| n_digits(part) == 1);
        match self.0.as_str() {
            "%H:%M" | "%d.%m.%y" | "%d-%m-%y" | "%m-%d-%y" | "%y-%m-%d" => {
                texts.iter().any(|(text, _)| self.parse(text).is_some() && is_short(text))
            }
            _ => false,
        }
    }

    /// Of a format in which both are numbers.
    fn order(&self) -> Option<DateOrder> {
        let (day, month) = (self.0.find("%d")?, self.0.find("%m")?);
        if self.0.starts_with("%Y") || self.0.starts_with("%y") {
            return None;
        }
        Some(if day < month { DateOrder::DayFirst } else { DateOrder::MonthFirst })
    }
}

impl std::fmt::Display for DateFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == TYPED { formatter.write_str("a type of dates") } else { formatter.write_str(&self.0) }
    }
}

/// The parts of a moment that are numbers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatePart {
    /// From 1 to 12.
    Month,
    /// From 1 for Monday to 7.
    Weekday,
    /// From 0 to 23.
    Hour,
}

impl DatePart {
    pub(crate) const ALL: [Self; 3] = [Self::Month, Self::Weekday, Self::Hour];

    /// The part of a moment that is given in seconds since the beginning of 1970.
    pub(crate) fn of(self, seconds: f64) -> Option<f64> {
        use chrono::Datelike as _;

        let moment = DateTime::from_timestamp(seconds.floor() as i64, 0)?;
        Some(match self {
            Self::Month => f64::from(moment.month()),
            Self::Weekday => f64::from(moment.weekday().number_from_monday()),
            Self::Hour => f64::from(moment.hour()),
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
        }
    }
}

fn in_years(moment: NaiveDateTime) -> Option<f64> {
    use chrono::Datelike as _;

    let moment = Some(moment).filter(|moment| YEARS.contains(&moment.year()))?.and_utc();
    Some(moment.timestamp() as f64 + f64::from(moment.timestamp_subsec_nanos()) / 1e9)
}

/// The numbers of a date, without the time behind it.
fn numbers(text: &str) -> Vec<&str> {
    let date = text.split([' ', 'T', ',']).next().unwrap_or(text);
    date.split(['.', '/', '-']).collect()
}

/// The digits with which a text begins.
fn n_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Spares most texts the formats.
fn can_be_date(text: &str) -> bool {
    text.len() <= 48 && text.bytes().filter(u8::is_ascii_digit).count() >= 3
}

fn formats_of(text: &str) -> Vec<DateFormat> {
    let mut formats = Vec::new();
    let mut try_format = |format: String| {
        let format = DateFormat(format);
        if format.parse(text).is_some() {
            formats.push(format);
        }
    };
    for month in MONTHS {
        try_format(month.into());
    }
    for date in DATES {
        try_format(date.into());
        for time in &TIMES[1..] {
            for between in BETWEEN {
                for zone in ZONES {
                    try_format(format!("{date}{between}{time}{zone}"));
                }
            }
        }
    }
    for time in &TIMES[1..7] {
        try_format((*time).into());
    }
    formats
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(texts: &[&str]) -> Option<(DateFormat, bool)> {
        DateFormat::infer(&texts.iter().map(|&text| (text, 1)).collect::<Vec<_>>(), None)
    }

    #[test]
    fn formats_follow_from_texts() {
        let cases: [(&[&str], &str, f64); 17] = [
            (&["1970-01-02"], "%Y-%m-%d", 86400.0),
            (&["1970-01-01T00:01:00Z"], "%Y-%m-%dT%H:%M:%S%#z", 60.0),
            (&["1970-01-01 02:00:00+01:00"], "%Y-%m-%d %H:%M:%S%#z", 3600.0),
            (&["1970-01-01 00:00:01.5"], "%Y-%m-%d %H:%M:%S%.f", 1.5),
            (&["02.01.1970", "31.12.1999"], "%d.%m.%Y", 86400.0),
            (&["01/02/1970", "12/31/1999"], "%m/%d/%Y", 86400.0),
            (&["02/01/1970", "31/12/1999"], "%d/%m/%Y", 86400.0),
            (&["2 Jan 1970"], "%d %b %Y", 86400.0),
            (&["January 2, 1970"], "%B %d, %Y", 86400.0),
            (&["01/02/70 1:30 PM", "12/31/99 1:00 AM"], "%m/%d/%y %I:%M %p", 86400.0 + 13.5 * 3600.0),
            (&["1970/01/02 00:00"], "%Y/%m/%d %H:%M", 86400.0),
            (&["00:01", "23:59"], "%H:%M", 60.0),
            (&["1970-02", "2023-12"], "%Y-%m", 31.0 * 86400.0),
            (&["02/1970", "12/2023"], "%m/%Y", 31.0 * 86400.0),
            (&["1970/02", "2023/12"], "%Y/%m", 31.0 * 86400.0),
            (&["1970-032", "2023-365"], "%Y-%j", 31.0 * 86400.0),
            (&["2/1/70", "31/12/99"], "%d/%m/%y", 86400.0),
        ];
        for (texts, format, seconds) in cases {
            let (found, ambiguous) = infer(texts).unwrap();
            assert_eq!(found.parse(texts[0]), Some(seconds), "{texts:?} as {found}");
            let same = |other: &DateFormat| texts.iter().all(|text| other.parse(text) == found.parse(text));
            assert!(same(&DateFormat(format.into())), "{texts:?} as {found}");
            assert!(!ambiguous, "{texts:?}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in ["red", "12", "1.5", "2024-13-01", "99/99/9999", "A-123", "", "31.02.2020", "1010-34"] {
            assert_eq!(infer(&[text]), None, "{text}");
        }
        for codes in [["1.2.13", "4.10.2"], ["1.2.13", "4.07.13"], ["2023-34", "2023-101"], ["3:2", "1:10"]] {
            assert_eq!(infer(&codes), None, "{codes:?}");
        }
    }

    #[test]
    fn an_order_that_may_be_either() {
        let texts = [("03/04/2020", 1), ("05/06/2021", 1)];
        let (format, ambiguous) = DateFormat::infer(&texts, None).unwrap();
        assert_eq!((format.order(), ambiguous), (Some(DateOrder::DayFirst), true));
        let (format, ambiguous) = DateFormat::infer(&texts, Some(DateOrder::MonthFirst)).unwrap();
        assert_eq!((format.order(), ambiguous), (Some(DateOrder::MonthFirst), false));
    }

    #[test]
    fn between_points_the_day_is_first() {
        for texts in [["01.02.2023", "03.04.2023"], ["01.02.23", "03.04.23"]] {
            let (format, ambiguous) = infer(&texts).unwrap();
            assert_eq!((format.order(), ambiguous), (Some(DateOrder::DayFirst), false), "{texts:?}");
        }
    }

    #[test]
    fn parts_of_a_moment() {
        let moment = DateFormat("%Y-%m-%d %H:%M".into()).parse("2024-02-29 13:45").unwrap();
        assert_eq!(DatePart::ALL.map(|part| part.of(moment).unwrap()), [2.0, 4.0, 13.0]);
    }
}
