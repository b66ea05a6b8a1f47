//! A document that has one of everything, for the tests of the formats.

use chrono::{DateTime, Utc};

use super::{Content, Format, Outline};
use crate::documents::figures::Figures;
use crate::documents::model::{
    Alternative, Block, Cell, ConfidenceKind, Document, Engine, Line, Page, PageStatus, Rect, Table, Word,
};

/// Two pages, the second of which failed; hostile words among honest ones. A part
/// of the first could not be read.
pub(super) fn document() -> Document {
    let blocks = vec![
        block("heading", vec![line(0.1, &[("Invoice", 0.1), ("42", 0.3)])]),
        block(
            "paragraph",
            vec![
                line(0.2, &[("Ten", 0.1), ("<b>&", 0.2)]),
                line(0.23, &[("*stars*", 0.1), ("\u{7}bell", 0.2)]),
            ],
        ),
        block("list", vec![line(0.3, &[("first", 0.1)]), line(0.33, &[("second", 0.1)])]),
        block(
            "table",
            vec![
                line(0.4, &[("Item", 0.1), ("no", 0.17), ("Price", 0.6)]),
                line(0.43, &[("A|B", 0.1), ("7", 0.6)]),
            ],
        ),
    ];
    let first = Page {
        index: 0,
        width: 1000,
        height: 1400,
        dpi: 150,
        confidence_kind: ConfidenceKind::Calibrated,
        attempts: 1,
        warnings: vec!["the picture in object 5 (<F--x>, 8 x 9) ends in the middle".to_owned()],
        blocks,
        ..Page::default()
    };
    let failed = PageStatus::Failed { code: "PAGE_TIMEOUT".to_owned(), message: "late & <gone>".to_owned() };
    let second = Page { index: 1, status: failed, attempts: 2, ..Page::default() };
    let engine = Engine { name: "reader".to_owned(), digest: "ab12".to_owned(), simulated: false };
    Document {
        version: Document::VERSION,
        engine,
        language: Some("de-AT".to_owned()),
        pages: vec![first, second],
    }
}

/// A page of all that engines may know beside the text: corners, other readings, cells.
pub(super) fn layout() -> Document {
    let mut heading = line(0.1, &[("Quarter", 0.1), ("l", 0.3)]);
    heading.corners = Some([[0.1, 0.11], [0.7, 0.1], [0.7, 0.12], [0.1, 0.13]]);
    heading.words[0].corners = Some([[0.1, 0.11], [0.3, 0.105], [0.3, 0.125], [0.1, 0.13]]);
    let other = |text: &str, confidence| Alternative { text: text.to_owned(), confidence };
    heading.words[1].alternatives = vec![other("1", Some(0.5)), other("|", None)];
    let heading = Block { corners: heading.corners, ..block("heading", vec![heading]) };
    let lines = vec![line(0.38, &[("Goods", 0.1)]), line(0.4, &[("Nails", 0.1)]), line(0.4, &[("7", 0.6)])];
    let cell = |row, column, column_span, line| Cell {
        row,
        column,
        row_span: 1,
        column_span,
        header: row == 0,
        bounds: None,
        lines: vec![line],
    };
    let cells = vec![cell(0, 0, 2, 0), cell(1, 0, 1, 1), cell(1, 1, 1, 2)];
    let table = Some(Table { rows: 2, columns: 2, cells });
    let blocks = vec![heading, Block { table, ..block("table", lines) }];
    let mut document = document();
    document.pages.truncate(1);
    document.pages[0].warnings.clear();
    document.pages[0].blocks = blocks;
    document
}

/// The whole of `document` in a format.
pub(super) fn render(format: Format, document: &Document, filename: &str) -> String {
    let mut figures = Figures::default();
    figures.language.clone_from(&document.language);
    document.pages.iter().for_each(|page| figures.add(page));
    let outline = Outline { filename, engine: &document.engine, made_at: made_at(), figures: &figures };
    let Content::Text(text) = format.content() else { panic!("{format} is no text") };
    let pages: Vec<String> = document.pages.iter().map(|page| text.page(&outline, page)).collect();
    text.head(&outline) + &pages.join(text.between()) + &text.tail(&outline)
}

fn made_at() -> DateTime<Utc> {
    "2026-11-23T12:34:56Z".parse().unwrap()
}

fn block(role: &str, lines: Vec<Line>) -> Block {
    Block { role: role.to_owned(), lines, ..Block::default() }
}

fn line(y: f32, words: &[(&str, f32)]) -> Line {
    let words = words.iter().map(|(text, x)| Word {
        text: (*text).to_owned(),
        bounds: Some(Rect { x: *x, y, width: 0.06, height: 0.02 }),
        confidence: Some(0.985),
        ..Word::default()
    });
    let bounds = Some(Rect { x: 0.1, y, width: 0.6, height: 0.02 });
    Line { bounds, words: words.collect(), ..Line::default() }
}
