//! Numbers and names in messages.

use crate::ImageSize;

/// `1 row`, `2 rows`.
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// `1 image is`, `2 images are`.
pub(super) fn are_images(n: usize) -> String {
    format!("{} {}", count(n, "image"), if n == 1 { "is" } else { "are" })
}

/// Files with their sizes, the first few of them.
pub(super) fn sizes(files: &[(String, ImageSize)]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> =
        files.iter().take(SHOWN).map(|(file, size)| format!("{file} ({size})")).collect();
    format!("{}{}", shown.join(", "), and_more(files.len(), SHOWN))
}

fn and_more(n: usize, shown: usize) -> String {
    let more = n.saturating_sub(shown);
    if more == 0 { String::new() } else { format!(" and {more} more") }
}

/// The names in backquotes, the first 20 of them.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{}`", shorten(name))).collect();
    format!("{}{}", shown.join(", "), and_more(names.len(), SHOWN))
}

/// Text that fits into a message: control characters escaped, at most 60 characters.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let shown: String = text.chars().take(SHOWN).map(escape).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{shown}…") } else { shown }
}
