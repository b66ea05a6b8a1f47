//! How many pixels of a picture stand on an inch of its paper, if its file
//! says so.

use image::ImageDecoder;

use super::tiff_fields::Form;
use crate::documents::kind::Kind;

/// Dots per inch, across and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Density {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// What scanners and fax machines make. Other figures are defaults of programs
/// that know no paper, or lies.
const BELIEVABLE: std::ops::RangeInclusive<f32> = 36.0..=4800.0;

const METRES_PER_INCH: f32 = 0.0254;
const CENTIMETRES_PER_INCH: f32 = 2.54;

/// Tags of TIFF 6.0.
const X_RESOLUTION: u16 = 282;
const Y_RESOLUTION: u16 = 283;
const RESOLUTION_UNIT: u16 = 296;

/// The density that `data` states; `decoder` has read its header.
pub(super) fn of(data: &[u8], kind: Kind, decoder: &mut dyn ImageDecoder) -> Option<Density> {
    let mut exif = || decoder.exif_metadata().ok().flatten().and_then(|exif| tiff(&exif));
    let stated = match kind {
        Kind::Png => png(data),
        Kind::Jpeg => jpeg(data).or_else(exif),
        Kind::WebP => exif(),
        Kind::Tiff => tiff(data),
        Kind::Heic | Kind::Avif | Kind::Pdf => None,
    };
    stated.filter(|density| BELIEVABLE.contains(&density.x) && BELIEVABLE.contains(&density.y))
}

/// Chunk `pHYs` (PNG, section 11.3.4.3), which stands before the pixels.
fn png(data: &[u8]) -> Option<Density> {
    let mut rest = data.get(8..)?;
    loop {
        let (length, name) = (word(rest)? as usize, rest.get(4..8)?);
        match name {
            b"pHYs" if length == 9 && rest.get(16) == Some(&1) => {
                return Some(density(word(&rest[8..])?, word(&rest[12..])?, METRES_PER_INCH));
            }
            b"pHYs" | b"IDAT" | b"IEND" => return None,
            _ => rest = rest.get(length.checked_add(12)?..)?,
        }
    }
}

/// The head of a JFIF file (ITU-T T.871, section 10.1).
fn jpeg(data: &[u8]) -> Option<Density> {
    if data.get(2..4)? != [0xff, 0xe0] || data.get(6..11)? != b"JFIF\0" {
        return None;
    }
    let short = |at: usize| Some(u32::from(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?])));
    let (x, y) = (short(14)?, short(16)?);
    match data.get(13)? {
        1 => Some(density(x, y, 1.0)),
        2 => Some(density(x, y, CENTIMETRES_PER_INCH)),
        _ => None,
    }
}

/// The first directory of a TIFF, or of EXIF data.
fn tiff(data: &[u8]) -> Option<Density> {
    let form = Form::of(data);
    let place = form.first(data)?;
    let stated = |tag| form.fraction(data, form.field(data, place, tag)?);
    let unit = form.field(data, place, RESOLUTION_UNIT).and_then(|field| form.whole(data, field, 0));
    let per_inch = match unit {
        None | Some(2) => 1.0,
        Some(3) => CENTIMETRES_PER_INCH,
        Some(_) => return None,
    };
    Some(Density { x: stated(X_RESOLUTION)? * per_inch, y: stated(Y_RESOLUTION)? * per_inch })
}

fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?))
}

#[expect(clippy::cast_precision_loss, reason = "a resolution needs three digits")]
fn density(x: u32, y: u32, per_inch: f32) -> Density {
    Density { x: x as f32 * per_inch, y: y as f32 * per_inch }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_says_it_in_its_own_way() {
        let png_head = b"\x89PNG\r\n\x1a\n\0\0\0\x00tEXtcrc_\0\0\0\x09pHYs\0\0\x2e\x23\0\0\x2e\x23\x01crc_";
        assert_eq!(png(png_head).map(|d| d.x.round()), Some(300.0));
        let jpeg_head = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\x01\x00\xc8\x00\x64\0\0";
        assert_eq!(jpeg(jpeg_head), Some(Density { x: 200.0, y: 100.0 }));
        let centimetres = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\x02\x00\x76\x00\x76\0\0";
        assert_eq!(jpeg(centimetres).map(|d| d.y.round()), Some(300.0));
    }

    #[test]
    fn what_ends_too_early_says_nothing() {
        assert_eq!(png(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt"), None);
        assert_eq!(jpeg(b"\xff\xd8\xff\xe0\0\x10JFIF\0"), None);
        assert_eq!(tiff(b"II*\0\xff\xff\xff\xff"), None);
        assert_eq!(tiff(b""), None);
    }
}
