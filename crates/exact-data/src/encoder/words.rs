//! The words of a column of text.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::CsrMatrix;
use crate::csr_matrix::signed;
use crate::table::Categories;

/// The most words of a column that become features: those in the most rows.
const MOST_WORDS: usize = 1 << 16;
/// A word in fewer rows than this tells nothing about further rows.
const FEWEST_ROWS: usize = 2;

/// The vocabulary of a column, sorted, with the weight of each word.
///
/// # Formula
/// `tf-idf = count * (ln((1 + n) / (1 + n_rows_with_the_word)) + 1)`, divided by the Euclidean norm of the
/// row, as in scikit-learn's `TfidfVectorizer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Words {
    pub column: String,
    vocabulary: Vec<String>,
    idf: Vec<f64>,
}

impl Words {
    pub fn fit(column: &str, texts: Categories<'_>) -> Self {
        let mut rows_of_text: Vec<usize> = texts.texts().map(|_| 0).collect();
        let mut n_rows = 0;
        for code in texts.codes() {
            n_rows += 1;
            if let Some(code) = code {
                rows_of_text[code] += 1;
            }
        }
        let mut rows: HashMap<String, usize> = HashMap::new();
        for (text, count) in texts.texts().zip(&rows_of_text) {
            for word in counted_words(text).into_keys() {
                *rows.entry(word).or_default() += count;
            }
        }
        let mut kept: Vec<(String, usize)> =
            rows.into_iter().filter(|(_, rows)| *rows >= FEWEST_ROWS).collect();
        kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        kept.truncate(MOST_WORDS);
        kept.sort();
        let idf = |rows: usize| ((1.0 + f64::from(n_rows)) / (1.0 + rows as f64)).ln() + 1.0;
        Self {
            column: column.into(),
            idf: kept.iter().map(|(_, rows)| idf(*rows)).collect(),
            vocabulary: kept.into_iter().map(|(word, _)| word).collect(),
        }
    }

    pub fn n_words(&self) -> usize {
        self.vocabulary.len()
    }

    pub fn column_names(&self) -> impl Iterator<Item = String> {
        self.vocabulary.iter().map(|word| format!("{}:{word}", self.column))
    }

    pub fn is_valid(&self) -> bool {
        let sorted = self.vocabulary.windows(2).all(|pair| pair[0] < pair[1]);
        sorted
            && self.vocabulary.len() == self.idf.len()
            && self.idf.iter().all(|idf| idf.is_finite() && *idf > 0.0)
    }

    pub fn transform(&self, texts: Categories<'_>) -> CsrMatrix<'static> {
        let rows: Vec<Vec<(i64, f64)>> = texts.texts().map(|text| self.weights(text)).collect();
        let (mut offsets, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for code in texts.codes() {
            for &(index, value) in code.map_or(&[][..], |code| &rows[code]) {
                indices.push(index);
                values.push(value);
            }
            offsets.push(values.len());
        }
        CsrMatrix::of_rows(offsets, indices, values, self.vocabulary.len())
    }

    /// The words of a text that are in the vocabulary, in its order, with their weights.
    fn weights(&self, text: &str) -> Vec<(i64, f64)> {
        let mut weights = Vec::new();
        for (word, count) in counted_words(text) {
            if let Ok(at) = self.vocabulary.binary_search(&word) {
                weights.push((signed(at), count as f64 * self.idf[at]));
            }
        }
        let norm = weights.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        for (_, weight) in &mut weights {
            *weight /= norm;
        }
        weights
    }
}

/// The words of a text, of two or more letters or digits, in lower case.
fn counted_words(text: &str) -> BTreeMap<String, usize> {
    let mut words = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().nth(1).is_some()) {
        *words.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    words
}
