//! Searchable PDF: the pages of the document's file with the text over them, invisible.
//! As the file is needed for it, [`crate::documents::renderer`] writes it.

use super::writer::{Content, Writer};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "pdf",
    extension: "pdf",
    content_type: "application/pdf",
    archive_extension: None,
    about: "searchable PDF: the original pages with the text over them",
    content: Content::Pdf { archival: false },
};

/// The same for archives.
pub(super) const ARCHIVAL_WRITER: Writer = Writer {
    name: "pdfa",
    extension: "pdfa.pdf",
    about: "searchable PDF/A-2b, for archives",
    content: Content::Pdf { archival: true },
    ..WRITER
};
