//! Texts that every format shows: which pages failed, what is missing on a page,
//! and facts about the document.

use super::outline::Outline;
use super::{escape, language};
use crate::documents::model::{Page, PageStatus};

/// The text in place of a page that could not be recognised.
pub(super) fn page_failure(index: u32, status: &PageStatus) -> Option<String> {
    let PageStatus::Failed { code, message } = status else { return None };
    Some(format!("Page {} could not be recognised: {code}: {message}", index + 1))
}

/// The text beside a page of which parts could not be read.
pub(super) fn page_warnings(page: &Page) -> impl Iterator<Item = String> {
    let number = page.index + 1;
    page.warnings.iter().map(move |warning| format!("Not all of page {number} could be read: {warning}"))
}

/// The same as comments of HTML and XML, for formats that have no place for them.
/// A comment may not hold two dashes.
pub(super) fn comments(page: &Page) -> String {
    let notes = page_failure(page.index, &page.status).into_iter().chain(page_warnings(page));
    notes.map(|note| format!("<!-- {} -->\n", escape::html(&note.replace('-', "‐")))).collect()
}

/// Names and values that describe the document and how it was recognised.
pub(super) fn document_facts(outline: &Outline<'_>) -> Vec<(&'static str, String)> {
    let Outline { filename, engine, figures, .. } = outline;
    let confidence =
        figures.confidence().map_or_else(|| "none".to_owned(), |part| format!("{:.1}%", part * 100.0));
    let language = figures.language.as_deref().map_or("unknown", language::name);
    let mut facts = vec![
        ("Confidence", confidence),
        ("Confidence kind", figures.confidence_kind().as_str().to_owned()),
        ("Language", language.to_owned()),
        ("Engine", engine.name.clone()),
        ("Engine digest", engine.digest.clone()),
        ("File", (*filename).to_owned()),
        ("Pages", figures.pages.to_string()),
    ];
    if !figures.failed_pages.is_empty() {
        let pages: Vec<String> = figures.failed_pages.iter().map(u32::to_string).collect();
        facts.push(("Pages not recognised", pages.join(", ")));
    }
    if figures.warning_count > 0 {
        facts.push(("Warnings", figures.warning_count.to_string()));
    }
    if engine.simulated {
        facts.push((
            "Simulated",
            "yes: the engine repeats text that the file carries and makes up the rest, it does not read"
                .to_owned(),
        ));
    }
    facts
}
