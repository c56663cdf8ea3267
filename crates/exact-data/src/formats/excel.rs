//! Workbooks of Excel and `LibreOffice`.

use std::fmt::Display;
use std::io::Cursor;

use calamine::{Data, ExcelDateTime, Ods, Range, Reader, SheetType, Xls, Xlsb, Xlsx};

use super::signature::Workbook;
use crate::cells::{Cells, TooManyTexts};
use crate::error::Place;
use crate::raw_table::{RawColumn, RawTable};
use crate::{DataError, FileForm, Source};

/// Reads a sheet: the first row that is not empty names the columns, unless they have no names.
pub(super) fn read(source: &Source, kind: Workbook, form: &FileForm) -> Result<RawTable, DataError> {
    let file = source.name();
    let range = match kind {
        Workbook::Xlsx => sheet::<Xlsx<_>>(file, source.read_archive()?, form)?,
        Workbook::Xlsb => sheet::<Xlsb<_>>(file, source.read_archive()?, form)?,
        Workbook::Ods => sheet::<Ods<_>>(file, source.read_archive()?, form)?,
        Workbook::Xls => {
            let bytes = source.read()?;
            if bytes.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED) {
                return Err(DataError::Encrypted { file: file.into() });
            }
            sheet::<Xls<_>>(file, bytes, form)?
        }
    };
    table(file, &range, form)
}

/// The name of the part in which the container of an old workbook holds a new one that is encrypted.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";

type Bytes = Cursor<Vec<u8>>;

fn sheet<R: Reader<Bytes>>(file: &str, bytes: Vec<u8>, form: &FileForm) -> Result<Range<Data>, DataError>
where
    R::Error: Display,
{
    let damaged = |error: R::Error| {
        let problem = error.to_string();
        if problem.contains("password") {
            return DataError::Encrypted { file: file.into() };
        }
        DataError::DamagedFile { file: file.into(), format: "a workbook", problem }
    };
    let mut workbook = R::new(Cursor::new(bytes)).map_err(damaged)?;
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let sheets: Vec<String> = sheets.map(|sheet| sheet.name.clone()).collect();
    let sheet = match &form.sheet {
        Some(wanted) => sheets.iter().find(|name| *name == wanted),
        None => sheets.first(),
    };
    let Some(sheet) = sheet else {
        let sheet = form.sheet.clone().unwrap_or_default();
        return Err(DataError::NoSuchSheet { file: file.into(), sheet, sheets });
    };
    workbook.worksheet_range(sheet).map_err(damaged)
}

/// The table in a range of cells, without rows and columns that are empty.
fn table(file: &str, range: &Range<Data>, form: &FileForm) -> Result<RawTable, DataError> {
    let Some((first, _)) = range.start() else { return Err(DataError::EmptyFile { file: file.into() }) };
    let rows = (u64::from(first) + 1..).zip(range.rows());
    let is_filled = |row: &[Data]| row.iter().any(|cell| *cell != Data::Empty);
    let mut rows = rows.filter(|(line, row)| *line > form.skip as u64 && is_filled(row));
    let names: Option<Vec<String>> =
        if form.header { rows.next().map(|(_, row)| row.iter().map(name).collect()) } else { None };
    let rows: Vec<(u64, &[Data])> = rows.collect();
    if rows.is_empty() {
        return Err(match names {
            Some(_) => DataError::NoRows { file: file.into() },
            None => DataError::EmptyFile { file: file.into() },
        });
    }
    let is_named = |at: usize| names.as_ref().is_some_and(|names| !names[at].is_empty());
    let is_used = |at: &usize| is_named(*at) || rows.iter().any(|(_, row)| row[*at] != Data::Empty);
    let mut columns = Vec::new();
    for (number, at) in (0..range.width()).filter(is_used).enumerate() {
        let name = names.as_ref().map_or_else(|| (number + 1).to_string(), |names| names[at].clone());
        let mut cells = Cells::default();
        // Numbers cannot be told from moments in a column of both.
        let is_number = |row: &(u64, &[Data])| matches!(row.1[at], Data::Int(_) | Data::Float(_));
        let is_moment = |row: &(u64, &[Data])| moment(&row.1[at]).is_some();
        cells.moments = rows.iter().any(is_moment) && !rows.iter().any(is_number);
        for &(line, row) in &rows {
            let place = || Place { source: file.into(), line, column: name.clone() };
            push(&mut cells, &row[at]).map_err(|error| error.at(place()))?;
        }
        columns.push(RawColumn { name, cells });
    }
    let table = RawTable::new(file, columns, rows.iter().map(|(line, _)| *line).collect())?;
    Ok(RawTable { has_header: form.header, ..table })
}

/// A cell of the header.
fn name(cell: &Data) -> String {
    match cell {
        Data::DateTime(time) if time.is_datetime() => iso(*time),
        cell => cell.to_string().trim().into(),
    }
}

fn push(cells: &mut Cells, cell: &Data) -> Result<(), TooManyTexts> {
    match (cell, moment(cell)) {
        (_, Some(time)) if cells.moments => cells.push_number(seconds(time)),
        (_, Some(time)) => return cells.push_text(&iso(time)),
        (Data::DateTime(duration), None) => cells.push_number(duration.as_f64() * 86_400.0),
        (Data::Int(number), None) => cells.push_number(*number as f64),
        (Data::Float(number), None) => cells.push_number(*number),
        (Data::Bool(truth), None) => return cells.push_text(if *truth { "true" } else { "false" }),
        (Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text), None) => {
            return cells.push_field(text);
        }
        (Data::Error(_) | Data::Empty, None) => cells.push_empty(),
    }
    Ok(())
}

/// The date and time of a cell.
fn moment(cell: &Data) -> Option<ExcelDateTime> {
    match cell {
        Data::DateTime(time) if time.is_datetime() => Some(*time),
        _ => None,
    }
}

/// The seconds since the beginning of 1970.
fn seconds(time: ExcelDateTime) -> f64 {
    let (year, month, day, hour, minute, second, millisecond) = time.to_ymd_hms_milli();
    let of_day = (f64::from(hour) * 60.0 + f64::from(minute)) * 60.0 + f64::from(second);
    days(year.into(), month.into(), day.into()) as f64 * 86_400.0 + of_day + f64::from(millisecond) / 1e3
}

/// The days from the beginning of 1970 to a day of the Gregorian calendar.
///
/// Reference: Hinnant 2021, "chrono-compatible low-level date algorithms", `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn iso(time: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        date
    } else {
        format!("{date}T{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rust_xlsxwriter::{ExcelDateTime as Time, Format, Formula, Workbook as Writer};

    use super::super::read;
    use super::*;
    use crate::cells::Cell::{Number, Text};

    /// A workbook of two sheets, the first of which has a title, an empty row and an empty column.
    fn workbook() -> Vec<u8> {
        let mut workbook = Writer::new();
        let date = Format::new().set_num_format("yyyy-mm-dd hh:mm");
        let sheet = workbook.add_worksheet();
        sheet.set_name("cars").unwrap();
        sheet.write(0, 1, "All cars").unwrap();
        for (column, name) in ["doors", "colour", "sold", "mixed", "ok"].into_iter().enumerate() {
            sheet.write(2, 1 + 2 * column as u16, name).unwrap();
        }
        for (row, day) in [(3, 1), (5, 2)] {
            sheet.write(row, 1, row).unwrap();
            sheet.write(row, 3, if row == 3 { "red" } else { "7" }).unwrap();
            let time = Time::from_ymd(1970, 1, day).unwrap().and_hms(12, 0, 0).unwrap();
            sheet.write_with_format(row, 5, &time, &date).unwrap();
            sheet.write(row, 9, row == 3).unwrap();
        }
        let time = Time::from_ymd(2024, 2, 29).unwrap();
        sheet.write_with_format(3, 7, &time, &date).unwrap();
        sheet.write_formula(5, 7, Formula::new("1+1").set_result("2")).unwrap();
        let second = workbook.add_worksheet();
        second.set_name("numbers").unwrap();
        second.write_row(0, 0, [1, 2]).unwrap();
        second.write_row(1, 0, [3, 4]).unwrap();
        workbook.save_to_buffer().unwrap()
    }

    fn table(form: &FileForm) -> Result<RawTable, DataError> {
        read(&Source::bytes("t.xlsx", workbook()), form)
    }

    #[test]
    fn a_sheet_is_a_table() {
        let table = table(&FileForm { skip: 1, ..FileForm::default() }).unwrap();
        let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["doors", "colour", "sold", "mixed", "ok"]);
        let cells = |at: usize| table.columns[at].cells.iter().collect::<Vec<_>>();
        assert_eq!(cells(0), [Number(3.0), Number(5.0)]);
        assert_eq!(cells(1), [Text("red"), Number(7.0)]);
        assert_eq!(cells(2), [Number(43_200.0), Number(129_600.0)]);
        assert_eq!(cells(3), [Text("2024-02-29"), Number(2.0)]);
        assert_eq!(cells(4), [Text("true"), Text("false")]);
        assert_eq!(
            [0, 1, 2, 3, 4].map(|at| table.columns[at].cells.moments),
            [false, false, true, false, false]
        );
        assert_eq!([0, 1].map(|row| table.origin.line(row)), [4, 6]);
    }

    #[test]
    fn sheets_are_found_by_name() {
        let form = |sheet: &str| FileForm { sheet: Some(sheet.into()), header: false, ..FileForm::default() };
        let numbers = table(&form("numbers")).unwrap();
        assert_eq!(numbers.columns[1].name, "2");
        assert_eq!(numbers.columns[1].cells.iter().collect::<Vec<_>>(), [Number(2.0), Number(4.0)]);
        let error = table(&form("number")).unwrap_err();
        assert_eq!(error.to_string(), "t.xlsx has no sheet `number`");
        assert_eq!(error.hint().unwrap(), "did you mean `numbers`? the sheets are `cars`, `numbers`");
    }

    #[test]
    fn a_damaged_workbook() {
        let bytes = workbook();
        let error =
            read(&Source::bytes("t.xlsx", &bytes[..bytes.len() / 2]), &FileForm::default()).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
    }

    #[test]
    fn a_workbook_of_libreoffice() {
        let cell =
            |kind: &str, value: &str| format!("<table:table-cell office:value-type=\"{kind}\" {value}/>");
        let text = |text: &str| {
            let content = format!("<text:p>{text}</text:p>");
            format!("<table:table-cell office:value-type=\"string\">{content}</table:table-cell>")
        };
        let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
        let names = row(&[text("x"), text("sold"), text("ok")]);
        let values = row(&[
            cell("float", "office:value=\"1.5\""),
            cell("date", "office:date-value=\"2024-02-29\""),
            cell("boolean", "office:boolean-value=\"true\""),
        ]);
        let table = format!("<table:table table:name=\"a\">{names}{values}</table:table>");
        let body = format!("<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>");
        let content = format!("<office:document-content>{body}</office:document-content>");
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let mimetype = "application/vnd.oasis.opendocument.spreadsheet";
        let manifest = ("META-INF/manifest.xml", "<manifest:manifest/>");
        for (name, text) in [("mimetype", mimetype), manifest, ("content.xml", &content)] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        let table = read(&Source::bytes("t", bytes), &FileForm::default()).unwrap();
        let cells: Vec<_> = table.columns.iter().map(|column| column.cells.get(0)).collect();
        assert_eq!(cells, [Number(1.5), Text("2024-02-29"), Text("true")]);
    }

    #[test]
    fn an_encrypted_workbook() {
        let bytes = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), ENCRYPTED].concat();
        let error = read(&Source::bytes("t.xlsx", bytes), &FileForm::default()).unwrap_err();
        assert!(matches!(error, DataError::Encrypted { .. }), "{error}");
    }

    #[test]
    fn days_of_the_calendar() {
        for (day, expected) in [((1970, 1, 1), 0), ((2000, 3, 1), 11_017), ((1899, 12, 31), -25_568)] {
            assert_eq!(days(day.0, day.1, day.2), expected);
        }
    }
}
