//! The head of an array of `NumPy`: a dictionary in Python's notation, such as
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.

/// What the dictionary says.
#[derive(Debug, PartialEq)]
pub(super) struct Head<'a> {
    /// The type of the values, such as `<f4`; `None` if they are records of several.
    pub kind: Option<&'a str>,
    /// Whether the first index runs fastest.
    pub fortran_order: bool,
    /// The length along each dimension.
    pub shape: Vec<usize>,
}

/// What stands behind a key.
enum Value<'a> {
    Text(&'a str),
    Truth(bool),
    Lengths(Vec<usize>),
    /// A list, which describes records.
    List,
}

impl<'a> Head<'a> {
    /// Reads the dictionary; `None` if it is none, lacks a key, or has a value of another kind.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (mut kind, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?.trim_start();
        while rest != "}" {
            let (key, behind) = quoted(rest)?;
            let (value, behind) = value(behind.trim_start().strip_prefix(':')?.trim_start())?;
            match (key, value) {
                ("descr", Value::Text(text)) => kind = Some(Some(text)),
                ("descr", Value::List) => kind = Some(None),
                ("fortran_order", Value::Truth(truth)) => fortran_order = Some(truth),
                ("shape", Value::Lengths(lengths)) => shape = Some(lengths),
                _ => return None,
            }
            let behind = behind.trim_start();
            rest = match behind.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if behind == "}" => behind,
                None => return None,
            };
        }
        Some(Self { kind: kind?, fortran_order: fortran_order?, shape: shape? })
    }
}

/// A value and what stands behind it.
fn value(text: &str) -> Option<(Value<'_>, &str)> {
    if let Some((text, behind)) = quoted(text) {
        Some((Value::Text(text), behind))
    } else if let Some(behind) = text.strip_prefix("True") {
        Some((Value::Truth(true), behind))
    } else if let Some(behind) = text.strip_prefix("False") {
        Some((Value::Truth(false), behind))
    } else if let Some(text) = text.strip_prefix('(') {
        let (lengths, behind) = text.split_once(')')?;
        let lengths = lengths.split(',').map(str::trim).filter(|length| !length.is_empty());
        let lengths = lengths.map(|length| length.parse().ok()).collect::<Option<_>>()?;
        Some((Value::Lengths(lengths), behind))
    } else {
        Some((Value::List, behind_list(text)?))
    }
}

/// A text without escapes in quotes of either kind, and what stands behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|&first| first == '\'' || first == '"')?;
    text[1..].split_once(quote)
}

/// What stands behind a list, whose brackets within texts do not count.
fn behind_list(text: &str) -> Option<&str> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (character == ']').then(|| &text[at + 1..]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Head;

    fn head(kind: Option<&str>, fortran_order: bool, shape: Vec<usize>) -> Head<'_> {
        Head { kind, fortran_order, shape }
    }

    #[test]
    fn dictionaries_as_numpy_and_others_write_them() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }      \n";
        assert_eq!(Head::parse(text), Some(head(Some("<f4"), false, vec![3, 4])));
        let text = r#"{ "shape" : ( 3, ) ,"fortran_order":True,"descr":"|b1"}"#;
        assert_eq!(Head::parse(text), Some(head(Some("|b1"), true, vec![3])));
        let records = "[('shape', '<f4'), (\"a]'\", [('b', '>i2', (2,))])]";
        let text = format!("{{'descr': {records}, 'fortran_order': False, 'shape': ()}}");
        assert_eq!(Head::parse(&text), Some(head(None, false, vec![])));
    }

    #[test]
    fn anything_else_is_refused() {
        let rest = "'fortran_order': False, 'shape': (3,)";
        for text in [
            String::new(),
            "{}".into(),
            format!("{{{rest}}}"),
            format!("{{'descr': '<f4', {rest}"),
            format!("{{'descr': '<f4', {rest}}} more"),
            format!("{{'descr': '<f4' {rest}}}"),
            format!("{{'descr': '<f4, {rest}}}"),
            format!("{{'descr': [('a', '<f4'), {rest}}}"),
            format!("{{'descr': 3, {rest}}}"),
            format!("{{'descr': '<f4', 'other': True, {rest}}}"),
            "{'descr': '<f4', 'fortran_order': 'no', 'shape': (3,)}".into(),
            "{'descr': '<f4', 'fortran_order': False, 'shape': 3}".into(),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}".into(),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}".into(),
        ] {
            assert_eq!(Head::parse(&text), None, "{text}");
        }
    }
}
