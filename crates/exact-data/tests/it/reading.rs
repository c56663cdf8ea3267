//! Reading tables: formats, kinds, missing values.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use exact_data::{
    ColumnKind, ColumnProfile, Columns, DataError, Declared, NumberFormat, ReadOptions, Reading, Source,
    Table, Values,
};
use proptest::prelude::*;

fn read(text: &[u8]) -> Table {
    Table::read(&Source::bytes("table.csv", text), &ReadOptions::default()).unwrap()
}

pub fn numbers(table: &Table, column: &str) -> Vec<Option<f64>> {
    let array = table.record_batch().column_by_name(column).unwrap();
    array.as_primitive::<Float64Type>().iter().collect()
}

pub fn declared(categorical: &[&str], numeric: &[&str]) -> Columns {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
    let mut declared = Declared::default();
    (declared.categorical, declared.numeric) = (names(categorical), names(numeric));
    Columns::Infer(declared)
}

fn texts(table: &Table, column: &str) -> Vec<Option<String>> {
    let array = table.record_batch().column_by_name(column).unwrap();
    let values = array.as_any_dictionary();
    let texts = values.values().as_string::<i64>();
    let keys = values.normalized_keys();
    (0..table.n_rows()).map(|row| array.is_valid(row).then(|| texts.value(keys[row]).to_string())).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_string())).collect()
}

#[test]
fn delimiters_are_detected_in_the_header() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = format!("a{delimiter}\"b, c; d\"\n1{delimiter}2\n");
        let table = read(text.as_bytes());
        assert_eq!(table.column_names().collect::<Vec<_>>(), ["a", "b, c; d"], "{delimiter:?}");
    }
    let tsv = Source::bytes("table.TSV.gz", b"a,b\tc\n1\t2\n".as_slice());
    let table = Table::read(&tsv, &ReadOptions::default()).unwrap();
    assert_eq!(table.column_names().collect::<Vec<_>>(), ["a,b", "c"]);
    let mut options = ReadOptions::default();
    options.form.delimiter = Some(b':');
    let table = Table::read(&Source::bytes("table", b"a:b\n1:2\n".as_slice()), &options).unwrap();
    assert_eq!(table.n_columns(), 2);
}

#[test]
fn quotes_line_ends_byte_order_mark_and_white_space() {
    let table = read(b"\xef\xbb\xbfname, x\r\n\"Ada, \"\"A\"\"\nLovelace\",  1 \r\n\r\nBob,2");
    assert_eq!(table.column_names().collect::<Vec<_>>(), ["name", "x"]);
    assert_eq!(texts(&table, "name"), some(&["Ada, \"A\"\nLovelace", "Bob"]));
    assert_eq!(numbers(&table, "x"), [Some(1.0), Some(2.0)]);
    // The first row takes two lines, and an empty one follows.
    assert_eq!((table.line(0), table.line(1)), (2, 5));
}

#[test]
fn lines_are_counted_alike_for_both_line_ends() {
    for end in ["\n", "\r\n"] {
        let table = read(["a,b", "1,2", "3,4", "", "5,6"].join(end).as_bytes());
        assert_eq!((0..3).map(|row| table.line(row)).collect::<Vec<_>>(), [2, 3, 5], "{end:?}");
    }
}

#[test]
fn a_column_is_numeric_if_all_its_values_are() {
    let table = read(b"x,late,early,empty\n1e3,1,,\n-.5,2,a,\n,b,2,\n");
    assert_eq!(table.kind("x").unwrap(), ColumnKind::Numeric);
    assert_eq!(numbers(&table, "x"), [Some(1000.0), Some(-0.5), None]);
    // Of few different values, one text among them makes codes of them.
    assert_eq!(texts(&table, "late"), some(&["1", "2", "b"]));
    assert_eq!(texts(&table, "early")[0], None);
    assert_eq!(texts(&table, "early")[2], Some("2".into()));
    assert_eq!(numbers(&table, "empty"), [None; 3]);
}

#[test]
fn the_target_is_read_as_text() {
    let source = Source::bytes("table.csv", b"x,y\n1,01\n2,1\n".as_slice());
    let table = Table::read(&source, &ReadOptions::with_target("y")).unwrap();
    assert_eq!(texts(&table, "y"), some(&["01", "1"]));
    assert_eq!(table.target(), Some("y"));
}

#[test]
fn declared_kinds_and_missing_tokens_are_obeyed() {
    let source = Source::bytes("table.csv", b"a,b,c\n1,NA,?\n2,3,4\n".as_slice());
    let mut options = ReadOptions::default();
    options.missing = vec!["NA".into(), "?".into()];
    options.columns = declared(&["a"], &["b"]);
    let table = Table::read(&source, &options).unwrap();
    assert_eq!(texts(&table, "a"), some(&["1", "2"]));
    assert_eq!(numbers(&table, "b"), [None, Some(3.0)]);
    assert_eq!(numbers(&table, "c"), [None, Some(4.0)]);
}

#[test]
fn a_number_that_is_missing_is_so_however_it_is_written() {
    let text =
        "x,code,price,id\n-9999,-9999,$5,-9999\n2,a,\"$-9,999\",7\n-9999.0,b,$6,8\n4,c,$7,9\n5,d,$8,1\n";
    let mut options = ReadOptions::default();
    options.missing = vec!["-9999".into()];
    options.id = vec!["id".into()];
    let table = Table::read(&Source::bytes("table.csv", text.as_bytes()), &options).unwrap();
    assert_eq!(numbers(&table, "x"), [None, Some(2.0), None, Some(4.0), Some(5.0)]);
    assert_eq!(texts(&table, "code")[0], None);
    assert_eq!(numbers(&table, "price")[..2], [Some(5.0), None]);
    // What is copied is copied as it is.
    assert_eq!(table.ids()[0].1[0], "-9999");
    let columns = vec![("x".to_string(), Values::Numbers(vec![-9999.0, 1.0]))];
    options.id.clear();
    let table = Table::of_columns("the frame", columns, &options).unwrap();
    assert_eq!(numbers(&table, "x"), [None, Some(1.0)]);
}

#[test]
fn known_classes_are_labels_also_where_they_look_missing() {
    let source = Source::bytes("table.csv", b"x,y\n1,NA\n2,yes\n3,null\n".as_slice());
    let mut options = ReadOptions::with_target("y");
    options.classes = vec!["NA".into(), "yes".into()];
    let table = Table::read(&source, &options).unwrap();
    assert_eq!(texts(&table, "y"), some(&["NA", "yes"]));
}

#[test]
fn names_of_infinity_are_categories_among_categories() {
    let table = read(b"x,y\ninf,1\nNaN,2\nnone,3\n");
    assert_eq!(texts(&table, "x"), some(&["inf", "NaN", "none"]));
}

#[test]
fn known_columns_are_read_and_others_ignored() {
    let source = Source::bytes("table.csv", b"note,b,a\n\xc3\xa9,1,2\n".as_slice());
    let mut options = ReadOptions::default();
    options.columns = Columns::Known(vec![
        ("a".into(), Reading::Number(NumberFormat::default())),
        ("b".into(), Reading::Category),
    ]);
    let table = Table::read(&source, &options).unwrap();
    assert_eq!(table.column_names().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(texts(&table, "b"), some(&["1"]));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_twice_if_need_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || std::fs::write(path, "x\n1\ntext\n").unwrap())
    };
    let table = Table::read(&Source::file(&path).unwrap(), &ReadOptions::default()).unwrap();
    writer.join().unwrap();
    assert_eq!(texts(&table, "x"), some(&["1", "text"]));
}

#[test]
fn whole_numbers_with_more_digits_than_a_float_holds_are_codes() {
    let table = read(b"card,x\n4000000000000000001,1\n4000000000000000002,2\n4000000000000000001,3\n");
    assert_eq!(texts(&table, "card")[..2], some(&["4000000000000000001", "4000000000000000002"])[..]);
}

#[test]
fn whole_numbers_of_many_digits_are_numbers_where_floats_tell_them_apart() {
    let moments: String =
        (0..30).map(|row| format!("{},1700000000{:09}\n", row % 3, row * 7_654_321)).collect();
    let table = read(format!("x,nanoseconds\n{moments}").as_bytes());
    assert_eq!(table.kind("nanoseconds").unwrap(), ColumnKind::Numeric);
    let table = read(format!("x,order_id\n{moments}").as_bytes());
    assert_eq!(table.profiles()[1].kind, ColumnKind::Identifier);
}

/// The profile of a column of these values, with what was noticed.
fn profile(values: impl IntoIterator<Item = String>) -> (ColumnProfile, Vec<String>) {
    let rows: String = values.into_iter().map(|value| format!("{value},1\n")).collect();
    let table = read(format!("v,other\n{rows}").as_bytes());
    let warnings = table.warnings().iter().map(ToString::to_string).collect();
    (table.profiles()[0].clone(), warnings)
}

#[test]
fn months_are_dates_of_their_own() {
    type Write = fn(usize, usize) -> String;
    let writings: [(Write, &str); 3] = [
        (|year, month| format!("{year}-{month:02}"), "%Y-%m"),
        (|year, month| format!("{month:02}/{year}"), "%m/%Y"),
        (|year, month| format!("{year}/{month:02}"), "%Y/%m"),
    ];
    for (write, format) in writings {
        let (profile, warnings) = profile((0..48).map(|row| write(2020 + row / 24, row % 12 + 1)));
        assert_eq!((profile.kind, profile.note), (ColumnKind::Date, format!("dates: {format}")));
        assert_eq!(warnings, [""; 0]);
    }
    let (profile, _) = profile((1..60).map(|row| format!("2023-{:03}", row * 6)));
    assert_eq!(profile.note, "dates: %Y-%j");
}

#[test]
fn codes_are_no_dates() {
    for code in [
        |row: usize| format!("{}-{}", 1000 + row % 4 * 10, 34 + row % 9),
        |row: usize| format!("{}.{}.{}", 1 + row % 3, 1 + row % 10, row % 17),
        |row: usize| format!("{}:{}", row % 4, row % 5 + 10 * (row % 2)),
    ] {
        let (profile, _) = profile((0..60).map(code));
        assert_ne!(profile.kind, ColumnKind::Date, "{}", code(0));
    }
    // What may be either is told.
    let (profile, warnings) = profile((0..60).map(|row| format!("{}:{:02}", row % 5, row % 60)));
    assert_eq!(profile.kind, ColumnKind::Date);
    assert!(warnings[0].contains("`0:00`") && warnings[0].contains("--categorical=v"), "{warnings:?}");
}

#[test]
fn numbers_with_a_leading_zero_and_the_same_width_are_codes() {
    let zip = |row: usize| format!("{:05}", row % 4 * 30_000 + 1067);
    let (codes, warnings) = profile((0..60).map(zip));
    assert_eq!((codes.kind, codes.distinct), (ColumnKind::Categorical, Some(4)));
    assert!(warnings[0].contains("`01067`") && warnings[0].contains("--numeric=v"), "{warnings:?}");
    // A missing value among them, months, and numbers of several widths.
    let (codes, _) =
        profile((0..60).map(|row: usize| if row.is_multiple_of(9) { "NA".into() } else { zip(row) }));
    assert_eq!(codes.kind, ColumnKind::Categorical);
    for number in [
        |row: usize| format!("{:02}", row % 12 + 1),
        |row: usize| format!("0{row}"),
        // No category has two rows.
        |row: usize| format!("{:05}", row * 1_500 + 1067),
    ] {
        assert_eq!(profile((0..60).map(number)).0.kind, ColumnKind::Numeric);
    }
}

#[test]
fn categories_that_few_rows_share_are_told() {
    let weight = |row: usize| {
        let unit = if row.is_multiple_of(2) { "kg" } else { "lb" };
        format!("{}.{} {unit}", 50 + row % 40, row % 7)
    };
    let (profile_of_units, warnings) = profile((0..400).map(weight));
    assert_eq!(profile_of_units.kind, ColumnKind::Categorical);
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    for part in ["different texts in 400 rows", "`50.0 kg`", "--drop=v", "--text=v"] {
        assert!(warning.contains(part), "{warning}");
    }
    assert_eq!(profile((0..400).map(|row| format!("town {}", row % 60))).1, [""; 0]);
}

#[test]
fn texts_of_spreadsheets_and_grouped_digits_are_numbers() {
    let table = read(b"x,y\n=\"1.2\",1_000\n\"=\"\"3\"\"\",12_000.5\n");
    assert_eq!(numbers(&table, "x"), [Some(1.2), Some(3.0)]);
    assert_eq!(numbers(&table, "y"), [Some(1000.0), Some(12_000.5)]);
}

#[test]
fn a_header_that_looks_like_a_row_is_told() {
    let warnings = |text: &str| {
        let table = read(text.as_bytes());
        table.warnings().iter().map(ToString::to_string).filter(|text| text.contains("--no-header")).count()
    };
    assert_eq!(warnings("5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,versicolor\n"), 1);
    assert_eq!(warnings("1,2\n3,4\n5,6\n"), 1);
    assert_eq!(warnings("country,2019,2020\nA,1,2\nB,3,4\n"), 0);
    assert_eq!(warnings("x,y\n1,2\n3,y\n"), 0);
}

#[test]
fn a_row_may_be_longer_than_any_block() {
    let n_columns = 150_000;
    let header: Vec<String> = (0..n_columns).map(|column| format!("c{column}")).collect();
    let row = |value: &str| vec![value; n_columns].join(",");
    let text =
        format!("{}\n{}\n{}\n", header.join(","), row("1.2500000000000000"), row("3.0000000000000000"));
    let table = read(text.as_bytes());
    assert_eq!((table.n_rows(), table.n_columns()), (2, n_columns));
    assert_eq!(numbers(&table, "c149999"), [Some(1.25), Some(3.0)]);
}

#[test]
fn commas_are_for_decimals_where_semicolons_delimit() {
    for (text, expected) in [
        ("w;t\n1,234;a\n2,500;b\n3,125;a\n", [1.234, 2.5, 3.125]),
        ("w,t\n\"1,234\",a\n\"2,500\",b\n\"3,125\",a\n", [1234.0, 2500.0, 3125.0]),
    ] {
        let table = read(text.as_bytes());
        assert_eq!(numbers(&table, "w"), expected.map(Some), "{text}");
        // Nothing shows it in the column itself.
        assert_eq!(table.warnings().len(), 1, "{text}");
    }
}

#[test]
fn points_between_thousands_are_told_by_commas_in_quotes() {
    let table = read(b"x,y\n\"1.234,5\",1\n1.234,2\n2.500,3\n0,4\n\"7,25\",5\n");
    assert_eq!(numbers(&table, "x"), [1234.5, 1234.0, 2500.0, 0.0, 7.25].map(Some));
    let table = read(b"x,y\n1.234,1\n2.500,2\n");
    assert_eq!(numbers(&table, "x"), [1.234, 2.5].map(Some));
}

/// Several megabytes: each row has its number and what `fields` says.
fn many_rows(fields: impl Fn(usize) -> String) -> Vec<u8> {
    (0..200_000).fold(b"n,x,y\n".to_vec(), |mut text, row| {
        text.extend(format!("{row},{}\n", fields(row)).bytes());
        text
    })
}

#[test]
fn threads_change_neither_the_table_nor_the_first_error() {
    let on = |n_threads: usize, text: &[u8]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| Table::read(&Source::bytes("t.csv", text), &ReadOptions::default()))
    };
    let good = many_rows(|row| format!("\"a {}\",{}.5", row % 1000, row / 7));
    // From a block in the middle on, each has rows that are broken.
    let bad = many_rows(|row| match row {
        70_000.. if row % 1000 == 1 => "1".into(),
        70_000.. if row % 1000 == 2 => "1,2,3".into(),
        _ => "1,2".into(),
    });
    let table = on(1, &good).unwrap();
    for n_threads in [2, 3, 8] {
        let other = on(n_threads, &good).unwrap();
        assert_eq!(other.record_batch(), table.record_batch());
        assert!((0..table.n_rows()).all(|row| other.line(row) == table.line(row)));
        for _ in 0..5 {
            let error = on(n_threads, &bad).unwrap_err().to_string();
            assert_eq!(error, "t.csv, line 70003: the row has 2 fields, the header has 3");
        }
    }
}

/// Fields of numbers, of what looks like them, and of texts.
fn fields() -> impl Strategy<Value = Vec<[String; 3]>> {
    let field = prop_oneof![
        (-1e7..1e7_f64, 0..9_usize).prop_map(|(value, decimals)| format!("{value:.decimals$}")),
        "-?[0-9]{0,9}\\.?[0-9]{0,9}",
        "[ 0-9.e-]{0,9}",
        "[a-cé ]{0,12}",
    ];
    proptest::collection::vec([field.clone(), field.clone(), field], 1..40)
}

proptest! {
    /// Numbers that stand in quotes are not read by the quick way.
    #[test]
    fn quotes_make_no_difference(rows in fields(), ends_with_line: bool, crlf: bool) {
        let text = |quote: &str| {
            let line = |row: &[String; 3]| row.each_ref().map(|field| quote.to_string() + field + quote);
            let lines: Vec<String> = rows.iter().map(|row| line(row).join(",")).collect();
            let end = if crlf { "\r\n" } else { "\n" };
            format!("a,b,c{end}{}{}", lines.join(end), if ends_with_line { end } else { "" })
        };
        let read = |text: &str| -> Result<_, DataError> {
            let mut options = ReadOptions::default();
            options.form.delimiter = Some(b',');
            let table = Table::read(&Source::bytes("t.csv", text.as_bytes()), &options)?;
            let lines: Vec<u64> = (0..table.n_rows()).map(|row| table.line(row)).collect();
            Ok((table.record_batch().clone(), table.profiles().to_vec(), lines))
        };
        match (read(&text("")), read(&text("\""))) {
            (Ok(plain), Ok(quoted)) => prop_assert_eq!(plain, quoted),
            (plain, quoted) => prop_assert_eq!(
                plain.unwrap_err().to_string(),
                quoted.unwrap_err().to_string()
            ),
        }
    }
}

#[test]
fn groups_are_numbered_and_are_no_feature() {
    let read = |text: &'static str| {
        let mut options = ReadOptions::with_target("y");
        options.group = Some("2".into());
        Table::read(&Source::bytes("t.csv", text.as_bytes()), &options)
    };
    // The second row has no label.
    let table = read("x,person,y\n1,b,u\n2,c,\n3,a,v\n4,b,v\n").unwrap();
    assert_eq!(table.groups(), Some(&[0, 2, 0][..]));
    assert_eq!(table.column_names().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(table.profiles()[1].note, "groups of the cross-validation");
    let error = read("x,person,y\n1,b,u\n2,,v\n").unwrap_err().to_string();
    assert_eq!(error, "t.csv, line 3, column `person`: the row has no group");
    let mut options = ReadOptions::with_target("y");
    options.group = Some("y".into());
    let error = Table::read(&Source::bytes("t.csv", b"x,y\n1,u\n".as_slice()), &options).unwrap_err();
    assert!(matches!(error, DataError::ConflictingKinds { .. }), "{error}");
}
