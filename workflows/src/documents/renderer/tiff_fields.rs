//! The fields of a TIFF's directories, read in place (TIFF 6.0, section 2).
//! EXIF data has the same form. Nothing here allocates by what a file says.

/// Byte order, and whether places take 32 or 64 bits.
#[derive(Clone, Copy)]
pub(super) struct Form {
    big_endian: bool,
    big: bool,
}

/// The values of a field: where they begin and how each is written.
#[derive(Clone, Copy)]
pub(super) struct Field {
    at: usize,
    kind: u16,
    count: u64,
}

const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
/// Of BigTIFF.
const LONG8: u16 = 16;

impl Form {
    /// The form of a file that [`sniff`](crate::documents::sniff::sniff)
    /// takes for a TIFF.
    pub(super) fn of(data: &[u8]) -> Self {
        Self {
            big_endian: data.first() == Some(&b'M'),
            big: matches!(data.get(2..4), Some([43, 0] | [0, 43])),
        }
    }

    /// Where the place of the first directory stands.
    pub(super) fn first_at(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// The place of the first directory.
    pub(super) fn first(self, data: &[u8]) -> Option<u64> {
        self.number(data, self.first_at(), self.place_width())
    }

    /// The place of the directory after the one at `place`; 0 after the last.
    pub(super) fn next(self, data: &[u8], place: u64) -> Option<u64> {
        let (first, entries) = self.entries(data, place)?;
        let end = usize::try_from(entries).ok()?.checked_mul(self.entry_width())?.checked_add(first)?;
        self.number(data, end, self.place_width())
    }

    /// The field `tag` of the directory at `place`.
    pub(super) fn field(self, data: &[u8], place: u64, tag: u16) -> Option<Field> {
        let (first, entries) = self.entries(data, place)?;
        let tables = data.get(first..)?.chunks_exact(self.entry_width());
        let position = tables
            .take(usize::try_from(entries).ok()?)
            .position(|entry| self.sum(&entry[..2]) == u64::from(tag))?;
        let entry = first + position * self.entry_width();
        let kind = u16::try_from(self.number(data, entry + 2, 2)?).ok()?;
        let count = self.number(data, entry + 4, self.place_width())?;
        let inline = entry + 4 + self.place_width();
        let width = count.checked_mul(width_of(kind)?)?;
        let at = if width <= self.place_width() as u64 {
            inline
        } else {
            usize::try_from(self.number(data, inline, self.place_width())?).ok()?
        };
        Some(Field { at, kind, count })
    }

    /// The value at `index` of a field of whole numbers.
    pub(super) fn whole(self, data: &[u8], field: Field, index: u64) -> Option<u64> {
        let width = match field.kind {
            BYTE => 1,
            SHORT => 2,
            LONG => 4,
            LONG8 => 8,
            _ => return None,
        };
        (index < field.count).then_some(())?;
        let at = usize::try_from(index).ok()?.checked_mul(width)?.checked_add(field.at)?;
        self.number(data, at, width)
    }

    /// How many values a field says it has.
    pub(super) fn count(self, field: Field) -> u64 {
        field.count
    }

    /// The first value of a field of fractions.
    #[expect(clippy::cast_precision_loss, reason = "a resolution needs three digits")]
    pub(super) fn fraction(self, data: &[u8], field: Field) -> Option<f32> {
        if field.kind != RATIONAL {
            return None;
        }
        let (over, under) =
            (self.number(data, field.at, 4)?, self.number(data, field.at.checked_add(4)?, 4)?);
        (under > 0).then(|| over as f32 / under as f32)
    }

    /// The first value of the field `tag` of the directory at `place`.
    pub(super) fn value(self, data: &[u8], place: u64, tag: u16) -> Option<u64> {
        self.whole(data, self.field(data, place, tag)?, 0)
    }

    /// Puts `value` in the place of the first value of a field of short or long
    /// numbers; does nothing to other fields, nor where it does not fit.
    pub(super) fn put(self, data: &mut [u8], field: Field, value: u32) {
        let width = match field.kind {
            SHORT if value <= u32::from(u16::MAX) => 2,
            LONG => 4,
            _ => return,
        };
        let mut bytes = value.to_be_bytes()[4 - width..].to_vec();
        if !self.big_endian {
            bytes.reverse();
        }
        if let Some(place) = field.at.checked_add(width).and_then(|end| data.get_mut(field.at..end)) {
            place.copy_from_slice(&bytes);
        }
    }

    /// `place` as this form writes it.
    pub(super) fn place_bytes(self, place: u64) -> Vec<u8> {
        let mut bytes = place.to_be_bytes()[8 - self.place_width()..].to_vec();
        if !self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// Where the entries of the directory at `place` begin, and how many it
    /// says there are.
    fn entries(self, data: &[u8], place: u64) -> Option<(usize, u64)> {
        let at = usize::try_from(place).ok()?;
        let width = if self.big { 8 } else { 2 };
        Some((at.checked_add(width)?, self.number(data, at, width)?))
    }

    fn place_width(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    fn entry_width(self) -> usize {
        if self.big { 20 } else { 12 }
    }

    fn number(self, data: &[u8], at: usize, width: usize) -> Option<u64> {
        Some(self.sum(data.get(at..at.checked_add(width)?)?))
    }

    fn sum(self, bytes: &[u8]) -> u64 {
        let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    }
}

/// Bytes of one value of `kind`.
fn width_of(kind: u16) -> Option<u64> {
    match kind {
        BYTE => Some(1),
        SHORT => Some(2),
        LONG => Some(4),
        RATIONAL | LONG8 => Some(8),
        _ => None,
    }
}
