//! Texts that stand for a missing value.

/// Those that are missing values in a column of numbers or dates, as pandas reads them, and NaN itself. In a
/// column of texts they are texts like others: `NA` is also a country.
const USUAL: [&str; 17] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-nan", "1.#IND", "1.#QNAN", "<na>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Whether a text usually stands for a missing value among numbers.
pub(super) fn is_usual(text: &str) -> bool {
    USUAL.iter().any(|token| token.eq_ignore_ascii_case(text))
}

/// Whether a usual token is as usual as the name of a class.
pub(super) fn may_be_a_class(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}
