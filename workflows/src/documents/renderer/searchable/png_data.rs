//! The packed pixels of a PNG that PDF packs the same way.

/// What a PNG's pixels are.
#[derive(Debug, PartialEq)]
pub(super) enum Colors {
    Gray,
    Rgb,
    /// Red, green and blue of each.
    Palette(Vec<u8>),
}

/// A picture as a PNG packs it.
#[derive(Debug, PartialEq)]
pub(super) struct PngData {
    pub(super) width: u32,
    pub(super) height: u32,
    /// A sample.
    pub(super) bits: u8,
    pub(super) colors: Colors,
    /// `FlateDecode` with PNG's predictors.
    pub(super) data: Vec<u8>,
}

impl PngData {
    /// Of a file that is whole; `None` for one that is interlaced, see-through or
    /// animated, or has 16 bits a sample, and for any other file.
    pub(super) fn of(file: &[u8]) -> Option<Self> {
        let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
        let (mut head, mut palette, mut data) = (None, None, Vec::new());
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = u32::from_be_bytes(*length) as usize;
            let (name, content) = (after.get(..4)?, after.get(4..4 + length)?);
            rest = after.get(4 + length + 4..)?;
            match name {
                b"IHDR" => head = Some(content.first_chunk::<13>()?),
                b"PLTE" => palette = Some(content.to_vec()),
                b"tRNS" | b"acTL" => return None,
                b"IDAT" => data.extend_from_slice(content),
                b"IEND" => break,
                _ => {}
            }
        }
        let [w0, w1, w2, w3, h0, h1, h2, h3, bits, kind, 0, 0, 0] = *head? else { return None };
        let colors = match (kind, bits) {
            (0, 1 | 2 | 4 | 8) => Colors::Gray,
            (2, 8) => Colors::Rgb,
            (3, 1 | 2 | 4 | 8) => Colors::Palette(palette.filter(|p| (3..=768).contains(&p.len()))?),
            _ => return None,
        };
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        Some(Self { width, height, bits, colors, data })
    }
}
