//! Sets of images are downloaded whole or not at all.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::common::gzip;
use exact_data::{DataError, hexadecimal};
use exact_images::{ImageError, ImageSet};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// What the server answers to a request.
enum Reply {
    /// The whole file, whatever was asked for.
    Whole,
    /// So many bytes of the file, then the end of the connection.
    Broken(usize),
    /// What was asked for, or that there is nothing more.
    Range,
    /// A part that begins elsewhere.
    WrongRange,
    /// Another file of the same length.
    Other,
    NotFound,
}

/// A server of one file on this machine that answers each request by the next reply, and keeps the ranges
/// asked for.
struct Server {
    url: String,
    ranges: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    fn start(file: &[u8], replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/labels.gz", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let (file, mut replies) = (file.to_vec(), replies.into_iter().collect::<VecDeque<_>>());
        let seen = Arc::clone(&ranges);
        std::thread::spawn(move || {
            while let Some(reply) = replies.pop_front() {
                let (stream, _) = listener.accept().unwrap();
                let start = range_of(&stream);
                seen.lock().unwrap().push(start);
                answer(stream, &reply, &file, start.unwrap_or(0));
            }
        });
        Self { url, ranges }
    }

    fn ranges(&self) -> Vec<Option<usize>> {
        self.ranges.lock().unwrap().clone()
    }

    /// A set of one file that this server has.
    fn set(&self, content: &[u8]) -> ImageSet {
        let set = json!({
            "name": "digits", "task": "", "train_images": 1, "test_images": 1,
            "channels": 1, "height": 1, "width": 1,
            "class_names": [], "citation": "", "licence": "", "source": "",
            "files": [{ "name": "labels.gz", "url": self.url, "sha256": { "labels": sha256(content) } }],
        });
        serde_json::from_value(set).unwrap()
    }
}

fn range_of(stream: &TcpStream) -> Option<usize> {
    let mut start = None;
    for line in BufReader::new(stream).lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            start = range.strip_suffix('-').and_then(|start| start.parse().ok());
        }
    }
    start
}

fn answer(mut stream: TcpStream, reply: &Reply, file: &[u8], start: usize) {
    let n = file.len();
    let last = n - 1;
    let other = vec![7; n];
    let range = format!("content-range: bytes {start}-{last}/{n}\r\n");
    let (status, headers, length, body) = match reply {
        Reply::Whole => ("200 OK", String::new(), n, file),
        Reply::Broken(bytes) if start > 0 => {
            ("206 Partial Content", range, n - start, &file[start..start + bytes])
        }
        Reply::Broken(bytes) => ("200 OK", String::new(), n, &file[..*bytes]),
        Reply::Range if start >= n => {
            ("416 Range Not Satisfiable", format!("content-range: bytes */{n}\r\n"), 0, &[][..])
        }
        Reply::Range => ("206 Partial Content", range, n - start, &file[start..]),
        Reply::WrongRange => {
            ("206 Partial Content", format!("content-range: bytes 0-{last}/{n}\r\n"), n, file)
        }
        Reply::Other => ("200 OK", String::new(), n, other.as_slice()),
        Reply::NotFound => ("404 Not Found", String::new(), 0, &[][..]),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
}

fn sha256(content: &[u8]) -> String {
    hexadecimal(&Sha256::digest(content))
}

/// Content whose compressed form is longer than a few kilobytes.
fn content() -> Vec<u8> {
    let step = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8)
    };
    std::iter::successors(Some(1_u32), |state| Some(state.wrapping_add(1)))
        .scan(1, |state, _| step(state))
        .take(300_000)
        .collect()
}

fn download(set: &ImageSet, folder: &Path) -> Result<(), ImageError> {
    set.download(folder, &mut |_| ())
}

fn files(folder: &TempDir) -> Vec<String> {
    let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn assert_whole(folder: &TempDir, file: &[u8]) {
    assert_eq!(files(folder), ["labels.gz"]);
    assert_eq!(std::fs::read(folder.path().join("labels.gz")).unwrap(), file);
}

#[test]
fn a_whole_file_with_progress_and_not_twice() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    let server = Server::start(&file, [Reply::Whole]);
    let set = server.set(&content);
    let mut steps = Vec::new();
    set.download(folder.path(), &mut |progress| {
        assert_eq!((progress.file, progress.total), ("labels.gz", Some(file.len() as u64)));
        steps.push(progress.done);
    })
    .unwrap();
    assert_eq!((steps[0], *steps.last().unwrap()), (0, file.len() as u64));
    assert!(steps.is_sorted() && steps.len() > 3, "{steps:?}");
    assert_whole(&folder, &file);
    // The server answers once only.
    download(&set, folder.path()).unwrap();
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_broken_connection_is_gone_on_from() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    let server = Server::start(&file, [Reply::Broken(1000), Reply::Broken(500), Reply::Range]);
    let set = server.set(&content);
    let error = download(&set, folder.path()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot download {}: ", server.url)), "{error}");
    assert!(error.hint().unwrap().contains("goes on"), "{error}");
    assert_eq!(files(&folder), ["labels.gz.part"]);
    assert!(matches!(download(&set, folder.path()), Err(ImageError::Download { .. })));
    let mut first = None;
    set.download(folder.path(), &mut |progress| {
        first.get_or_insert((progress.done, progress.total));
    })
    .unwrap();
    assert_eq!(first, Some((1500, Some(file.len() as u64))));
    assert_eq!(server.ranges(), [None, Some(1000), Some(1500)]);
    assert_whole(&folder, &file);
}

#[test]
fn a_server_that_cannot_go_on_sends_all_anew() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    for reply in [Reply::Whole, Reply::WrongRange] {
        let mends = matches!(reply, Reply::WrongRange).then_some(Reply::Whole);
        let replies = [Reply::Broken(1000), reply].into_iter().chain(mends);
        let server = Server::start(&file, replies);
        let set = server.set(&content);
        assert!(matches!(download(&set, folder.path()), Err(ImageError::Download { .. })));
        download(&set, folder.path()).unwrap();
        assert_eq!(server.ranges()[..2], [None, Some(1000)]);
        assert_whole(&folder, &file);
        std::fs::remove_file(folder.path().join("labels.gz")).unwrap();
    }
}

/// All bytes were there, but the program ended before it could give them their name.
#[test]
fn a_complete_part_is_taken() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    std::fs::write(folder.path().join("labels.gz.part"), &file).unwrap();
    let server = Server::start(&file, [Reply::Range]);
    download(&server.set(&content), folder.path()).unwrap();
    assert_eq!(server.ranges(), [Some(file.len())]);
    assert_whole(&folder, &file);
}

#[test]
fn a_part_that_is_too_long_is_fetched_anew() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    let long = [file.as_slice(), b"more"].concat();
    std::fs::write(folder.path().join("labels.gz.part"), long).unwrap();
    let server = Server::start(&file, [Reply::Range, Reply::Whole]);
    download(&server.set(&content), folder.path()).unwrap();
    assert_eq!(server.ranges(), [Some(file.len() + 4), None]);
    assert_whole(&folder, &file);
}

#[test]
fn a_wrong_file_is_removed() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    let server = Server::start(&file, [Reply::Other, Reply::Whole]);
    let set = server.set(&content);
    let error = download(&set, folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is not the file that was expected: the SHA-256 of labels is {}, expected {}",
            server.url,
            sha256(&vec![7; file.len()]),
            sha256(&content)
        )
    );
    assert!(files(&folder).is_empty());
    download(&set, folder.path()).unwrap();
    assert_whole(&folder, &file);
}

/// The first bytes are of another file than the rest, as after a change on the server.
#[test]
fn a_part_of_another_file_is_removed() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    std::fs::write(folder.path().join("labels.gz.part"), [0; 1000]).unwrap();
    let server = Server::start(&file, [Reply::Range, Reply::Whole]);
    let set = server.set(&content);
    assert!(matches!(download(&set, folder.path()), Err(ImageError::DamagedDownload { .. })));
    assert!(files(&folder).is_empty());
    download(&set, folder.path()).unwrap();
    assert_eq!(server.ranges(), [Some(1000), None]);
    assert_whole(&folder, &file);
}

/// A damaged file of the right name is not taken for whole, and stays until another one is.
#[test]
fn a_damaged_file_is_replaced() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = gzip(&content);
    std::fs::write(folder.path().join("labels.gz"), &file[..1000]).unwrap();
    let server = Server::start(&file, [Reply::NotFound, Reply::Whole]);
    let set = server.set(&content);
    assert!(matches!(download(&set, folder.path()), Err(ImageError::Download { .. })));
    assert_whole(&folder, &file[..1000]);
    download(&set, folder.path()).unwrap();
    assert_whole(&folder, &file);
}

#[test]
fn a_file_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(b"x", [Reply::NotFound]);
    let error = download(&server.set(b""), folder.path()).unwrap_err();
    let expected = format!("cannot download {}: the server answered 404 Not Found", server.url);
    assert_eq!(error.to_string(), expected);
    assert!(files(&folder).is_empty());
}

#[test]
fn no_server_and_nothing_to_download() {
    let folder = tempfile::tempdir().unwrap();
    let set = ImageSet::get("fashion-mnist-small").unwrap();
    let error = download(set, folder.path()).unwrap_err();
    assert_eq!(error.to_string(), "`fashion-mnist-small` cannot be downloaded");
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server { url: format!("http://{port}/labels.gz"), ranges: Arc::default() };
    assert!(matches!(download(&server.set(b""), folder.path()), Err(ImageError::Download { .. })));
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    assert!(matches!(
        download(&server.set(b""), &blocked.join("sub")),
        Err(ImageError::Data(DataError::Write { .. }))
    ));
}

fn archive(content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    archive.append_data(&mut header, "folder/labels", content).unwrap();
    gzip(&archive.into_inner().unwrap())
}

/// Each member of an archive is checked by itself.
#[test]
fn archives_are_checked_by_their_members() {
    let folder = tempfile::tempdir().unwrap();
    for (content, problem) in [("right", None), ("wrong", Some("the SHA-256 of labels is"))] {
        let server = Server::start(&archive(content.as_bytes()), [Reply::Whole]);
        let mut set = server.set(b"right");
        set.files[0].name = format!("{content}.tar.gz");
        match (download(&set, folder.path()), problem) {
            (Ok(()), None) => {}
            (Err(error), Some(problem)) => assert!(error.to_string().contains(problem), "{error}"),
            (result, _) => panic!("{content}: {result:?}"),
        }
    }
    assert_eq!(files(&folder), ["right.tar.gz"]);
}

/// Where the checksum of the archive itself is known, that counts.
#[test]
fn an_archive_is_checked_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let right = archive(b"right");
    let server = Server::start(&archive(b"wrong"), [Reply::Whole]);
    let mut set = server.set(b"right");
    let file = &mut set.files[0];
    file.name = "images.tar.gz".into();
    file.sha256 = [(file.name.clone(), sha256(&right))].into();
    let error = download(&set, folder.path()).unwrap_err();
    assert!(error.to_string().contains("the SHA-256 of images.tar.gz is"), "{error}");
    assert!(files(&folder).is_empty());
    std::fs::write(folder.path().join("images.tar.gz"), right).unwrap();
    // The server does not answer any more.
    download(&set, folder.path()).unwrap();
}
