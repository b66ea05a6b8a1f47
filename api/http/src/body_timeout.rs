//! Middleware that ends slow uploads: a body has to arrive at a minimum pace, since a
//! client that sends a byte now and then would hold its connection for ever.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use salvo::http::ReqBody;
use salvo::http::header::{CONNECTION, HeaderValue};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};
use tokio::time::{Instant, Sleep, sleep};
use untxt_settings::server::ClientTimeouts;

use crate::error::ApiError;

/// Bytes of a body that have to come, or its end, while it is waited for as long
/// as a client may take: half a kilobyte a second with the default.
const BYTES_MIN: usize = 16 << 10;

/// The middleware: a body that arrives too slowly is answered with 408, whatever the
/// route makes of the body that breaks off.
pub(crate) struct BodyTimeout(pub(crate) ClientTimeouts);

#[async_trait]
impl Handler for BodyTimeout {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        if req.body().is_end_stream() {
            ctrl.call_next(req, depot, res).await;
            return;
        }
        let (late, ended) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let body = TimedBody::new(req.take_body(), self.0.client, Arc::clone(&late), Arc::clone(&ended));
        req.replace_body(ReqBody::Boxed { inner: Box::pin(body), fuse_config: None });
        ctrl.call_next(req, depot, res).await;
        if late.load(Ordering::Relaxed) {
            drop(res.take_body());
            ApiError::too_slow(self.0.client).render(res);
        }
        if !ended.load(Ordering::Relaxed) {
            // What is left of the body stands where the next request would begin.
            res.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// A body that fails when its client is too slow. Time that the server takes between
/// two pieces does not count.
struct TimedBody<B> {
    inner: B,
    timeout: Duration,
    /// Bytes since `waited` began at nothing.
    bytes: usize,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    late: Arc<AtomicBool>,
    /// Whether all of it was read.
    ended: Arc<AtomicBool>,
}

impl<B> TimedBody<B> {
    fn new(inner: B, timeout: Duration, late: Arc<AtomicBool>, ended: Arc<AtomicBool>) -> Self {
        Self { inner, timeout, bytes: 0, waited: Duration::ZERO, waiting: None, late, ended }
    }

    /// Whether it has been waited for too long.
    fn is_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.timeout.saturating_sub(self.waited);
        let (_, over) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        over.as_mut().poll(context)
    }

    /// Takes `more` bytes into account.
    fn came(&mut self, more: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        self.bytes += more;
        if self.bytes >= BYTES_MIN {
            (self.bytes, self.waited) = (0, Duration::ZERO);
        }
    }
}

impl<B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin> Body for TimedBody<B> {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                self.came(bytes.map_or(0, Bytes::len));
                if frame.is_none() || self.inner.is_end_stream() {
                    self.ended.store(true, Ordering::Relaxed);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(self.is_late(context));
                self.late.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(Box::new(TooSlow))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The client was too slow.
#[derive(Debug)]
struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body arrived too slowly")
    }
}

impl Error for TooSlow {}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::time::interval;

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(500);

    /// Up to `pieces` of so many bytes, one every `pause`; how many came.
    async fn came(pieces: usize, bytes: usize, pause: Duration) -> usize {
        let frames = stream::unfold((0, interval(pause)), move |(number, mut pace)| async move {
            pace.tick().await;
            let frame = Frame::data(Bytes::from(vec![0; bytes]));
            (number < pieces).then_some((Ok::<_, Box<dyn Error + Send + Sync>>(frame), (number + 1, pace)))
        });
        let late = Arc::<AtomicBool>::default();
        let mut body =
            TimedBody::new(StreamBody::new(Box::pin(frames)), TIMEOUT, Arc::clone(&late), Arc::default());
        let mut came = 0;
        while let Some(Ok(_)) = body.frame().await {
            came += 1;
        }
        assert_eq!(late.load(Ordering::Relaxed), came < pieces);
        came
    }

    #[tokio::test]
    async fn a_byte_now_and_then_is_no_pace_and_a_slow_line_is() {
        let dripping = came(usize::MAX, 1, Duration::from_millis(2)).await;
        assert!(dripping < BYTES_MIN, "{dripping}");
        assert_eq!(came(3, 1, Duration::from_millis(2)).await, 3, "the end counts as much as bytes");
        let took_longer_than_the_timeout = came(100, BYTES_MIN, Duration::from_millis(6)).await;
        assert_eq!(took_longer_than_the_timeout, 100);
    }
}
