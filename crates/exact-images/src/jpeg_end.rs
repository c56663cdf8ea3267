//! JPEG files that are cut short, which the decoder would fill up with grey.

/// Start of image, start of scan, end of image. Reference: ITU-T T.81, annex B.
const START: [u8; 2] = [0xff, 0xd8];
const SCAN: u8 = 0xda;
const END: [u8; 2] = [0xff, 0xd9];

/// Whether the bytes begin as a JPEG file does and have no end of the image after the start of its first
/// scan. Within a scan, 0xff is followed by 0xd9 only there; a preview, which has an end of its own, stands
/// before the scan.
pub(crate) fn is_cut_short(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(&START) else { return false };
    // Segments are a marker of two bytes, a big-endian length that includes its own two bytes, and the
    // content.
    while let [0xff, marker, content @ ..] = rest {
        if *marker == SCAN {
            return !content.windows(END.len()).any(|window| window == END);
        }
        let length = match content {
            // Fill bytes before a marker.
            _ if *marker == 0xff => {
                rest = &rest[1..];
                continue;
            }
            [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => return true,
        };
        let Some(next) = content.get(length.max(2)..) else { return true };
        rest = next;
    }
    rest.iter().all(|&byte| byte == 0xff)
}

#[cfg(test)]
mod tests {
    use super::is_cut_short;

    #[test]
    fn an_end_counts_after_the_scan_only() {
        let preview = [0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xda];
        let scan = [0xff, 0xff, 0xda, 0, 2, 1, 0xff, 0];
        let whole = [&[0xff, 0xd8], preview.as_slice(), &scan, &[0xff, 0xd9]].concat();
        assert!(!is_cut_short(&whole));
        assert!(!is_cut_short(&[whole.as_slice(), b"trailer"].concat()));
        for length in 2..whole.len() {
            assert!(is_cut_short(&whole[..length]), "{length}");
        }
        // Other formats are not judged.
        assert!(!is_cut_short(b"\x89PNG"));
    }
}
