//! Reads pages with the networks of PP-OCRv6, which somebody else computes: finds the
//! boxes in the first one's map, cuts the lines out, turns those that stand on their heads
//! and makes text of what the last one says of each.
//!
//! Limits and the order of the steps are those of RapidOCR, so that the text is the same.
//!
//! The map: `picture` and `quad` (pixels), `tensor` (what networks take and give), `detect`
//! with `regions` and `shape` (boxes of text), `orient` (lines on their heads), `recognise`
//! with `ctc` (letters), `words`, `straight` (reading order), `page` (all of it).

mod ctc;
mod detect;
mod orient;
mod page;
mod picture;
mod quad;
mod recognise;
mod regions;
mod shape;
mod straight;
mod tensor;
mod words;

pub use page::{Line, PageText, Word, read};
pub use picture::Picture;
pub use quad::{Point, Quad};
pub use tensor::{Models, Network, Tensor, bad_model};
