//! The pages of a PDF as pictures, for PDF/A: what a page of any PDF is made of can't
//! be promised to keep to it, a picture of it can.

use std::io::Write;

use hayro::hayro_syntax::Pdf;
use image::metadata::Orientation;

use super::document::Document;
use super::sheet::{placed, put_picture};
use super::{RecognizedPages, no_such_page, text};
use crate::documents::error::DocumentError;
use crate::documents::renderer::pdf;
use crate::documents::renderer::protocol::ChildLimits;

/// Of the pictures, dots per inch: as sharp as print.
const DPI: u32 = 300;

/// Writes the document of `pdf` with those of its pages that were recognised.
pub(super) fn write<W: Write>(
    mut document: Document<'_, W>,
    pdf: &Pdf,
    pages: &RecognizedPages,
    limits: &ChildLimits,
) -> Result<(), DocumentError> {
    for recognized in pages.read()? {
        let recognized = recognized?;
        let index = recognized.index;
        let page = pdf.pages().get(index as usize);
        let page = page.ok_or_else(|| no_such_page(index, pdf.pages().len()))?;
        let picture = pdf::picture(page, index, DPI, limits)?;
        let picture = put_picture(&mut document.file, &picture, true)?;
        let sheet = placed(picture, pdf::size_in_points(page), Orientation::NoTransforms);
        let text = text::shown(&recognized, sheet.size, &mut document.font, |_| false);
        document.put_sheet(&sheet, text)?;
    }
    document.finish_new()
}
