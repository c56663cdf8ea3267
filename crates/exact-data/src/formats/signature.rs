//! What a file is: its content says it, or else its name.

use std::io::Read as _;

use crate::archive::is_archive;
use crate::encoding::utf8;
use crate::{DataError, FileForm, Source};

/// How much of a file is looked at.
const HEAD: usize = 1 << 16;
/// How many lines of a text must look like one of libsvm.
const LINES: usize = 20;

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Delimited,
    JsonLines,
    JsonArray,
    Arff,
    Libsvm,
    Npy,
    Npz,
    Safetensors,
    Parquet,
    ArrowFile,
    ArrowStream,
    Workbook(Workbook),
}

/// A format of workbooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workbook {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
}

/// The extensions of formats. Those of text have no claim on what is not recognised.
const EXTENSIONS: [(&str, Format); 26] = [
    ("csv", Format::Delimited),
    ("tsv", Format::Delimited),
    ("tab", Format::Delimited),
    ("psv", Format::Delimited),
    ("txt", Format::Delimited),
    ("data", Format::Delimited),
    ("jsonl", Format::JsonLines),
    ("ndjson", Format::JsonLines),
    ("json", Format::JsonLines),
    ("arff", Format::Arff),
    ("libsvm", Format::Libsvm),
    ("svmlight", Format::Libsvm),
    ("svm", Format::Libsvm),
    ("npy", Format::Npy),
    ("npz", Format::Npz),
    ("safetensors", Format::Safetensors),
    ("parquet", Format::Parquet),
    ("pq", Format::Parquet),
    ("arrow", Format::ArrowFile),
    ("feather", Format::ArrowFile),
    ("ipc", Format::ArrowFile),
    ("arrows", Format::ArrowStream),
    ("xlsx", Format::Workbook(Workbook::Xlsx)),
    ("xlsm", Format::Workbook(Workbook::Xlsx)),
    ("xlsb", Format::Workbook(Workbook::Xlsb)),
    ("ods", Format::Workbook(Workbook::Ods)),
];

/// The bytes of formats at a place of a file, what they are, and how to make a file of them that is read.
const UNREAD: [(usize, &[u8], &str, &str); 33] = [
    (0, b"FEA1", "a file of Feather's first version", FROM_PANDAS),
    (0, b"%PDF-", "a PDF document", SAVE_TABLE),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", FROM_PANDAS),
    (0, b"ORC", "an ORC file", FROM_PANDAS),
    (0, b"Obj\x01", "an Avro file", "read it with a library for Avro, and save it as Parquet"),
    (
        0,
        b"SQLite format 3\0",
        "a database of SQLite",
        "export the table: `sqlite3 -header -csv FILE 'SELECT * FROM TABLE'`",
    ),
    (8, b"DUCK", "a database of DuckDB", "export the table: `COPY TABLE TO 'table.parquet'`"),
    (0, b"\x89PNG\r\n\x1a\n", "an image (PNG)", IMAGE),
    (0, b"\xff\xd8\xff", "an image (JPEG)", IMAGE),
    (0, b"GIF8", "an image (GIF)", IMAGE),
    (0, b"\x80\x02", "a pickle of Python", FROM_PANDAS),
    (0, b"\x80\x03", "a pickle of Python", FROM_PANDAS),
    (0, b"\x80\x04\x95", "a pickle of Python", FROM_PANDAS),
    (0, b"\x80\x05\x95", "a pickle of Python", FROM_PANDAS),
    (0, b"X\n\0\0\0", "a file of R (RDS)", FROM_R),
    (0, b"RDX2\n", "a workspace of R", FROM_R),
    (0, b"RDX3\n", "a workspace of R", FROM_R),
    (0, b"<stata_dta>", "a file of Stata", FROM_PANDAS),
    (0, b"\x72\x02\x01\0", "a file of Stata", FROM_PANDAS),
    (0, b"\x73\x02\x01\0", "a file of Stata", FROM_PANDAS),
    (0, b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "a file of SAS", FROM_PANDAS),
    (0, b"HEADER RECORD*******LIB", "a transport file of SAS", FROM_PANDAS),
    (0, b"$FL2", "a file of SPSS", FROM_PANDAS),
    (0, b"$FL3", "a file of SPSS", FROM_PANDAS),
    (
        0,
        b"MATLAB 5.0 MAT-file",
        "a file of MATLAB",
        "save the arrays as NPZ: `numpy.savez`, after `scipy.io.loadmat`",
    ),
    (0, b"7z\xbc\xaf\x27\x1c", "an archive (7z)", UNPACK),
    (0, b"Rar!\x1a\x07", "an archive (RAR)", UNPACK),
    (257, b"ustar", "an archive (TAR)", UNPACK),
    (0, b"\x04\x22\x4d\x18", "compressed with LZ4", DECOMPRESS),
    (0, b"\xff\x06\0\0sNaPpY", "compressed with Snappy", DECOMPRESS),
    (0, b"\x1f\x9d", "compressed with compress", DECOMPRESS),
    (
        0,
        b"version https://git-lfs.github.com/spec/",
        "a pointer of Git LFS to the file",
        "fetch the file: `git lfs pull`",
    ),
    (0, b"<?xml", "an XML document", SAVE_TABLE),
];

const FROM_PANDAS: &str = "read it with pandas, and save it as Parquet (`to_parquet`)";
const FROM_R: &str = "save the table as CSV: `write.csv(table, \"table.csv\", row.names = FALSE)`";
const SAVE_TABLE: &str = "save the table in it as CSV";
const IMAGE: &str = "a table has numbers and texts; networks learn from folders of images";
const UNPACK: &str = "unpack it, and name one of the files in it";
const DECOMPRESS: &str = "decompress it; gzip, zstd, bzip2 and xz are read";

/// Whether the name of a file is that of a table, compressed or not.
pub(crate) fn has_table_extension(source_name: &str) -> bool {
    let plain = crate::compression::plain_name(source_name);
    let extension = std::path::Path::new(plain).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        let extension = extension.to_ascii_lowercase();
        extension == "xls" || of_extension(&extension).is_some()
    })
}

fn of_extension(extension: &str) -> Option<Format> {
    EXTENSIONS.iter().find(|(name, _)| *name == extension).map(|(_, format)| *format)
}

/// The format of a source.
pub(super) fn recognise(source: &Source, form: &FileForm) -> Result<Format, DataError> {
    let named = source.extension().and_then(|extension| of_extension(&extension));
    #[cfg(feature = "archives")]
    let archive = of_archive(source, named)?;
    // Without the feature that looks into archives, the name has to say it.
    #[cfg(not(feature = "archives"))]
    let archive = named.filter(|named| named.is_archive());
    if let Some(format) = archive {
        return Ok(format);
    }
    let failed = |error| DataError::reading(source.name(), error);
    let mut head = Vec::new();
    source.open()?.take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    if let Some(format) = of_bytes(&head) {
        return Ok(format);
    }
    let refuse = |what, mend| Err(DataError::UnknownFormat { file: source.name().into(), what, mend });
    // A few letters may as well begin a text, which has no zeros.
    let binary = head.contains(&0);
    let has = |at: usize, bytes: &[u8]| {
        let telling = binary || (at == 0 && bytes.len() > 4) || !bytes.is_ascii();
        telling && head.get(at..).is_some_and(|rest| rest.starts_with(bytes))
    };
    if let Some((_, _, what, mend)) = UNREAD.iter().find(|(at, bytes, _, _)| has(*at, bytes)) {
        return refuse(what, mend);
    }
    if is_archive(&head) {
        return refuse("an archive within another, or compressed", UNPACK);
    }
    if let Some(format) = named.filter(|format| !format.is_text()) {
        return Ok(format);
    }
    let mut text = Vec::new();
    let reader = utf8(source.name(), Box::new(head.as_slice()), form.encoding.as_deref())?;
    // What is cut off within a character is no error yet.
    let read = reader.take(HEAD as u64).read_to_end(&mut text);
    if text.is_empty() {
        read.map_err(failed)?;
    }
    if text.contains(&0) {
        return refuse("a binary file", "save the table as CSV, Parquet or Excel workbook");
    }
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_start();
    let lower = text.get(..15).unwrap_or(text).to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return refuse("a web page (HTML)", "download the file itself; the page may ask for a login");
    }
    // A delimiter is named for delimited text only.
    let format = if form.delimiter.is_some() { None } else { of_text(text).or(named) };
    Ok(format.unwrap_or(Format::Delimited))
}

/// The format of an archive that is one file to its users.
#[cfg(feature = "archives")]
fn of_archive(source: &Source, named: Option<Format>) -> Result<Option<Format>, DataError> {
    let Some(members) = source.members()? else { return Ok(None) };
    let has = |name: &str| members.iter().any(|member| member == name);
    Ok(if has("xl/workbook.xml") {
        Some(Format::Workbook(Workbook::Xlsx))
    } else if has("xl/workbook.bin") {
        Some(Format::Workbook(Workbook::Xlsb))
    } else if has("content.xml") && has("mimetype") {
        Some(Format::Workbook(Workbook::Ods))
    } else if !members.is_empty() && members.iter().all(|member| member.strip_suffix(".npy").is_some()) {
        Some(Format::Npz)
    } else {
        named.filter(|named| named.is_archive())
    })
}

fn of_bytes(head: &[u8]) -> Option<Format> {
    match head {
        [b'P', b'A', b'R', b'1', ..] => Some(Format::Parquet),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Some(Format::ArrowFile),
        // A continuation, the length of a message, and no text.
        [0xff, 0xff, 0xff, 0xff, _, _, _, 0, ..] => Some(Format::ArrowStream),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(Format::Npy),
        // The containers of old workbooks, and of new ones that are encrypted.
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Some(Format::Workbook(Workbook::Xls)),
        // The length of a header of JSON.
        [_, _, _, _, 0, 0, 0, 0, b'{', ..] => Some(Format::Safetensors),
        _ => None,
    }
}

/// The format of a text that is not delimited; its beginning may be cut off anywhere.
fn of_text(text: &str) -> Option<Format> {
    let after = |first: char| text.strip_prefix(first).map(str::trim_start);
    if after('{').is_some_and(|rest| rest.starts_with(['"', '}'])) {
        return Some(Format::JsonLines);
    }
    if after('[').is_some_and(|rest| rest.starts_with('{')) {
        return Some(Format::JsonArray);
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let relation = lines.clone().find(|line| !line.starts_with('%'));
    let keyword = relation.and_then(|line| line.split_ascii_whitespace().next());
    if keyword.is_some_and(|word| word.eq_ignore_ascii_case("@relation")) {
        return Some(Format::Arff);
    }
    if !text.contains('\n') {
        return is_sparse_row(text).filter(|&pairs| pairs).map(|_| Format::Libsvm);
    }
    // The last line may not be whole.
    let n_lines = lines.clone().count();
    let mut whole = lines.by_ref().take(n_lines.saturating_sub(1).clamp(1, LINES));
    let mut pairs = false;
    let sparse = whole.all(|line| is_sparse_row(line).inspect(|&found| pairs |= found).is_some());
    (sparse && pairs).then_some(Format::Libsvm)
}

/// Whether a line is one of libsvm, and whether it has a pair of index and value.
fn is_sparse_row(line: &str) -> Option<bool> {
    let content = line.split('#').next().unwrap_or_default();
    let mut words = content.split_ascii_whitespace();
    let Some(label) = words.next() else { return Some(false) };
    // A row of several labels is one, too, though it will not be read.
    if !label.split(',').all(|label| label.parse::<f64>().is_ok()) {
        return None;
    }
    let mut pairs = false;
    for word in words {
        let (index, value) = word.split_once(':')?;
        if index != "qid" {
            index.parse::<u64>().ok()?;
            pairs = true;
        }
        value.parse::<f64>().ok()?;
    }
    Some(pairs)
}

impl Format {
    fn is_text(self) -> bool {
        matches!(self, Self::Delimited | Self::JsonLines | Self::JsonArray | Self::Arff | Self::Libsvm)
    }

    fn is_archive(self) -> bool {
        matches!(self, Self::Npz | Self::Workbook(_))
    }

    /// That this crate was built without the feature which reads the format.
    pub fn not_built_in(self, source: &Source) -> DataError {
        let (format, feature) = match self {
            Self::Npy => ("NPY files", "arrays"),
            Self::Npz => ("NPZ files", "arrays"),
            Self::Safetensors => ("safetensors files", "arrays"),
            Self::Parquet => ("Parquet files", "parquet"),
            Self::ArrowFile | Self::ArrowStream => ("Arrow files", "arrow-ipc"),
            Self::Workbook(_) => ("workbooks", "excel"),
            Self::Delimited | Self::JsonLines | Self::JsonArray | Self::Arff | Self::Libsvm => {
                unreachable!("text is always read")
            }
        };
        DataError::NotBuiltIn { file: source.name().into(), format, feature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, bytes: &[u8]) -> Result<Format, DataError> {
        recognise(&Source::bytes(name, bytes), &FileForm::default())
    }

    #[test]
    fn the_content_says_the_format() {
        for (bytes, format) in [
            (b"PAR1....".as_slice(), Format::Parquet),
            (b"ARROW1\0\0", Format::ArrowFile),
            (b"\xff\xff\xff\xff\x10\x01\0\0", Format::ArrowStream),
            (b"\x93NUMPY\x01\0", Format::Npy),
            (b"\x10\0\0\0\0\0\0\0{\"a\":", Format::Safetensors),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", Format::Workbook(Workbook::Xls)),
            (b"\xef\xbb\xbf\n {\"a\": 1}", Format::JsonLines),
            (b"{ \"a\": \"cut off", Format::JsonLines),
            (b"[\n  {\"a\": 1},", Format::JsonArray),
            (b"% cars\n\n@Relation cars\n", Format::Arff),
            (b"1 1:2 5:0.5\n-1\n+1 2:1e3 # end\n2 7:", Format::Libsvm),
            (b"3 qid:1 1:2", Format::Libsvm),
            (b"1,2 1:2\n3 1:2\n", Format::Libsvm),
            (b"", Format::Delimited),
            (b"{a},b\n1,2\n", Format::Delimited),
            (b"[a],b\n1,2\n", Format::Delimited),
            (b"1\n2\n3\n", Format::Delimited),
            (b"1 2:3 4\n", Format::Delimited),
            (b"ORC,GIF8\n1,2\n", Format::Delimited),
            (b"@relations,x\n1,2\n", Format::Delimited),
            ("naïve,x\n1,2\n".as_bytes(), Format::Delimited),
        ] {
            assert_eq!(of("t.csv", bytes).unwrap(), format, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_name_says_what_the_content_does_not() {
        for (name, format) in [
            ("t.JSONL.gz", Format::JsonLines),
            ("t.parquet", Format::Parquet),
            ("t.npz", Format::Npz),
            ("t.feather", Format::ArrowFile),
            ("t.xlsx", Format::Workbook(Workbook::Xlsx)),
            ("t.svmlight.bz2", Format::Libsvm),
            ("t", Format::Delimited),
        ] {
            assert_eq!(of(name, b"a,b\n1,2\n").unwrap(), format, "{name}");
        }
        let form = FileForm { delimiter: Some(b' '), ..FileForm::default() };
        assert_eq!(recognise(&Source::bytes("t", b"1 1:2\n".as_slice()), &form).unwrap(), Format::Delimited);
        assert!(has_table_extension("a/b.CSV.zst") && has_table_extension("a.xls"));
        assert!(!has_table_extension("csv") && !has_table_extension("a.gz") && !has_table_extension("a.md"));
    }

    #[test]
    fn what_is_not_read_is_named() {
        let tar = [vec![b'a'; 100], vec![0; 157], b"ustar\0".to_vec()].concat();
        for (bytes, what) in [
            (b"FEA1\0\0".as_slice(), "a file of Feather's first version"),
            (b"%PDF-1.7\n", "a PDF document"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"ORC\x0a\0", "an ORC file"),
            (b"SQLite format 3\0", "a database of SQLite"),
            (b"\x80\x04\x95\x10\0", "a pickle of Python"),
            (b"X\n\0\0\0\x03", "a file of R (RDS)"),
            (b"<stata_dta><header>", "a file of Stata"),
            (b"\xff\xd8\xff\xe0", "an image (JPEG)"),
            (&tar, "an archive (TAR)"),
            (b"<?xml version", "an XML document"),
            (b"\n<!DOCTYPE html>", "a web page (HTML)"),
            (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS to the file"),
            (b"a,b\0c\0\0\0\xfe", "a binary file"),
        ] {
            let error = of("t.csv", bytes).unwrap_err();
            assert_eq!(error.to_string(), format!("t.csv is {what}, which is not read"));
            assert!(error.hint().is_some());
        }
    }
}
