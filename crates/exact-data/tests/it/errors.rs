//! Each way in which data can be wrong has its message: what, where, and how to mend it.

use std::error::Error as _;
use std::io;
use std::path::Path;

use exact_data::{DataError, FIELD_LIMIT, LabelEncoder, ReadOptions, Source, Table, write_atomically};

fn read(text: &[u8], options: &ReadOptions) -> Result<Table, DataError> {
    Table::read(&Source::bytes("t.csv", text), options)
}

fn message(text: &[u8]) -> String {
    read(text, &ReadOptions::default()).unwrap_err().to_string()
}

fn declaring(categorical: &[&str], numeric: &[&str]) -> ReadOptions {
    let mut options = ReadOptions::with_target("y");
    options.columns = crate::reading::declared(categorical, numeric);
    options
}

fn label_error(text: &[u8]) -> DataError {
    let table = read(text, &ReadOptions::with_target("y")).unwrap();
    LabelEncoder::fit(&table, "y").unwrap_err()
}

#[test]
fn no_such_file() {
    let error = Source::file(Path::new("no/such.csv")).unwrap_err();
    assert!(error.to_string().starts_with("cannot read no/such.csv: "), "{error}");
    let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
    let error = Source::file(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err();
    assert!(error.to_string().ends_with("is a directory"), "{error}");
}

#[test]
fn nothing_to_read() {
    assert_eq!(message(b""), "t.csv is empty");
    assert_eq!(message(b"\xef\xbb\xbf\r\n\n"), "t.csv is empty");
    assert_eq!(message(b"a,b\n"), "t.csv has a header but no rows");
    assert_eq!(message(b"a,b\n\n\r\n"), "t.csv has a header but no rows");
}

#[test]
fn ragged_rows() {
    assert_eq!(message(b"a,b\n1,2\n3\n"), "t.csv, line 3: the row has 1 field, the header has 2");
    assert_eq!(message(b"a,b\r\n\r\n1,2,3,4\r\n"), "t.csv, line 3: the row has 4 fields, the header has 2");
}

#[test]
fn bad_headers() {
    assert_eq!(message(b"a,b,a\n1,2,3\n"), "t.csv: columns 1 and 3 are both named `a`");
    assert_eq!(message(b"a,,b\n1,2,3\n"), "t.csv: column 2 of the header has no name");
    assert_eq!(message(b"a, \n1,2\n"), "t.csv: column 2 of the header has no name");
}

#[test]
fn unknown_columns() {
    let error = read(b"age,label\n1,a\n", &ReadOptions::with_target("lable")).unwrap_err();
    assert_eq!(error.to_string(), "t.csv has no column `lable`");
    assert_eq!(error.hint().unwrap(), "did you mean `label`? the columns are `age`, `label`");
    let error = read(b"x,y\n1,a\n", &declaring(&["z"], &[])).unwrap_err();
    assert_eq!(error.to_string(), "t.csv has no column `z`");
    let quoted = read(b"\"weight, kg\",y\n1,a\n", &declaring(&["weight"], &[])).unwrap_err();
    assert!(quoted.hint().unwrap().ends_with("'\"weight, kg\"'"), "{:?}", quoted.hint());
    let title = read(b"Report,,\nx,z,y\n1,2,a\n", &ReadOptions::default()).unwrap_err();
    assert!(title.hint().unwrap().contains("--skip=1"));
    assert_eq!(error.hint().unwrap(), "the columns are `x`, `y`");
}

#[test]
fn conflicting_declarations() {
    let error = read(b"x,y\n1,a\n", &declaring(&["x"], &["x"])).unwrap_err();
    assert_eq!(error.to_string(), "column `x` is declared both categorical and numeric");
    let error = read(b"x,y\n1,a\n", &declaring(&[], &["y"])).unwrap_err();
    assert_eq!(error.to_string(), "column `y` is declared both the target and numeric");
}

#[test]
fn text_among_numbers() {
    let error = read(b"x,y\n1,a\nno\x07,b\n", &declaring(&[], &["x"])).unwrap_err();
    assert_eq!(error.to_string(), "t.csv, line 3, column `x`: `no\\u{7}` is not a number");
    assert!(error.hint().unwrap().contains("--missing"));
}

#[test]
fn numbers_that_are_not_finite() {
    for value in ["inf", "-inf", "Infinity", "1e999"] {
        for options in [ReadOptions::default(), declaring(&[], &["x"])] {
            let error = read(format!("x,y\n1,a\n{value},b\n2,c\n").as_bytes(), &options).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("t.csv, line 3, column `x`: `{value}` is not a finite number")
            );
            assert!(error.hint().unwrap().contains(&format!("--missing={value}")));
        }
    }
}

#[test]
fn bytes_that_are_not_utf8() {
    assert_eq!(message(b"a,b\n1,2\n3,\xff\n"), "t.csv, line 3, column `b`: the field is not UTF-8");
    assert_eq!(message(b"a,\xff\n1,2\n"), "t.csv, line 1, column `#2`: the field is not UTF-8");
}

#[test]
fn fields_over_the_limit() {
    let long = "x".repeat(FIELD_LIMIT);
    assert!(read(format!("a,b\n1,{long}\n").as_bytes(), &ReadOptions::default()).is_ok());
    let error = message(format!("a,b\n1,2\n3,{long}x\n").as_bytes());
    assert_eq!(error, "t.csv, line 3, column `b`: the field is longer than 1048576 bytes");
    // An open quote runs on to the end of the file.
    let error = message(format!("a,b\n1,\"2\n{}", "3,4\n".repeat(FIELD_LIMIT)).as_bytes());
    assert_eq!(error, "t.csv, line 2, column `b`: the field is longer than 1048576 bytes");
}

#[test]
fn missing_and_unseen_labels() {
    let error = read(b"x,y\n1,\n3,\n", &ReadOptions::with_target("y")).unwrap_err();
    assert_eq!(error.to_string(), "t.csv, line 2, column `y`: the target value is missing");
    let options = ReadOptions::with_target("y");
    let train = read(b"x,y\n1,low\n2,high\n3,low\n4,high\n", &options).unwrap();
    let (labels, _) = LabelEncoder::fit(&train, "y").unwrap();
    let test = read(b"x,y\n1,low\n2,hihg\n", &options).unwrap();
    let error = labels.transform(&test, "y").unwrap_err();
    let expected = "t.csv, line 3, column `y`: the label `hihg` does not occur in the training data";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.hint().unwrap(), "did you mean `high`? the classes are `high`, `low`");
}

#[test]
fn rows_with_labels_that_training_lacks_can_be_left_out() {
    let options = ReadOptions::with_target("y");
    let train = read(b"x,y\n1,low\n2,high\n3,low\n4,high\n", &options).unwrap();
    let (labels, _) = LabelEncoder::fit(&train, "y").unwrap();
    let test = read(b"x,y\n1,low\n2,hihg\n3,high\n4,mid\n", &options).unwrap();
    let test = labels.without_unseen(test, "y").unwrap();
    assert_eq!(labels.transform(&test, "y").unwrap(), [1, 0]);
    let warning = test.warnings()[0].to_string();
    assert!(warning.contains("2 rows") && warning.contains("`hihg`, `mid`"), "{warning}");
    assert!(warning.contains("line 3"), "{warning}");
    // Where no label is known, the target is another one.
    let other = labels.without_unseen(read(b"x,y\n1,a\n", &options).unwrap(), "y").unwrap();
    assert!(matches!(labels.transform(&other, "y"), Err(DataError::UnseenLabel { .. })));
}

#[test]
fn a_target_that_differs_in_each_row() {
    let rows =
        |classes: usize| -> String { (0..40).map(|row| format!("{row},name {}\n", row % classes)).collect() };
    let error = label_error(format!("x,y\n{}", rows(40)).as_bytes());
    assert_eq!(error.to_string(), "t.csv: `y` has a different value in each row: is it the target?");
    let table = read(format!("x,y\n{}", rows(30)).as_bytes(), &ReadOptions::with_target("y")).unwrap();
    let (_, warnings) = LabelEncoder::fit(&table, "y").unwrap();
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    let message = "20 classes of column `y` have a single row each, which is trained on but never held out: \
                   `name 10`, `name 11`, `name 12` and 17 more";
    assert_eq!(warning.to_string(), message);
}

#[test]
fn quotes_that_are_not_closed() {
    for text in ["a,b\n1,2\n3,\"4\n5,6\n", "a,b\n1,2\n\"3,4\n5,6\n7,8\n"] {
        assert_eq!(message(text.as_bytes()), "t.csv: a quote opened in line 3 is never closed");
    }
    assert_eq!(message(b"a,\"b\n1,2\n"), "t.csv: a quote opened in line 1 is never closed");
}

#[test]
fn too_few_classes() {
    let error = label_error(b"x,y\n1,a\n2,a\n");
    let expected = "t.csv: every row has the label `a` in column `y`, at least 2 classes are needed";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_table_of_no_rows_has_no_classes() {
    let table = read(b"x,y\n1,a\n2,b\n", &ReadOptions::with_target("y")).unwrap().select(&[]);
    assert_eq!((table.n_rows(), table.n_columns()), (0, 2));
    let error = LabelEncoder::fit(&table, "y").unwrap_err();
    assert_eq!(error.to_string(), "t.csv has a header but no rows");
}

#[test]
fn long_values_and_lists_are_cut_in_messages() {
    let error =
        read(format!("x,y\n{},a\n", "é".repeat(1000)).as_bytes(), &declaring(&[], &["x"])).unwrap_err();
    assert!(error.to_string().chars().count() < 120, "{error}");
    let header: Vec<String> = (0..100).map(|column| format!("c{column}")).collect();
    let text = format!("{}\n", header.join(","));
    let error = read(text.as_bytes(), &ReadOptions::with_target("y")).unwrap_err();
    assert!(error.hint().unwrap().ends_with("`c19` and 80 more"));
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    write_atomically(&path, |file| file.write_all(b"old")).unwrap();
    let error = write_atomically(&path, |file| {
        file.write_all(b"new")?;
        Err(io::Error::other("disk on fire"))
    });
    assert!(error.unwrap_err().to_string().ends_with("model: disk on fire"));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn paths_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/model");
    let error = write_atomically(&path, |file| file.write_all(b"new")).unwrap_err();
    assert!(error.hint().unwrap().ends_with("no does not exist"));
    let error = write_atomically(folder.path(), |file| file.write_all(b"new")).unwrap_err();
    assert!(error.to_string().ends_with("is a directory"));
}

#[cfg(unix)]
#[test]
fn a_written_file_has_usual_permissions_and_links_are_followed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, link, plain) =
        (folder.path().join("model"), folder.path().join("link"), folder.path().join("plain"));
    std::fs::write(&plain, "").unwrap();
    write_atomically(&path, |file| file.write_all(b"old")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    write_atomically(&link, |file| file.write_all(b"new")).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    assert_eq!(mode(&path) & 0o777, 0o600);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    write_atomically(Path::new("/dev/null"), |file| file.write_all(b"gone")).unwrap();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}
