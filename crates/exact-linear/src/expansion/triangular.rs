//! Small triangular matrices, row-major.

/// The Cholesky factor of a symmetric positive definite matrix, whose lower part is read: `L Lᵀ = A`. A
/// diagonal entry that rounding has made too small is taken as `floor`.
pub(super) fn cholesky(matrix: &mut [f64], n: usize, floor: f64) {
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let rest = matrix[i * n + j] - sum;
            matrix[i * n + j] = if i == j { rest.max(floor).sqrt() } else { rest / matrix[j * n + j] };
        }
        matrix[i * n + i + 1..(i + 1) * n].fill(0.0);
    }
}

/// The inverse of a lower triangular matrix with a positive diagonal.
pub(super) fn inverse(lower: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for i in 0..n {
        let (above, row) = inverse.split_at_mut(i * n);
        let row = &mut row[..n];
        row[i] = 1.0;
        for k in 0..i {
            let factor = lower[i * n + k];
            for (value, other) in row[..=k].iter_mut().zip(&above[k * n..]) {
                *value -= factor * other;
            }
        }
        let diagonal = lower[i * n + i];
        for value in &mut row[..=i] {
            *value /= diagonal;
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::{cholesky, inverse};

    #[test]
    fn factor_and_inverse() {
        let n = 6;
        // A Hilbert matrix with a ridge.
        let matrix: Vec<f64> = (0..n * n)
            .map(|at| 1.0 / (1 + at / n + at % n) as f64 + if at / n == at % n { 0.1 } else { 0.0 })
            .collect();
        let mut lower = matrix.clone();
        cholesky(&mut lower, n, 0.0);
        let inverse = inverse(&lower, n);
        for i in 0..n {
            for j in 0..n {
                let product: f64 = (0..n).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
                assert!((product - matrix[i * n + j]).abs() < 1e-14);
                let one: f64 = (0..n).map(|k| lower[i * n + k] * inverse[k * n + j]).sum();
                assert!((one - f64::from(u8::from(i == j))).abs() < 1e-13);
                assert!(j <= i || (lower[i * n + j] == 0.0 && inverse[i * n + j] == 0.0));
            }
        }
    }
}
