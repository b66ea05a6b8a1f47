//! The pages of a TIFF: a chain of directories, each with the place of the
//! next (TIFF 6.0, section 2; BigTIFF keeps the places in 64 bits). A decoder
//! reads the first, so a page is reached by naming its directory as the first.

use std::collections::HashSet;

/// Where the directories begin.
pub(super) struct TiffPages {
    form: Form,
    places: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Form {
    big_endian: bool,
    big: bool,
}

impl TiffPages {
    /// Follows the chain; at most `pages_max + 1` directories, and none twice.
    pub(super) fn read(data: &[u8], pages_max: u32) -> Result<Self, String> {
        let form = Form { big_endian: data.first() == Some(&b'M'), big: data.contains_big() };
        let mut places = Vec::new();
        let mut seen = HashSet::new();
        let mut next = form.place(data, form.first_at())?;
        while next != 0 && places.len() <= pages_max as usize {
            if !seen.insert(next) {
                return Err(format!("directory {} leads back to an earlier one", places.len()));
            }
            places.push(next);
            next = form.next(data, next)?;
        }
        Ok(Self { form, places })
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// Makes the page at `index` the first of `data`; false if there is none.
    pub(super) fn put_first(&self, data: &mut [u8], index: u32) -> bool {
        let Some(place) = self.places.get(index as usize) else { return false };
        let at = self.form.first_at();
        let bytes = self.form.bytes(*place);
        if let Some(first) = data.get_mut(at..at + bytes.len()) {
            first.copy_from_slice(&bytes);
        }
        true
    }
}

trait Version {
    fn contains_big(&self) -> bool;
}

impl Version for &[u8] {
    fn contains_big(&self) -> bool {
        matches!(self.get(2..4), Some([43, 0] | [0, 43]))
    }
}

impl Form {
    fn first_at(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// The place that stands at `at`.
    fn place(self, data: &[u8], at: usize) -> Result<u64, String> {
        self.number(data, at, if self.big { 8 } else { 4 })
    }

    /// The place of the directory after the one at `place`.
    fn next(self, data: &[u8], place: u64) -> Result<u64, String> {
        let (count_bytes, entry_bytes) = if self.big { (8, 20) } else { (2, 12) };
        let at = usize::try_from(place).map_err(|_| beyond(place))?;
        let entries = self.number(data, at, count_bytes)?;
        let end = usize::try_from(entries)
            .ok()
            .and_then(|entries| entries.checked_mul(entry_bytes))
            .and_then(|bytes| bytes.checked_add(at)?.checked_add(count_bytes))
            .ok_or_else(|| beyond(place))?;
        self.place(data, end)
    }

    fn number(self, data: &[u8], at: usize, bytes: usize) -> Result<u64, String> {
        let slice =
            at.checked_add(bytes).and_then(|end| data.get(at..end)).ok_or_else(|| beyond(at as u64))?;
        let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Ok(if self.big_endian { slice.iter().fold(0, fold) } else { slice.iter().rev().fold(0, fold) })
    }

    fn bytes(self, place: u64) -> Vec<u8> {
        let mut bytes = place.to_be_bytes().to_vec();
        if !self.big {
            bytes.drain(..4);
        }
        if !self.big_endian {
            bytes.reverse();
        }
        bytes
    }
}

fn beyond(place: u64) -> String {
    format!("a directory is said to be at byte {place}, beyond the end of the file")
}
