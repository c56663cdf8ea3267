//! The arguments that say which tables to read, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use exact_data::{DateOrder, FileForm};

/// The help's heading of how files are written.
const FORM: &str = "Form of the files";
/// The help's heading of what columns are.
const COLUMNS: &str =
    "Columns, by name (in double quotes if it has a comma) or by position from 1 (-1 is the last)";

/// How the files are written, beside what their content tells. What is not given is as in training.
#[derive(Debug, Args)]
#[command(next_help_heading = FORM)]
pub(crate) struct FormArguments {
    /// The character between fields; detected by default. \t is a tab, a blank any white space
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// The first line is a row; columns are then numbered from 1
    #[arg(long)]
    pub no_header: bool,
    /// Lines above the header that are no part of the table
    #[arg(long, value_name = "N")]
    pub skip: Option<usize>,
    /// The character with which lines begin that are no part of the table
    #[arg(long, value_name = "CHAR", value_parser = one_byte)]
    pub comment: Option<u8>,
    /// The encoding of a text that is not UTF-8 or UTF-16, like latin1
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// The decimal separator, a point or a comma; found out for each column by default
    #[arg(long, value_name = "CHAR", value_parser = decimal)]
    pub decimal: Option<char>,
    /// The sheet of a workbook; the first by default
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
}

impl FormArguments {
    /// The form as it was in training, with what is given in its place.
    pub fn over(&self, known: FileForm) -> FileForm {
        let mut form = known;
        form.delimiter = self.delimiter.or(form.delimiter);
        form.header &= !self.no_header;
        form.skip = self.skip.unwrap_or(form.skip);
        form.comment = self.comment.or(form.comment);
        form.encoding = self.encoding.clone().or(form.encoding);
        form.decimal = self.decimal.or(form.decimal);
        form.sheet = self.sheet.clone().or(form.sheet);
        form
    }
}

/// Names between commas.
#[derive(Debug, Clone)]
pub(crate) struct List(Vec<String>);

impl List {
    /// All names of some lists.
    pub fn names(lists: &[Self]) -> Vec<String> {
        lists.iter().flat_map(|Self(names)| names).cloned().collect()
    }
}

/// What columns are, where their values do not say it.
#[derive(Debug, Args)]
#[command(next_help_heading = COLUMNS)]
pub(crate) struct ColumnArguments {
    /// Columns to take as categorical, separated by commas
    #[arg(long, value_name = "A,B", value_parser = list, allow_hyphen_values = true)]
    pub categorical: Vec<List>,
    /// Columns to take as numeric, separated by commas
    #[arg(long, value_name = "A,B", value_parser = list, allow_hyphen_values = true)]
    pub numeric: Vec<List>,
    /// Columns of text whose words become features, separated by commas
    #[arg(long, value_name = "A,B", value_parser = list, allow_hyphen_values = true)]
    pub text: Vec<List>,
    /// Columns to leave out, separated by commas
    #[arg(long, value_name = "A,B", value_parser = list, allow_hyphen_values = true)]
    pub drop: Vec<List>,
    /// The only columns to use as features, separated by commas
    #[arg(long, value_name = "A,B", value_parser = list, allow_hyphen_values = true)]
    pub keep: Vec<List>,
    /// Fields that stand for a missing value in every column. The empty field always does, and NA, NULL and
    /// their like do in columns of numbers and dates
    #[arg(long, value_name = "TOKEN,…", value_parser = list, allow_hyphen_values = true)]
    pub missing: Vec<List>,
    /// The order of day and month in dates that allow both; the day is first by default
    #[arg(long, value_name = "ORDER", value_enum)]
    pub date_order: Option<Order>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
}

impl From<Order> for DateOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::DayFirst => Self::DayFirst,
            Order::MonthFirst => Self::MonthFirst,
        }
    }
}

#[derive(Debug, Args)]
#[command(override_usage = "exact inspect [OPTIONS] <FILE>…\n       exact inspect [OPTIONS] <MODEL>")]
pub(crate) struct Inspect {
    /// The table, of one or several files, or a model that `exact fit --out` wrote
    #[arg(value_name = "FILE|MODEL", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    #[command(flatten)]
    pub form: FormArguments,
    /// Print one JSON object
    #[arg(long, help_heading = super::OUTPUT)]
    pub json: bool,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => {
            Err("the delimiter is one ASCII character other than a quote or the end of a line; \\t is a tab"
                .into())
        }
    }
}

/// A list is a line of a CSV file, but that ends of lines are characters like others.
pub(super) fn list(text: &str) -> Result<List, csv::Error> {
    let mut names = csv::StringRecord::new();
    let mut lines = csv::ReaderBuilder::new();
    lines.has_headers(false).terminator(csv::Terminator::Any(0));
    lines.from_reader(text.as_bytes()).read_record(&mut names)?;
    Ok(List(names.iter().map(String::from).collect()))
}

fn one_byte(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_graphic() && *byte != b'"' => Ok(*byte),
        _ => Err("it is one ASCII character other than a blank or a quote".into()),
    }
}

fn decimal(text: &str) -> Result<char, String> {
    match text {
        "." => Ok('.'),
        "," => Ok(','),
        _ => Err("the decimal separator is a point or a comma".into()),
    }
}
