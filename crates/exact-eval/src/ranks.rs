//! Ranks of values and of methods; what is equal shares its mean rank.

/// The rank of each value, 1 for the smallest. Values that are equal share the mean of their ranks.
///
/// # Example
/// ```
/// assert_eq!(exact_eval::ranks(&[0.5, 0.25, 0.5, 0.75]), [2.5, 1.0, 2.5, 4.0]);
/// ```
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = below as f64 + (tied.len() + 1) as f64 / 2.0;
        for &at in tied {
            ranks[at] = mean;
        }
        below += tied.len();
    }
    ranks
}

/// The mean over data sets of each method's rank, 1 for the largest of a set's scores; `[set][method]`.
///
/// # Example
/// ```
/// assert_eq!(exact_eval::mean_ranks(&[vec![0.9, 0.8, 0.7], vec![0.5, 0.5, 0.6]]), [1.75, 2.25, 2.0]);
/// ```
pub fn mean_ranks(scores: &[Vec<f64>]) -> Vec<f64> {
    let mut means = vec![0.0; scores.first().map_or(0, Vec::len)];
    for scores in scores {
        let negated: Vec<f64> = scores.iter().map(|score| -score).collect();
        for (mean, rank) in means.iter_mut().zip(ranks(&negated)) {
            *mean += rank;
        }
    }
    means.iter().map(|sum| sum / scores.len() as f64).collect()
}

/// `Σ (t³ - t)` over groups of `t` equal values, which corrects variances of sums of their ranks.
pub(crate) fn tie_sum(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|tied| (tied.len() as f64).powi(3) - tied.len() as f64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[]), []);
        assert_eq!(ranks(&[3.0; 4]), [2.5; 4]);
        assert_eq!(ranks(&[0.0, -0.0, 1.0]), [1.5, 1.5, 3.0]);
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 5.0, 0.0]), [4.0, 2.0, 4.0, 4.0, 1.0]);
    }

    #[test]
    fn ties_are_counted_by_group() {
        assert_eq!(tie_sum(&[1.0, 2.0, 3.0]), 0.0);
        assert_eq!(tie_sum(&[1.5, 4.0, 1.5, 4.0, 4.0]), 6.0 + 24.0);
    }
}
