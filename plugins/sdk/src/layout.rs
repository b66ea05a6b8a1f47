//! Engines that answer with the layout of the page: corners of turned text, cells of
//! tables, other readings of a word.
//!
//! ```ignore
//! use untxt_plugin_sdk::layout::{Block, Layout, LayoutEngine, Line, Word};
//! use untxt_plugin_sdk::{Description, Error, Options, Page};
//!
//! struct Blank;
//!
//! impl LayoutEngine for Blank {
//!     fn describe() -> Description {
//!         Description::new("blank", env!("CARGO_PKG_VERSION"))
//!     }
//!     fn recognize(_page: &Page, _options: &Options) -> Result<Layout, Error> {
//!         Ok(Layout::simple(vec![Block::new("paragraph", vec![Line::new(vec![Word::new("", None)])])]))
//!     }
//! }
//!
//! untxt_plugin_sdk::export_layout!(Blank);
//! ```

use crate::engine::{Exported, log_panics};
use crate::{Description, Engine, Error, Failure, Options, Page, PageText, Rect, attributes};

#[allow(
    missing_docs,
    rust_2018_idioms,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::needless_pass_by_value,
    reason = "generated from the contract, which documents it"
)]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit/untxt-ocr@0.1.0",
        inline: "
            package untxt:sdk;
            world with-layout { export untxt:ocr/layout-engine@0.1.0; }
        ",
        world: "untxt:sdk/with-layout",
        with: {
            "untxt:ocr/types@0.1.0": crate::bindings::untxt::ocr::types,
            "untxt:ocr/pages@0.1.0": crate::bindings::untxt::ocr::pages,
        },
        pub_export_macro: true,
        export_macro_name: "export_layout_engine",
        default_bindings_module: "untxt_plugin_sdk::layout::bindings",
    });
}

use bindings::exports::untxt::ocr::layout_engine;

pub use layout_engine::{Alternative, Block, Cell, Corners, Layout, Line, Point, Table, Word};

/// What an author writes in place of [`Engine`], which is derived from it.
pub trait LayoutEngine {
    /// What this engine is. Needs nothing; called at every load.
    fn describe() -> Description;

    /// Whether these options can be used.
    ///
    /// # Errors
    /// The failure that the client is told when not.
    fn check(_options: &Options) -> Result<(), Failure> {
        Ok(())
    }

    /// The text of one page and where it stands.
    ///
    /// # Errors
    /// What kept the engine from reading it; see [`Error`] for what becomes of it.
    fn recognize(page: &Page, options: &Options) -> Result<Layout, Error>;
}

impl<E: LayoutEngine> layout_engine::Guest for Exported<E> {
    fn recognize_layout(page: &Page, options: Options) -> Result<Layout, Error> {
        log_panics();
        <E as LayoutEngine>::recognize(page, &options)
    }
}

/// For hosts that do not know layouts.
impl<E: LayoutEngine> Engine for E {
    fn describe() -> Description {
        <E as LayoutEngine>::describe()
    }

    fn check(options: &Options) -> Result<(), Failure> {
        <E as LayoutEngine>::check(options)
    }

    fn recognize(page: &Page, options: &Options) -> Result<PageText, Error> {
        <E as LayoutEngine>::recognize(page, options).map(PageText::from)
    }
}

/// Makes a type that implements [`LayoutEngine`] the engine of this component.
/// To be used once, in a crate of type `cdylib`, in place of [`crate::export!`].
#[macro_export]
macro_rules! export_layout {
    ($engine:ty) => {
        #[allow(unsafe_code, reason = "the component's exports are symbols with fixed names")]
        mod untxt_export {
            use super::*;
            type ExportedEngine = $crate::Exported<$engine>;
            $crate::layout::bindings::export_layout_engine!(
                ExportedEngine with_types_in $crate::layout::bindings
            );
            $crate::bindings::export_ocr_engine!(ExportedEngine with_types_in $crate::bindings);
        }
    };
}

impl Layout {
    /// Blocks without any confidence, with the attributes that say so
    /// (`confidence-kind` none, `finish-reason` stop). The host renders them.
    pub fn simple(blocks: Vec<Block>) -> Self {
        Self {
            blocks,
            html: None,
            language: None,
            confidence: None,
            attributes: attributes([("confidence-kind", "none"), ("finish-reason", "stop")]),
        }
    }
}

impl Block {
    /// Lines of that role.
    pub fn new(role: &str, lines: Vec<Line>) -> Self {
        let role = role.to_owned();
        Self { role, bounds: None, corners: None, lines, table: None, attributes: Vec::new() }
    }

    /// A table of these cells.
    pub fn table(rows: u32, columns: u32, cells: Vec<Cell>) -> Self {
        Self { table: Some(Table { rows, columns, cells }), ..Self::new("table", Vec::new()) }
    }
}

impl Cell {
    /// A cell that takes up one place.
    pub fn new(row: u32, column: u32, lines: Vec<Line>) -> Self {
        Self { row, column, row_span: 1, column_span: 1, header: false, bounds: None, lines }
    }
}

impl Line {
    /// A line without a place of its own.
    pub fn new(words: Vec<Word>) -> Self {
        Self { bounds: None, corners: None, words }
    }
}

impl Word {
    /// A word without a confidence.
    pub fn new(text: impl Into<String>, bounds: Option<Rect>) -> Self {
        Self { text: text.into(), bounds, corners: None, confidence: None, alternatives: Vec::new() }
    }
}

impl Corners {
    /// The corners at these places, each x and y in pixels of the page: clockwise,
    /// from the upper left of the text as it is read.
    pub fn new(places: [(f32, f32); 4]) -> Self {
        let [top_left, top_right, bottom_right, bottom_left] =
            places.map(|(x, y)| Point { x: x.round() as i32, y: y.round() as i32 });
        Self { top_left, top_right, bottom_right, bottom_left }
    }
}

impl From<Layout> for PageText {
    fn from(layout: Layout) -> Self {
        Self {
            blocks: layout.blocks.into_iter().map(crate::Block::from).collect(),
            html: layout.html,
            language: layout.language,
            confidence: layout.confidence,
            attributes: layout.attributes,
        }
    }
}

impl From<Block> for crate::Block {
    fn from(block: Block) -> Self {
        let cells = block.table.into_iter().flat_map(|table| table.cells);
        let lines = block.lines.into_iter().chain(cells.flat_map(|cell| cell.lines));
        Self {
            role: block.role,
            bounds: block.bounds,
            lines: lines.map(crate::Line::from).collect(),
            attributes: block.attributes,
        }
    }
}

impl From<Line> for crate::Line {
    fn from(line: Line) -> Self {
        let word =
            |word: Word| crate::Word { text: word.text, bounds: word.bounds, confidence: word.confidence };
        Self { bounds: line.bounds, words: line.words.into_iter().map(word).collect() }
    }
}
