//! Text strings of PDF (ISO 32000-2, 7.9.2.2).

/// PDFDocEncoding (ISO 32000-2, annex D.3) from 0x18 and from 0x80, where it
/// is not Latin-1. 0x7F, 0x9F and 0xAD stand for nothing.
const FROM_18: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
const FROM_80: [char; 33] = [
    '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™',
    '\u{fb01}', '\u{fb02}', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
];

/// What `bytes` say: UTF-16 or UTF-8 where they begin with a byte order mark,
/// PDFDocEncoding where not.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks().0.iter().map(|pair| unit(*pair));
        without_languages(
            &char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect::<String>(),
        )
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => without_languages(&String::from_utf8_lossy(rest)),
        _ => bytes.iter().map(|byte| in_document_encoding(*byte)).collect(),
    }
}

fn in_document_encoding(byte: u8) -> char {
    match byte {
        0x18..=0x1f => FROM_18[usize::from(byte - 0x18)],
        0x80..=0xa0 => FROM_80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Without the codes of languages, which stand between two escapes.
fn without_languages(text: &str) -> String {
    text.split('\u{1b}').step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_told_by_its_first_bytes() {
        assert_eq!(decoded(b"\xfe\xff\x05\xd0\xd8\x3d\xde\x00"), "א😀");
        assert_eq!(decoded(b"\xff\xfe\xd0\x05"), "א");
        assert_eq!(decoded("\u{feff}Grüße".as_bytes()), "Grüße");
        assert_eq!(decoded(b"Gr\xfc\xdfe \x84 5 \xa0 \x1f"), "Grüße — 5 € ˜");
    }

    #[test]
    fn codes_of_languages_are_left_out_and_halves_are_marked() {
        assert_eq!(decoded(b"\xfe\xff\0\x1b\0e\0n\0\x1b\0a"), "a");
        assert_eq!(decoded(b"\xfe\xff\xd8\x3d\0a\0"), "\u{fffd}a");
        assert_eq!(decoded(b""), "");
    }
}
