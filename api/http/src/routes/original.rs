//! `GET /api/tasks/:id/original`: the document as it was uploaded.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Request, Response, handler};

use super::content::{Content, send};
use super::named_task;
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;

/// The type of a file of which nothing is known.
const ANY_BYTES: &str = "application/octet-stream";

#[handler]
#[boxed]
pub(crate) async fn original(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let objects = AppState::of(depot)?.platform.objects();
    let (_, file) = named_task(req, depot).await?;
    // Of a document that is still to be fetched from its URL neither is known.
    let size_bytes = file.file_size.and_then(|size| u64::try_from(size).ok());
    let (Some(size_bytes), Some(sha256)) = (size_bytes, file.file_hash.as_deref()) else {
        let message = "the document has not been fetched from its URL";
        return Err(ApiError::new(StatusCode::CONFLICT, "ORIGINAL_NOT_FETCHED", message));
    };
    let content = Content {
        key: &file.s3_key,
        size_bytes,
        sha256,
        content_type: file.mime_type.as_deref().unwrap_or(ANY_BYTES),
        filename: &file.filename,
    };
    send(objects, &content, req, res).await
}
