//! Finds lines and words of ink in a gray picture of a page, by projections.
//! It reads nothing and knows no letters.
//!
//! The map: `area` (a box), `threshold` (what is ink), `mask` (where ink is),
//! `runs` (stretches of a profile), `paragraphs` (groups lines by their gaps),
//! `columns` (parts a page), `lines` (lines and words of a part), `page` (all of
//! it), `print` (lines of scanned print).

mod area;
mod columns;
mod lines;
mod mask;
mod page;
mod paragraphs;
pub mod print;
mod runs;
mod threshold;

pub use area::Area;
pub use lines::{Line, Word};
pub use mask::Ink;
pub use page::{Page, WORDS_MAX};
pub use paragraphs::paragraphs;
