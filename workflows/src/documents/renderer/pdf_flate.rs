//! Flate streams (RFC 1950 and 1951), unpacked only to see how far they go.

use flate2::{Decompress, FlushDecompress, Status};

/// What came of a stream.
pub(super) struct Inflated {
    /// Bytes that it unpacks to, until it ends, makes no sense, or has enough.
    pub(super) bytes: u64,
    /// Whether it says itself that it ends there. A checksum that is missing or
    /// wrong does not count: no viewer asks for it.
    pub(super) is_ended: bool,
}

impl Inflated {
    /// Unpacks `data` until there are `enough` bytes; holds none of them. What has
    /// neither head nor end is no such stream, and has no bytes.
    pub(super) fn of(data: &[u8], enough: u64) -> Self {
        let packed = without_header(data);
        let inflated = Self::inflate(packed, enough);
        let is_none = packed.len() == data.len() && !inflated.is_ended && inflated.bytes < enough;
        if is_none { Self { bytes: 0, is_ended: false } } else { inflated }
    }

    fn inflate(mut packed: &[u8], enough: u64) -> Self {
        let mut inflater = Decompress::new(false);
        let mut unpacked = [0; 32 << 10];
        loop {
            let read = inflater.total_in();
            let step = inflater.decompress(packed, &mut unpacked, FlushDecompress::None);
            packed = usize::try_from(inflater.total_in() - read)
                .ok()
                .and_then(|read| packed.get(read..))
                .unwrap_or_default();
            let bytes = inflater.total_out();
            match step {
                Ok(Status::Ok) if bytes < enough => {}
                Ok(Status::StreamEnd) => return Self { bytes, is_ended: true },
                Ok(Status::Ok | Status::BufError) | Err(_) => return Self { bytes, is_ended: false },
            }
        }
    }
}

/// Some writers leave the header of two bytes out, and readers put up with it.
fn without_header(data: &[u8]) -> &[u8] {
    match data {
        [method, flags, rest @ ..]
            if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0 && flags & 0x20 == 0 =>
        {
            rest
        }
        _ => data,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"The quick brown fox jumps over the lazy dog, and the dog sleeps on. ";

    #[test]
    fn a_stream_is_followed_to_its_end_or_to_where_it_is_cut() {
        let text = TEXT.repeat(5_000);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&text).unwrap();
        let whole = packed.finish().unwrap();
        let all = Inflated::of(&whole, u64::MAX);
        assert_eq!((all.bytes, all.is_ended), (text.len() as u64, true));
        let without_checksum = Inflated::of(&whole[..whole.len() - 4], u64::MAX);
        assert_eq!((without_checksum.bytes, without_checksum.is_ended), (text.len() as u64, true));
        let half = Inflated::of(&whole[..whole.len() / 2], u64::MAX);
        assert!(half.bytes > 0 && half.bytes < text.len() as u64 && !half.is_ended);
        assert!(Inflated::of(&whole, 1_000).bytes < 64 << 10, "enough is enough");
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&text).unwrap();
        assert!(Inflated::of(&packed.finish().unwrap(), u64::MAX).is_ended, "without a header");
    }

    #[test]
    fn what_makes_no_sense_ends_it() {
        let noise = Inflated::of(&[0x78, 0x9c, 0xff, 0xff, 0xff, 0xff], u64::MAX);
        assert_eq!((noise.bytes, noise.is_ended), (0, false));
        // Codes by chance.
        let chance = Inflated::of(&[0x5a; 600], u64::MAX);
        assert_eq!((chance.bytes, chance.is_ended), (0, false));
        let nothing = Inflated::of(b"", u64::MAX);
        assert_eq!((nothing.bytes, nothing.is_ended), (0, false));
    }
}
