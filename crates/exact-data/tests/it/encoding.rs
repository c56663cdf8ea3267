//! Encoding: what is fitted on training data, and what becomes of other data.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use exact_data::{
    DataError, Encoder, EncoderOptions, Features, LabelEncoder, ReadOptions, Source, Table, Warning,
};
use proptest::prelude::*;

/// Of means and standard deviations of a few hundred standardised values.
const ROUNDING: f64 = 1e-9;

fn read(text: &str, options: &ReadOptions) -> Table {
    Table::read(&Source::bytes("table.csv", text.as_bytes()), options).unwrap()
}

fn table(text: &str) -> Table {
    read(text, &ReadOptions::default())
}

fn fit(table: &Table) -> Encoder {
    Encoder::fit(table, &EncoderOptions::default()).unwrap().0
}

fn with_indicators() -> EncoderOptions {
    let mut options = EncoderOptions::default();
    options.missing_indicator = true;
    options
}

#[test]
fn numbers_are_standardised_with_the_population_deviation() {
    let features = fit(&table("x\n1\n2\n3\n6\n")).transform(&table("x\n3\n\"\"\n")).unwrap();
    // mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
    assert_eq!(features.dense(), [0.0, 0.0]);
    let features = fit(&table("x\n1\n2\n3\n6\n")).transform(&table("x\n6\n")).unwrap();
    assert!((features.dense()[0] - 3.0 / 3.5_f64.sqrt()).abs() < 1e-15);
}

#[test]
fn indicators_have_the_shares_of_training() {
    let train = table("colour\nred\nblue\nred\n\"\"\n");
    let encoder = fit(&train);
    assert_eq!(encoder.column_names(), ["colour=blue", "colour=red", "colour=<missing>"]);
    let features = encoder.transform(&train).unwrap();
    assert_eq!(features.codes(), [1, 0, 1, 2]);
    assert_eq!(features.layout().block_offsets, [0, 3]);
    assert_eq!(features.layout().indicator_mean, [0.25, 0.5, 0.25]);
    let quarter = 0.1875_f64.sqrt();
    assert_eq!(features.layout().indicator_std, [quarter, 0.5, quarter]);
}

#[test]
fn what_training_lacks_has_no_indicator() {
    let encoder = fit(&table("colour\nred\nblue\n"));
    let features = encoder.transform(&table("colour,id\ngreen,1\n,2\nred,3\n")).unwrap();
    assert_eq!(features.codes(), [Features::ABSENT, Features::ABSENT, 1]);
}

#[test]
fn missing_numbers_get_an_indicator_on_request() {
    let train = table("x\n1\n\"\"\n3\n\"\"\n");
    let (encoder, warnings) = Encoder::fit(&train, &with_indicators()).unwrap();
    assert!(warnings.is_empty());
    assert_eq!(encoder.column_names(), ["x", "x is missing"]);
    let features = encoder.transform(&train).unwrap();
    assert_eq!(features.codes(), [Features::ABSENT, 0, Features::ABSENT, 0]);
    assert_eq!(fit(&train).column_names(), ["x"]);
}

#[test]
fn a_constant_number_that_is_missing_at_times_keeps_its_indicator() {
    let train = table("x\n5\n\"\"\n5\n\"\"\n");
    let (encoder, warnings) = Encoder::fit(&train, &with_indicators()).unwrap();
    assert_eq!(warnings, [Warning::ConstantColumn { column: "x".into() }]);
    assert_eq!(encoder.column_names(), ["x is missing"]);
    assert_eq!(encoder.transform(&train).unwrap().n_rows(), 4);
}

#[test]
fn a_large_offset_does_not_hide_a_spread() {
    let features = fit(&table("x\n1000000001\n1000000002\n1000000003\n"))
        .transform(&table("x\n1000000002\n1000000003\n"))
        .unwrap();
    assert!((features.dense()[0]).abs() < 1e-6);
    assert!((features.dense()[1] - 1.5_f64.sqrt()).abs() < 1e-6);
}

#[test]
fn extreme_magnitudes_are_standardised() {
    let features = |text: &str| fit(&table(text)).transform(&table(text)).unwrap().dense().to_vec();
    assert_eq!(features("x\n1e308\n0\n"), [1.0, -1.0]);
    assert_eq!(features("x\n1e-300\n0\n"), [1.0, -1.0]);
}

#[test]
fn a_value_too_far_from_training_is_an_error() {
    let encoder = fit(&table("x\n1e-200\n0\n"));
    let error = encoder.transform(&table("x\n0\n1e200\n")).unwrap_err();
    assert_eq!(error.to_string(), "table.csv, line 3, column `x`: 1e200 is too large to standardise");
}

#[test]
fn rounding_is_no_spread() {
    let noisy = format!("x,y\n{},1\n{},2\n", 0.1 + 0.2, 0.3);
    let (encoder, warnings) = Encoder::fit(&table(&noisy), &EncoderOptions::default()).unwrap();
    assert_eq!(encoder.column_names(), ["y"]);
    assert_eq!(warnings, [Warning::ConstantColumn { column: "x".into() }]);
}

#[test]
fn a_table_without_usable_column_is_an_error() {
    let options = ReadOptions::with_target("label");
    let train = read("x,y,label\n1,,a\n1,,b\n", &options);
    let error = Encoder::fit(&train, &EncoderOptions::default()).unwrap_err();
    assert!(matches!(error, DataError::NoUsableColumn { .. }));
    let rows: String = (0..30).map(|row| format!("a{row},{}\n", row % 2)).collect();
    let error = Encoder::fit(&read(&format!("key,label\n{rows}"), &options), &EncoderOptions::default());
    let hint = error.unwrap_err().hint().unwrap();
    assert!(hint.contains("`key`") && hint.contains("--categorical=key"), "{hint}");
}

#[test]
fn the_target_is_no_feature() {
    let train = read("x,label\n1,a\n2,b\n", &ReadOptions::with_target("label"));
    assert_eq!(fit(&train).column_names(), ["x"]);
}

#[test]
fn a_fitted_encoder_knows_how_to_read_further_data() {
    let mut options = ReadOptions::with_target("label");
    options.missing = vec!["?".into()];
    let train = read("size,colour,dull,label\n1,7,x,a\n2,?,x,b\n,8,x,a\n", &options);
    let (encoder, _) = Encoder::fit(&train, &EncoderOptions::default()).unwrap();
    // `dull` is constant, so it need not be there; extra columns may be anything.
    let further = read("note,colour,size\nNaN,?,2\n???,9,?\n", &encoder.read_options());
    assert_eq!(encoder.transform(&further).unwrap().n_rows(), 2);
    let text = Source::bytes("new.csv", b"size,colour\n1,7\nbig,8\n".as_slice());
    let error = Table::read(&text, &encoder.read_options()).unwrap_err();
    assert_eq!(error.to_string(), "new.csv, line 3, column `size`: `big` is not a number");
    let text = Source::bytes("new.csv", b"colour,Size\n7,1\n".as_slice());
    let error = Table::read(&text, &encoder.read_options()).unwrap_err();
    assert_eq!(error.to_string(), "new.csv lacks 1 column that the model was trained on: `size`");
    assert_eq!(error.hint().unwrap(), "did you mean `Size`? the columns are `colour`, `Size`");
}

#[test]
fn what_was_missing_in_training_is_missing_in_further_data_however_frequent() {
    let rows = |tokens: usize| -> String {
        (0..20)
            .map(|row| if row < tokens { "n.d.,n.d.\n".into() } else { format!("{row},2024-01-{row:02}\n") })
            .collect()
    };
    let train = table(&format!("x,day\n{}", rows(2)));
    let encoder = fit(&train);
    // As a model file keeps it.
    let stored = serde_json::to_string(&encoder).unwrap();
    let encoder: Encoder = serde_json::from_str(&stored).unwrap();
    let further = read(&format!("x,day\n{}", rows(18)), &encoder.read_options());
    assert_eq!(encoder.transform(&further).unwrap().n_rows(), 20);
    assert_eq!(further.warnings(), []);
    // Another token is still an error, and one of a category no concern of numbers.
    let text = format!("x,day\n{}", rows(18).replace("n.d.", "n/d"));
    let error = Table::read(&Source::bytes("new.csv", text.as_bytes()), &encoder.read_options()).unwrap_err();
    assert_eq!(error.to_string(), "new.csv, line 2, column `x`: `n/d` is not a number");
}

#[test]
fn a_feature_can_be_kept_beside_the_predictions() {
    let encoder = fit(&table("x,c\n1,a\n2,b\n"));
    let mut options = encoder.read_options();
    options.id = vec!["x".into()];
    let further = read("x,c\n2,a\n1,a\n", &options);
    assert_eq!(further.ids(), [("x".to_string(), vec!["2".to_string(), "1".into()])]);
    assert_eq!(encoder.transform(&further).unwrap().dense(), [1.0, -1.0]);
}

#[test]
fn transforming_a_table_read_otherwise_names_the_difference() {
    let encoder = fit(&table("x,c\n1,a\n2,b\n"));
    let error = encoder.transform(&table("x,c\n1,3\n2,4\n")).unwrap_err();
    assert_eq!(error.to_string(), "table.csv: column `c` is numeric, categorical is needed");
    let error = encoder.transform(&table("y\n1\n")).unwrap_err();
    assert_eq!(error.to_string(), "table.csv lacks 2 columns that the model was trained on: `x`, `c`");
}

#[test]
fn a_stored_encoder_encodes_the_same() {
    let train = table("x,c\n0.1,a\n0.7,\n,b\n");
    let (encoder, _) = Encoder::fit(&train, &with_indicators()).unwrap();
    let stored = serde_json::to_string(&encoder).unwrap();
    let restored: Encoder = serde_json::from_str(&stored).unwrap();
    restored.validate().unwrap();
    assert_eq!(restored, encoder);
    assert_eq!(restored.transform(&train).unwrap(), encoder.transform(&train).unwrap());
}

#[test]
fn a_tampered_encoder_is_refused() {
    let train = table("x,c\n1,a\n2,\n,b\n");
    let stored = serde_json::to_string(&Encoder::fit(&train, &with_indicators()).unwrap().0).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(stored.contains(from), "{stored}");
        let tampered: Encoder = serde_json::from_str(&stored.replacen(from, to, 1)).unwrap();
        assert!(matches!(tampered.validate(), Err(DataError::Inconsistent { .. })), "{from} -> {to}");
    };
    refused(r#"["a","b"]"#, r#"["a","a"]"#);
    refused(r#"["a","b"]"#, r#"["a"]"#);
    refused(r#""column":"c""#, r#""column":"x""#);
    refused(r#""mean":1.5,"std":0."#, r#""mean":1.5,"std":-0."#);
    refused(r#""missing":true"#, r#""missing":false"#);
}

#[test]
fn a_record_batch_is_a_table() {
    let x: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)]));
    let batch = RecordBatch::try_from_iter([("x", x)]).unwrap();
    let table = Table::from_record_batch("memory", batch).unwrap();
    assert_eq!(fit(&table).transform(&table).unwrap().dense()[1], 0.0);
    let infinite: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::INFINITY]));
    let error = Table::from_record_batch("memory", RecordBatch::try_from_iter([("x", infinite)]).unwrap())
        .unwrap_err();
    assert_eq!(error.to_string(), "memory, line 2, column `x`: `inf` is not a finite number");
    let integers: ArrayRef = Arc::new(arrow_array::Int32Array::from(vec![1]));
    let error = fit_error("memory", integers);
    assert!(error.contains("column `x` has type Int32"), "{error}");
}

fn fit_error(name: &str, column: ArrayRef) -> String {
    let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
    Table::from_record_batch(name, batch).unwrap_err().to_string()
}

#[test]
fn selected_rows_keep_their_lines_and_lose_other_categories() {
    let table = table("x,c\n1,a\n2,b\n\n,c\n").select(&[2, 0]);
    assert_eq!((table.line(0), table.line(1)), (5, 2));
    let encoder = fit(&table);
    assert_eq!(encoder.column_names(), ["c=a", "c=c"]);
    assert_eq!(encoder.transform(&table).unwrap().codes(), [1, 0]);
}

#[test]
fn labels_are_coded_in_the_order_of_numbers_or_names() {
    let classes = |labels: &str| {
        let table = read(&format!("label\n{labels}"), &ReadOptions::with_target("label"));
        LabelEncoder::fit(&table, "label").unwrap().0.classes().to_vec()
    };
    assert_eq!(classes("10\n9\n10\n9\n"), ["9", "10"]);
    assert_eq!(classes("10\nb\n9\n10\nb\n9\n"), ["10", "9", "b"]);
    // One class, whatever way it is written.
    assert_eq!(classes("1.0\n1\n2\n1\n2.0\n"), ["1", "2"]);
    assert_eq!(classes("True\nfalse\nTRUE\nFalse\n"), ["false", "true"]);
}

#[test]
fn stored_labels_are_checked() {
    let restored: LabelEncoder = serde_json::from_str(r#"["a","b"]"#).unwrap();
    restored.validate().unwrap();
    for tampered in [r#"["a"]"#, r#"["a","a"]"#] {
        let restored: LabelEncoder = serde_json::from_str(tampered).unwrap();
        assert!(matches!(restored.validate(), Err(DataError::Inconsistent { .. })));
    }
}

#[test]
fn features_of_wrong_shapes_are_refused() {
    let problem = |values, width| Features::from_dense(values, width).unwrap_err().to_string();
    assert_eq!(problem(vec![1.0; 5], 2), "features have 5 values, which are not rows of 2");
    assert_eq!(problem(vec![], 0), "features have 0 values, which are not rows of 0");
    assert_eq!(problem(vec![1.0, f64::NAN], 2), "features have the value NaN in row 0, column 1");
    let features = Features::from_dense(vec![1.0, 2.0, 3.0, 4.0], 2).unwrap();
    assert_eq!(features.select(&[1, 1, 0]).dense(), [3.0, 4.0, 3.0, 4.0, 1.0, 2.0]);
}

/// Cells of a numeric and a categorical column, some missing.
fn rows() -> impl Strategy<Value = Vec<(Option<f64>, Option<u8>)>> {
    let number = proptest::option::weighted(0.8, -1e6..1e6);
    let category = proptest::option::weighted(0.8, 0..6_u8);
    proptest::collection::vec((number, category), 2..200)
}

proptest! {
    /// Every encoded column of the training data, indicators included, has mean 0 and standard deviation 1.
    #[test]
    fn training_columns_have_mean_0_and_deviation_1(rows in rows(), missing_indicator: bool) {
        let line = |(x, c): &(Option<f64>, Option<u8>)| {
            let x = x.map_or(String::new(), |x| x.to_string());
            let c = c.map_or(String::new(), |c| format!("k{c}"));
            format!("{x},{c}")
        };
        let lines: Vec<String> = rows.iter().map(line).collect();
        let text = format!("x,c\n{}\n", lines.join("\n"));
        let mut options = EncoderOptions::default();
        options.missing_indicator = missing_indicator;
        let train = table(&text);
        let Ok((encoder, _)) = Encoder::fit(&train, &options) else { return Ok(()) };
        let features = encoder.transform(&train).unwrap();
        let n = features.n_rows() as f64;
        for column in 0..features.n_columns() {
            let values: Vec<f64> = (0..features.n_rows()).map(|row| features.row(row)[column]).collect();
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
            prop_assert!(mean.abs() < ROUNDING, "column {column} has mean {mean}");
            prop_assert!((variance - 1.0).abs() < ROUNDING, "column {column} has variance {variance}");
        }
    }

    /// A code is the category's place among the sorted categories.
    #[test]
    fn codes_are_places_among_sorted_categories(cells in proptest::collection::vec("k[a-z]{0,2}", 2..100)) {
        let sorted: BTreeSet<&String> = cells.iter().collect();
        prop_assume!(sorted.len() > 1);
        let mut options = ReadOptions::default();
        options.columns = crate::reading::declared(&["c"], &[]);
        let train = read(&format!("c\n{}\n", cells.join("\n")), &options);
        let features = fit(&train).transform(&train).unwrap();
        let place = |cell| sorted.iter().position(|&category| category == cell).unwrap() as u32;
        prop_assert_eq!(features.codes(), cells.iter().map(place).collect::<Vec<_>>());
    }
}
