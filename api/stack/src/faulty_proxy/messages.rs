//! Messages that clients send to a PostgreSQL, passed on one by one, until one is
//! lost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::{NetworkFault, READ_BYTES, while_stalled};

/// Where a message is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// On its way: the server never reads it.
    Request,
    /// Its answer, on the way back: the server has done what it says.
    Response,
}

/// Counts down the messages of all clients to the one that is lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    /// Twice the messages until the cut, and one more for [`Cut::Response`]; 0 when no
    /// cut is wanted.
    left: Arc<AtomicU64>,
}

impl Messages {
    pub(super) fn cut_at(&self, message: u64, cut: Cut) {
        self.left.store(2 * message + u64::from(cut == Cut::Response), Ordering::Release);
    }

    pub(super) fn was_cut(&self) -> bool {
        self.left.swap(0, Ordering::AcqRel) == 0
    }

    fn count(&self) -> Option<Cut> {
        let before =
            self.left.try_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(2)).ok()?;
        match before {
            2 => Some(Cut::Request),
            3 => {
                self.left.store(0, Ordering::Release);
                Some(Cut::Response)
            }
            _ => None,
        }
    }

    /// Passes on what a client and its server send each other.
    pub(super) async fn pass_on(
        &self,
        (from_client, to_server): (ReadHalf<'_>, WriteHalf<'_>),
        (from_server, to_client): (ReadHalf<'_>, WriteHalf<'_>),
        fault: &watch::Receiver<NetworkFault>,
    ) -> io::Result<()> {
        // The answer to the last message is not waited for here: the server has read
        // it when its connection ends, and does what it says.
        let (lost, loss) = watch::channel(false);
        let there = self.requests(from_client, to_server, fault.clone(), lost);
        let back = responses(from_server, to_client, fault.clone(), loss);
        tokio::try_join!(there, back).map(|((), ())| ())
    }

    async fn requests(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mut fault: watch::Receiver<NetworkFault>,
        lost: watch::Sender<bool>,
    ) -> io::Result<()> {
        let mut first = true;
        loop {
            let message = message(&mut from, first).await?;
            while_stalled(&mut fault).await;
            match if first { None } else { self.count() } {
                Some(Cut::Request) => return Err(io::ErrorKind::ConnectionReset.into()),
                Some(Cut::Response) => drop(lost.send(true)),
                None => {}
            }
            to.write_all(&message).await?;
            first = false;
        }
    }
}

/// A message with its head; the first of a connection has no type.
async fn message(from: &mut ReadHalf<'_>, first: bool) -> io::Result<Vec<u8>> {
    let mut message = if first { Vec::new() } else { vec![from.read_u8().await?] };
    let length = from.read_u32().await?;
    message.extend(length.to_be_bytes());
    let head = message.len();
    let body_bytes = (length as usize).checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
    message.resize(head + body_bytes, 0);
    from.read_exact(&mut message[head..]).await?;
    Ok(message)
}

/// Passes on what the server says, until an answer is to be lost.
async fn responses(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut fault: watch::Receiver<NetworkFault>,
    loss: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        while_stalled(&mut fault).await;
        if read == 0 || *loss.borrow() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        to.write_all(&buffer[..read]).await?;
    }
}
