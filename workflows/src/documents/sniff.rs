//! Finds the type of a file by its first bytes, never by its name or by what a
//! client says it is.

use super::error::DocumentError;
use super::kind::Kind;

/// Bytes that [`sniff`] needs to see.
pub const HEAD_BYTES: usize = 1024 + 8;

/// The type of a file that begins with `head` (all of it, or at least
/// [`HEAD_BYTES`]).
///
/// # Errors
/// [`DocumentError::Empty`], or [`DocumentError::UnsupportedType`] that says what
/// the bytes look like.
pub fn sniff(head: &[u8]) -> Result<Kind, DocumentError> {
    match Kind::of(head) {
        Some(kind) => Ok(kind),
        None if head.is_empty() => Err(DocumentError::Empty),
        None => Err(DocumentError::UnsupportedType { seen: looks_like(head).to_owned() }),
    }
}

/// A guess for the error's reader; nothing is decided by it.
fn looks_like(head: &[u8]) -> &'static str {
    match head {
        [b'P', b'K', 3 | 5 | 7, ..] => "a ZIP archive (also DOCX, XLSX, ODT, EPUB)",
        [b'G', b'I', b'F', b'8', ..] => "a GIF picture",
        [b'B', b'M', ..] => "a BMP picture",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an ISO media file (such as MP4)",
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] => "a program",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an old Office document",
        [0x1f, 0x8b, ..] => "a gzip file",
        _ if std::str::from_utf8(&head[..head.len().min(512)]).is_ok() => "text",
        _ => "something unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n....").unwrap(), Kind::Png);
        assert_eq!(sniff(b"\xff\xd8\xff\xe0").unwrap(), Kind::Jpeg);
        assert_eq!(sniff(b"RIFF....WEBPVP8 ").unwrap(), Kind::WebP);
        assert_eq!(sniff(b"II*\0....").unwrap(), Kind::Tiff);
        assert_eq!(sniff(b"MM\0+....").unwrap(), Kind::Tiff);
        assert_eq!(sniff(b"junk before %PDF-1.4").unwrap(), Kind::Pdf);
        assert_eq!(sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic....").unwrap(), Kind::Heic);
        assert_eq!(sniff(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf").unwrap(), Kind::Avif);
        assert!(sniff(b"\0\0\0\x14ftypmp42\0\0\0\0isomheic").is_err(), "a brand behind the box");
        let far = [vec![b' '; 2000], b"%PDF-1.4".to_vec()].concat();
        assert!(sniff(&far).is_err(), "a header that far in is none");
    }

    #[test]
    fn what_is_refused_is_named() {
        assert!(matches!(sniff(b""), Err(DocumentError::Empty)));
        let zip = sniff(b"PK\x03\x04....").unwrap_err();
        assert_eq!(zip.code(), "DOCUMENT_UNSUPPORTED_TYPE");
        assert!(zip.to_string().contains("ZIP archive"), "{zip}");
    }
}
