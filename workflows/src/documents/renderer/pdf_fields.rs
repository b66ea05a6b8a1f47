//! What fields and notes of a PDF page say and no appearance stream shows: a
//! viewer would draw it (ISO 32000-1, 12.7.3.3), the rasteriser does not.

use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Name, Object, Rect, Stream, String as Text};
use hayro::hayro_syntax::page::Page;

/// Annotations of a page that are looked at; forms have hundreds.
const ANNOTATIONS_MAX: usize = 5_000;

/// Characters of a value that are shown; a page of small type has fewer.
const CHARACTERS_MAX: usize = 10_000;

/// Characters of all values of a page: what could be read of one.
const CHARACTERS_OF_PAGE_MAX: usize = 200_000;

/// Entries of a list that are looked through for what they show, and values of a
/// list that are shown: the longest lists are of countries and of time zones.
const OPTIONS_MAX: usize = 1_000;
const VALUES_MAX: usize = 100;

/// Dictionaries between a field and the one that its values are inherited from.
const ANCESTORS_MAX: usize = 16;

/// Flags of annotations that are not on the page: hidden, and not viewed.
const HIDDEN: u32 = 1 << 1 | 1 << 5;

/// Flags of fields.
const SEVERAL_LINES: u32 = 1 << 12;
const PASSWORD: u32 = 1 << 13;
const RADIO: u32 = 1 << 15;
const PUSH_BUTTON: u32 = 1 << 16;

/// What is to be shown, and where.
pub(super) struct Entry {
    /// In points, as the page has it.
    pub(super) place: Rect,
    pub(super) what: What,
    /// Whether an appearance stream draws it already, without saying it.
    pub(super) drawn: bool,
}

/// What is to be shown.
pub(super) enum What {
    /// Text in a size in points, or in one that fits.
    Text { text: String, size: Option<f32>, several_lines: bool },
    /// A code of ZapfDingbats.
    Mark(u8),
}

/// What `page` has to say, in the order of its annotations.
pub(super) fn entries(page: &Page<'_>) -> Vec<Entry> {
    let annotations = page.raw().get::<Array<'_>>(b"Annots");
    let annotations = annotations.iter().flat_map(Array::raw_iter).take(ANNOTATIONS_MAX);
    // One that is missing does not hide those after it.
    let annotations = annotations.filter_map(|annotation| match annotation {
        MaybeRef::Ref(place) => page.xref().get::<Dict<'_>>(place.into()),
        MaybeRef::NotRef(object) => object.into_dict(),
    });
    let entries = annotations.filter_map(|annotation| entry(&annotation));
    let mut characters = 0;
    entries
        .take_while(|entry| {
            characters += entry.characters();
            characters <= CHARACTERS_OF_PAGE_MAX
        })
        .collect()
}

impl Entry {
    fn characters(&self) -> usize {
        match &self.what {
            What::Text { text, .. } => text.chars().count(),
            What::Mark(_) => 1,
        }
    }
}

fn entry(annotation: &Dict<'_>) -> Option<Entry> {
    if annotation.get::<u32>(b"F").unwrap_or(0) & HIDDEN != 0 {
        return None;
    }
    let place = annotation.get::<Rect>(b"Rect")?;
    let (what, drawn) = match &*annotation.get::<Name<'_>>(b"Subtype")? {
        b"FreeText" => (note(annotation)?, false),
        b"Widget" => field(annotation)?,
        _ => return None,
    };
    Some(Entry { place, what, drawn })
}

fn note(annotation: &Dict<'_>) -> Option<What> {
    if appearance(annotation).is_some() {
        return None;
    }
    let text = decoded(&annotation.get::<Text<'_>>(b"Contents")?);
    Some(What::Text { text, size: type_size(annotation), several_lines: true })
}

/// What a field's widget shows, and whether that is drawn already.
fn field(widget: &Dict<'_>) -> Option<(What, bool)> {
    let flags = inherited(widget, |field| field.get::<u32>(b"Ff")).unwrap_or(0);
    let kind = inherited(widget, |field| field.get::<Name<'_>>(b"FT"))?;
    if &*kind == b"Btn" {
        return button(widget, flags);
    }
    let is_shown = appearance(widget).is_some_and(|stream| draws(&stream, &[b"Tj", b"TJ", b"Do"]));
    if is_shown || !matches!(&*kind, b"Tx" | b"Ch") || flags & PASSWORD != 0 && &*kind == b"Tx" {
        return None;
    }
    let value = inherited(widget, |field| field.get::<Object<'_>>(b"V"))?;
    let options = inherited(widget, |field| field.get::<Array<'_>>(b"Opt"));
    let text = text_of(value, options.as_ref())?;
    let several_lines = &*kind == b"Ch" || flags & SEVERAL_LINES != 0;
    (!text.is_empty()).then(|| (What::Text { text, size: type_size(widget), several_lines }, false))
}

/// The mark of a box that is ticked.
fn button(widget: &Dict<'_>, flags: u32) -> Option<(What, bool)> {
    let state = widget.get::<Name<'_>>(b"AS").or_else(|| {
        let value = || inherited(widget, |field| field.get::<Name<'_>>(b"V"));
        if flags & RADIO == 0 { value() } else { None }
    })?;
    if &*state == b"Off" || flags & PUSH_BUTTON != 0 {
        return None;
    }
    let drawn = appearance(widget);
    if drawn.as_ref().is_some_and(|stream| draws(stream, &[b"Tj", b"TJ"])) {
        return None;
    }
    let caption = widget.get::<Dict<'_>>(b"MK").and_then(|look| look.get::<Text<'_>>(b"CA"));
    let asked = caption.and_then(|caption| caption.first().copied()).filter(|code| b"4l8unH".contains(code));
    let usual = if flags & RADIO == 0 { b'4' } else { b'l' };
    Some((What::Mark(asked.unwrap_or(usual)), drawn.is_some()))
}

/// The stream that draws an annotation in its present state.
fn appearance<'a>(annotation: &Dict<'a>) -> Option<Stream<'a>> {
    match annotation.get::<Dict<'_>>(b"AP")?.get::<Object<'_>>(b"N")? {
        Object::Stream(stream) => Some(stream),
        Object::Dict(states) => states.get::<Stream<'_>>(annotation.get::<Name<'_>>(b"AS")?),
        _ => None,
    }
}

/// Whether one of `operators` stands in a content stream.
fn draws(stream: &Stream<'_>, operators: &[&[u8; 2]]) -> bool {
    let content = stream.decoded_data().unwrap_or_default();
    content.windows(2).any(|pair| operators.iter().any(|operator| &operator[..] == pair))
}

/// What a value says; that of a list is what the list shows for it.
fn text_of(value: Object<'_>, options: Option<&Array<'_>>) -> Option<String> {
    match value {
        Object::String(text) => Some(shown(&text, options).unwrap_or_else(|| decoded(&text))),
        Object::Stream(stream) => Some(decoded(&stream.decoded_data().ok()?)),
        Object::Array(values) => {
            let texts = values.iter::<Text<'_>>();
            let texts = texts.map(|text| shown(&text, options).unwrap_or_else(|| decoded(&text)));
            Some(texts.take(VALUES_MAX).collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }
}

/// What a list shows for the value that it exports.
fn shown(value: &Text<'_>, options: Option<&Array<'_>>) -> Option<String> {
    let mut pairs = options?
        .iter::<Array<'_>>()
        .take(OPTIONS_MAX)
        .map(|pair| pair.iter::<Text<'_>>().collect::<Vec<_>>());
    let pair = pairs.find(|pair| pair.first() == Some(value))?;
    pair.get(1).map(|text| decoded(text))
}

fn inherited<'a, T>(field: &Dict<'a>, get: impl Fn(&Dict<'a>) -> Option<T>) -> Option<T> {
    let mut field = field.clone();
    for _ in 0..ANCESTORS_MAX {
        if let Some(value) = get(&field) {
            return Some(value);
        }
        field = field.get::<Dict<'_>>(b"Parent")?;
    }
    None
}

/// The size that a default appearance sets, as in `/Helv 12 Tf 0 g`.
fn type_size(annotation: &Dict<'_>) -> Option<f32> {
    let appearance = inherited(annotation, |field| field.get::<Text<'_>>(b"DA"))?;
    let appearance = String::from_utf8_lossy(&appearance).into_owned();
    let words: Vec<&str> = appearance.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "Tf")?;
    let size: f32 = words.get(at.checked_sub(1)?)?.parse().ok()?;
    // 0 asks for one that fits.
    (1.0..=1_000.0).contains(&size).then_some(size)
}

/// A text string (ISO 32000-1, 7.9.2.2): UTF-16, UTF-8, or a byte a character.
fn decoded(bytes: &[u8]) -> String {
    let text: String = match bytes {
        [0xfe, 0xff, rest @ ..] => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| of_byte(*byte)).collect(),
    };
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().filter(|c| *c == '\n' || !c.is_control()).take(CHARACTERS_MAX).collect()
}

/// A character of PDFDocEncoding (ISO 32000-1, annex D.2); most are those of
/// Latin-1.
fn of_byte(byte: u8) -> char {
    const FROM_0X80: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\u{fffd}€";
    const FROM_0X18: &str = "˘ˇˆ˙˝˛˚˜";
    let of = |table: &str, first: u8| {
        table.chars().nth(usize::from(byte - first)).unwrap_or_else(|| char::from(byte))
    };
    match byte {
        0x18..=0x1f => of(FROM_0X18, 0x18),
        0x80..=0xa0 => of(FROM_0X80, 0x80),
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_string_says_how_it_is_written() {
        assert_eq!(decoded(b"Gr\xfc\xdfe \x80 \x9b\r\nZeile"), "Grüße • ł\nZeile");
        assert_eq!(decoded(b"\xfe\xff\x01\x42\xd8\x3d\xde\x00"), "ł😀");
        assert_eq!(decoded(b"\xef\xbb\xbf\xc5\x82"), "ł");
        assert_eq!((of_byte(0xa0), of_byte(0x18), of_byte(0x9e)), ('€', '˘', 'ž'));
    }
}
