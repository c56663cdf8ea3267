//! Distinct texts, each with a code, in the order in which they first came.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A set of texts that are numbered from 0, all in one buffer.
#[derive(Clone, Default)]
pub(crate) struct Texts {
    buffer: String,
    ends: Vec<usize>,
    codes: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a code, which is below the length.
    pub fn text(&self, code: u32) -> &str {
        text(&self.buffer, &self.ends, code)
    }

    /// All texts, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|code| self.text(code as u32))
    }

    /// The code of a text, a new one where it is new; `None` where there are no more codes.
    pub fn intern(&mut self, new: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(new);
        let Self { buffer, ends, codes, hasher } = self;
        if let Some(&code) = codes.find(hash, |&code| text(buffer, ends, code) == new) {
            return Some(code);
        }
        let code = u32::try_from(ends.len()).ok()?;
        buffer.push_str(new);
        ends.push(buffer.len());
        codes.insert_unique(hash, code, |&code| hasher.hash_one(text(buffer, ends, code)));
        Some(code)
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

fn text<'a>(buffer: &'a str, ends: &[usize], code: u32) -> &'a str {
    let code = code as usize;
    let start = if code == 0 { 0 } else { ends[code - 1] };
    &buffer[start..ends[code]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_code() {
        let mut texts = Texts::default();
        let codes: Vec<_> = ["a", "", "b", "a", ""].into_iter().map(|text| texts.intern(text)).collect();
        assert_eq!(codes, [0, 1, 2, 0, 1].map(Some));
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "", "b"]);
    }
}
