//! `GET /api/tasks/:id/pages`: how far each page is. `GET /api/tasks/:id/pages/:page`:
//! its result, as soon as it is done.

use std::ops::RangeInclusive;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, handler};
use serde::Serialize;
use serde_json::json;
use untxt_workflows::documents::model::Page;
use untxt_workflows::entities::task;
use untxt_workflows::page_queries::{PageDetail, PageProgress, PageResult, TaskPages};

use super::list::number;
use super::named_task;
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::page_views::{PageView, Success};

const LIMIT_DEFAULT: u64 = 200;
const LIMITS: RangeInclusive<u64> = 1..=1_000;

/// Pages whose results are looked at for one answer: longer lists tell how far each page
/// is, and no more.
const LIMIT_OF_FIGURES: u64 = 200;

/// Some pages of a task.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageList {
    pages: Vec<PageView>,
    pages_total: u32,
    /// The number to go on after; `None` when these are the last pages.
    next: Option<u32>,
}

#[handler]
#[boxed]
pub(crate) async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Success<PageList>>, ApiError> {
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    let words = flag(req, "words")?;
    let limit = number(req, "limit", LIMIT_DEFAULT)?;
    if !LIMITS.contains(&limit) {
        return Err(ApiError::field("limit", format!("must be 1 to {}", LIMITS.end())));
    }
    let detail = match (words, limit <= LIMIT_OF_FIGURES) {
        (true, true) => PageDetail::Words,
        (false, true) => PageDetail::Figures,
        (false, false) => PageDetail::Progress,
        (true, false) => {
            let message = format!("must be at most {LIMIT_OF_FIGURES} with words=true");
            return Err(ApiError::field("limit", message));
        }
    };
    let after = u32::try_from(number(req, "after", 0)?).unwrap_or(u32::MAX);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let pages = pages_of(state, &task).await?;
    let states = state.platform.records.page_states(&pages, after, limit, detail).await?;
    let next = states.last().map(|last| last.page).filter(|last| pages.has_after(*last));
    let views = states.into_iter().map(PageView::from).collect();
    Ok(Json(Success::of(PageList { pages: views, pages_total: pages.total(), next })))
}

#[handler]
#[boxed]
pub(crate) async fn get(req: &mut Request, depot: &mut Depot) -> Result<Json<Success<Page>>, ApiError> {
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    let page = named_page(req)?;
    let pages = pages_of(state, &task).await?;
    match state.platform.records.page_result(&pages, page).await? {
        PageResult::NoSuchPage => Err(no_page(page, &pages)),
        PageResult::NotDone(progress) => Err(not_done(page, progress)),
        PageResult::Done(page) => Ok(Json(Success::of(*page))),
    }
}

/// The pages of a task, which is there.
pub(super) async fn pages_of(state: &AppState, task: &task::Model) -> Result<TaskPages, ApiError> {
    let pages = state.platform.records.task_pages(task).await?;
    pages.ok_or_else(|| ApiError::no_task(&task.id.to_string()))
}

/// The number of a page in the path.
pub(super) fn named_page(req: &Request) -> Result<u32, ApiError> {
    let text = req.param::<String>("page").unwrap_or_default();
    text.parse().map_err(|_| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "PAGE_NOT_FOUND",
            "the path names no page; pages are counted from 1",
        )
    })
}

/// The task has no page of this number.
pub(super) fn no_page(page: u32, pages: &TaskPages) -> ApiError {
    let message = format!("the task has no page {page}; it has {} pages", pages.total());
    ApiError::new(StatusCode::NOT_FOUND, "PAGE_NOT_FOUND", message)
        .with_details(json!({ "pagesTotal": pages.total() }))
}

fn not_done(page: u32, progress: PageProgress) -> ApiError {
    let status = progress.as_str();
    ApiError::new(StatusCode::CONFLICT, "PAGE_NOT_DONE", format!("page {page} has no result: it is {status}"))
        .with_details(json!({ "status": status }))
}

/// A parameter that is `true` or `false`, which is what it is when absent.
pub(super) fn flag(req: &Request, name: &'static str) -> Result<bool, ApiError> {
    match req.query::<String>(name).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::field(name, "must be true or false")),
    }
}
