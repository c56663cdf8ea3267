//! The parts of dates that are numbers of their own.

use arrow_array::Float64Array;

use crate::profile::DatePart;

const DAY: f64 = 86400.0;

/// The parts that come round in a column of moments: only what does tells more than the time itself.
pub(super) fn parts(moments: &Float64Array) -> Vec<DatePart> {
    let present = || moments.iter().flatten();
    let (first, last) = present().fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), moment| {
        (first.min(moment), last.max(moment))
    });
    let cycle = |part| match part {
        DatePart::Month => 365.0 * DAY,
        DatePart::Weekday => 7.0 * DAY,
        DatePart::Hour => DAY,
    };
    DatePart::ALL.into_iter().filter(|&part| last - first > cycle(part)).collect()
}

/// A part of each moment.
pub(super) fn part_of(moments: &Float64Array, part: DatePart) -> Float64Array {
    moments.iter().map(|moment| moment.and_then(|moment| part.of(moment))).collect()
}
