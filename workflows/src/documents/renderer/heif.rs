//! HEIC and AVIF, decoded by the machine's libheif where that is installed. It is written
//! in C and C++, and so are the decoders under it: before it sees the file, this process
//! denies itself every system call that such code could do harm with, so it answers one
//! request and no more.

use image::{DynamicImage, RgbImage, RgbaImage};
use untxt_plugins::child_process::deny_system_calls;

use super::libheif::{Heif, LibHeif};
use super::protocol::ChildLimits;
use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;

/// How many pictures the file has; each is a page. Their sizes are within bounds.
pub(super) fn count(data: &[u8], kind: Kind, limits: &ChildLimits) -> Result<u32, DocumentError> {
    let library = library(kind)?;
    let file = open(&library, data, kind)?;
    let count = file.count();
    for index in 0..count.min(limits.pages_max) {
        check(&file, index, kind, limits)?;
    }
    Ok(count)
}

/// The picture at `index`, upright.
pub(super) fn decode(
    data: &[u8],
    kind: Kind,
    index: u32,
    limits: &ChildLimits,
) -> Result<DynamicImage, DocumentError> {
    let page = index.saturating_add(1);
    let library = library(kind)?;
    let file = open(&library, data, kind)?;
    if index >= file.count() {
        return Err(DocumentError::PageOutOfRange { page, pages: file.count() });
    }
    let (width, height) = check(&file, index, kind, limits)?;
    let is_broken = |reason: String| DocumentError::PageBroken { page, reason };
    let picture = file.picture(index).map_err(is_broken)?;
    let decoded = picture.map_or_else(|| Err("it is missing".to_owned()), |picture| picture.decode());
    let decoded = decoded.map_err(is_broken)?;
    if (decoded.width, decoded.height) != (width, height) {
        return Err(is_broken(format!(
            "it has {} x {} pixels; {width} x {height} were stated",
            decoded.width, decoded.height
        )));
    }
    let picture = match decoded.has_alpha {
        true => RgbaImage::from_raw(width, height, decoded.bytes).map(DynamicImage::from),
        false => RgbImage::from_raw(width, height, decoded.bytes).map(DynamicImage::from),
    };
    picture.ok_or_else(|| is_broken("it has too few pixels".to_owned()))
}

/// The size of the picture at `index`.
fn check(file: &Heif<'_>, index: u32, kind: Kind, limits: &ChildLimits) -> Result<(u32, u32), DocumentError> {
    let picture = file.picture(index).map_err(|reason| broken(kind, reason))?;
    let size = picture.map(|picture| picture.size());
    let (width, height) = size.ok_or_else(|| broken(kind, "a picture is missing".to_owned()))?;
    limits.check(index.saturating_add(1), width, height)?;
    Ok((width, height))
}

/// The library, with a decoder for `kind`; from here on this process only computes.
fn library(kind: Kind) -> Result<LibHeif, DocumentError> {
    let unsupported =
        |reason: String| DocumentError::UnsupportedVariant { what: format!("{}: {reason}", kind.name()) };
    let library = LibHeif::load().map_err(unsupported)?;
    let (has_decoder, decoder) = match kind {
        Kind::Avif => (library.has_av1(), "AV1 (Debian: libheif-plugin-dav1d)"),
        _ => (library.has_hevc(), "HEVC (Debian: libheif-plugin-libde265)"),
    };
    if !has_decoder {
        return Err(unsupported(format!("the server's libheif has no decoder for {decoder}")));
    }
    let denied = deny_system_calls();
    denied.map_err(|error| unsupported(format!("the server's kernel can't confine its decoder: {error}")))?;
    Ok(library)
}

fn open<'a>(library: &'a LibHeif, data: &'a [u8], kind: Kind) -> Result<Heif<'a>, DocumentError> {
    library.open(data).map_err(|reason| broken(kind, reason))
}

fn broken(kind: Kind, reason: String) -> DocumentError {
    DocumentError::Broken { what: kind.mime().to_owned(), reason }
}
