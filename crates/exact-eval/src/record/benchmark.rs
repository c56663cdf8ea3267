//! The record of a comparison of methods over several data sets.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::Spread;
use crate::samples::check_length;
use crate::{EvalError, friedman, holm, mean_ranks, nemenyi_critical_difference, wilcoxon_signed_rank};

/// How the data sets were split, and what was asked of the methods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkSettings {
    /// The number of random splits of each data set.
    pub splits: usize,
    /// The part of the rows that each split tests on.
    pub test_share: f64,
    /// The number of folds of the cross-validation within the training rows.
    pub folds: usize,
    /// The seed of the splits and of training.
    pub seed: u64,
    /// The level of significance of the tests.
    pub alpha: f64,
}

/// A method over all data sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodRecord {
    /// Its name: that of the loss, or as the file of its scores has it.
    pub name: String,
    /// The mean over data sets of its accuracy.
    pub mean_accuracy: f64,
    /// The mean over data sets of its rank, 1 for the most accurate.
    pub mean_rank: f64,
}

/// The accuracy of a method on a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkResult {
    /// The mean and the standard deviation over splits.
    #[serde(flatten)]
    pub accuracy: Spread,
    /// The accuracy of each split.
    pub splits: Vec<f64>,
}

/// A data set, and how the methods do on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkSetRecord {
    /// Its name.
    pub name: String,
    /// The column that is predicted.
    pub target: String,
    /// The number of rows with a label.
    pub rows: usize,
    /// The number of columns beside the target.
    pub columns: usize,
    /// The number of classes.
    pub classes: usize,
    /// The result of each method, in the order of the methods.
    pub results: Vec<BenchmarkResult>,
}

/// Friedman's test of all methods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FriedmanRecord {
    /// Friedman's chi-squared, corrected for ties.
    pub chi_squared: f64,
    /// Its p-value.
    pub p_value: f64,
    /// The F of Iman and Davenport; `None` if it is infinite: all data sets rank the methods alike.
    pub iman_davenport: Option<f64>,
    /// Its p-value.
    pub iman_davenport_p_value: f64,
}

/// Wilcoxon's signed-rank test of two methods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodPairRecord {
    /// The method with the larger sum of signed ranks; of two that have the same, that with the smaller mean
    /// rank.
    pub better: String,
    /// The other one.
    pub worse: String,
    /// The number of data sets on which `better` is more accurate.
    pub wins: usize,
    /// The number of those on which both are equally accurate.
    pub ties: usize,
    /// The number of those on which it is less accurate.
    pub losses: usize,
    /// The p-value.
    pub p_value: f64,
    /// The p-value with Holm's correction for the number of pairs.
    pub holm_p_value: f64,
}

/// Whether methods differ by more than chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkTests {
    /// The test of whether any methods differ.
    pub friedman: FriedmanRecord,
    /// Nemenyi's test: mean ranks that differ by so much differ significantly.
    pub critical_difference: f64,
    /// Every two methods, in the order of their mean ranks.
    pub pairs: Vec<MethodPairRecord>,
}

/// What `exact benchmark` prints and reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkRecord {
    /// How it was made; its fields stand beside the others in JSON.
    #[serde(flatten)]
    pub settings: BenchmarkSettings,
    /// The methods: the losses in the order that was asked for, then those whose scores were given.
    pub methods: Vec<MethodRecord>,
    /// The data sets, sorted by name.
    pub sets: Vec<BenchmarkSetRecord>,
    /// The tests; `None` with fewer than two methods or data sets.
    pub tests: Option<BenchmarkTests>,
    /// The path of the HTML report; `None` if none was written.
    pub report: Option<String>,
}

impl BenchmarkRecord {
    /// Compares methods, by their names, over data sets that have a result of each.
    ///
    /// # Errors
    /// [`EvalError`] if a set does not have a result for each method, an accuracy is not finite, or the level
    /// of significance is not between 0 and 1.
    pub fn compare(
        settings: BenchmarkSettings,
        methods: &[String],
        sets: Vec<BenchmarkSetRecord>,
    ) -> Result<Self, EvalError> {
        for set in &sets {
            check_length("the results of a data set", methods.len(), set.results.len())?;
        }
        let results = |set: &BenchmarkSetRecord| {
            set.results.iter().map(|result| in_billionths(result.accuracy.mean)).collect()
        };
        let scores: Vec<Vec<f64>> = sets.iter().map(results).collect();
        let tests = match (methods.len(), sets.len()) {
            (2.., 2..) => Some(BenchmarkTests::of(methods, &scores, settings.alpha)?),
            _ => None,
        };
        let mean_accuracy = |method: usize| {
            sets.iter().map(|set| set.results[method].accuracy.mean).sum::<f64>() / sets.len() as f64
        };
        let record = |(method, mean_rank): (usize, f64)| MethodRecord {
            name: methods[method].clone(),
            mean_accuracy: mean_accuracy(method),
            mean_rank,
        };
        let methods = mean_ranks(&scores).into_iter().enumerate().map(record).collect();
        Ok(Self { settings, methods, sets, tests, report: None })
    }
}

impl BenchmarkTests {
    /// The tests of scores, `[set][method]`.
    fn of(methods: &[String], scores: &[Vec<f64>], alpha: f64) -> Result<Self, EvalError> {
        let test = friedman(scores)?;
        let critical_difference = nemenyi_critical_difference(methods.len(), scores.len(), alpha)?;
        let ranks = mean_ranks(scores);
        let mut order: Vec<usize> = (0..methods.len()).collect();
        order.sort_by(|&a, &b| ranks[a].total_cmp(&ranks[b]));
        let mut pairs = Vec::new();
        for (place, &first) in order.iter().enumerate() {
            for &second in &order[place + 1..] {
                pairs.push(MethodPairRecord::of(methods, scores, first, second)?);
            }
        }
        let p_values: Vec<f64> = pairs.iter().map(|pair| pair.p_value).collect();
        let adjusted = holm(&p_values).expect("p-values of tests are in 0..=1");
        for (pair, p_value) in pairs.iter_mut().zip(adjusted) {
            pair.holm_p_value = p_value;
        }
        Ok(Self {
            friedman: FriedmanRecord {
                chi_squared: test.statistic,
                p_value: test.p_value,
                iman_davenport: Some(test.iman_davenport).filter(|f| f.is_finite()),
                iman_davenport_p_value: test.iman_davenport_p_value,
            },
            critical_difference,
            pairs,
        })
    }
}

impl MethodPairRecord {
    /// The test of two methods, not corrected yet.
    fn of(methods: &[String], scores: &[Vec<f64>], first: usize, second: usize) -> Result<Self, EvalError> {
        let of = |method: usize| scores.iter().map(|scores| scores[method]).collect::<Vec<f64>>();
        let test = wilcoxon_signed_rank(&of(first), &of(second))?;
        let (better, worse) =
            if test.second_better > test.first_better { (second, first) } else { (first, second) };
        let count = |order: Ordering| {
            scores.iter().filter(|scores| scores[better].total_cmp(&scores[worse]) == order).count()
        };
        Ok(Self {
            better: methods[better].clone(),
            worse: methods[worse].clone(),
            wins: count(Ordering::Greater),
            ties: count(Ordering::Equal),
            losses: count(Ordering::Less),
            p_value: test.p_value,
            holm_p_value: test.p_value,
        })
    }
}

/// Whole numbers, so that means of the same accuracies in another order are equal, and so are differences.
fn in_billionths(accuracy: f64) -> f64 {
    (accuracy * 1e9).round()
}
