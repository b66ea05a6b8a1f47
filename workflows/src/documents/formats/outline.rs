//! What is known of a document before its first page is written.

use crate::documents::figures::Figures;
use crate::documents::model::Engine;

/// What the head and the tail of a document are written from.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// What the client called the file.
    pub filename: &'a str,
    /// Who recognised it.
    pub engine: &'a Engine,
    /// What all its pages add up to.
    pub figures: &'a Figures,
}
