//! Downloading sets of images, with checksums and resumption.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use exact_data::{DataError, Source, hexadecimal};
use sha2::{Digest as _, Sha256};
use ureq::http::{Response, StatusCode, header};

use crate::ImageError;
use crate::files::unpack;
use crate::sets::{ImageSet, ImageSetFile};

/// How far the download of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadProgress<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// The bytes that are there, with those of an earlier attempt.
    pub done: u64,
    /// The bytes of the whole file, if the server says it.
    pub total: Option<u64>,
}

impl ImageSet {
    /// Downloads the files of the set into a folder, which is created if need be; `ImageDataset::open` reads
    /// them there.
    ///
    /// A file that is there and whole is left as it is. Others are written to `NAME.part` and take their name
    /// once their content has the recorded SHA-256. What a broken connection leaves in `NAME.part` is gone on
    /// from the next time, if the server can do so; what turns out to be wrong is removed. Checksums are
    /// those of the decompressed content where they are known, so that a server may compress it in another
    /// way.
    ///
    /// # Errors
    /// [`ImageError::NoDownload`] for a set without addresses, [`ImageError::Download`],
    /// [`ImageError::DamagedDownload`] if the content is not the recorded one, and [`DataError::Write`].
    pub fn download(
        &self,
        folder: &Path,
        progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<(), ImageError> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .accept_encoding("identity")
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_mins(1)))
            .build()
            .new_agent();
        fs::create_dir_all(folder).map_err(|error| DataError::Write { path: folder.into(), error })?;
        for file in &self.files {
            let Some(url) = &file.url else { return Err(ImageError::NoDownload { name: self.name.clone() }) };
            let (whole, part) = (folder.join(&file.name), folder.join(format!("{}.part", file.name)));
            if whole.is_file() && problem_of(&whole, file).is_none() {
                continue;
            }
            let download = Download { agent: &agent, url, name: &file.name, part };
            download.run(progress)?;
            if let Some(problem) = problem_of(&download.part, file) {
                download.remove()?;
                return Err(ImageError::DamagedDownload { url: url.clone(), problem });
            }
            fs::rename(&download.part, &whole).map_err(|error| DataError::Write { path: whole, error })?;
        }
        Ok(())
    }
}

/// A file that is being downloaded.
struct Download<'a> {
    agent: &'a ureq::Agent,
    url: &'a str,
    name: &'a str,
    /// Where the bytes go until all are there.
    part: PathBuf,
}

impl Download<'_> {
    /// Fetches what is missing of the file.
    fn run(&self, progress: &mut dyn FnMut(DownloadProgress<'_>)) -> Result<(), ImageError> {
        let done = self.part.metadata().map_or(0, |metadata| metadata.len());
        let response = self.request(done)?;
        match response.status() {
            StatusCode::OK => self.save(response, 0, progress),
            StatusCode::PARTIAL_CONTENT if starts_at(&response, done) => self.save(response, done, progress),
            // There is nothing after these bytes, or the server means other ones: the checksum decides, or
            // all anew.
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT if done > 0 => {
                if response.status() == StatusCode::RANGE_NOT_SATISFIABLE
                    && length_after(&response) == Some(done)
                {
                    return Ok(());
                }
                self.remove()?;
                self.run(progress)
            }
            status => Err(self.failed(format!("the server answered {status}"))),
        }
    }

    /// Asks for the bytes from `start` on.
    fn request(&self, start: u64) -> Result<Response<ureq::Body>, ImageError> {
        let mut request = self.agent.get(self.url);
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        request.call().map_err(|error| self.failed(error.to_string()))
    }

    /// Writes the body behind the first `start` bytes.
    fn save(
        &self,
        mut response: Response<ureq::Body>,
        start: u64,
        progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<(), ImageError> {
        let total = response.body().content_length().map(|length| start + length);
        let open = || {
            let file = File::options().create(true).append(true).open(&self.part)?;
            file.set_len(start)?;
            Ok(file)
        };
        let mut file = open().map_err(|error| self.unwritten(error))?;
        let mut body = response.body_mut().as_reader();
        let (mut buffer, mut done) = (vec![0; 1 << 16], start);
        loop {
            progress(DownloadProgress { file: self.name, done, total });
            let read = body.read(&mut buffer).map_err(|error| self.failed(error.to_string()))?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read]).map_err(|error| self.unwritten(error))?;
            done += read as u64;
        }
        if total.is_some_and(|total| done < total) {
            return Err(self.failed("the connection broke".into()));
        }
        file.sync_all().map_err(|error| self.unwritten(error))
    }

    fn remove(&self) -> Result<(), ImageError> {
        fs::remove_file(&self.part).map_err(|error| self.unwritten(error))
    }

    fn failed(&self, problem: String) -> ImageError {
        ImageError::Download { url: self.url.into(), problem }
    }

    fn unwritten(&self, error: io::Error) -> ImageError {
        DataError::Write { path: self.part.clone(), error }.into()
    }
}

/// Whether a part of the content begins at a byte: `Content-Range: bytes START-END/TOTAL`.
fn starts_at(response: &Response<ureq::Body>, start: u64) -> bool {
    content_range(response).is_some_and(|range| range.starts_with(&format!("{start}-")))
}

/// The length that a server names where it cannot satisfy a range: `Content-Range: bytes */TOTAL`.
fn length_after(response: &Response<ureq::Body>) -> Option<u64> {
    content_range(response)?.strip_prefix("*/")?.parse().ok()
}

fn content_range(response: &Response<ureq::Body>) -> Option<&str> {
    response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")
}

/// What is wrong with the content of a file, if it is not the recorded one.
fn problem_of(path: &Path, file: &ImageSetFile) -> Option<String> {
    let found = match checksums(path, file) {
        Ok(found) => found,
        Err(error) => return Some(error.to_string()),
    };
    file.sha256.iter().find_map(|(name, expected)| match found.get(name) {
        None => Some(format!("it has no {name}")),
        Some(found) if found != expected => {
            Some(format!("the SHA-256 of {name} is {found}, expected {expected}"))
        }
        Some(_) => None,
    })
}

/// The SHA-256 of a file as it is, if that is recorded, else of its decompressed content, by name.
fn checksums(path: &Path, file: &ImageSetFile) -> Result<BTreeMap<String, String>, ImageError> {
    if file.sha256.contains_key(&file.name) {
        let read = || sha256(File::open(path)?);
        let sum = read().map_err(|error| DataError::Read { file: path.display().to_string(), error })?;
        return Ok(BTreeMap::from([(file.name.clone(), sum)]));
    }
    let contents = if file.name.ends_with(".tar.gz") {
        unpack(path)?
    } else {
        vec![(file.name.trim_end_matches(".gz").to_string(), Source::file(path)?)]
    };
    let sum = |(name, source): (String, Source<'_>)| {
        let sum = sha256(source.open()?);
        let sum = sum.map_err(|error| DataError::Read { file: source.name().into(), error })?;
        Ok((name, sum))
    };
    contents.into_iter().map(sum).collect()
}

/// The SHA-256 in hexadecimal digits.
fn sha256(mut content: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}
