//! What both sides of a connection have to know of its requests: the one that
//! hands them to the routes, and the one that sees nothing but bytes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper::{Method, Request, Response, StatusCode};
use salvo::http::ResBody;
use salvo::http::header::{ALLOW, CONTENT_LENGTH, HeaderMap, HeaderValue, IF_RANGE, RANGE, UPGRADE};
use tracing::Span;

use crate::request_id::AnsweredIn;

/// The requests of one connection.
#[derive(Debug, Default)]
pub(crate) struct RequestTracker {
    /// How many were handed to the routes.
    begun: AtomicU64,
    /// How many of these have no more of an answer to come.
    ended: AtomicU64,
}

impl RequestTracker {
    /// How many requests there were, if all of them are answered as far as the
    /// routes are concerned. Their last bytes may still be on their way out.
    pub(crate) fn between_requests(&self) -> Option<u64> {
        let begun = self.begun.load(Ordering::Acquire);
        (self.ended.load(Ordering::Acquire) == begun).then_some(begun)
    }

    /// Counts a request that lasts until the value is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> RequestGuard {
        self.begun.fetch_add(1, Ordering::AcqRel);
        RequestGuard { tracker: Arc::clone(self), for_good: false }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    tracker: Arc<RequestTracker>,
    /// The connection speaks another protocol from here on.
    for_good: bool,
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if !self.for_good {
            self.tracker.ended.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Marks a HEAD request. To the routes it is a GET: whatever has an answer to GET
/// has the same one to HEAD, without the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head;

/// The method that the client sent.
pub(crate) fn method(req: &salvo::Request) -> Method {
    match req.extensions().get::<Head>() {
        Some(Head) => Method::HEAD,
        None => req.method().clone(),
    }
}

/// The routes, as one connection sees them.
pub(crate) struct TrackedRoutes<H> {
    pub(crate) routes: H,
    pub(crate) tracker: Arc<RequestTracker>,
}

impl<H> Service<Request<Incoming>> for TrackedRoutes<H>
where
    H: Service<Request<Incoming>, Response = Response<ResBody>>,
    H::Future: Send + 'static,
{
    type Response = Response<AnswerBody>;
    type Error = H::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, H::Error>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let mut underway = self.tracker.begin();
        let is_head = *request.method() == Method::HEAD;
        if is_head {
            as_get(&mut request);
        }
        let answer = self.routes.call(request);
        Box::pin(async move {
            let mut answer = answer.await?;
            if is_head {
                without_body(&mut answer);
            }
            name_head(answer.headers_mut());
            underway.for_good = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
            let span =
                answer.extensions_mut().remove::<AnsweredIn>().map_or_else(Span::none, |found| found.0);
            Ok(answer.map(|inner| AnswerBody { inner, span, _underway: underway }))
        })
    }
}

/// A range is asked of GET only (RFC 9110, section 14.2), and nothing without a
/// body can go on as another protocol.
fn as_get<B>(request: &mut Request<B>) {
    *request.method_mut() = Method::GET;
    for header in [RANGE, IF_RANGE, UPGRADE] {
        request.headers_mut().remove(header);
    }
    request.extensions_mut().insert(Head);
}

/// Leaves of an answer to GET what HEAD is answered.
fn without_body(answer: &mut Response<ResBody>) {
    let has_length = !matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = answer.body().size_hint().exact().filter(|_| has_length);
    if let Some(length) = length {
        answer.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    *answer.body_mut() = ResBody::None;
}

/// Adds HEAD to the methods that a path takes, if GET is one.
fn name_head(headers: &mut HeaderMap) {
    let Some(allowed) = headers.get(ALLOW).and_then(|value| value.to_str().ok()) else { return };
    let mut methods: Vec<&str> = allowed.split(',').map(str::trim).collect();
    if !methods.contains(&"GET") || methods.contains(&"HEAD") {
        return;
    }
    methods.push("HEAD");
    if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
        headers.insert(ALLOW, value);
    }
}

/// The body of an answer; its request is under way until it ends, and whatever is
/// logged meanwhile is logged for it.
pub(crate) struct AnswerBody {
    inner: ResBody,
    span: Span,
    _underway: RequestGuard,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = <ResBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let _inside = this.span.enter();
        let frame = Pin::new(&mut this.inner).poll_frame(context);
        if let Poll::Ready(Some(Err(error))) = &frame {
            tracing::error!(%error, "an answer broke off");
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // Whatever it holds ends inside of the request.
        let _inside = self.span.enter();
        self.inner = ResBody::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_between_requests_until_one_begins_and_after_it_ended() {
        let tracker = Arc::<RequestTracker>::default();
        assert_eq!(tracker.between_requests(), Some(0));
        let request = tracker.begin();
        assert_eq!(tracker.between_requests(), None);
        drop(request);
        assert_eq!(tracker.between_requests(), Some(1));
        let mut request = tracker.begin();
        request.for_good = true;
        drop(request);
        assert_eq!(tracker.between_requests(), None, "a socket is not HTTP any more");
    }

    #[test]
    fn head_is_allowed_where_get_is() {
        let allowed = |value: &'static str| {
            let mut headers = HeaderMap::from_iter([(ALLOW, HeaderValue::from_static(value))]);
            name_head(&mut headers);
            headers[ALLOW].to_str().unwrap().to_owned()
        };
        assert_eq!(allowed("GET, POST"), "GET, POST, HEAD");
        assert_eq!(allowed("POST"), "POST");
        assert_eq!(allowed("GET,HEAD"), "GET,HEAD");
    }

    #[test]
    fn the_length_of_what_is_left_out_is_told() {
        let answer = |status: StatusCode| {
            let mut answer = Response::new(ResBody::Once(Bytes::from_static(b"four")));
            *answer.status_mut() = status;
            without_body(&mut answer);
            assert!(answer.body().is_none());
            answer.headers().get(CONTENT_LENGTH).map(|length| length.to_str().unwrap().to_owned())
        };
        assert_eq!(answer(StatusCode::OK).as_deref(), Some("4"));
        assert_eq!(answer(StatusCode::NOT_MODIFIED), None);
    }
}
