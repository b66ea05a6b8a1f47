//! What clients upload, what the decoder process answers, and what clients and
//! engines say about documents.

use untxt_workflows::documents::filename;
use untxt_workflows::documents::kind::Kind;
use untxt_workflows::documents::pages::PageRange;
use untxt_workflows::documents::renderer::fuzzing;
use untxt_workflows::documents::sanitize;
use untxt_workflows::documents::sniff::{HEAD_BYTES, sniff};

use crate::on_text;

/// Pages of the documents that a range is held against.
const PAGES: u32 = 100;

/// A document's kind depends on nothing behind the bytes that are looked at.
pub(crate) fn kind(bytes: &[u8]) {
    let whole = sniff(bytes).ok();
    assert_eq!(whole, sniff(&bytes[..bytes.len().min(HEAD_BYTES)]).ok());
}

/// A TIFF, from its directories to its pixels.
pub(crate) fn tiff(bytes: &[u8]) {
    fuzzing::picture(bytes, Kind::Tiff);
}

/// A picture of whatever kind it says it is.
pub(crate) fn picture(bytes: &[u8]) {
    match sniff(bytes) {
        Ok(Kind::Pdf) | Err(_) => {}
        Ok(kind) => fuzzing::picture(bytes, kind),
    }
}

/// What a decoder process writes to its output.
pub(crate) fn decoder_answer(bytes: &[u8]) {
    fuzzing::decoder_answer(bytes);
}

/// `1-3,5`: pages come once, in order, within the document, and one by one as
/// all at once.
pub(crate) fn page_range(bytes: &[u8]) {
    on_text(bytes, |text| {
        let Ok(range) = PageRange::parse(text) else { return };
        let Ok(pages) = range.indexes(PAGES) else { return };
        assert!(pages.is_sorted_by(|a, b| a < b) && pages.iter().all(|page| *page < PAGES));
        let one_by_one: Vec<u32> = (0..).map_while(|index| range.nth(index)).collect();
        assert_eq!(one_by_one, pages);
    });
}

/// A file's name as it is stored.
pub(crate) fn filename(bytes: &[u8]) {
    on_text(bytes, |text| {
        let safe = filename::safe(text);
        assert!((1..=filename::BYTES_MAX).contains(&safe.len()), "{safe:?}");
        assert!(!safe.contains(['/', '\\', '\0', '\n']) && safe != "." && safe != "..", "{safe:?}");
        assert_eq!(filename::safe(&safe), safe, "a safe name stays");
    });
}

/// An engine's HTML: what is left of it runs and loads nothing.
pub(crate) fn engine_html(bytes: &[u8]) {
    on_text(bytes, |text| {
        let fragment = sanitize::fragment(text);
        let lower = fragment.to_ascii_lowercase();
        for forbidden in
            ["<script", "<style", "<iframe", "<object", "<link", "<meta", "<base", "<img", "<svg"]
        {
            assert!(!lower.contains(forbidden), "{fragment:?}");
        }
    });
}
