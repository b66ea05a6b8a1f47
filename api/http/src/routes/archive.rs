//! `GET /api/tasks/:id/result/archive`: several formats of a result as one zip
//! archive, made from the store's objects as it is sent.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use salvo::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH,
};
use salvo::http::{Method, StatusCode};
use salvo::prelude::{Depot, Request, Response, handler};
use sha2::{Digest, Sha256};
use untxt_workflows::archive::{ArchiveFile, CONTENT_TYPE as ZIP, zip};
use untxt_workflows::documents::formats::Format;
use untxt_workflows::entities::file;
use untxt_workflows::objects::{Chunks, ObjectError, Objects, attachment};
use untxt_workflows::ocr::ResultObject;

use super::content::{names, pieces, set};
use super::named_task;
use super::objects::SANDBOX;
use super::result::{file_name, named, objects};
use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::request_tracker;

#[handler]
#[boxed]
pub(crate) async fn archive(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let store = AppState::of(depot)?.platform.objects().clone();
    let (task, file) = named_task(req, depot).await?;
    let objects = objects(&task, asked_formats(req)?.as_deref())?;
    let tag = tag(&file, &objects);
    let headers = res.headers_mut();
    // Weak: another version of this program may pack the same files otherwise.
    set(headers, ETAG, &format!("W/{tag}"));
    set(headers, CACHE_CONTROL, "private, no-cache");
    set(headers, ACCEPT_RANGES, "none");
    if names(req.headers(), IF_NONE_MATCH, &tag) {
        res.status_code(StatusCode::NOT_MODIFIED);
        return Ok(());
    }
    set(headers, CONTENT_TYPE, ZIP);
    set(headers, CONTENT_DISPOSITION, &attachment(&named(&file, "zip")));
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    if request_tracker::method(req) == Method::HEAD {
        // Never sent; a body without one would be announced as of no bytes.
        res.stream(stream::iter([Ok::<_, ObjectError>(Bytes::new())]));
        return Ok(());
    }
    let modified = task.completed_at.unwrap_or_default();
    let named = objects.into_iter().map(|object| (file_name(&file, &object), object.key)).collect();
    res.stream(zip(files(store, named).await?, modified));
    Ok(())
}

/// The formats that the query asks for, if it asks for some.
fn asked_formats(req: &Request) -> Result<Option<Vec<Format>>, ApiError> {
    let parsed = req.query::<String>("formats").map(|list| Format::parse_list(&list)).transpose();
    parsed.map_err(|error| ApiError::field("formats", error.to_string()))
}

/// Of an archive of these objects: it changes with any of their bytes and names.
fn tag(file: &file::Model, objects: &[ResultObject]) -> String {
    let mut hash = Sha256::new();
    for object in objects {
        hash.update(format!("{} {}\n", object.sha256, file_name(file, object)));
    }
    format!("\"{}\"", hex::encode(hash.finalize()))
}

/// Names and keys as files of an archive. The first is asked for at once, so that a
/// store that is away can be said; each other when the one before it was sent.
async fn files(
    store: Objects,
    objects: Vec<(String, String)>,
) -> Result<impl Stream<Item = Result<ArchiveFile<impl Stream<Item = Piece>>, ObjectError>>, ApiError> {
    let mut objects = objects.into_iter();
    let first = match objects.next() {
        Some((name, key)) => Some(Ok(packed(name, store.chunks(&key).await?))),
        None => None,
    };
    let others = stream::iter(objects).then(move |(name, key)| {
        let store = store.clone();
        async move { store.chunks(&key).await.map(|chunks| packed(name, chunks)) }
    });
    Ok(stream::iter(first).chain(others))
}

type Piece = Result<Bytes, ObjectError>;

fn packed(name: String, chunks: Chunks) -> ArchiveFile<impl Stream<Item = Piece>> {
    ArchiveFile { name, body: pieces(chunks) }
}
