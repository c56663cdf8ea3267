//! One p-value for several tests of the same hypothesis.

/// A p-value for a hypothesis that several tests were made of, whatever the dependence between them, as
/// between runs of different seeds that are tested on the same samples: the smallest majority of the tests
/// must agree. `None` if there are no tests or a p-value is not in `0..=1`.
///
/// # Formula
/// `min(1, K/k p_(k))` with `p_(k)` the k-th smallest of K p-values and `k = floor(K/2) + 1`: the p-value
/// itself for one test, the larger of two, 3/2 times the middle of three.
///
/// # Example
/// ```
/// assert_eq!(exact_eval::combined_p_value(&[0.25]), Some(0.25));
/// assert_eq!(exact_eval::combined_p_value(&[0.5, 0.125, 0.25]), Some(0.375));
/// assert_eq!(exact_eval::combined_p_value(&[]), None);
/// ```
///
/// # References
/// Rüger, "Das maximale Signifikanzniveau des Tests: Lehne H0 ab, wenn k unter n gegebenen Tests zur
/// Ablehnung führen", Metrika 25 (1978).
pub fn combined_p_value(p_values: &[f64]) -> Option<f64> {
    if p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let majority = sorted.len() / 2 + 1;
    let p = sorted.get(majority - 1)?;
    Some((p * sorted.len() as f64 / majority as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::combined_p_value;

    #[test]
    fn it_is_a_probability_of_a_majority() {
        assert_eq!(combined_p_value(&[0.1, 0.3]), Some(0.3));
        assert_eq!(combined_p_value(&[0.9, 0.8, 0.0]), Some(1.0));
        assert_eq!(combined_p_value(&[0.0, 0.0, 1.0]), Some(0.0));
        assert_eq!(combined_p_value(&[0.0, f64::NAN]), None);
    }
}
