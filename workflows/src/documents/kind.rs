//! What a file is, by its first bytes; never by its name or by what a client
//! says it is.

use serde::{Deserialize, Serialize};

use super::error::DocumentError;

/// Bytes that [`Kind::sniff`] wants to see: a PDF's header may follow up to
/// 1,024 bytes of something else (ISO 32000-1, annex H.3.4.1).
pub const HEAD_BYTES: usize = 1024 + 8;

/// The kinds of document that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// TIFF or BigTIFF, of one page or many.
    Tiff,
    /// PDF.
    Pdf,
}

impl Kind {
    /// The kind of a file that begins with `head` (all of it, or at least
    /// [`HEAD_BYTES`]).
    ///
    /// # Errors
    /// [`DocumentError::Empty`], or [`DocumentError::UnsupportedType`] that says
    /// what the bytes look like.
    pub fn sniff(head: &[u8]) -> Result<Self, DocumentError> {
        match head {
            [] => Err(DocumentError::Empty),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Self::Tiff),
            _ if head.windows(5).take(1024).any(|window| window == b"%PDF-") => Ok(Self::Pdf),
            _ => Err(DocumentError::UnsupportedType { seen: looks_like(head).to_owned() }),
        }
    }

    /// Its media type.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Pdf => "application/pdf",
        }
    }

    /// What the name of such a file ends with, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Tiff => "tiff",
            Self::Pdf => "pdf",
        }
    }
}

/// A guess for the error's reader; nothing is decided by it.
fn looks_like(head: &[u8]) -> &'static str {
    match head {
        [b'P', b'K', 3 | 5 | 7, ..] => "a ZIP archive (also DOCX, XLSX, ODT, EPUB)",
        [b'G', b'I', b'F', b'8', ..] => "a GIF picture",
        [b'B', b'M', ..] => "a BMP picture",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an ISO media file (HEIC, AVIF, MP4)",
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
        assert_eq!(Kind::sniff(b"\x89PNG\r\n\x1a\n....").unwrap(), Kind::Png);
        assert_eq!(Kind::sniff(b"\xff\xd8\xff\xe0").unwrap(), Kind::Jpeg);
        assert_eq!(Kind::sniff(b"RIFF....WEBPVP8 ").unwrap(), Kind::WebP);
        assert_eq!(Kind::sniff(b"II*\0....").unwrap(), Kind::Tiff);
        assert_eq!(Kind::sniff(b"MM\0+....").unwrap(), Kind::Tiff);
        assert_eq!(Kind::sniff(b"junk before %PDF-1.4").unwrap(), Kind::Pdf);
        let far = [vec![b' '; 2000], b"%PDF-1.4".to_vec()].concat();
        assert!(Kind::sniff(&far).is_err(), "a header that far in is none");
    }

    #[test]
    fn what_is_refused_is_named() {
        assert!(matches!(Kind::sniff(b""), Err(DocumentError::Empty)));
        let zip = Kind::sniff(b"PK\x03\x04....").unwrap_err();
        assert_eq!(zip.code(), "DOCUMENT_UNSUPPORTED_TYPE");
        assert!(zip.to_string().contains("ZIP archive"), "{zip}");
    }
}
