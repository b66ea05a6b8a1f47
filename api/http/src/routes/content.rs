//! `GET /api/tasks/:id/result/content`: the result's bytes, for whoever may see
//! the task.

use std::ops::RangeInclusive;

use bytes::Bytes;
use futures_util::{Stream, stream};
use salvo::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use salvo::http::{Method, StatusCode};
use salvo::prelude::{Depot, Request, Response, handler};
use untxt_workflows::objects::{Chunks, ObjectError, Objects, attachment};

use super::named_task;
use super::objects::SANDBOX;
use super::result::{asked_format, file_name, object};
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::request_tracker;

#[handler]
#[boxed]
pub(crate) async fn content(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let objects = AppState::of(depot)?.platform.objects();
    let (task, file) = named_task(req, depot).await?;
    let object = object(&task, asked_format(req)?)?;
    let whole = Content {
        key: &object.key,
        size_bytes: object.size_bytes,
        sha256: &object.sha256,
        content_type: object.kind().content_type,
        filename: &file_name(&file, &object),
    };
    send(objects, &whole, req, res).await
}

/// An object that is sent as an attachment.
pub(super) struct Content<'a> {
    pub(super) key: &'a str,
    pub(super) size_bytes: u64,
    /// Hexadecimal.
    pub(super) sha256: &'a str,
    pub(super) content_type: &'a str,
    /// The name that it is saved under.
    pub(super) filename: &'a str,
}

/// Sends all of an object, the part that is asked for, or that the client has it.
pub(super) async fn send(
    objects: &Objects,
    object: &Content<'_>,
    req: &Request,
    res: &mut Response,
) -> Result<(), ApiError> {
    let etag = format!("\"{}\"", object.sha256);
    let part = part(req.headers(), &etag, object.size_bytes)?;
    let headers = res.headers_mut();
    set(headers, ETAG, &etag);
    set(headers, CACHE_CONTROL, "private, no-cache");
    set(headers, ACCEPT_RANGES, "bytes");
    if names(req.headers(), IF_NONE_MATCH, &etag) {
        res.status_code(StatusCode::NOT_MODIFIED);
        return Ok(());
    }
    set(headers, CONTENT_TYPE, object.content_type);
    set(headers, CONTENT_DISPOSITION, &attachment(object.filename));
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    let length = match &part {
        Some(part) => part.end() - part.start() + 1,
        None => object.size_bytes,
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(part) = &part {
        let range = format!("bytes {}-{}/{}", part.start(), part.end(), object.size_bytes);
        set(headers, CONTENT_RANGE, &range);
        res.status_code(StatusCode::PARTIAL_CONTENT);
    }
    // The store need not be asked for what is not sent.
    if request_tracker::method(req) == Method::HEAD {
        return Ok(());
    }
    let chunks = match part {
        Some(part) => objects.chunks_of(object.key, *part.start(), *part.end()).await?,
        None => objects.chunks(object.key).await?,
    };
    res.stream(pieces(chunks));
    Ok(())
}

/// The pieces of an object; they break off where the store's answer does.
pub(super) fn pieces(chunks: Chunks) -> impl Stream<Item = Result<Bytes, ObjectError>> {
    stream::unfold(chunks, |mut chunks| async {
        let piece = chunks.next().await.transpose()?;
        Some((piece, chunks))
    })
}

pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The bytes that are asked for; none for all of them, as for ranges that are no
/// single one in bytes or are of another version (RFC 9110, sections 13.1.5 and
/// 14.2).
pub(crate) fn part(
    headers: &HeaderMap,
    etag: &str,
    size_bytes: u64,
) -> Result<Option<RangeInclusive<u64>>, ApiError> {
    let is_other = headers.contains_key(IF_RANGE) && headers.get(IF_RANGE).is_none_or(|tag| tag != etag);
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let Some(range) = range.filter(|_| !is_other).and_then(single) else { return Ok(None) };
    let last = size_bytes.checked_sub(1);
    let part = match (range, last) {
        ((Some(first), end), Some(last)) if first <= last => Some(first..=end.unwrap_or(last).min(last)),
        ((None, Some(count)), Some(last)) if count > 0 => Some(size_bytes.saturating_sub(count)..=last),
        _ => None,
    };
    part.map(Some).ok_or_else(|| ApiError::no_such_bytes(size_bytes))
}

/// `bytes=1-4`, `bytes=1-` or `bytes=-4`; none for what is no such range.
fn single(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    };
    match (number(first.trim())?, number(last.trim())?) {
        (None, None) => None,
        (Some(first), Some(last)) if first > last => None,
        range => Some(range),
    }
}

/// Whether the header has the tag in its list, weak or not.
pub(super) fn names(headers: &HeaderMap, name: HeaderName, etag: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(','));
    tags.any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &'static str, if_range: Option<&'static str>) -> Result<Option<(u64, u64)>, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static(range));
        headers.extend(if_range.map(|tag| (IF_RANGE, HeaderValue::from_static(tag))));
        let part = part(&headers, "\"e\"", 10).map_err(|error| error.status().as_u16())?;
        Ok(part.map(|part| (*part.start(), *part.end())))
    }

    #[test]
    fn a_range_is_one_or_none_or_nowhere() {
        assert_eq!(asked("bytes=2-4", None), Ok(Some((2, 4))));
        assert_eq!(asked("bytes=2-", None), Ok(Some((2, 9))));
        assert_eq!(asked("bytes=-3", None), Ok(Some((7, 9))));
        assert_eq!(asked("bytes=-30", None), Ok(Some((0, 9))));
        assert_eq!(asked("bytes=0-99", None), Ok(Some((0, 9))));
        for nowhere in ["bytes=10-", "bytes=10-11", "bytes=-0"] {
            assert_eq!(asked(nowhere, None), Err(416), "{nowhere}");
        }
        for none in ["bytes=0-1,3-4", "bytes=4-2", "bytes=-", "bytes=a-b", "pages=1-2", "bytes=+1-2"] {
            assert_eq!(asked(none, None), Ok(None), "{none}");
        }
        assert_eq!(asked("bytes=2-4", Some("\"e\"")), Ok(Some((2, 4))));
        assert_eq!(asked("bytes=2-4", Some("\"other\"")), Ok(None));
        assert_eq!(asked("bytes=2-4", Some("W/\"e\"")), Ok(None), "weak tags don't tell parts apart");
    }

    #[test]
    fn a_tag_is_found_in_a_list() {
        let mut headers = HeaderMap::new();
        assert!(!names(&headers, IF_NONE_MATCH, "\"e\""));
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"a\", W/\"e\""));
        assert!(names(&headers, IF_NONE_MATCH, "\"e\""));
        assert!(!names(&headers, IF_NONE_MATCH, "\"b\""));
    }
}
