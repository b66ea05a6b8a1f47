//! TIFFs written by hand: little-endian, one uncompressed strip a page.

/// A page; its bytes are whatever the other fields say they are.
pub(crate) struct TiffPage {
    pub(crate) size: (u32, u32),
    /// 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr.
    pub(crate) photometric: u16,
    pub(crate) bits: u16,
    pub(crate) samples: u16,
    pub(crate) dpi: Option<(u32, u32)>,
    pub(crate) color_map: Vec<u16>,
    pub(crate) data: Vec<u8>,
    /// Fields of one short number in place of those that follow from the rest: tag
    /// and value.
    pub(crate) more: Vec<(u16, u16)>,
}

impl TiffPage {
    pub(crate) fn gray(size: (u32, u32), level: u8) -> Self {
        let data = vec![level; (size.0 * size.1) as usize];
        Self {
            size,
            photometric: 1,
            bits: 8,
            samples: 1,
            dpi: None,
            color_map: Vec::new(),
            data,
            more: Vec::new(),
        }
    }

    /// A page of one pixel's bytes over and over.
    pub(crate) fn plain(photometric: u16, pixel: &[u8]) -> Self {
        let samples = u16::try_from(pixel.len()).unwrap();
        Self { photometric, samples, data: pixel.repeat(64), ..Self::gray((8, 8), 0) }
    }
}

/// A file of `pages`.
pub(crate) fn tiff(pages: &[TiffPage]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for page in pages {
        let place = append(&mut file, page);
        let bytes = u32::try_from(place).unwrap().to_le_bytes();
        file[link..link + 4].copy_from_slice(&bytes);
        link = file.len() - 4;
    }
    file
}

/// Appends a page and its directory, whose place it returns; the last four
/// bytes of the file are the link to the next.
fn append(file: &mut Vec<u8>, page: &TiffPage) -> usize {
    let put = |file: &mut Vec<u8>, bytes: &[u8]| {
        let place = u32::try_from(file.len()).unwrap();
        file.extend(bytes);
        place
    };
    let data = put(file, &page.data);
    let bits = put(file, &page.bits.to_le_bytes().repeat(page.samples.into()));
    let map: Vec<u8> = page.color_map.iter().flat_map(|value| value.to_le_bytes()).collect();
    let map = put(file, &map);
    let (x, y) = page.dpi.unwrap_or_default();
    let across = put(file, &[x.to_le_bytes(), 1_u32.to_le_bytes()].concat());
    let down = put(file, &[y.to_le_bytes(), 1_u32.to_le_bytes()].concat());

    let samples = u32::from(page.samples);
    let bits = if page.samples > 2 { bits } else { u32::from(page.bits) };
    let mut fields: Vec<(u16, u16, u32, u32)> = vec![
        (256, 4, 1, page.size.0),
        (257, 4, 1, page.size.1),
        (258, 3, samples, bits),
        (259, 3, 1, 1),
        (262, 3, 1, page.photometric.into()),
        (273, 4, 1, data),
        (277, 3, 1, samples),
        (278, 4, 1, page.size.1),
        (279, 4, 1, u32::try_from(page.data.len()).unwrap()),
    ];
    if page.dpi.is_some() {
        fields.extend([(282, 5, 1, across), (283, 5, 1, down), (296, 3, 1, 2)]);
    }
    if !page.color_map.is_empty() {
        fields.push((320, 3, u32::try_from(page.color_map.len()).unwrap(), map));
    }
    if page.photometric == 6 {
        // No subsampling: 1 and 1 as two short numbers.
        fields.push((530, 3, 2, 0x0001_0001));
    }
    let tags: Vec<u16> = page.more.iter().map(|(tag, _)| *tag).collect();
    fields.retain(|(tag, ..)| !tags.contains(tag));
    fields.extend(page.more.iter().map(|(tag, value)| (*tag, 3, 1, u32::from(*value))));
    fields.sort_unstable();
    let place = file.len();
    file.extend(u16::try_from(fields.len()).unwrap().to_le_bytes());
    for (tag, kind, count, value) in fields {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    place
}
