//! The text that a page carries, as an answer.
//!
//! The map: `boxes` (from a bitmap to the page, never off it), `layer` (the text's
//! lines as paragraphs).

mod boxes;
mod layer;

pub use boxes::{around, on_page};
pub use layer::{Layer, read};
