//! Colours of TIFFs that the decoder does not know: a palette, the YCbCr of
//! scanners that write JPEG, and several pixels in a byte. Each page is decoded
//! as if it were grey of 8 bits or RGB, and put right afterwards.

use image::{DynamicImage, GrayImage, Rgb, RgbImage};

use super::tiff_fields::Form;

/// Tags of TIFF 6.0.
const WIDTH: u16 = 256;
const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC: u16 = 262;
const SAMPLES_PER_PIXEL: u16 = 277;
const COLOR_MAP: u16 = 320;
const TILE_WIDTH: u16 = 322;

/// Values of the tag `PHOTOMETRIC`.
const WHITE_IS_ZERO: u64 = 0;
const BLACK_IS_ZERO: u32 = 1;
const RGB: u32 = 2;
const PALETTE: u64 = 3;
const YCBCR: u64 = 6;

/// What is to be put right.
pub(super) enum ColorFixup {
    /// The pixels are numbers of these colours.
    Palette(Vec<[u8; 3]>),
    /// The pixels are YCbCr.
    YCbCr,
    /// Each byte holds several pixels of a row.
    Packed(Packed),
}

/// Pixels of 2 or 4 bits, the first in the highest.
pub(super) struct Packed {
    bits: u32,
    /// Pixels of a row.
    width: u32,
    /// What each value looks like.
    colors: Vec<[u8; 3]>,
}

/// Makes the first directory of `data` one that the decoder knows, if it
/// isn't.
pub(super) fn color_fixup(data: &mut [u8]) -> Option<ColorFixup> {
    let form = Form::of(data);
    let place = form.first(data)?;
    let photometric = form.field(data, place, PHOTOMETRIC)?;
    if let Some(packed) = packed(form, data, place) {
        let row_bytes = |width: u32| (width * packed.bits).div_ceil(8);
        for tag in [WIDTH, TILE_WIDTH] {
            let width = form.field(data, place, tag);
            let value = form.value(data, place, tag).and_then(|value| u32::try_from(value).ok());
            if let (Some(width), Some(value)) =
                (width, value.filter(|value| *value <= packed.width.max(4096)))
            {
                form.put(data, width, row_bytes(value));
            }
        }
        form.put(data, form.field(data, place, BITS_PER_SAMPLE)?, 8);
        form.put(data, photometric, BLACK_IS_ZERO);
        return Some(ColorFixup::Packed(packed));
    }
    match form.whole(data, photometric, 0)? {
        PALETTE => {
            let bits = form.value(data, place, BITS_PER_SAMPLE).unwrap_or(1);
            let colors = palette(form, data, place, bits)?;
            form.put(data, photometric, BLACK_IS_ZERO);
            Some(ColorFixup::Palette(colors))
        }
        YCBCR => {
            form.put(data, photometric, RGB);
            Some(ColorFixup::YCbCr)
        }
        _ => None,
    }
}

/// How the pixels are packed, if several are in a byte.
fn packed(form: Form, data: &[u8], place: u64) -> Option<Packed> {
    let value = |tag| form.value(data, place, tag);
    let bits = value(BITS_PER_SAMPLE).filter(|bits| matches!(bits, 2 | 4))?;
    // A row of the largest side that may be asked for is far below this.
    let width = value(WIDTH).and_then(|width| u32::try_from(width).ok()).filter(|width| *width < 1 << 24)?;
    let colors = match value(PHOTOMETRIC)? {
        PALETTE => palette(form, data, place, bits)?,
        gray @ (WHITE_IS_ZERO | 1) => {
            let last = (1_u8 << bits) - 1;
            let level = |value: u8| if gray == WHITE_IS_ZERO { last - value } else { value };
            (0..=last).map(|value| [level(value) * (u8::MAX / last); 3]).collect()
        }
        _ => return None,
    };
    let one = value(SAMPLES_PER_PIXEL).is_none_or(|samples| samples == 1);
    one.then_some(Packed { bits: u32::try_from(bits).ok()?, width, colors })
}

/// All reds, then all greens, then all blues, in 16 bits (TIFF 6.0, section 5).
fn palette(form: Form, data: &[u8], place: u64, bits: u64) -> Option<Vec<[u8; 3]>> {
    let field = form.field(data, place, COLOR_MAP)?;
    let value = |index: u64| form.whole(data, field, index).and_then(|value| u8::try_from(value >> 8).ok());
    let colors = 1 << bits.min(8);
    (0..colors)
        .map(|index| Some([value(index)?, value(index + colors)?, value(index + 2 * colors)?]))
        .collect()
}

impl ColorFixup {
    /// The picture in its own colours; one of another depth than expected
    /// stays as it is.
    pub(super) fn apply(self, picture: DynamicImage) -> DynamicImage {
        match (self, picture) {
            (Self::Palette(colors), DynamicImage::ImageLuma8(numbers)) => colored(&numbers, &colors).into(),
            (Self::YCbCr, DynamicImage::ImageRgb8(mut picture)) => {
                picture.pixels_mut().for_each(|pixel| *pixel = rgb(*pixel));
                picture.into()
            }
            (Self::Packed(packed), DynamicImage::ImageLuma8(bytes)) => packed.unfold(&bytes).into(),
            (_, picture) => picture,
        }
    }

    /// Pixels of a row, if the decoder was told of another number.
    pub(super) fn width(&self) -> Option<u32> {
        match self {
            Self::Packed(packed) => Some(packed.width),
            Self::Palette(_) | Self::YCbCr => None,
        }
    }
}

impl Packed {
    fn unfold(&self, bytes: &GrayImage) -> RgbImage {
        let a_byte = 8 / self.bits;
        RgbImage::from_fn(self.width, bytes.height(), |x, y| {
            let byte = bytes.get_pixel((x / a_byte).min(bytes.width() - 1), y).0[0];
            let shift = 8 - self.bits * (x % a_byte + 1);
            Rgb(self.colors[usize::from(byte >> shift) & (self.colors.len() - 1)])
        })
    }
}

fn colored(numbers: &GrayImage, colors: &[[u8; 3]]) -> RgbImage {
    let last = colors.len() - 1;
    RgbImage::from_fn(numbers.width(), numbers.height(), |x, y| {
        // One bit comes as 0 and 255.
        Rgb(colors[usize::from(numbers.get_pixel(x, y).0[0]).min(last)])
    })
}

/// ITU-R BT.601 with the full range, as JFIF has it, in 16-bit fixed point.
fn rgb(Rgb([y, cb, cr]): Rgb<u8>) -> Rgb<u8> {
    let (y, cb, cr) = (i32::from(y) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    let byte = |value: i32| u8::try_from(((value + 32_768) >> 16).clamp(0, 255)).unwrap_or_default();
    Rgb([byte(y + 91_881 * cr), byte(y - 22_554 * cb - 46_802 * cr), byte(y + 116_130 * cb)])
}
