//! Matrices as users have them: what they hold, which rows are selected, and what is refused.

use exact_data::{CsrMatrix, DenseMatrix, Indices, Numbers};

#[test]
fn dense_rows_are_selected_in_their_type() {
    let values = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let matrix = DenseMatrix::new(values.as_slice(), 2).unwrap();
    let selected = matrix.select(&[2, 0, 2]);
    assert_eq!(selected.values(), &Numbers::from(vec![5.0_f32, 6.0, 1.0, 2.0, 5.0, 6.0]));
    assert_eq!((selected.n_rows(), matrix.select(&[]).n_rows()), (3, 0));
    let Numbers::F32(held) = matrix.values() else { panic!("the type changed") };
    assert_eq!(held.as_ptr(), values.as_ptr(), "borrowed, not copied");
}

#[test]
fn dense_matrices_that_are_none_are_refused() {
    let problem = |values: Vec<f64>, n_columns| DenseMatrix::new(values, n_columns).unwrap_err().to_string();
    assert!(problem(vec![1.0; 5], 2).contains("5 values"));
    assert!(problem(vec![1.0; 4], 0).contains("rows of 0"));
    assert!(problem(vec![0.0, 1.0, 2.0, f64::NAN], 2).contains("NaN in row 1, column 1"));
    let infinite = DenseMatrix::new(vec![0.0, f32::INFINITY], 1).unwrap_err().to_string();
    assert!(infinite.contains("inf in row 1, column 0"), "{infinite}");
}

#[test]
fn sparse_rows_are_selected_in_their_types() {
    // [[0, 2, 0], [0, 0, 0], [1, 0, 3]]
    let matrix = CsrMatrix::new(vec![0_i64, 1, 1, 3], vec![1_i32, 0, 2], vec![2.0_f32, 1.0, 3.0], 3).unwrap();
    assert_eq!((matrix.n_rows(), matrix.n_columns(), matrix.row_range(1)), (3, 3, 1..1));
    let selected = matrix.select(&[2, 1, 0, 2]);
    assert_eq!(selected.indices(), &Indices::from(vec![0_i32, 2, 1, 0, 2]));
    assert_eq!(selected.values(), &Numbers::from(vec![1.0_f32, 3.0, 2.0, 1.0, 3.0]));
    assert_eq!([0, 1, 2, 3].map(|row| selected.row_range(row)), [0..2, 2..2, 2..3, 3..5]);
}

#[test]
fn sparse_matrices_that_are_none_are_refused() {
    let problem = |indptr: &[i32], indices: &[i64], values: &[f64]| {
        CsrMatrix::new(indptr, indices, values, 3).unwrap_err().to_string()
    };
    assert!(problem(&[0, 2], &[0], &[1.0, 2.0]).contains("1 column indices for 2 values"));
    assert!(problem(&[0, 2, 1, 2], &[0, 1], &[1.0; 2]).contains("the offset 1 at 2, expected 2 to 2"));
    assert!(problem(&[0, -1, 2], &[0, 1], &[1.0; 2]).contains("the offset -1"));
    assert!(problem(&[0, 3], &[0, 1], &[1.0; 2]).contains("the offset 3"));
    assert!(problem(&[0, 1], &[0, 1], &[1.0; 2]).contains("from 0 to 2"));
    assert!(problem(&[1, 2], &[0, 1], &[1.0; 2]).contains("from 0 to 2"));
    assert!(problem(&[], &[], &[]).contains("from 0 to 0"));
    assert!(problem(&[0, 2], &[1, 1], &[1.0; 2]).contains("repeated or negative columns in row 0"));
    assert!(problem(&[0, 2], &[2, 1], &[1.0; 2]).contains("unsorted"));
    assert!(problem(&[0, 0, 1], &[-1], &[1.0]).contains("negative columns in row 1"));
    assert!(problem(&[0, 0, 1], &[3], &[1.0]).contains("column 3 in row 1, expected below 3"));
    assert!(problem(&[0, 1], &[i64::MAX], &[1.0]).contains("expected below 3"));
    assert!(problem(&[0, 1, 1, 2], &[0, 1], &[1.0, f64::NAN]).contains("NaN in row 2"));
}
