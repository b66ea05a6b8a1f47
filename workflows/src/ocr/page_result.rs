//! What an engine answered, as the neutral model keeps it.

use untxt_engine::state::RunError;
use untxt_plugins::{self as plugins, PageText};

use crate::documents::model::{
    Alternative, Block, Cell, ConfidenceKind, Corners, Engine, Line, Page, PageSource, PageStatus, Rect,
    Table, Word, round,
};
use crate::documents::sanitize;
use crate::task_input::EnginePin;

/// Pixels and dots per inch of a page.
type Size = (u32, u32, u32);

/// The page that `text` describes. Boxes become parts of the page's size;
/// a guest's HTML is cleaned. Digits that tell nothing are not kept.
pub(super) fn page(text: &PageText, index: u32, size: Size, attempts: u32) -> Page {
    let attribute =
        |name: &str| text.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    Page {
        index,
        width: size.0,
        height: size.1,
        dpi: size.2,
        status: PageStatus::Recognized,
        source: PageSource::Engine,
        confidence: text.confidence.map(rounded),
        confidence_kind: attribute("confidence-kind").map_or(ConfidenceKind::None, ConfidenceKind::parse),
        finish_reason: attribute("finish-reason").map(str::to_owned),
        simulated: attribute("simulated") == Some("true"),
        language: text.language.clone(),
        attempts,
        fallback: attribute("fallback") == Some("true"),
        html: text.html.as_deref().map(sanitize::fragment),
        warnings: Vec::new(),
        blocks: text.blocks.iter().map(|b| block(b, size)).collect(),
    }
}

/// The place of a page that could not be recognised.
pub(crate) fn failed_page(index: u32, error: Option<RunError>, attempts: u32) -> Page {
    let (code, message) = error.map_or_else(Default::default, |error| (error.code, error.message));
    Page { index, status: PageStatus::Failed { code, message }, attempts, ..Page::default() }
}

/// Who read the document.
pub(super) fn engine(pin: &EnginePin, simulated: bool) -> Engine {
    Engine { name: pin.name.clone(), digest: pin.digest.clone(), simulated }
}

fn block(block: &plugins::Block, size: Size) -> Block {
    Block {
        role: block.role.clone(),
        bounds: block.bounds.map(|bounds| rect(bounds, size)),
        corners: block.corners.map(|corners| self::corners(corners, size)),
        lines: block.lines.iter().map(|l| line(l, size)).collect(),
        table: block.table.as_ref().map(|t| table(t, size)),
    }
}

fn table(table: &plugins::Table, size: Size) -> Table {
    let cell = |cell: &plugins::Cell| Cell {
        row: cell.row,
        column: cell.column,
        row_span: cell.row_span,
        column_span: cell.column_span,
        header: cell.header,
        bounds: cell.bounds.map(|bounds| rect(bounds, size)),
        lines: cell.lines.clone().collect(),
    };
    Table { rows: table.rows, columns: table.columns, cells: table.cells.iter().map(cell).collect() }
}

fn line(line: &plugins::Line, size: Size) -> Line {
    Line {
        bounds: line.bounds.map(|bounds| rect(bounds, size)),
        corners: line.corners.map(|corners| self::corners(corners, size)),
        words: line.words.iter().map(|w| word(w, size)).collect(),
    }
}

fn word(word: &plugins::Word, size: Size) -> Word {
    let alternative = |other: &plugins::Alternative| Alternative {
        text: other.text.clone(),
        confidence: other.confidence.map(rounded),
    };
    Word {
        text: word.text.clone(),
        bounds: word.bounds.map(|bounds| rect(bounds, size)),
        corners: word.corners.map(|corners| self::corners(corners, size)),
        confidence: word.confidence.map(rounded),
        alternatives: word.alternatives.iter().map(alternative).collect(),
    }
}

fn rect(bounds: plugins::Rect, (width, height, _): Size) -> Rect {
    Rect {
        x: part(bounds.x, width),
        y: part(bounds.y, height),
        width: part(bounds.width, width),
        height: part(bounds.height, height),
    }
    .rounded(width, height)
}

fn corners(corners: plugins::Corners, (width, height, _): Size) -> Corners {
    corners.map(|point| [part(point.x, width), part(point.y, height)].map(|part| round(part, width, height)))
}

#[expect(clippy::cast_precision_loss, reason = "pages are far smaller than 2^24 pixels a side")]
fn part(pixels: u32, whole: u32) -> f32 {
    (pixels as f32 / whole.max(1) as f32).clamp(0.0, 1.0)
}

/// To a thousandth: no engine knows more.
fn rounded(confidence: f32) -> f32 {
    (confidence * 1e3).round() / 1e3
}
