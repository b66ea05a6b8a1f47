//! Where the pixels of a TIFF's page lie in its file, how they are packed, and
//! the order of their bits.

use std::ops::Range;

use super::tiff_fields::Form;
use super::tiff_pages::{PageOf, TiffPages};
use crate::documents::error::DocumentError;

/// Tags of TIFF 6.0.
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const STRIP_OFFSETS: u16 = 273;
const STRIP_BYTE_COUNTS: u16 = 279;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTE_COUNTS: u16 = 325;
const SUBSAMPLING: u16 = 530;

/// A value of the tag `PHOTOMETRIC`.
const YCBCR: u64 = 6;

/// A value of the tag `COMPRESSION`.
const JPEG: u64 = 7;

/// Fewest pixels are in the high bits.
const LOW_BITS_FIRST: u64 = 2;

/// Values of the tag `COMPRESSION` that say nothing about the order of bits,
/// since what they hold has bytes of its own: JPEG and WebP.
const OF_BYTES: [u64; 2] = [JPEG, 50_001];

/// How the page whose directory is at `place` is packed; 1 stands for not at
/// all (TIFF 6.0, section 8).
pub(super) fn compression(form: Form, data: &[u8], place: u64) -> u64 {
    form.value(data, place, COMPRESSION).unwrap_or(1)
}

/// Looks at each page's strips and tiles.
///
/// # Errors
/// [`DocumentError::UnsupportedVariant`] that names a packing that can't be
/// undone; [`DocumentError::Broken`] if the file ends before the pixels do.
pub(super) fn check(data: &[u8], pages: &TiffPages) -> Result<(), DocumentError> {
    let form = Form::of(data);
    // Each strip has bytes of its own in a sound file; directories that share
    // long tables would be walked for ever.
    let mut left = data.len();
    for (page, place) in (1..).zip(pages.places()) {
        let page = PageOf { page, pages: pages.count() };
        let packed = compression(form, data, *place);
        if !is_read(packed) {
            return Err(page.refused(&format!("compressed with {}", name(packed))));
        }
        if is_subsampled(form, data, *place) && packed != JPEG {
            return Err(page.refused("stored with fewer pixels of colour than of grey, outside of JPEG,"));
        }
        let strips = strips(form, data, *place).take(left);
        let (seen, ends) = strips.fold((0, 0), |(seen, end), strip| (seen + 1, strip.end.max(end)));
        left -= seen;
        if ends > data.len() {
            let length = data.len();
            let reason = format!("its pixels end at byte {ends}, the file at {length}: it is cut off");
            return Err(page.broken(&reason));
        }
    }
    Ok(())
}

/// The bytes of each strip, or tile, of the page whose directory is at
/// `place`; they may lie beyond the end of `data`.
pub(super) fn strips(form: Form, data: &[u8], place: u64) -> impl Iterator<Item = Range<usize>> {
    let pair = |offsets, counts| Some((form.field(data, place, offsets)?, form.field(data, place, counts)?));
    let fields = pair(STRIP_OFFSETS, STRIP_BYTE_COUNTS).or_else(|| pair(TILE_OFFSETS, TILE_BYTE_COUNTS));
    let all = fields.into_iter().flat_map(move |(offsets, counts)| {
        (0..form.count(offsets).min(form.count(counts))).map_while(move |index| {
            let start = usize::try_from(form.whole(data, offsets, index)?).ok()?;
            let length = usize::try_from(form.whole(data, counts, index)?).ok()?;
            Some(start..start.saturating_add(length))
        })
    });
    all.collect::<Vec<_>>().into_iter()
}

/// Turns the bits of each byte of the first page round if its file has the
/// first pixel in the lowest, which decoders don't ask for.
pub(super) fn high_bits_first(data: &mut [u8]) {
    let form = Form::of(data);
    let Some(place) = form.first(data) else { return };
    let turned = form.value(data, place, FILL_ORDER) == Some(LOW_BITS_FIRST);
    if !turned || OF_BYTES.contains(&compression(form, data, place)) {
        return;
    }
    let strips: Vec<Range<usize>> = strips(form, data, place).collect();
    for strip in strips {
        data.get_mut(strip).into_iter().flatten().for_each(|byte| *byte = byte.reverse_bits());
    }
}

/// Whether the colours of a YCbCr page are stored for several pixels at once
/// (TIFF 6.0, section 21).
fn is_subsampled(form: Form, data: &[u8], place: u64) -> bool {
    let factor =
        |index| form.field(data, place, SUBSAMPLING).and_then(|field| form.whole(data, field, index));
    let ycbcr = form.value(data, place, PHOTOMETRIC) == Some(YCBCR);
    ycbcr && (0..2).any(|index| factor(index).unwrap_or(2) != 1)
}

/// Whether what is packed so can be unpacked.
fn is_read(compression: u64) -> bool {
    matches!(compression, 1..=5 | 7 | 8 | 32_773 | 32_946 | 50_001)
}

/// The names that programs show for a packing.
fn name(compression: u64) -> String {
    let known = match compression {
        6 => "JPEG in its old form",
        9 | 10 | 34_661 => "JBIG",
        32_766 => "NeXT",
        32_809 => "ThunderScan",
        32_908 | 32_909 => "Pixar",
        33_003 | 33_005 | 34_712 => "JPEG 2000",
        34_676 | 34_677 => "SGILog",
        34_715 => "JBIG2",
        34_887 => "LERC",
        34_925 => "LZMA",
        50_000 => "ZSTD",
        50_002 => "JPEG XL",
        _ => return format!("method {compression}"),
    };
    format!("{known} (method {compression})")
}
