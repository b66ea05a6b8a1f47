//! What is known of a document before its first page is written.

use chrono::{DateTime, Utc};

use crate::documents::figures::Figures;
use crate::documents::model::Engine;

/// What the head and the tail of a document are written from.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// What the client called the file.
    pub filename: &'a str,
    /// Who recognised it.
    pub engine: &'a Engine,
    /// What the formats give as the time they were made: the upload's, so that the
    /// same document gives the same bytes.
    pub made_at: DateTime<Utc>,
    /// What all its pages add up to.
    pub figures: &'a Figures,
}
