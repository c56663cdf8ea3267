//! Numbers, names and options in messages, the same in all crates that say what is wrong with files.

/// `1 row`, `2 rows`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// The names in backquotes, the first 20 of them.
pub fn list(names: &[String]) -> String {
    first(20, names, |name| format!("`{}`", shorten(name)))
}

/// The first few of some things, and how many more there are: `a, b and 3 more`.
pub fn first<T>(shown: usize, all: &[T], text: impl Fn(&T) -> String) -> String {
    let texts: Vec<String> = all.iter().take(shown).map(text).collect();
    let more = all.len() - texts.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", texts.join(", "))
}

/// Text that fits into a message: control characters escaped, at most 60 characters.
pub fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let shown: String = text.chars().take(SHOWN).map(escape).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{shown}…") } else { shown }
}

/// A word as it is typed in a shell: in single quotes where a character of it means something there.
///
/// # Example
/// ```
/// use exact_data::message::shell_word;
/// assert_eq!(shell_word("age"), "age");
/// assert_eq!(shell_word("the user's $"), r"'the user'\''s $'");
/// ```
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// An option that takes columns or tokens between commas, with one of them, as it is typed in a shell; the
/// option alone where it is too long for that, or has control characters.
///
/// # Example
/// ```
/// use exact_data::message::list_option;
/// assert_eq!(list_option("drop", "-1"), "--drop=-1");
/// assert_eq!(list_option("drop", "order date"), "--drop='order date'");
/// assert_eq!(list_option("drop", "weight, kg"), "--drop='\"weight, kg\"'");
/// ```
pub fn list_option(option: &str, value: &str) -> String {
    const TYPED: usize = 200;
    if value.chars().any(char::is_control) || value.chars().nth(TYPED).is_some() {
        return format!("--{option}");
    }
    // As a field of a line with commas.
    let field = if value.contains(',') || value.starts_with('"') {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.into()
    };
    format!("--{option}={}", shell_word(&field))
}

/// ``did you mean `a`, `b`? ``, or nothing if no name is near.
///
/// # Example
/// ```
/// use exact_data::message::did_you_mean;
/// assert_eq!(did_you_mean(&["colour".into()], &["doors".into(), "color".into()]), "did you mean `color`? ");
/// assert_eq!(did_you_mean(&["price".into()], &["doors".into()]), "");
/// ```
pub fn did_you_mean(wanted: &[String], names: &[String]) -> String {
    let similarity = |a: &str, b: &str| {
        strsim::normalized_damerau_levenshtein(&shorten(a).to_lowercase(), &shorten(b).to_lowercase())
    };
    let nearest = |wanted: &String| {
        let scored = names.iter().map(|name| (similarity(wanted, name), name));
        scored
            .filter(|(score, _)| *score >= 0.5)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name.clone())
    };
    let near: Vec<String> = wanted.iter().filter_map(nearest).collect();
    if near.is_empty() { String::new() } else { format!("did you mean {}? ", list(&near)) }
}
