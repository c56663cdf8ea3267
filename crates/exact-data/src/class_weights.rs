//! Weights of classes, which become weights of samples.

use std::collections::HashMap;

use crate::typed::canonical;
use crate::{DataError, LabelEncoder, ReadOptions, Source, Table};

/// A weight for each class.
///
/// # Example
/// ```
/// use exact_data::ClassWeights;
///
/// let weights = ClassWeights::balanced(&[0, 0, 0, 1], 2);
/// assert_eq!(weights.of(&[1, 0]), [2.0, 2.0 / 3.0]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClassWeights(Vec<f64>);

impl ClassWeights {
    /// All classes count the same.
    ///
    /// # Formula
    /// `n / (n_classes * n_of_the_class)`, as in scikit-learn.
    pub fn balanced(labels: &[u32], n_classes: usize) -> Self {
        let mut counts = vec![0_usize; n_classes];
        for &label in labels {
            counts[label as usize] += 1;
        }
        let weight = |count: usize| labels.len() as f64 / (n_classes * count.max(1)) as f64;
        Self(counts.into_iter().map(weight).collect())
    }

    /// Those of a file with the columns `class` and `weight`; a class that it does not name weighs 1.
    ///
    /// # Errors
    /// [`DataError`] if a class is none of the labels or stands twice, or a weight is negative, missing or
    /// not finite.
    pub fn read(source: &Source<'_>, labels: &LabelEncoder) -> Result<Self, DataError> {
        let mut options = ReadOptions::with_target("class");
        options.weight = Some("weight".into());
        let table = Table::read(source, &options)?;
        let codes: HashMap<String, usize> =
            labels.classes().iter().map(|class| canonical(class)).zip(0..).collect();
        let classes = table.categorical("class")?;
        let mut weights = vec![None; labels.n_classes()];
        for ((row, code), &weight) in classes.codes().enumerate().zip(table.weights().unwrap_or_default()) {
            let place = || table.place(row, "class");
            let class = code.map_or("", |code| classes.text(code));
            let Some(&code) = codes.get(class) else {
                let (label, classes) = (class.into(), labels.classes().to_vec());
                return Err(DataError::UnseenLabel { place: place(), label, classes });
            };
            if weights[code].replace(weight).is_some() {
                return Err(DataError::BadWeight {
                    place: place(),
                    problem: "is that of a class that stands twice".into(),
                });
            }
        }
        Ok(Self(weights.into_iter().map(|weight| weight.unwrap_or(1.0)).collect()))
    }

    /// The weight of each sample, `[n]`.
    ///
    /// # Panics
    /// If a label is not below the number of classes.
    pub fn of(&self, labels: &[u32]) -> Vec<f64> {
        labels.iter().map(|&label| self.0[label as usize]).collect()
    }
}
