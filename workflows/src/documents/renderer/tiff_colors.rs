//! Colours of TIFFs that the decoder does not know: a palette, and the YCbCr
//! of scanners that write JPEG. Each page is decoded as if it were grey or RGB,
//! and put right afterwards.

use image::{DynamicImage, GrayImage, Rgb, RgbImage};

use super::tiff_fields::Form;

/// Tags of TIFF 6.0.
const PHOTOMETRIC: u16 = 262;
const COLOR_MAP: u16 = 320;

/// Values of the tag `PHOTOMETRIC`.
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u64 = 3;
const YCBCR: u64 = 6;

/// What is to be put right.
pub(super) enum Disguise {
    /// The pixels are numbers of these colours.
    Palette(Vec<[u8; 3]>),
    /// The pixels are YCbCr.
    YCbCr,
}

/// Makes the first directory of `data` one that the decoder knows, if it
/// isn't.
pub(super) fn disguise(data: &mut [u8]) -> Option<Disguise> {
    let form = Form::of(data);
    let place = form.first(data)?;
    let photometric = form.field(data, place, PHOTOMETRIC)?;
    match form.whole(data, photometric, 0)? {
        PALETTE => {
            let colors = palette(form, data, place)?;
            form.put_short(data, photometric, BLACK_IS_ZERO);
            Some(Disguise::Palette(colors))
        }
        YCBCR => {
            form.put_short(data, photometric, RGB);
            Some(Disguise::YCbCr)
        }
        _ => None,
    }
}

/// All reds, then all greens, then all blues, in 16 bits (TIFF 6.0, section 5).
fn palette(form: Form, data: &[u8], place: u64) -> Option<Vec<[u8; 3]>> {
    let field = form.field(data, place, COLOR_MAP)?;
    let value = |index: u64| form.whole(data, field, index).and_then(|value| u8::try_from(value >> 8).ok());
    // The decoder knows 8 bits a pixel and 1.
    let colors = if value(3 * 256 - 1).is_some() { 256 } else { 2 };
    (0..colors)
        .map(|index| Some([value(index)?, value(index + colors)?, value(index + 2 * colors)?]))
        .collect()
}

impl Disguise {
    /// The picture in its own colours; one of another depth than expected
    /// stays as it is.
    pub(super) fn lift(self, picture: DynamicImage) -> DynamicImage {
        match (self, picture) {
            (Self::Palette(colors), DynamicImage::ImageLuma8(numbers)) => colored(&numbers, &colors).into(),
            (Self::YCbCr, DynamicImage::ImageRgb8(mut picture)) => {
                picture.pixels_mut().for_each(|pixel| *pixel = rgb(*pixel));
                picture.into()
            }
            (_, picture) => picture,
        }
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
