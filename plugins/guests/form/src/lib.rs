//! A guest that answers with all that a layout can have, at fixed parts of the page;
//! its setting `flaw` spoils one of them.

use serde::Deserialize;
use untxt_plugin_sdk::layout::{Alternative, Block, Cell, Corners, Layout, LayoutEngine, Line, Word};
use untxt_plugin_sdk::{Description, Error, Options, Page, Rect, attributes, settings};

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Flaw {
    /// Two cells at one place.
    Overlap,
    /// A cell that is larger than its table.
    Outside,
    /// A cell that takes up no row.
    NoSpan,
    /// A table of more places than words are allowed.
    Huge,
    /// More lines than words are allowed.
    Lines,
    /// A reading whose confidence is none.
    Confidence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    flaw: Option<Flaw>,
}

struct Form;

impl LayoutEngine for Form {
    fn describe() -> Description {
        Description {
            settings_schema: r#"{"type":"object","properties":{"flaw":{"type":"string"}}}"#.to_owned(),
            attributes: attributes([("page-side", "1000"), ("page-upright", "true")]),
            ..Description::new("form", env!("CARGO_PKG_VERSION"))
        }
    }

    fn recognize(page: &Page, options: &Options) -> Result<Layout, Error> {
        let Settings { flaw } = settings(options)?;
        let info = page.info();
        let at = |x: f32, y: f32| (x * info.width as f32, y * info.height as f32);
        let mut blocks = vec![heading(at), table(at)];
        if let Some(flaw) = flaw {
            spoil(&mut blocks, &flaw);
        }
        Ok(Layout {
            confidence: Some(0.9),
            attributes: attributes([("confidence-kind", "uncalibrated"), ("finish-reason", "stop")]),
            ..Layout::simple(blocks)
        })
    }
}

/// A line that rises, and whose lower left corner is off the page.
fn heading(at: impl Fn(f32, f32) -> (f32, f32)) -> Block {
    let corners = |left: f32, right: f32| {
        let y = |x: f32| 0.2 - 0.1 * x;
        Some(Corners::new([
            at(left, y(left)),
            at(right, y(right)),
            at(right, y(right) + 0.05),
            at(left - 0.01, y(left) + 0.05),
        ]))
    };
    let word = |text: &str, left: f32, right: f32| Word {
        corners: corners(left, right),
        confidence: Some(0.9),
        ..Word::new(text, None)
    };
    let other = |text: &str, confidence| Alternative { text: text.to_owned(), confidence };
    let last = Word {
        alternatives: vec![other("tumed", Some(0.5)), other("burned", None)],
        ..word("turned", 0.5, 0.9)
    };
    let line = Line { corners: corners(0.0, 0.9), ..Line::new(vec![word("A", 0.0, 0.4), last]) };
    Block { corners: corners(0.0, 0.9), ..Block::new("heading", vec![line]) }
}

/// Three cells, of which the first is as wide as the table.
fn table(at: impl Fn(f32, f32) -> (f32, f32)) -> Block {
    let bounds = |left: f32, top: f32, right: f32, bottom: f32| {
        let ((x, y), (right, bottom)) = (at(left, top), at(right, bottom));
        let (x, y) = (x as u32, y as u32);
        Some(Rect { x, y, width: right as u32 - x, height: bottom as u32 - y })
    };
    let line = |text: &str, bounds| Line::new(vec![Word::new(text, bounds)]);
    let head = bounds(0.1, 0.4, 0.9, 0.5);
    let (left, right) = (bounds(0.1, 0.5, 0.5, 0.6), bounds(0.5, 0.5, 0.9, 0.6));
    let cells = vec![
        Cell { column_span: 2, header: true, bounds: head, ..Cell::new(0, 0, vec![line("Goods", head)]) },
        Cell { bounds: left, ..Cell::new(1, 0, vec![line("Nails", left)]) },
        Cell { bounds: right, ..Cell::new(1, 1, vec![line("7", right)]) },
    ];
    Block { lines: vec![line("Prices", None)], ..Block::table(2, 2, cells) }
}

fn spoil(blocks: &mut [Block], flaw: &Flaw) {
    let lines = vec![Line::new(Vec::new()); 60_000];
    let [heading, table] = blocks else { return };
    if *flaw == Flaw::Lines {
        heading.lines = lines;
        return;
    }
    if *flaw == Flaw::Confidence {
        heading.lines[0].words[1].alternatives[0].confidence = Some(f32::NAN);
    }
    let Some(table) = &mut table.table else { return };
    match flaw {
        Flaw::Overlap => table.cells[2].column = 0,
        Flaw::Outside => table.cells[2].column = u32::MAX,
        Flaw::NoSpan => table.cells[2].row_span = 0,
        Flaw::Huge => (table.rows, table.columns) = (u32::MAX, u32::MAX),
        Flaw::Lines | Flaw::Confidence => {}
    }
}

untxt_plugin_sdk::export_layout!(Form);
