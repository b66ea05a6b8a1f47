//! Kinds of TIFF pages that are sound and can't be read, by the names that people
//! know them by.

use super::tiff_fields::Form;
use super::tiff_pages::PageOf;
use super::tiff_strips::compression;
use crate::documents::error::DocumentError;

/// Tags of TIFF 6.0 and its supplements.
const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC: u16 = 262;
const SAMPLES_PER_PIXEL: u16 = 277;
const PLANAR_CONFIGURATION: u16 = 284;
const PREDICTOR: u16 = 317;
const SAMPLE_FORMAT: u16 = 339;

const CMYK: u64 = 5;

/// A value of the tag `PLANAR_CONFIGURATION`: each colour lies by itself.
const APART: u64 = 2;

/// Looks for what a decoder only tells once it decodes, on the page whose
/// directory is at `place`.
///
/// # Errors
/// [`DocumentError::UnsupportedVariant`] that names the page and its kind.
pub(super) fn check(form: Form, data: &[u8], place: u64, page: PageOf) -> Result<(), DocumentError> {
    let value = |tag, usual| form.value(data, place, tag).unwrap_or(usual);
    match value(PREDICTOR, 1) {
        1 => {}
        2 if matches!(value(BITS_PER_SAMPLE, 1), 8 | 16 | 32 | 64) => {}
        2 => return Err(page.refused(&format!("stored as differences, {}", name(form, data, place)))),
        3 if value(SAMPLE_FORMAT, 1) == 3 => {}
        other => {
            return Err(page.refused(&format!("stored with predictor {other}, {}", name(form, data, place))));
        }
    }
    if value(PLANAR_CONFIGURATION, 1) == APART && value(PHOTOMETRIC, 0) == CMYK {
        return Err(page.refused("in CMYK with each ink by itself"));
    }
    Ok(())
}

/// Takes a predictor away from the page whose directory is at `place` if its
/// packing has none, as readers do: LZW's and Deflate's have.
pub(super) fn without_idle_predictor(form: Form, data: &mut [u8], place: u64) {
    let has_one = matches!(compression(form, data, place), 5 | 8 | 32_946);
    if let Some(field) = form.field(data, place, PREDICTOR).filter(|_| !has_one) {
        form.put(data, field, 1);
    }
}

/// What the page whose directory is at `place` is like.
pub(super) fn name(form: Form, data: &[u8], place: u64) -> String {
    let value = |tag, usual| form.value(data, place, tag).unwrap_or(usual);
    let colors = match value(PHOTOMETRIC, u64::MAX) {
        0 | 1 => "in grey".to_owned(),
        2 => "in RGB".to_owned(),
        3 => "in colours of a palette".to_owned(),
        4 => "a mask for another picture".to_owned(),
        5 => "in CMYK".to_owned(),
        6 => "in YCbCr".to_owned(),
        8..=10 => "in CIE Lab".to_owned(),
        32_803 => "a camera's raw data".to_owned(),
        32_844 | 32_845 => "in LogLuv".to_owned(),
        u64::MAX => "in no stated colours".to_owned(),
        other => format!("in colours of the kind {other}"),
    };
    let (samples, bits) = (value(SAMPLES_PER_PIXEL, 1), value(BITS_PER_SAMPLE, 1));
    let format = match value(SAMPLE_FORMAT, 1) {
        2 => ", signed",
        3 => ", floating point",
        5 | 6 => ", complex",
        _ => "",
    };
    format!("{colors}, {samples} sample(s) of {bits} bits{format}")
}
