//! For the fuzzer and its corpus only: the admission of what engines answer. Not
//! part of the interface of this crate.

use crate::answer;
use crate::contract::untxt::ocr::types;
use crate::guest::layout_engine as wit;
use crate::limits::EngineLimits;
use crate::outcome;
use crate::page::{Cell, Page, PageText, PixelFormat, Rect};

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
    if let Ok(text) = answer::validate(source.layout(), &page, &LIMITS()) {
        check(&text);
    }
}

fn check(text: &PageText) {
    let limits = LIMITS();
    let (mut words, mut boxes, mut confidences) = (0, Vec::new(), vec![text.confidence]);
    let mut corners = Vec::new();
    for block in &text.blocks {
        boxes.push(block.bounds);
        corners.push(block.corners);
        for line in &block.lines {
            boxes.push(line.bounds);
            corners.push(line.corners);
            for word in &line.words {
                words += 1;
                boxes.push(word.bounds);
                corners.push(word.corners);
                confidences.push(word.confidence);
                confidences.extend(word.alternatives.iter().map(|other| other.confidence));
                assert!(word.alternatives.len() <= 10);
            }
        }
        let Some(table) = &block.table else { continue };
        let area = |cell: &Cell| u64::from(cell.row_span) * u64::from(cell.column_span);
        let all: u64 = table.cells.iter().map(area).sum();
        assert!(all <= u64::from(table.rows) * u64::from(table.columns));
        assert!(all <= limits.words_max as u64);
        for cell in &table.cells {
            boxes.push(cell.bounds);
            assert!(
                cell.row + cell.row_span <= table.rows && cell.column + cell.column_span <= table.columns
            );
            assert!(cell.row_span > 0 && cell.column_span > 0);
            assert!(cell.lines.start <= cell.lines.end && cell.lines.end <= block.lines.len());
        }
    }
    assert!(words <= limits.words_max);
    for point in corners.into_iter().flatten().flatten() {
        assert!(point.x <= WIDTH && point.y <= HEIGHT, "{point:?}");
    }
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

    fn corners(&mut self) -> Option<wit::Corners> {
        let point = |source: &mut Self| wit::Point {
            x: source.number().cast_signed().wrapping_sub(100),
            y: source.number().cast_signed().wrapping_sub(100),
        };
        self.maybe(|source| wit::Corners {
            top_left: point(source),
            top_right: point(source),
            bottom_right: point(source),
            bottom_left: point(source),
        })
    }

    fn lines(&mut self) -> Vec<wit::Line> {
        self.some(|source| wit::Line {
            bounds: source.bounds(),
            corners: source.corners(),
            words: source.some(|source| wit::Word {
                text: source.text(),
                bounds: source.bounds(),
                corners: source.corners(),
                confidence: source.confidence(),
                alternatives: source
                    .some(|source| wit::Alternative { text: source.text(), confidence: source.confidence() }),
            }),
        })
    }

    fn table(&mut self) -> wit::Table {
        wit::Table {
            rows: self.number(),
            columns: self.number(),
            cells: self.some(|source| wit::Cell {
                row: source.number(),
                column: source.number(),
                row_span: source.number(),
                column_span: source.number(),
                header: source.byte() % 2 == 1,
                bounds: source.bounds(),
                lines: source.lines(),
            }),
        }
    }

    fn layout(&mut self) -> wit::Layout {
        wit::Layout {
            blocks: self.some(|source| wit::Block {
                role: source.text(),
                bounds: source.bounds(),
                corners: source.corners(),
                lines: source.lines(),
                table: source.maybe(Self::table),
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
