//! `GET /api/tasks/:id/pages/:page/image`: the page as people look at it, whether it is
//! recognised or not.

use salvo::http::StatusCode;
use salvo::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH};
use salvo::prelude::{Depot, Request, Response, handler};
use untxt_workflows::page_images::{PageImages, WIDTH_DEFAULT, WIDTHS};

use super::content::{names, set};
use super::list::number;
use super::named_task;
use super::pages::{named_page, no_page, pages_of};
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;

/// The image of a page never changes. A day, because whoever may see it may change.
const CACHED: &str = "private, max-age=86400, immutable";

/// No page of another site shows it.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

#[handler]
#[boxed]
pub(crate) async fn image(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    let (task, file) = named_task(req, depot).await?;
    let page = named_page(req)?;
    let width = width(req)?;
    let pages = pages_of(state, &task).await?;
    if !pages.has(page) {
        return Err(no_page(page, &pages));
    }
    let etag = format!("\"{}\"", PageImages::tag(task.id, page, width));
    let is_known = names(req.headers(), IF_NONE_MATCH, &etag);
    let made = match is_known {
        true => None,
        false => Some(state.platform.page_images.image(&task, &file, page, width).await?),
    };
    let headers = res.headers_mut();
    set(headers, ETAG, &etag);
    set(headers, CACHE_CONTROL, CACHED);
    set(headers, RESOURCE_POLICY, "same-origin");
    let Some(made) = made else {
        res.status_code(StatusCode::NOT_MODIFIED);
        return Ok(());
    };
    set(headers, CONTENT_TYPE, made.format.content_type());
    set(headers, CONTENT_LENGTH, &made.bytes.len().to_string());
    res.write_body(made.bytes).map_err(|_| ApiError::internal("the image of a page could not be sent"))
}

fn width(req: &Request) -> Result<u32, ApiError> {
    let width = number(req, "width", WIDTH_DEFAULT.into())?;
    let known = WIDTHS.into_iter().find(|known| u64::from(*known) == width);
    known.ok_or_else(|| {
        let widths = WIDTHS.map(|width| width.to_string()).join(", ");
        ApiError::field("width", format!("must be one of {widths}"))
    })
}
