//! The font of text that is not seen: each character that occurs has a code of its
//! own, all codes have one glyph, and a table says which characters they are. It is
//! embedded, as PDF/A wants it, and takes some hundred bytes.
//!
//! The glyph is a line without width. It leaves nothing to be seen even where a
//! program shows what should not be seen, and it has an extent: pdfium, which Chrome
//! reads PDFs with, drops text without one.

use std::collections::HashMap;
use std::io::Write;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Finish, Name, Rect, Ref, Str};

use super::file::{PdfFile, new_chunk};
use crate::documents::error::DocumentError;

/// Of all glyphs, in parts of the type size.
pub(super) const WIDTH: f32 = 0.5;
/// How far a line reaches above and below its base line, in parts of the type size.
/// Together they are 1, so that type as large as a box fills it.
pub(super) const ASCENT: f32 = 0.8;
pub(super) const DESCENT: f32 = 0.2;

const UNITS_PER_EM: u16 = 1000;
const NAME: Name<'_> = Name(b"UntxtInvisible");
const SYSTEM: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Characters that have a code: codes have two bytes, and 0 is kept for none. All
/// others share the code of U+FFFD.
const CHARACTERS_MAX: usize = 65_000;

/// The characters that were used.
pub(super) struct Font {
    pub(super) id: Ref,
    /// What pages call it; no font of the document has this name.
    pub(super) name: String,
    characters: Vec<char>,
    codes: HashMap<char, u16>,
}

impl Font {
    pub(super) fn new(id: Ref, name: String) -> Self {
        Self { id, name, characters: Vec::new(), codes: HashMap::new() }
    }

    /// The codes of `text`, two bytes each.
    pub(super) fn encoded(&mut self, text: &str) -> Vec<u8> {
        text.chars().flat_map(|character| self.code(character).to_be_bytes()).collect()
    }

    fn code(&mut self, character: char) -> u16 {
        if let Some(code) = self.codes.get(&character) {
            return *code;
        }
        if self.characters.len() >= CHARACTERS_MAX && character != char::REPLACEMENT_CHARACTER {
            return self.code(char::REPLACEMENT_CHARACTER);
        }
        self.characters.push(character);
        let code = u16::try_from(self.characters.len()).unwrap_or_default();
        self.codes.insert(character, code);
        code
    }

    /// Writes it into `file`.
    pub(super) fn put<W: Write>(&self, file: &mut PdfFile<W>) -> Result<(), DocumentError> {
        let mut map = UnicodeCmap::new(NAME, SYSTEM);
        for (code, character) in (1_u16..).zip(&self.characters) {
            map.pair(code, *character);
        }
        let to_unicode = file.put_packed(map.finish().as_slice(), |stream| {
            stream.pair(Name(b"Type"), Name(b"CMap"));
        })?;
        // Glyph 0 for code 0, glyph 1 for all others.
        let glyphs: Vec<u8> = (0..=self.characters.len()).flat_map(|code| [0, u8::from(code > 0)]).collect();
        let glyphs = file.put_packed(&glyphs, |_| {})?;
        let program = program();
        let length = i32::try_from(program.len()).unwrap_or_default();
        let program = file.put_packed(&program, |stream| {
            stream.pair(Name(b"Length1"), length);
        })?;

        let (cid_font, descriptor) = (file.numbers.next(), file.numbers.next());
        let mut chunk = new_chunk();
        chunk
            .type0_font(self.id)
            .base_font(NAME)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid_font)
            .to_unicode(to_unicode);
        file.put(&chunk)?;

        let per_em = f32::from(UNITS_PER_EM);
        let mut chunk = new_chunk();
        let mut font = chunk.cid_font(cid_font);
        font.subtype(CidFontType::Type2)
            .base_font(NAME)
            .system_info(SYSTEM)
            .font_descriptor(descriptor)
            .default_width(WIDTH * per_em)
            .cid_to_gid_map_stream(glyphs);
        font.finish();
        file.put(&chunk)?;

        let mut chunk = new_chunk();
        chunk
            .font_descriptor(descriptor)
            .name(NAME)
            .flags(FontFlags::FIXED_PITCH | FontFlags::SYMBOLIC)
            .bbox(Rect::new(0.0, -DESCENT * per_em, WIDTH * per_em, ASCENT * per_em))
            .italic_angle(0.0)
            .ascent(ASCENT * per_em)
            .descent(-DESCENT * per_em)
            .cap_height(ASCENT * per_em)
            .stem_v(80.0)
            .font_file2(program);
        file.put(&chunk)
    }
}

/// A TrueType font of an empty glyph and the line (OpenType 1.9, "Required Tables" and those
/// for TrueType outlines; without what only programs that install fonts read).
fn program() -> Vec<u8> {
    /// In tables of 16-bit words, signed or not.
    fn words(words: &[i32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes().into_iter().skip(2)).collect()
    }
    let (ascent, descent, width) = (800, -200, 500);
    let head = words(&[
        1,
        0, // version
        1,
        0, // revision of the font
        0,
        0, // sum over the file, filled in below
        0x5f0f,
        0x3cf5, // magic number
        0,
        i32::from(UNITS_PER_EM), // flags, units
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0, // made and changed in 1904
        0,
        descent,
        width,
        ascent, // bounds
        0,
        8,
        2,
        0,
        0, // style, smallest size, direction, short places, format
    ]);
    let hhea = words(&[1, 0, ascent, descent, 0, width, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
    let maxp = words(&[1, 0, 2, 3, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let hmtx = words(&[width, 0, width, 0]);
    // One outline of three points, with its bounds before; from the lower left corner
    // to the upper right one, and back.
    let mut glyf = words(&[1, 0, descent, width, ascent, 2, 0]);
    glyf.extend([1; 3]);
    glyf.extend(words(&[0, width, 0, descent, ascent - descent, 0]));
    glyf.resize(glyf.len().next_multiple_of(4), 0);
    // In units of two bytes.
    let loca = words(&[0, 0, i32::try_from(glyf.len() / 2).unwrap_or_default()]);
    let tables: [(&[u8; 4], Vec<u8>); 6] = [
        (b"glyf", glyf),
        (b"head", head),
        (b"hhea", hhea),
        (b"hmtx", hmtx),
        (b"loca", loca),
        (b"maxp", maxp),
    ];

    // Six tables: the largest power of two in it, as the directory has it.
    let mut directory = words(&[1, 0, 6, 64, 2, 32]);
    let first = directory.len() + 16 * tables.len();
    let (mut data, mut head_at) = (Vec::new(), 0);
    for (tag, table) in &tables {
        if *tag == b"head" {
            head_at = first + data.len();
        }
        directory.extend(*tag);
        for number in [sum(table), u32_of(first + data.len()), u32_of(table.len())] {
            directory.extend(number.to_be_bytes());
        }
        data.extend(table);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut program = [directory, data].concat();
    let adjustment = 0xb1b0_afba_u32.wrapping_sub(sum(&program));
    program[head_at + 8..head_at + 12].copy_from_slice(&adjustment.to_be_bytes());
    program
}

fn sum(table: &[u8]) -> u32 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from_be_bytes(word)
    };
    table.chunks(4).map(word).fold(0, u32::wrapping_add)
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_has_a_code_and_all_of_unicode_can_be_said() {
        let mut font = Font::new(Ref::new(1), "F".to_owned());
        assert_eq!(font.encoded("aba𝄞"), [0, 1, 0, 2, 0, 1, 0, 3]);
        let all: String = ('\u{20}'..=char::MAX).collect();
        let codes = font.encoded(&all);
        assert_eq!(codes.len(), 2 * all.chars().count());
        assert_eq!(font.characters.len(), CHARACTERS_MAX);
        assert_eq!(font.encoded("\u{10fffd}"), font.encoded("\u{fffd}"));
    }

    #[test]
    fn the_program_is_a_font() {
        let program = program();
        assert_eq!(sum(&program), 0xb1b0_afba);
        let places: Vec<usize> = (0..6)
            .map(|table| u32::from_be_bytes(program[12 + 16 * table + 8..][..4].try_into().unwrap()) as usize)
            .collect();
        assert_eq!(&program[places[1] + 12..][..4], [0x5f, 0x0f, 0x3c, 0xf5]);
        assert_eq!(&program[places[0] + 10..][..7], [0, 2, 0, 0, 1, 1, 1], "three points, no instructions");
        assert!(places.windows(2).all(|two| two[0] < two[1]), "{places:?}");
    }
}
