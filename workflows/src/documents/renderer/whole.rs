//! Whether a picture's file is all there, by the lengths that it states, and of
//! a variant that is read. What a decoder says of pixels is another matter: it
//! makes up those that a JPEG lacks.

use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;

/// Looks at the parts of a PNG, JPEG or WebP.
///
/// # Errors
/// [`DocumentError::Broken`] if the file ends before its picture does;
/// [`DocumentError::UnsupportedVariant`] for JPEGs of other processes than those
/// that are in use (ITU-T T.81, table B.1).
pub(super) fn check(data: &[u8], kind: Kind) -> Result<(), DocumentError> {
    let whole = match kind {
        Kind::Jpeg => jpeg(data)?,
        Kind::Png => png(data),
        Kind::WebP => webp(data),
        // Of these each page is looked at.
        Kind::Tiff | Kind::Heic | Kind::Avif | Kind::Pdf => Some(()),
    };
    whole.ok_or_else(|| DocumentError::Broken {
        what: kind.mime().to_owned(),
        reason: "the picture ends in the middle: the file is cut off".to_owned(),
    })
}

/// Goes from marker to marker; `None` if there is none that ends the picture.
fn jpeg(data: &[u8]) -> Result<Option<()>, DocumentError> {
    let mut rest = data.get(2..).unwrap_or_default();
    while let Some((marker, after)) = next_marker(rest) {
        rest = match marker {
            0xd9 => return Ok(Some(())),
            // Stand alone.
            0x01 | 0xd0..=0xd8 => after,
            _ => {
                frame(marker, after)?;
                let length = after.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes)));
                length.and_then(|length| after.get(length..)).unwrap_or_default()
            }
        };
    }
    Ok(None)
}

/// Whether a JPEG that is read has grey, or the red, green and blue that all programs
/// take it for: one sample a pixel, or three that are not called so.
pub(super) fn is_plain_jpeg(data: &[u8]) -> bool {
    let mut rest = data.get(2..).unwrap_or_default();
    while let Some((marker, after)) = next_marker(rest) {
        if matches!(marker, 0xc0..=0xc2) {
            let components = after.get(7).copied().unwrap_or_default();
            let names = [8, 11, 14].map(|at| after.get(at).copied());
            return components == 1 || components == 3 && names != b"RGB".map(Some);
        }
        let length = after.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes)));
        rest = length.and_then(|length| after.get(length..)).unwrap_or_default();
    }
    false
}

/// The next marker and what follows it. A zero after 0xff stands for 0xff
/// among the pixels; more of 0xff are padding.
fn next_marker(data: &[u8]) -> Option<(u8, &[u8])> {
    let at = data.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))?;
    Some((data[at + 1], &data[at + 2..]))
}

/// Whether frames that begin with `marker` and `head` are read.
fn frame(marker: u8, head: &[u8]) -> Result<(), DocumentError> {
    let bits = head.get(2).copied().unwrap_or(8);
    let what = match marker {
        0xc0..=0xc2 if bits != 8 => format!("a JPEG of {bits} bits a sample"),
        0xc3 => "a lossless JPEG".to_owned(),
        0xc5..=0xc7 | 0xcd..=0xcf => "a hierarchical JPEG".to_owned(),
        0xc9..=0xcb => "a JPEG with arithmetic coding".to_owned(),
        _ => return Ok(()),
    };
    Err(DocumentError::UnsupportedVariant { what })
}

/// Goes from chunk to chunk (PNG, section 5.3).
fn png(data: &[u8]) -> Option<()> {
    let (mut rest, mut pixels) = (data.get(8..)?, false);
    // The mark of the end may be lost; the decoder says whether pixels are.
    while !(rest.is_empty() && pixels) {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let name = rest.get(4..8)?;
        if name == b"IEND" {
            return Some(());
        }
        pixels |= name == b"IDAT";
        rest = rest.get(length.checked_add(12)?..)?;
    }
    Some(())
}

/// The length that a WebP states for all that follows it; a byte that evens it
/// out may be missing.
fn webp(data: &[u8]) -> Option<()> {
    let length = u32::from_le_bytes(*data.get(4..)?.first_chunk()?) as usize;
    (length.checked_add(8)? <= data.len() + 1).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(data: &[u8], kind: Kind) -> &'static str {
        check(data, kind).err().map_or("whole", |error| error.code())
    }

    #[test]
    fn a_jpeg_ends_with_its_mark_and_not_with_that_of_a_picture_within() {
        let whole =
            b"\xff\xd8\xff\xe1\0\x04\xff\xd9\xff\xc0\0\x04\x08.\xff\xda\0\x02..\xff\0.\xff\xd0..\xff\xff\xd9";
        assert_eq!(verdict(whole, Kind::Jpeg), "whole");
        for end in 2..whole.len() {
            assert_eq!(verdict(&whole[..end], Kind::Jpeg), "DOCUMENT_BROKEN", "{end} bytes");
        }
    }

    #[test]
    fn a_jpeg_that_is_not_read_is_named() {
        for (marker, bits, name) in [
            (0xc1, 12, "a JPEG of 12 bits a sample"),
            (0xc3, 8, "a lossless JPEG"),
            (0xc5, 8, "a hierarchical JPEG"),
            (0xc9, 8, "a JPEG with arithmetic coding"),
        ] {
            let error = check(&[0xff, 0xd8, 0xff, marker, 0, 4, bits], Kind::Jpeg).unwrap_err();
            assert_eq!(error.code(), "DOCUMENT_UNSUPPORTED_TYPE");
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
