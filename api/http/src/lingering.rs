//! How connections end. Whoever is refused early is still sending: a connection
//! that is dropped with something unread is reset, and a client or proxy never
//! sees the answer (RFC 9112, section 9.6). So it is half closed, and what still
//! comes is read and thrown away, for a while.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may go on sending in all: what nginx grants by default.
const LINGER_MAX: Duration = Duration::from_secs(30);

/// How long it may send nothing. Who has read the answer closes at once.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Bytes that are read at once, only to be thrown away.
const PIECE_BYTES: usize = 8 << 10;

/// A connection that is read on after its end was sent.
pub(crate) struct LingeringStream<S> {
    inner: S,
    bytes_left: u64,
    end: End,
}

enum End {
    /// It has not come.
    Open,
    /// It was sent; the client sends on, until one of these is over.
    Lingers {
        over: Pin<Box<Sleep>>,
        silence: Pin<Box<Sleep>>,
    },
    Over,
}

impl<S> LingeringStream<S> {
    /// So many bytes are read after the last answer: an upload may be on its way.
    pub(crate) fn new(inner: S, bytes_max: u64) -> Self {
        Self { inner, bytes_left: bytes_max, end: End::Open }
    }
}

impl<S: AsyncRead + Unpin> LingeringStream<S> {
    /// Until the client has closed too, or a bound is reached.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let End::Lingers { over, silence } = &mut self.end else { return Poll::Ready(()) };
        let mut piece = [0; PIECE_BYTES];
        while self.bytes_left > 0 && over.as_mut().poll(context).is_pending() {
            let mut piece = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.inner).poll_read(context, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    self.bytes_left = self.bytes_left.saturating_sub(piece.filled().len() as u64);
                    *silence = Box::pin(sleep(SILENCE_MAX));
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(silence.as_mut().poll(context));
                    break;
                }
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LingeringStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        piece: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, piece)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LingeringStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.end, End::Open) {
            ready!(Pin::new(&mut self.inner).poll_shutdown(context))?;
            let (over, silence) = (Box::pin(sleep(LINGER_MAX)), Box::pin(sleep(SILENCE_MAX)));
            self.end = End::Lingers { over, silence };
        }
        ready!(self.poll_linger(context));
        self.end = End::Over;
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// How many bytes are taken of a client that sends `sent` after the answer and
    /// keeps its side open.
    async fn taken(sent: usize, bytes_max: u64) -> usize {
        let (mut client, server) = duplex(1 << 10);
        let closing = tokio::spawn(async move {
            let mut server = LingeringStream::new(server, bytes_max);
            server.write_all(b"answer").await.unwrap();
            server.shutdown().await.unwrap();
        });
        let mut taken = 0;
        while taken < sent && client.write_all(&[0; 512]).await.is_ok() {
            taken += 512;
        }
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        closing.await.unwrap();
        taken
    }

    #[tokio::test]
    async fn what_still_comes_is_read_up_to_a_bound_and_silence_ends_it() {
        assert_eq!(taken(64 << 10, 1 << 20).await, 64 << 10);
        let taken = taken(1 << 20, 64 << 10).await;
        assert!((64 << 10..80 << 10).contains(&taken), "{taken}");
    }
}
