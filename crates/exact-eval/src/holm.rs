//! Holm's correction of several p-values.

/// The p-values of several hypotheses, adjusted so that rejecting those at or below `alpha` rejects a true
/// one with probability `alpha` at most, whatever the dependence between the tests. `None` if one is not in
/// `0..=1`.
///
/// # Formula
/// `max over j ≤ i of min(1, (m - j + 1) p_(j))` for the i-th smallest of `m` p-values
///
/// # Example
/// ```
/// assert_eq!(exact_eval::holm(&[0.5, 0.0625, 0.125]), Some(vec![0.5, 0.1875, 0.25]));
/// ```
///
/// # References
/// Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
/// (1979).
pub fn holm(p_values: &[f64]) -> Option<Vec<f64>> {
    if p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (smaller, at) in order.into_iter().enumerate() {
        largest = largest.max((p_values.len() - smaller) as f64 * p_values[at]).min(1.0);
        adjusted[at] = largest;
    }
    Some(adjusted)
}

#[cfg(test)]
mod tests {
    use super::holm;

    #[test]
    fn the_factors_fall_and_the_values_do_not() {
        // 5 times 0.005, 4 times 0.01, 3 times 0.02, 2 times 0.03; 0.04 is less than the one before.
        let adjusted = holm(&[0.01, 0.02, 0.03, 0.04, 0.005]).unwrap();
        for (found, expected) in adjusted.iter().zip([0.04, 0.06, 0.06, 0.06, 0.025]) {
            assert!((found - expected).abs() < 1e-15, "{adjusted:?}");
        }
    }

    #[test]
    fn adjusted_values_are_probabilities_in_the_same_order() {
        assert_eq!(holm(&[]), Some(Vec::new()));
        assert_eq!(holm(&[0.9, 0.8, 0.7]), Some(vec![1.0; 3]));
        assert_eq!(holm(&[0.0, 0.0]), Some(vec![0.0; 2]));
        assert_eq!(holm(&[0.5, f64::NAN]), None);
        assert_eq!(holm(&[1.5]), None);
    }
}
