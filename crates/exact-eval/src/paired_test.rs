//! The corrected paired t-test of two classifiers over the folds of a cross-validation.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use crate::EvalError;
use crate::samples::check_length;

/// The result of [`corrected_paired_t_test`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedTest {
    /// The mean over folds of first minus second.
    pub mean_difference: f64,
    /// The corrected standard error of that mean.
    pub standard_error: f64,
    /// The mean over its standard error; infinite if the difference is the same, other than 0, in all folds.
    pub t: f64,
    /// The two-sided probability of so large a `t` if there is no difference, with `folds - 1` degrees of
    /// freedom.
    pub p_value: f64,
}

/// Tests whether two classifiers differ, from their accuracies on the same folds.
///
/// The plain paired t-test takes the folds for independent, but their training sets overlap, and it finds
/// differences where there are none. The correction adds the ratio of test to train rows to the variance
/// factor.
///
/// # Formula
/// `t = mean(d) / sqrt((1/K + n_test/n_train) var(d))` for the `K` differences `d`, with `var` over `K - 1`
///
/// # Arguments
/// `test_train_ratio` is rows tested over rows trained on in one fold: `1 / (K - 1)` in a K-fold
/// cross-validation.
///
/// # Errors
/// [`EvalError::Length`] if the numbers of folds differ, [`EvalError::Folds`] if there are fewer than 2 or a
/// value is not finite, [`EvalError::TestTrainRatio`] if the ratio is not positive and finite.
///
/// # Example
/// ```
/// let test = exact_eval::corrected_paired_t_test(&[0.9, 0.8, 0.85], &[0.8, 0.8, 0.80], 0.5)?;
/// assert!((test.mean_difference - 0.05).abs() < 1e-15 && test.p_value > 0.2);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
///
/// # References
/// Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52 (2003).
pub fn corrected_paired_t_test(
    first: &[f64],
    second: &[f64],
    test_train_ratio: f64,
) -> Result<PairedTest, EvalError> {
    check_length("the second list of folds", first.len(), second.len())?;
    if !(test_train_ratio > 0.0 && test_train_ratio.is_finite()) {
        return Err(EvalError::TestTrainRatio { value: test_train_ratio });
    }
    let differences: Vec<f64> =
        first.iter().zip(second).map(|(a, b)| a - b).filter(|difference| difference.is_finite()).collect();
    let folds = differences.len();
    if folds < 2 || folds < first.len() {
        return Err(EvalError::Folds { found: folds });
    }
    let mean_difference = differences.iter().sum::<f64>() / folds as f64;
    let squares: f64 = differences.iter().map(|d| (d - mean_difference).powi(2)).sum();
    let variance = squares / (folds - 1) as f64;
    let standard_error = ((1.0 / folds as f64 + test_train_ratio) * variance).sqrt();
    let t = if mean_difference == 0.0 { 0.0 } else { mean_difference / standard_error };
    Ok(PairedTest { mean_difference, standard_error, t, p_value: student_two_sided(t, folds - 1) })
}

/// `P(|T| ≥ |t|)` of Student's distribution.
fn student_two_sided(t: f64, degrees_of_freedom: usize) -> f64 {
    let student = StudentsT::new(0.0, 1.0, degrees_of_freedom as f64);
    (2.0 * student.expect("two folds have a degree of freedom").sf(t.abs())).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::assert_close;

    #[test]
    fn student_equals_scipy() {
        // scipy: 2 * scipy.stats.t.sf(t, df)
        for (t, degrees_of_freedom, expected) in [
            (2.0, 4, 0.116_116_523_516_815_56),
            (0.5, 1, 0.704_832_764_699_133_5),
            (3.1, 9, 0.012_722_455_978_201_95),
            (1.2, 2, 0.353_003_360_779_369_5),
            (1.5, 3, 0.230_583_865_244_822_94),
            (2.5, 30, 0.018_115_649_068_066_69),
        ] {
            assert_close(student_two_sided(t, degrees_of_freedom), expected);
        }
    }

    #[test]
    fn five_folds_equal_numpy() {
        let first = [0.9, 0.85, 0.88, 0.91, 0.87];
        let second = [0.88, 0.85, 0.85, 0.9, 0.86];
        let test = corrected_paired_t_test(&first, &second, 0.25).unwrap();
        assert_close(test.mean_difference, 0.014);
        assert_close(test.standard_error, 0.007_648_529_270_389_185);
        assert_close(test.p_value, 0.141_159_178_562_554_53);
    }

    #[test]
    fn without_spread() {
        let same = corrected_paired_t_test(&[0.5, 0.5], &[0.5, 0.5], 1.0).unwrap();
        assert_eq!((same.t, same.p_value), (0.0, 1.0));
        let shifted = corrected_paired_t_test(&[0.75, 0.75], &[0.5, 0.5], 1.0).unwrap();
        assert_eq!((shifted.t, shifted.p_value), (f64::INFINITY, 0.0));
    }

    #[test]
    fn rejects_what_cannot_be_tested() {
        assert_eq!(corrected_paired_t_test(&[0.5], &[0.5], 1.0), Err(EvalError::Folds { found: 1 }));
        assert_eq!(
            corrected_paired_t_test(&[0.5; 2], &[0.5, f64::NAN], 1.0),
            Err(EvalError::Folds { found: 1 })
        );
        assert!(matches!(corrected_paired_t_test(&[0.5; 2], &[0.5; 3], 1.0), Err(EvalError::Length { .. })));
        assert!(matches!(
            corrected_paired_t_test(&[0.5; 2], &[0.5; 2], f64::NAN),
            Err(EvalError::TestTrainRatio { .. })
        ));
    }
}
