//! Types of document that can be read. The decoders, the API, the command line
//! and the texts are derived from this list.

use serde::{Deserialize, Serialize};

/// A type of document.
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
    /// HEIC, and other HEIF of HEVC pictures.
    Heic,
    /// AVIF: HEIF of AV1 pictures.
    Avif,
    /// PDF.
    Pdf,
}

/// What is known of a type of document.
struct Facts {
    name: &'static str,
    mime: &'static str,
    extension: &'static str,
    /// Whether a file that begins so is one.
    begins: fn(&[u8]) -> bool,
}

/// Brands of HEIF whose pictures are HEVC (ISO/IEC 23008-12, annex B.4; `heim` and `heis`
/// have several layers).
const HEVC_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"];

/// The brands that an ISO media file says it keeps to, the major one first (ISO/IEC
/// 14496-12, 4.3).
fn brands(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let length = head.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
    let brands = head.get(4..length.min(head.len())).and_then(|file_type| file_type.strip_prefix(b"ftyp"));
    // Between the major brand and the compatible ones is a version of four bytes.
    brands.unwrap_or_default().chunks_exact(4).enumerate().filter(|(at, _)| *at != 1).map(|(_, brand)| brand)
}

impl Kind {
    /// All of them, in the order in which texts name them.
    pub const ALL: [Self; 7] =
        [Self::Png, Self::Jpeg, Self::WebP, Self::Tiff, Self::Heic, Self::Avif, Self::Pdf];

    const fn facts(self) -> &'static Facts {
        match self {
            Self::Png => &Facts {
                name: "PNG",
                mime: "image/png",
                extension: "png",
                begins: |head| head.starts_with(b"\x89PNG\r\n\x1a\n"),
            },
            Self::Jpeg => &Facts {
                name: "JPEG",
                mime: "image/jpeg",
                extension: "jpg",
                begins: |head| head.starts_with(b"\xff\xd8\xff"),
            },
            Self::WebP => &Facts {
                name: "WebP",
                mime: "image/webp",
                extension: "webp",
                begins: |head| {
                    matches!(head, [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..])
                },
            },
            Self::Tiff => &Facts {
                name: "TIFF",
                mime: "image/tiff",
                extension: "tiff",
                begins: |head| matches!(head, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..]),
            },
            Self::Heic => &Facts {
                name: "HEIC",
                mime: "image/heic",
                extension: "heic",
                begins: |head| brands(head).any(|brand| HEVC_BRANDS.contains(&brand)),
            },
            Self::Avif => &Facts {
                name: "AVIF",
                mime: "image/avif",
                extension: "avif",
                begins: |head| brands(head).any(|brand| brand == b"avif" || brand == b"avis"),
            },
            Self::Pdf => &Facts {
                name: "PDF",
                mime: "application/pdf",
                extension: "pdf",
                // Other bytes may come before the header (ISO 32000-1, annex H.3.4.1).
                begins: |head| head.windows(5).take(1024).any(|window| window == b"%PDF-"),
            },
        }
    }

    /// The type of a file that begins with `head`; `None` for one that can't be
    /// read.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| (kind.facts().begins)(head))
    }

    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// Its media type.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        self.facts().mime
    }

    /// How names of such files end, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        self.facts().extension
    }

    /// Whether it is decoded by a library that not every machine has.
    #[must_use]
    pub const fn needs_libheif(self) -> bool {
        matches!(self, Self::Heic | Self::Avif)
    }

    /// The names of all types, such as `PNG, JPEG and PDF`, with `word` before the
    /// last.
    #[must_use]
    pub fn list(word: &str) -> String {
        let [others @ .., last] = Self::ALL.map(Self::name);
        format!("{} {word} {last}", others.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_type() {
        // serde lists all variants of the enum.
        let all = serde_json::from_str::<Kind>("\"?\"").unwrap_err().to_string();
        let names = Kind::ALL.map(|kind| format!("`{}`", kind.name().to_lowercase())).join(", ");
        assert!(all.contains(&format!("expected one of {names} ")), "{all}");
        assert_eq!(Kind::list("and"), "PNG, JPEG, WebP, TIFF, HEIC, AVIF and PDF");
    }
}
