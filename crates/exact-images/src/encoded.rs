//! One image as a file holds it.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::PathBuf;

use exact_data::{DataError, guarded};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::animation::is_animated;
use crate::jpeg_end::is_cut_short;
use crate::{ImageError, ImageSize};

/// The most pixels of an image: more than cameras make, and 512 MiB of red, green, blue and transparency.
const MOST_PIXELS: u64 = 1 << 27;
/// The most bytes that a decoder takes for itself: twice as many, for 16 bits a value.
const MOST_BYTES: u64 = 8 * MOST_PIXELS;

/// An image of a format that its content says: a file, or bytes within one.
#[derive(Debug)]
pub(crate) enum EncodedImage {
    File(PathBuf),
    Bytes { name: String, bytes: Vec<u8> },
}

/// What the head of an image says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// As the image is looked at.
    pub size: ImageSize,
    pub is_grey: bool,
}

/// The pixels of an image as it is looked at; of several pictures, the first.
pub(crate) struct Decoded {
    pub image: DynamicImage,
    pub is_grey: bool,
    pub is_animated: bool,
}

impl EncodedImage {
    /// What messages call it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Bytes { name, .. } => name.clone(),
        }
    }

    pub fn head(&self) -> Result<Head, ImageError> {
        let head = |reader: &mut dyn BufReadSeek| Ok(self.decoder(reader)?.0);
        guarded(&self.name(), "an image", || match self {
            Self::File(path) => {
                head(&mut BufReader::new(File::open(path).map_err(|error| self.unreadable(error))?))
            }
            Self::Bytes { bytes, .. } => head(&mut Cursor::new(bytes)),
        })
    }

    pub fn decode(&self) -> Result<Decoded, ImageError> {
        guarded(&self.name(), "an image", || {
            let bytes = self.bytes()?;
            if bytes.is_empty() {
                return Err(self.damaged("it is empty"));
            }
            let (head, mut decoder) = self.decoder(Cursor::new(bytes.as_ref()))?;
            if is_cut_short(&bytes) {
                return Err(self.damaged("the file is cut short"));
            }
            let orientation = orientation(&mut decoder);
            let mut image = DynamicImage::from_decoder(decoder).map_err(|error| self.damaged(error))?;
            image.apply_orientation(orientation);
            Ok(Decoded { image, is_grey: head.is_grey, is_animated: is_animated(&bytes) })
        })
    }

    fn bytes(&self) -> Result<Cow<'_, [u8]>, ImageError> {
        match self {
            Self::File(path) => {
                let read = || match path.metadata()? {
                    metadata if metadata.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
                    // A device may have no end.
                    metadata if !metadata.is_file() => Err(std::io::Error::other("it is no file")),
                    _ => std::fs::read(path),
                };
                Ok(read().map_err(|error| self.unreadable(error))?.into())
            }
            Self::Bytes { bytes, .. } => Ok(bytes.as_slice().into()),
        }
    }

    /// What the head says, and a decoder of the rest, if there are not too many pixels.
    fn decoder<'a>(
        &self,
        content: impl BufRead + Seek + 'a,
    ) -> Result<(Head, impl ImageDecoder + 'a), ImageError> {
        let mut reader =
            ImageReader::new(content).with_guessed_format().map_err(|error| self.unreadable(error))?;
        if !reader.format().is_some_and(is_read) {
            return Err(self.damaged("it is no PNG, JPEG, WebP, BMP, GIF or TIFF file"));
        }
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(MOST_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(|error| self.damaged(error))?;
        let (width, height) = decoder.dimensions();
        let mut size = ImageSize { height: height as usize, width: width as usize };
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(ImageError::TooManyPixels { file: self.name(), size, most: MOST_PIXELS });
        }
        if lies(orientation(&mut decoder)) {
            size = ImageSize { height: size.width, width: size.height };
        }
        let is_grey = !decoder.color_type().has_color();
        Ok((Head { size, is_grey }, decoder))
    }

    fn unreadable(&self, error: std::io::Error) -> DataError {
        DataError::Read { file: self.name(), error }
    }

    fn damaged(&self, problem: impl fmt::Display) -> ImageError {
        // Some decoders say it in several lines.
        let problem = problem.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        ImageError::ImageFile { file: self.name(), problem }
    }
}

trait BufReadSeek: BufRead + Seek {}

impl<R: BufRead + Seek> BufReadSeek for R {}

fn is_read(format: ImageFormat) -> bool {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    matches!(format, Bmp | Gif | Jpeg | Png | Tiff | WebP)
}

/// How the image is to be turned. Exif that cannot be read says nothing about it.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

/// Whether rows become columns.
fn lies(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
}
