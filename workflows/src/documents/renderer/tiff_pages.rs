//! The pages of a TIFF: a chain of directories, each with the place of the
//! next (TIFF 6.0, section 2; BigTIFF keeps the places in 64 bits). A decoder
//! reads the first, so a page is reached by naming its directory as the first.

use std::collections::HashSet;

use super::tiff_fields::Form;
use crate::documents::error::DocumentError;

/// Where the directories begin.
pub(super) struct TiffPages {
    form: Form,
    places: Vec<u64>,
}

impl TiffPages {
    /// Follows the chain; at most `pages_max + 1` directories, and none twice.
    pub(super) fn read(data: &[u8], pages_max: u32) -> Result<Self, String> {
        let form = Form::of(data);
        let mut places = Vec::new();
        let mut seen = HashSet::new();
        let mut next = form.first(data).ok_or_else(|| beyond(form.first_at() as u64))?;
        while next != 0 && places.len() <= pages_max as usize {
            if !seen.insert(next) {
                return Err(format!("directory {} leads back to an earlier one", places.len()));
            }
            places.push(next);
            next = form.next(data, next).ok_or_else(|| beyond(next))?;
        }
        Ok(Self { form, places })
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// Where each page's directory begins.
    pub(super) fn places(&self) -> &[u64] {
        &self.places
    }

    /// Makes the page at `index` the first of `data`; false if there is none.
    pub(super) fn put_first(&self, data: &mut [u8], index: u32) -> bool {
        let Some(place) = self.places.get(index as usize) else { return false };
        let at = self.form.first_at();
        let bytes = self.form.place_bytes(*place);
        if let Some(first) = data.get_mut(at..at + bytes.len()) {
            first.copy_from_slice(&bytes);
        }
        true
    }
}

/// A page of a TIFF, from 1, and how many there are.
#[derive(Clone, Copy)]
pub(super) struct PageOf {
    pub(super) page: u32,
    pub(super) pages: u32,
}

impl PageOf {
    /// The refusal of a page that `is` so.
    pub(super) fn refused(self, is: &str) -> DocumentError {
        let Self { page, pages } = self;
        let which = if pages == 1 { "that".to_owned() } else { format!("whose page {page}") };
        DocumentError::UnsupportedVariant { what: format!("a TIFF {which} is {is}") }
    }

    /// The verdict on a page whose directory is broken.
    pub(super) fn broken(self, reason: &str) -> DocumentError {
        let Self { page, pages } = self;
        let reason = if pages == 1 { reason.to_owned() } else { format!("page {page}: {reason}") };
        DocumentError::Broken { what: "image/tiff".to_owned(), reason }
    }
}

fn beyond(place: u64) -> String {
    format!("a directory is said to be at byte {place}, beyond the end of the file")
}
