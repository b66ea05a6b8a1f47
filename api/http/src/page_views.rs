//! Pages as clients see them. They are written without a detour, because numbers of
//! 32 bits would get digits on the way that mean nothing.

use serde::Serialize;
use untxt_engine::state::RunError;
use untxt_workflows::documents::model::{ConfidenceKind, PageSource};
use untxt_workflows::page_queries::PageState;

/// `{"success":true,"data":…}`.
#[derive(Debug, Serialize)]
pub(crate) struct Success<T> {
    success: bool,
    data: T,
}

impl<T> Success<T> {
    /// The answer with this data.
    pub(crate) fn of(data: T) -> Self {
        Self { success: true, data }
    }
}

/// A page in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageView {
    page: u32,
    status: &'static str,
    attempt: u32,
    source: Option<PageSource>,
    confidence: Option<f32>,
    confidence_kind: Option<ConfidenceKind>,
    words: Option<u32>,
    doubtful_words: Option<u32>,
    width: Option<u32>,
    height: Option<u32>,
    error: Option<RunError>,
}

impl From<PageState> for PageView {
    fn from(state: PageState) -> Self {
        let figures = state.figures.as_ref();
        let words = figures.and_then(|figures| figures.words);
        Self {
            page: state.page,
            status: state.progress.as_str(),
            attempt: state.attempt,
            source: figures.map(|figures| figures.source),
            confidence: figures.and_then(|figures| figures.confidence),
            confidence_kind: figures.map(|figures| figures.confidence_kind),
            words: words.map(|words| words.all),
            doubtful_words: words.map(|words| words.doubtful),
            width: figures.map(|figures| figures.width),
            height: figures.map(|figures| figures.height),
            error: state.error,
        }
    }
}
