//! What each format's file provides.

use super::outline::Outline;
use crate::documents::model::Page;

/// A format: its names, and how a document is written in it.
pub(super) struct Writer {
    /// What clients call it.
    pub(super) name: &'static str,
    /// How names of such files end, without the first dot.
    pub(super) extension: &'static str,
    /// Its media type.
    pub(super) content_type: &'static str,
    /// How names of archives end that a document of several pages becomes, where a
    /// file of the format has one page.
    pub(super) archive_extension: Option<&'static str>,
    /// What it is, in a few words.
    pub(super) about: &'static str,
    /// Writes what stands before the first page.
    pub(super) head: fn(&Outline<'_>) -> String,
    /// Writes one page.
    pub(super) page: fn(&Outline<'_>, &Page) -> String,
    /// Stands between two pages.
    pub(super) between: &'static str,
    /// Writes what stands after the last page.
    pub(super) tail: fn(&Outline<'_>) -> String,
}
