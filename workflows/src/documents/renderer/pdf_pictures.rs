//! How much of a PDF's picture its bytes hold. The rasteriser fills up what is
//! missing with paper or grey and does not tell, so the bytes are looked at for
//! themselves: by their number where each row has so many, else by what their
//! format says of its end.

use std::borrow::Cow;

use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::object::{Array, Dict, FromBytes, Name, Object, Stream};
use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};
use hayro_jbig2::{DecodeError, ParseError};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::pdf_flate::Inflated;

/// How much of a picture is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extent {
    /// All.
    Whole,
    /// This part of its rows, from the top, 0 to 1; 1 if it is damaged and that can't
    /// be told from its rows.
    Rows(f64),
    /// It ends in the middle, wherever that shows.
    Cut,
}

/// Of the picture or mask in `stream`, of `size` pixels; a mask has one colour.
pub(super) fn extent(stream: &Stream<'_>, size: (u32, u32), is_mask: bool) -> Extent {
    let mut filters = stream.filters();
    let last = filters.pop();
    let Some(data) = before_the_last(stream, &filters) else { return Extent::Rows(0.0) };
    let parameters = parameters(stream, filters.len());
    match last {
        Some(Filter::DctDecode) => jpeg(&data, size),
        Some(Filter::CcittFaxDecode) => fax(&data, &parameters, size),
        Some(Filter::Jbig2Decode) => jbig2(&data),
        Some(Filter::JpxDecode) => jpeg_2000(&data),
        Some(Filter::FlateDecode) => {
            let row = row_bytes(stream, size.0, is_mask);
            rows(inflated(&data, &parameters, row * u64::from(size.1)), row, size.1)
        }
        // These name errors of their own, or have none.
        _ => {
            let bytes = stream.decoded_data().map_or(0, |data| data.len() as u64);
            rows(bytes, row_bytes(stream, size.0, is_mask), size.1)
        }
    }
}

/// What the last of a stream's filters is given; None where one of `filters`
/// can't undo what it should.
fn before_the_last<'a>(stream: &Stream<'a>, filters: &[Filter]) -> Option<Cow<'a, [u8]>> {
    let names: Option<Vec<&str>> =
        filters.iter().filter(|filter| **filter != Filter::Crypt).map(name).collect();
    let (names, data) = (names?, stream.raw_data());
    if names.is_empty() {
        return Some(data);
    }
    let head = format!("<</Length {}/Filter[{}]>>\nstream\n", data.len(), names.join(" "));
    let inner = [head.as_bytes(), &data, b"\nendstream"].concat();
    let data = Stream::from_bytes(&inner)?.decoded_data().ok()?.into_owned();
    Some(Cow::Owned(data))
}

fn name(filter: &Filter) -> Option<&'static str> {
    match filter {
        Filter::AsciiHexDecode => Some("/AHx"),
        Filter::Ascii85Decode => Some("/A85"),
        Filter::LzwDecode => Some("/LZW"),
        Filter::FlateDecode => Some("/Fl"),
        Filter::RunLengthDecode => Some("/RL"),
        // Nothing comes after these.
        Filter::CcittFaxDecode
        | Filter::Jbig2Decode
        | Filter::DctDecode
        | Filter::JpxDecode
        | Filter::Crypt => None,
    }
}

/// Those of the filter at `index`.
fn parameters<'a>(stream: &Stream<'a>, index: usize) -> Dict<'a> {
    let get = |key: &[u8]| match stream.dict().get::<Object<'_>>(key)? {
        Object::Dict(parameters) => Some(parameters),
        Object::Array(all) => all.iter::<Object<'_>>().nth(index)?.into_dict(),
        _ => None,
    };
    get(b"DP").or_else(|| get(b"DecodeParms")).unwrap_or_default()
}

fn rows(bytes: u64, row: u64, rows: u32) -> Extent {
    let there = bytes.div_ceil(row.max(1)).min(u64::from(rows));
    part(u32::try_from(there).unwrap_or(rows), rows)
}

fn part(there: u32, rows: u32) -> Extent {
    if there >= rows { Extent::Whole } else { Extent::Rows(f64::from(there) / f64::from(rows)) }
}

/// Bytes of a row of pixels; no more than it has, where its colours are not
/// known.
fn row_bytes(stream: &Stream<'_>, width: u32, is_mask: bool) -> u64 {
    let dict = stream.dict();
    let number = |short: &[u8], long: &[u8]| dict.get::<u32>(short).or_else(|| dict.get::<u32>(long));
    let flag = |short: &[u8], long: &[u8]| dict.get::<bool>(short).or_else(|| dict.get::<bool>(long));
    let is_stencil = flag(b"IM", b"ImageMask").unwrap_or(false);
    let bits = if is_stencil { 1 } else { number(b"BPC", b"BitsPerComponent").unwrap_or(8).min(16) };
    let color = dict.get::<Object<'_>>(b"CS").or_else(|| dict.get::<Object<'_>>(b"ColorSpace"));
    let components = if is_mask || is_stencil { 1 } else { color.map_or(1, components) };
    (u64::from(width) * u64::from(bits) * components).div_ceil(8)
}

/// Values that a pixel of this colour space has; 1 where that is not known.
fn components(color: Object<'_>) -> u64 {
    let of_name = |name: &[u8]| match name {
        b"DeviceRGB" | b"RGB" | b"CalRGB" | b"Lab" => 3,
        b"DeviceCMYK" | b"CMYK" => 4,
        _ => 1,
    };
    match color {
        Object::Name(name) => of_name(&name),
        Object::Array(parts) => {
            let mut parts = parts.flex_iter();
            let Some(family) = parts.next::<Name<'_>>() else { return 1 };
            let count = match &*family {
                b"ICCBased" => parts
                    .next::<Stream<'_>>()
                    .and_then(|profile| profile.dict().get::<u32>(b"N").map(u64::from)),
                b"DeviceN" => parts.next::<Array<'_>>().map(|names| names.raw_iter().count() as u64),
                name => Some(of_name(name)),
            };
            count.unwrap_or(1).min(32)
        }
        _ => 1,
    }
}

/// Bytes that `data` unpacks to, up to those of a picture of `wanted`.
fn inflated(data: &[u8], parameters: &Dict<'_>, wanted: u64) -> u64 {
    let number = |key: &[u8], usual| parameters.get::<u32>(key).map_or(usual, u64::from);
    if number(b"Predictor", 1) < 10 {
        return Inflated::of(data, wanted).bytes;
    }
    // Each row has a byte more, which names its predictor (ISO 32000-1, 7.4.4.4).
    let bits = number(b"Columns", 1)
        .saturating_mul(number(b"Colors", 1).min(32) * number(b"BitsPerComponent", 8).min(16));
    let row = bits.div_ceil(8).clamp(1, 1 << 32);
    Inflated::of(data, wanted.div_ceil(row) * (row + 1)).bytes / (row + 1) * row
}

/// A JPEG's decoder tells where it ends, if asked to be strict; else it makes the
/// rest grey.
fn jpeg(data: &[u8], size: (u32, u32)) -> Extent {
    let decoder = |strict| {
        let side = usize::from(u16::MAX);
        let options =
            DecoderOptions::default().set_max_width(side).set_max_height(side).set_strict_mode(strict);
        JpegDecoder::new_with_options(ZCursor::new(data), options)
    };
    let (mut strict, mut lenient) = (decoder(true), decoder(false));
    if lenient.decode_headers().is_err() {
        // Told by whoever draws it.
        return Extent::Whole;
    }
    let Some(info) = lenient.info() else { return Extent::Whole };
    // Some state another size than their PDF, which is believed.
    let agrees = (u32::from(info.width), u32::from(info.height)) == size;
    // Segments that no standard knows are no damage.
    let is_judged = agrees && strict.decode_headers().is_ok();
    if is_judged && strict.decode().is_ok() || !is_judged && has_end(data) {
        return Extent::Whole;
    }
    drop(strict);
    match lenient.decode() {
        Ok(pixels) if agrees && !is_progressive(data) => {
            let row = pixels.len() / usize::from(info.height).max(1);
            let gray = pixels.iter().rev().take_while(|value| **value == GRAY).count() / row.max(1);
            let gray = u32::try_from(gray).unwrap_or(u32::MAX).min(size.1);
            Extent::Rows(1.0 - f64::from(gray) / f64::from(size.1.max(1)))
        }
        _ => Extent::Cut,
    }
}

/// What the decoder makes of pixels that are not there.
const GRAY: u8 = 128;

fn has_end(data: &[u8]) -> bool {
    data.windows(2).rev().any(|pair| pair == [0xff, 0xd9])
}

/// Whether a start of frame of progressive JPEGs is before the first scan.
fn is_progressive(data: &[u8]) -> bool {
    let mut markers = data.windows(2).filter(|pair| pair[0] == 0xff).map(|pair| pair[1]);
    markers.find(|marker| matches!(marker, 0xc0..=0xc2 | 0xda)) == Some(0xc2)
}

/// Rows until the codes end, or make no sense. Fewer than there should be are all
/// if the codes say so.
fn fax(data: &[u8], parameters: &Dict<'_>, (_, height): (u32, u32)) -> Extent {
    struct Rows(u32);
    impl Decoder for Rows {
        fn push_row(&mut self, _: &[u32]) {
            self.0 += 1;
        }
    }
    let flag = |key: &[u8], usual| parameters.get::<bool>(key).unwrap_or(usual);
    let settings = DecodeSettings {
        columns: parameters.get::<u32>(b"Columns").unwrap_or(1728),
        rows: height,
        end_of_block: flag(b"EndOfBlock", true),
        end_of_line: flag(b"EndOfLine", false),
        rows_are_byte_aligned: flag(b"EncodedByteAlign", false),
        encoding: match parameters.get::<i32>(b"K").unwrap_or(0) {
            ..0 => EncodingMode::Group4,
            0 => EncodingMode::Group3_1D,
            1.. => EncodingMode::Group3_2D,
        },
        strict: false,
    };
    if makes_no_sense(data, settings) {
        return Extent::Rows(0.0);
    }
    let mut read = Rows(0);
    let ended = hayro_ccitt::decode(data, &mut read, &mut DecoderContext::new(settings)).is_ok();
    if ended && ends_a_block(data) { Extent::Whole } else { part(read.0, height) }
}

/// Whether no line after an end of line is one. The decoder goes on after a line
/// that is damaged, so that it makes rows of noise too.
fn makes_no_sense(data: &[u8], settings: DecodeSettings) -> bool {
    /// Lines that are tried, from all over the page.
    const TRIED: usize = 16;
    struct Nothing;
    impl Decoder for Nothing {
        fn push_row(&mut self, _: &[u32]) {}
    }
    let lines = line_starts(data);
    if settings.encoding == EncodingMode::Group4 || lines.is_empty() {
        return false;
    }
    let settings =
        DecodeSettings { rows: 1, end_of_block: false, end_of_line: false, strict: true, ..settings };
    let mut tried = lines.iter().step_by(lines.len().div_ceil(TRIED));
    !tried.any(|start| {
        let line = from_bit(data, *start, settings.columns as usize);
        hayro_ccitt::decode(&line, &mut Nothing, &mut DecoderContext::new(settings)).is_ok()
    })
}

/// The bits that follow an end of line: eleven zeros or more, and a one.
fn line_starts(data: &[u8]) -> Vec<usize> {
    let bits = data.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let (mut zeros, mut starts) = (0, Vec::new());
    for (at, bit) in bits.enumerate() {
        if bit == 1 && zeros >= 11 {
            starts.push(at + 1);
        }
        zeros = if bit == 0 { zeros + 1 } else { 0 };
    }
    starts
}

/// Bits of `data` from `start` on, as many as a line of `columns` may need: the
/// longest codes take six bits a pixel.
fn from_bit(data: &[u8], start: usize, columns: usize) -> Vec<u8> {
    let (skipped, shift) = (start / 8, start % 8);
    let bytes = data.get(skipped..).unwrap_or_default();
    let pairs = bytes.iter().zip(bytes.iter().skip(1).chain([&0]));
    pairs
        .take(columns + 16)
        .map(|(one, next)| (u16::from_be_bytes([*one, *next]) << shift).to_be_bytes()[0])
        .collect()
}

/// Whether two ends of line, or two and the tags between them, are among the last
/// bytes (ITU-T T.4, 4.1.4, and T.6, 2.4).
fn ends_a_block(data: &[u8]) -> bool {
    const ENDS: u128 = 0x00_1001;
    const TAGGED_ENDS: u128 = 0x00_3001;
    let bits = data.iter().rev().take(16).rev().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    (0..104)
        .map(|shift| bits >> shift)
        .any(|bits| bits & 0xff_ffff == ENDS || bits & 0x1ff_ffff == TAGGED_ENDS)
}

fn jbig2(data: &[u8]) -> Extent {
    let settings = hayro_jbig2::DecodeSettings { strict: true };
    match hayro_jbig2::Page::new_embedded(data, None, &settings) {
        Err(DecodeError::Parse(ParseError::UnexpectedEof)) => Extent::Cut,
        _ => Extent::Whole,
    }
}

/// Goes from tile-part to tile-part, each of which states its length (ITU-T
/// T.800, A.4.2); the last may leave it open, and ends with the picture.
fn jpeg_2000(data: &[u8]) -> Extent {
    const START: [u8; 4] = [0xff, 0x4f, 0xff, 0x51];
    const TILE_PART: [u8; 4] = [0xff, 0x90, 0x00, 0x0a];
    let Some(start) = find(data, &START) else { return Extent::Whole };
    let Some(first) = find(&data[start..], &TILE_PART) else { return Extent::Cut };
    let mut rest = &data[start + first..];
    while rest.starts_with(&TILE_PART) {
        let length = rest
            .get(6..10)
            .map_or(0, |length| length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
        if length == 0 {
            let ends = rest.trim_ascii_end().ends_with(&[0xff, 0xd9]) || rest.ends_with(&[0xff, 0xd9]);
            return if ends { Extent::Whole } else { Extent::Cut };
        }
        match rest.get(length..) {
            Some(after) => rest = after,
            None => return Extent::Cut,
        }
    }
    if rest.starts_with(&[0xff, 0xd9]) { Extent::Whole } else { Extent::Cut }
}

fn find(data: &[u8], needle: &[u8]) -> Option<usize> {
    data.windows(needle.len()).position(|window| window == needle)
}
