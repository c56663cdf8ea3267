//! Images that move.

/// Whether the bytes are a GIF, PNG or WebP file with more than one picture. What is damaged is not judged.
pub(crate) fn is_animated(bytes: &[u8]) -> bool {
    if let Some(rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        png(rest)
    } else if bytes.starts_with(b"GIF8") {
        gif(bytes).is_some()
    } else {
        // RIFF, its length, WEBP, VP8X, its length, flags. Reference: RFC 9649, section 2.7.
        matches!(
            bytes,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', b'V', b'P', b'8', b'X', ..]
        ) && bytes.get(20).is_some_and(|flags| flags & 0b10 != 0)
    }
}

/// Whether there is a chunk of animation control before the pixels. Chunks are a length, a name, the content
/// and a checksum. Reference: PNG, third edition, section 11.3.6.1.
fn png(mut rest: &[u8]) -> bool {
    while let [a, b, c, d, name @ ..] = rest {
        match name.get(..4) {
            Some(b"acTL") => return true,
            Some(b"IDAT") | None => return false,
            Some(_) => {}
        }
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        rest = length.checked_add(8).and_then(|skipped| name.get(skipped..)).unwrap_or_default();
    }
    false
}

/// Something if there is a second picture. Reference: `GIF89a` specification, sections 18 to 26.
fn gif(bytes: &[u8]) -> Option<()> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + table(*bytes.get(10)?);
    let mut pictures = 0;
    loop {
        match *bytes.get(at)? {
            // An extension: its label, then blocks.
            b'!' => at += 2,
            b',' => {
                pictures += 1;
                if pictures == 2 {
                    return Some(());
                }
                // The place and size, a table of colours, the size of codes, then blocks.
                at += 11 + table(*bytes.get(at + 9)?);
            }
            _ => return None,
        }
        // Blocks begin with their length; one of the length 0 is the last.
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::gif::GifEncoder;
    use image::{Frame, ImageFormat, RgbaImage};

    use super::is_animated;

    fn gif(frames: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        for value in 0..frames {
            let image = RgbaImage::from_pixel(20, 30, image::Rgba([value, 50, 100, 255]));
            encoder.encode_frame(Frame::new(image)).unwrap();
        }
        drop(encoder);
        bytes
    }

    #[test]
    fn several_pictures_are_an_animation() {
        assert!(!is_animated(&gif(1)));
        let moving = gif(2);
        assert!(is_animated(&moving));
        for length in 0..gif(1).len() {
            assert!(!is_animated(&moving[..length]), "{length}");
        }
    }

    #[test]
    fn chunks_that_control_an_animation() {
        let mut bytes = Cursor::new(Vec::new());
        RgbaImage::new(2, 2).write_to(&mut bytes, ImageFormat::Png).unwrap();
        let still = bytes.into_inner();
        assert!(!is_animated(&still));
        // After the signature and the header.
        let control = [&[0, 0, 0, 8][..], b"acTL", &[0; 12]].concat();
        assert!(is_animated(&[&still[..33], &control, &still[33..]].concat()));

        let mut bytes = Cursor::new(Vec::new());
        RgbaImage::new(2, 2).write_to(&mut bytes, ImageFormat::WebP).unwrap();
        assert!(!is_animated(&bytes.into_inner()));
        assert!(is_animated(b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0"));
    }
}
