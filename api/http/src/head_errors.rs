//! Answers requests that never reach the routes: those with a head that can't be
//! parsed, is too large, or does not end. hyper answers the first two with a bare
//! status and the last not at all; here each gets an error like all others, with a
//! request id under which it is logged.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use chrono::Utc;
use salvo::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::error::ApiError;
use crate::meter;
use crate::request_id;
use crate::request_tracker::RequestTracker;
use crate::security_headers::SECURITY_HEADERS;

/// Headers of a request, and bytes of its whole head; more is answered with 431.
pub(crate) const HEADERS_MAX: usize = 64;
pub(crate) const HEAD_BYTES_MAX: usize = 32 << 10;

/// A connection that answers such requests itself.
pub(crate) struct HeadErrorStream<S> {
    inner: S,
    client: Option<SocketAddr>,
    /// How long a head may take, and how long nothing may come between requests.
    timeout: Duration,
    tracker: Arc<RequestTracker>,
    /// How many requests there were when all that had been written was out. As
    /// long as there are no more, whatever is written is no answer of a route.
    all_out: u64,
    /// An answer from here, as far as it is not out yet.
    own: Option<Bytes>,
    head: Option<AwaitedHead>,
    /// Nothing is read any more.
    over: bool,
}

/// A head that is waited for.
struct AwaitedHead {
    /// How many requests there were before.
    after: u64,
    /// Whether some of it has come.
    begun: bool,
    /// Whether its first line has come.
    has_line: bool,
    late: Pin<Box<Sleep>>,
}

impl<S> HeadErrorStream<S> {
    pub(crate) fn new(
        inner: S,
        client: Option<SocketAddr>,
        timeout: Duration,
        tracker: Arc<RequestTracker>,
    ) -> Self {
        Self { inner, client, timeout, tracker, all_out: 0, own: None, head: None, over: false }
    }

    /// The head that is waited for, unless a request is being answered.
    fn awaited(&mut self) -> Option<&mut AwaitedHead> {
        let after = self.tracker.between_requests()?;
        if self.head.as_ref().is_none_or(|head| head.after != after) {
            let late = Box::pin(sleep(self.timeout));
            self.head = Some(AwaitedHead { after, begun: false, has_line: false, late });
        }
        self.head.as_mut()
    }

    /// Whether `written` stands in place of an answer, which then goes out.
    fn replaces(&mut self, written: &[u8]) -> bool {
        if self.tracker.between_requests() != Some(self.all_out) {
            return false;
        }
        let Some(status) = bare_status(written) else { return self.own.is_some() };
        let has_line = self.head.as_ref().is_none_or(|head| !head.begun || head.has_line);
        self.say(&refusal(status, has_line));
        true
    }

    fn say(&mut self, refusal: &ApiError) {
        self.own = Some(answer(refusal, self.client));
    }
}

impl<S: AsyncWrite + Unpin> HeadErrorStream<S> {
    /// Until the answer from here is out, if there is one.
    fn poll_own(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.own.as_mut().filter(|left| left.has_remaining()) {
            match ready!(Pin::new(&mut self.inner).poll_write(context, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => left.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_own(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for HeadErrorStream<S> {
    /// Ends when a head is late, once that was said and the connection is closed:
    /// hyper does not close one that ends amid a head, it drops it.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        piece: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = piece.filled().len();
        if !self.over
            && let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(context, piece)
        {
            let came = &piece.filled()[before..];
            if let Some(head) = self.awaited().filter(|_| !came.is_empty()) {
                head.begun = true;
                head.has_line |= came.contains(&b'\n');
            }
            return Poll::Ready(read);
        }
        if !self.over {
            let Some(head) = self.awaited() else { return Poll::Pending };
            ready!(head.late.as_mut().poll(context));
            // Who has said nothing has nothing to be told.
            if head.begun {
                let refusal = ApiError::late_head(self.timeout);
                self.say(&refusal);
            }
            self.over = true;
        }
        self.poll_close(context)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadErrorStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bytes.iter().find(|bytes| !bytes.is_empty());
        if first.is_some_and(|first| self.replaces(first)) {
            return Poll::Ready(Ok(bytes.iter().map(|bytes| bytes.len()).sum()));
        }
        Pin::new(&mut self.inner).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_own(context))?;
        ready!(Pin::new(&mut self.inner).poll_flush(context))?;
        if let Some(requests) = self.tracker.between_requests() {
            self.all_out = requests;
        }
        // hyper may have read in vain before, and not read again before something
        // comes: the next head's time begins here, and wakes it.
        if let Some(head) = self.awaited() {
            let _begun = head.late.as_mut().poll(context);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_close(context)
    }
}

/// The status of an answer without a body.
fn bare_status(head: &[u8]) -> Option<StatusCode> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    StatusCode::from_bytes(rest.get(..3)?).ok().filter(StatusCode::is_client_error)
}

/// What is wrong with a head, as far as hyper tells.
fn refusal(status: StatusCode, has_line: bool) -> ApiError {
    let too_long = StatusCode::URI_TOO_LONG;
    match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE if has_line => {
            let message = format!(
                "the request has more than {HEADERS_MAX} headers, or more than {HEAD_BYTES_MAX} bytes of them"
            );
            ApiError::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "HEAD_TOO_LARGE", message)
        }
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG => ApiError::new(
            too_long,
            "URI_TOO_LONG",
            format!("the address has more than {HEAD_BYTES_MAX} bytes"),
        ),
        _ => {
            let message = "the request line or a header is not valid HTTP/1.1";
            ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
        }
    }
}

/// The whole answer, as it goes out; its line stands in the log then.
fn answer(refusal: &ApiError, client: Option<SocketAddr>) -> Bytes {
    let id = request_id::new_id();
    let (status, client) = (refusal.status(), client.map(|client| client.ip().to_canonical()));
    request_id::span(&id).in_scope(|| {
        let client = client.map(tracing::field::display);
        tracing::info!(
            status = status.as_u16(),
            client,
            reason = refusal.message(),
            "request without a route"
        );
    });
    meter::unrouted(status);
    let body = refusal.body().to_string();
    let date = Utc::now().format("%a, %d %b %Y %H:%M:%S GMT");
    let mut head = format!(
        "HTTP/1.1 {status}\r\nx-request-id: {id}\r\ncontent-type: application/json; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\ndate: {date}\r\n",
        body.len()
    );
    for (name, value) in SECURITY_HEADERS {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    Bytes::from(format!("{head}\r\n{body}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const BARE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
    const TIMEOUT: Duration = Duration::from_millis(50);

    fn pair(
        tracker: &Arc<RequestTracker>,
    ) -> (tokio::io::DuplexStream, HeadErrorStream<tokio::io::DuplexStream>) {
        let (client, server) = duplex(64 << 10);
        (client, HeadErrorStream::new(server, None, TIMEOUT, Arc::clone(tracker)))
    }

    async fn said(mut client: tokio::io::DuplexStream) -> String {
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test]
    async fn a_bare_answer_becomes_one_like_all_others_and_an_answer_of_a_route_stays() {
        let tracker = Arc::<RequestTracker>::default();
        let (client, mut server) = pair(&tracker);
        let request = tracker.begin();
        // A body may say the same, in pieces, and so may the end of one.
        server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        server.flush().await.unwrap();
        server.write_all(BARE).await.unwrap();
        drop(request);
        server.write_all(BARE).await.unwrap();
        server.flush().await.unwrap();
        server.write_all(BARE).await.unwrap();
        server.shutdown().await.unwrap();
        let said = said(client).await;
        let bare = String::from_utf8(BARE.to_vec()).unwrap();
        assert_eq!(said.matches(&bare).count(), 2, "{said}");
        assert!(said.contains("\"HEAD_TOO_LARGE\"") && said.contains("x-request-id: "), "{said}");
    }

    #[tokio::test]
    async fn what_a_connection_speaks_after_http_is_left_alone() {
        let tracker = Arc::<RequestTracker>::default();
        let (client, mut server) = pair(&tracker);
        std::mem::forget(tracker.begin());
        server.write_all(BARE).await.unwrap();
        server.shutdown().await.unwrap();
        assert_eq!(said(client).await.as_bytes(), BARE);
    }

    #[tokio::test]
    async fn half_a_head_is_answered_and_silence_is_not() {
        for (sent, status) in [("GET / HT", Some("HTTP/1.1 408 Request Timeout\r\n")), ("", None)] {
            let (mut client, mut server) = pair(&Arc::default());
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut head = Vec::new();
            server.read_to_end(&mut head).await.unwrap();
            assert_eq!(head, sent.as_bytes());
            drop(server);
            let said = said(client).await;
            match status {
                Some(status) => {
                    assert!(said.starts_with(status) && said.contains("\"REQUEST_TOO_SLOW\""), "{said}")
                }
                None => assert_eq!(said, ""),
            }
        }
    }
}
