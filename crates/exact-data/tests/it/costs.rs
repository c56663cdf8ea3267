//! Cost matrices of files.

use exact_data::{CostMatrix, DataError, LabelEncoder, ReadOptions, Source, Table};

/// The classes 1, 2 and 10.
fn labels() -> LabelEncoder {
    let source = Source::bytes("rows.csv", b"x,label\n1,10\n2,2\n3,1\n".as_slice());
    let table = Table::read(&source, &ReadOptions::with_target("label")).unwrap();
    LabelEncoder::fit(&table, "label").unwrap().0
}

fn read(text: &'static str) -> Result<CostMatrix, DataError> {
    CostMatrix::read(&Source::bytes("costs.csv", text.as_bytes()), &labels())
}

#[test]
fn rows_and_columns_stand_in_any_order() {
    let costs = read("class,2,10,1\n10,1,0,2\n1,3,4,0\n2,0,5,6\n").unwrap();
    assert_eq!(costs.values(), [0.0, 3.0, 4.0, 6.0, 0.0, 5.0, 2.0, 1.0, 0.0]);
    let costs = read("class,reject,2,10,1\n10,0.5,1,0,2\n1,0.5,3,4,0\n2,-1,0,5,6\n").unwrap();
    assert_eq!(costs.values(), [0.0, 3.0, 4.0, 0.5, 6.0, 0.0, 5.0, -1.0, 2.0, 1.0, 0.0, 0.5]);
}

#[test]
fn what_is_no_cost_matrix_is_refused_with_its_place() {
    for (text, message) in [
        ("class,1,2\n1,0,1\n2,1,0\n10,1,1\n", "costs.csv has no column for the classes: `10`"),
        ("class,1,2,10\n1,0,1,1\n", "costs.csv has no row for the classes: `2`, `10`"),
        ("class,1,2,10,11\n1,0,1,1,1\n", "costs.csv, line 1, column `11`"),
        ("class,1,2,10\n1,0,1,1\n3,0,1,1\n", "costs.csv, line 3, column `class`"),
        (
            "class,1,2,10\n1,0,1,1\n2,1,0,1\n2,1,0,1\n",
            "costs.csv, line 4, column `class`: the cost is of a class that stands twice",
        ),
        (
            "class,1,2,10\n1,0,1,1\n2,1,0,dear\n10,1,1,0\n",
            "costs.csv, line 3, column `10`: the cost is `dear`, no finite number",
        ),
        ("class,1,2,10\n1,0,1,1\n2,1,0,\n10,1,1,0\n", "costs.csv, line 3, column `10`: the cost is missing"),
        ("class,1,2,10\n1,0,1,1\n2,nan,0,1\n10,1,1,0\n", "costs.csv, line 3, column `1`: the cost is"),
        ("class,1,2,10\n1,0,inf,1\n2,1,0,1\n10,1,1,0\n", "costs.csv, line 2, column `2`: the cost is"),
        ("class,1,1,10\n", "costs.csv"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
}
