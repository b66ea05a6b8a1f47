//! For the fuzzer and its corpus only: the admission of what engines answer. Not
//! part of the interface of this crate.

use crate::answer;
use crate::contract::untxt::ocr::types;
use crate::limits::EngineLimits;
use crate::outcome;
use crate::page::{Page, PageText, PixelFormat, Rect};

const WIDTH: u32 = 40;
const HEIGHT: u32 = 30;

/// Small enough that the bounds are met.
const LIMITS: fn() -> EngineLimits =
    || EngineLimits { words_max: 12, text_bytes_max: 200, html_bytes_max: 40, ..EngineLimits::default() };

/// Makes an answer of `bytes`, and admits or refuses it.
///
/// # Panics
/// When what is admitted breaks a promise of [`PageText`].
pub fn engine_answer(bytes: &[u8]) {
    let mut source = Source { bytes };
    if source.byte().is_multiple_of(4) {
        let refusal = source.refusal();
        drop(outcome::refused("engine".to_owned(), refusal, Vec::new()).to_string());
        return;
    }
    let pixels = vec![0; (WIDTH * HEIGHT) as usize];
    let page = Page::new(0, 1, 0, (WIDTH, HEIGHT), PixelFormat::Luma8, pixels, Vec::new());
    let page = page.expect("the pixels are those of the size");
    if let Ok(text) = answer::validate(source.page_text(), &page, &LIMITS()) {
        check(&text);
    }
}

fn check(text: &PageText) {
    let limits = LIMITS();
    let (mut words, mut boxes, mut confidences) = (0, Vec::new(), vec![text.confidence]);
    for block in &text.blocks {
        boxes.push(block.bounds);
        for line in &block.lines {
            boxes.push(line.bounds);
            for word in &line.words {
                words += 1;
                boxes.push(word.bounds);
                confidences.push(word.confidence);
            }
        }
    }
    assert!(words <= limits.words_max);
    assert!(text.html.as_ref().is_none_or(|html| html.len() <= limits.html_bytes_max));
    assert!(text.language.as_ref().is_none_or(|tag| (1..=35).contains(&tag.len()) && tag.is_ascii()));
    for Rect { x, y, width, height } in boxes.into_iter().flatten() {
        assert!(u64::from(x) + u64::from(width) <= WIDTH.into(), "{x} + {width}");
        assert!(u64::from(y) + u64::from(height) <= HEIGHT.into(), "{y} + {height}");
    }
    for confidence in confidences.into_iter().flatten() {
        assert!((0.0..=1.0).contains(&confidence), "{confidence}");
    }
}

/// Values made of bytes; zeroes behind their end.
struct Source<'a> {
    bytes: &'a [u8],
}

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    /// A small number, or any.
    fn number(&mut self) -> u32 {
        match self.byte() {
            255 => u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
            small => small.into(),
        }
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte() % 64).min(self.bytes.len());
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 2 == 1).then(|| value(self))
    }

    fn some<T>(&mut self, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % 8).map(|_| value(self)).collect()
    }

    fn attributes(&mut self) -> Vec<(String, String)> {
        self.some(|source| (source.text(), source.text()))
    }

    fn bounds(&mut self) -> Option<types::Rect> {
        self.maybe(|source| types::Rect {
            x: source.number(),
            y: source.number(),
            width: source.number(),
            height: source.number(),
        })
    }

    fn confidence(&mut self) -> Option<f32> {
        self.maybe(|source| match source.byte() {
            255 => f32::from_bits(source.number()),
            small => f32::from(small) / 250.0,
        })
    }

    fn page_text(&mut self) -> types::PageText {
        types::PageText {
            blocks: self.some(|source| types::Block {
                role: source.text(),
                bounds: source.bounds(),
                lines: source.some(|source| types::Line {
                    bounds: source.bounds(),
                    words: source.some(|source| types::Word {
                        text: source.text(),
                        bounds: source.bounds(),
                        confidence: source.confidence(),
                    }),
                }),
                attributes: source.attributes(),
            }),
            html: self.maybe(Self::text),
            language: self.maybe(Self::text),
            confidence: self.confidence(),
            attributes: self.attributes(),
        }
    }

    fn refusal(&mut self) -> types::Error {
        let kind = self.byte() % 3;
        let failure =
            types::Failure { code: self.text(), message: self.text(), attributes: self.attributes() };
        match kind {
            0 => types::Error::Permanent(failure),
            1 => {
                let after_ms = self.maybe(|source| u64::from(source.number()) << 32);
                types::Error::Retryable(types::Retry { failure, after_ms })
            }
            _ => types::Error::Cancelled,
        }
    }
}
