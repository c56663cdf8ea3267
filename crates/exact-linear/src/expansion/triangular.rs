//! Triangular matrices, row-major.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

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

/// Rows from which a matrix is inverted by halves.
const BLOCK: usize = 64;

/// The inverse of a lower triangular matrix with a positive diagonal.
pub(super) fn inverse(lower: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = Array2::zeros((n, n));
    let lower = ArrayView2::from_shape((n, n), lower).expect("a square matrix");
    invert(&lower, &mut inverse.view_mut());
    inverse.into_raw_vec_and_offset().0
}

/// `[A 0; B C]⁻¹ = [A⁻¹ 0; -C⁻¹ B A⁻¹ C⁻¹]`.
fn invert(lower: &ArrayView2<'_, f64>, inverse: &mut ArrayViewMut2<'_, f64>) {
    let n = lower.nrows();
    if n <= BLOCK {
        invert_small(lower, inverse);
        return;
    }
    let half = n / 2;
    invert(&lower.slice(s![..half, ..half]), &mut inverse.slice_mut(s![..half, ..half]));
    invert(&lower.slice(s![half.., half..]), &mut inverse.slice_mut(s![half.., half..]));
    let mut product = Array2::zeros((n - half, half));
    general_mat_mul(
        1.0,
        &lower.slice(s![half.., ..half]),
        &inverse.slice(s![..half, ..half]),
        0.0,
        &mut product,
    );
    let (mut below, second) = inverse.slice_mut(s![half.., ..]).split_at(Axis(1), half);
    general_mat_mul(-1.0, &second, &product, 0.0, &mut below);
}

fn invert_small(lower: &ArrayView2<'_, f64>, inverse: &mut ArrayViewMut2<'_, f64>) {
    let n = lower.nrows();
    for i in 0..n {
        let (above, mut below) = inverse.view_mut().split_at(Axis(0), i);
        let mut row = below.row_mut(0);
        row[i] = 1.0;
        for k in 0..i {
            row.scaled_add(-lower[[i, k]], &above.row(k));
        }
        row /= lower[[i, i]];
    }
}

#[cfg(test)]
mod tests {
    use super::{cholesky, inverse};

    #[test]
    fn factor_and_inverse() {
        let n = 150;
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
