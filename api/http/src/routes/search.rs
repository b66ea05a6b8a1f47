//! `GET /api/tasks/:id/search`: where words stand in the pages of a task.

use salvo::prelude::{Depot, Json, Request, handler};
use serde::Serialize;
use untxt_workflows::page_search::{Match, QUERY_CHARS_MAX, SearchCursor, SearchText};

use super::named_task;
use super::pages::pages_of;
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::page_views::Success;

/// What was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Matches {
    matches: Vec<Match>,
    pages_searched: u32,
    next: Option<String>,
    more: bool,
}

#[handler]
#[boxed]
pub(crate) async fn search(req: &mut Request, depot: &mut Depot) -> Result<Json<Success<Matches>>, ApiError> {
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    let text = SearchText::parse(&req.query::<String>("q").unwrap_or_default())
        .ok_or_else(|| ApiError::field("q", format!("must have 1 to {QUERY_CHARS_MAX} characters")))?;
    let after = after(req)?;
    let pages = pages_of(state, &task).await?;
    let found = state.platform.records.search_pages(&pages, &text, after).await?;
    let next = found.next.map(|next| next.to_string());
    Ok(Json(Success::of(Matches {
        matches: found.matches,
        pages_searched: found.pages_searched,
        more: next.is_some(),
        next,
    })))
}

fn after(req: &Request) -> Result<SearchCursor, ApiError> {
    let Some(text) = req.query::<String>("after").filter(|text| !text.is_empty()) else {
        return Ok(SearchCursor::default());
    };
    text.parse().map_err(|error| ApiError::field("after", format!("{error}")))
}
