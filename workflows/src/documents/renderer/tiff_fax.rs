//! Pages of a TIFF as fax machines send them: Group 3 in one or two dimensions
//! (ITU-T T.4), and its runs without line ends (TIFF 6.0, section 10).

use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};
use image::{DynamicImage, GrayImage};

use super::tiff_fields::Form;
use super::tiff_strips::{compression, strips};

/// Values of the tag `COMPRESSION`.
const RUNS: u64 = 2;
const GROUP_3: u64 = 3;

/// Tags of TIFF 6.0.
const PHOTOMETRIC: u16 = 262;
const ROWS_PER_STRIP: u16 = 278;
const T4_OPTIONS: u16 = 292;

/// Bit of the tag `T4_OPTIONS`.
const TWO_DIMENSIONS: u64 = 1;

const BLACK_IS_ZERO: u64 = 1;

/// Whether the first page of `data` is one of these.
pub(super) fn is_fax(data: &[u8]) -> bool {
    let form = Form::of(data);
    form.first(data).is_some_and(|place| matches!(compression(form, data, place), RUNS | GROUP_3))
}

/// The first page of `data`, of `size` pixels, whose limits were checked.
///
/// # Errors
/// What is wrong with it: a strip that does not have its rows.
pub(super) fn decode(data: &[u8], size: (u32, u32)) -> Result<DynamicImage, String> {
    let form = Form::of(data);
    let place = form.first(data).unwrap_or_default();
    let value = |tag| form.value(data, place, tag);
    let runs = compression(form, data, place) == RUNS;
    let two_dimensions = !runs && value(T4_OPTIONS).is_some_and(|options| options & TWO_DIMENSIONS != 0);
    let settings = DecodeSettings {
        columns: size.0,
        rows: 0,
        end_of_block: !runs,
        end_of_line: false,
        rows_are_byte_aligned: runs,
        encoding: if two_dimensions { EncodingMode::Group3_2D } else { EncodingMode::Group3_1D },
        strict: false,
    };
    // White is 0 in these codes; what 0 looks like is another matter.
    let white = if value(PHOTOMETRIC) == Some(BLACK_IS_ZERO) { 0 } else { u8::MAX };
    let rows_per_strip = value(ROWS_PER_STRIP).and_then(|rows| u32::try_from(rows).ok()).unwrap_or(size.1);
    let mut page = Rows { picture: GrayImage::from_pixel(size.0, size.1, [white].into()), row: 0, white };
    let mut strips = strips(form, data, place);
    while page.row < size.1 {
        let strip = strips.next().and_then(|strip| data.get(strip));
        let rows = rows_per_strip.clamp(1, size.1 - page.row);
        let (first, end) = (page.row, page.row + rows);
        let settings = DecodeSettings { rows, ..settings };
        let read =
            hayro_ccitt::decode(strip.unwrap_or_default(), &mut page, &mut DecoderContext::new(settings));
        if page.row < end {
            let why = read.err().map(|error| format!(": {error}")).unwrap_or_default();
            return Err(format!(
                "the fax ends in row {} of {}, begun at row {first}{why}",
                page.row + 1,
                size.1
            ));
        }
    }
    Ok(page.picture.into())
}

/// The picture as it grows.
struct Rows {
    picture: GrayImage,
    row: u32,
    white: u8,
}

impl Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        let columns = self.picture.width() as usize;
        let first = columns * self.row as usize;
        if let Some(row) = self.picture.as_mut().get_mut(first..first + columns) {
            for run in changes.chunks(2) {
                let end = run.get(1).map_or(columns, |end| *end as usize);
                row[run[0] as usize..end].fill(!self.white);
            }
            self.row += 1;
        }
    }
}
