//! The colour space sRGB (IEC 61966-2-1) as an ICC profile of version 4, made from
//! its figures.

/// Red, green and blue in the connection space, adapted to D50 (ICC's registry,
/// "sRGB"), and its white.
const PRIMARIES: [(&[u8; 4], [f64; 3]); 4] = [
    (b"rXYZ", [0.436_065_7, 0.222_488_4, 0.013_916_0]),
    (b"gXYZ", [0.385_147_1, 0.716_873_2, 0.097_076_4]),
    (b"bXYZ", [0.143_066_4, 0.060_607_9, 0.714_096_1]),
    (b"wtpt", [0.964_202_9, 1.0, 0.824_905_4]),
];

/// From values to light: exponent, and where the straight part joins.
const CURVE: [f64; 5] = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045];

/// From sRGB's white, D65, to D50, by Bradford's method.
const ADAPTATION: [f64; 9] = [
    1.047_886_2,
    0.022_918_7,
    -0.050_201_4,
    0.029_586_8,
    0.990_478_5,
    -0.017_074_6,
    -0.009_246_8,
    0.015_075_7,
    0.751_678_5,
];

/// The profile.
pub(super) fn profile() -> Vec<u8> {
    let mut tags: Vec<(&[u8; 4], Vec<u8>)> = vec![(b"desc", text("sRGB")), (b"cprt", text("No copyright"))];
    tags.extend(PRIMARIES.iter().map(|(tag, xyz)| (*tag, fixed(b"XYZ ", &[], xyz))));
    tags.push((b"chad", fixed(b"sf32", &[], &ADAPTATION)));
    let curve = fixed(b"para", &[0, 3, 0, 0], &CURVE);
    tags.extend([b"rTRC", b"gTRC", b"bTRC"].map(|tag| (tag, curve.clone())));

    let mut table = number(tags.len()).to_vec();
    let mut data: Vec<u8> = Vec::new();
    let first = 128 + 4 + 12 * tags.len();
    for (tag, content) in tags {
        table.extend(tag);
        table.extend(number(first + data.len()));
        table.extend(number(content.len()));
        data.extend(content);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut profile = head(first + data.len());
    profile.extend(table);
    profile.extend(data);
    profile
}

/// The first 128 bytes (ICC.1:2010, 7.2).
fn head(size: usize) -> Vec<u8> {
    let mut head = number(size).to_vec();
    head.extend([0; 4]); // no colour management module is preferred
    head.extend([4, 0x30, 0, 0]); // version 4.3
    head.extend(b"mntrRGB XYZ ");
    head.extend([2026, 1, 1, 0, 0, 0].iter().flat_map(|part: &u16| part.to_be_bytes()));
    head.extend(b"acsp");
    head.resize(68, 0);
    // The white of the connection space, as every profile states it.
    head.extend([0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]);
    head.resize(128, 0);
    head
}

/// A text in American English, the only language that must be there.
fn text(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut tag = b"mluc\0\0\0\0".to_vec();
    tag.extend([1, 12].map(number).concat());
    tag.extend(b"enUS");
    tag.extend([units.len(), 28].map(number).concat());
    tag.extend(units);
    tag
}

/// Numbers with 16 bits behind the point, behind the name of their type.
fn fixed(kind: &[u8; 4], before: &[u8], numbers: &[f64]) -> Vec<u8> {
    let mut tag = kind.to_vec();
    tag.extend([0; 4]);
    tag.extend(before);
    for number in numbers {
        #[expect(clippy::cast_possible_truncation, reason = "all are below 3")]
        let units = (number * 65536.0).round() as i32;
        tag.extend(units.to_be_bytes());
    }
    tag
}

fn number(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}
