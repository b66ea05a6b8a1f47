//! A proxy that makes the network before a server bad: bytes go through it, until a
//! fault is set or a message is cut off. For tests.

mod messages;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use messages::Cut;
use messages::Messages;

/// One read from a socket.
const READ_BYTES: usize = 16 << 10;

/// No client of ours sends a longer head.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What S3 says to those who ask too much.
const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// Bytes go through.
    None,
    /// Nobody listens; open connections are reset.
    Refuse,
    /// Connections are taken and reset, open ones too.
    Reset,
    /// Connections are taken and stay open, but no byte moves.
    Stall,
    /// Each request is answered with 503 `SlowDown` (HTTP only); open
    /// connections are reset.
    SlowDown,
}

/// A proxy that is running. It stops, and cuts its connections, when this is
/// dropped.
#[derive(Debug)]
pub struct FaultyProxy {
    address: SocketAddr,
    fault: watch::Sender<NetworkFault>,
    messages: Option<Messages>,
    serving: JoinHandle<()>,
}

impl FaultyProxy {
    /// Passes on to `target` whatever comes to a free loopback port. Must be called
    /// within a Tokio runtime.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        Self::start_with(target, None).await
    }

    /// The same before a PostgreSQL, whose clients have to connect unencrypted: a
    /// connection can be cut at a chosen message.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn before_postgres(target: SocketAddr) -> io::Result<Self> {
        Self::start_with(target, Some(Messages::default())).await
    }

    async fn start_with(target: SocketAddr, messages: Option<Messages>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (fault, changes) = watch::channel(NetworkFault::None);
        let serving = tokio::spawn(serve(listener, target, changes, messages.clone()));
        Ok(Self { address, fault, messages, serving })
    }

    /// Where clients go.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds for all connections from now on.
    pub fn set(&self, fault: NetworkFault) {
        self.fault.send_replace(fault);
    }

    /// Cuts the connection that sends the `message`th message from now, counted from 1
    /// over all connections. Only [before PostgreSQL](Self::before_postgres).
    pub fn cut_at(&self, message: u64, cut: Cut) {
        self.messages.iter().for_each(|messages| messages.cut_at(message, cut));
    }

    /// Takes that back; whether a connection was cut.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.messages.as_ref().is_some_and(Messages::was_cut)
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    mut listener: TcpListener,
    target: SocketAddr,
    mut fault: watch::Receiver<NetworkFault>,
    messages: Option<Messages>,
) {
    let Ok(address) = listener.local_addr() else { return };
    loop {
        if *fault.borrow_and_update() == NetworkFault::Refuse {
            // Only a closed socket refuses.
            drop(listener);
            if fault.wait_for(|fault| *fault != NetworkFault::Refuse).await.is_err() {
                return;
            }
            let Ok(again) = TcpListener::bind(address).await else { return };
            listener = again;
            continue;
        }
        tokio::select! {
            changed = fault.changed() => if changed.is_err() { return },
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(converse(client, target, fault.clone(), messages.clone()));
                }
            }
        }
    }
}

async fn converse(
    mut client: TcpStream,
    target: SocketAddr,
    mut fault: watch::Receiver<NetworkFault>,
    messages: Option<Messages>,
) {
    let now = *fault.borrow_and_update();
    match now {
        NetworkFault::Refuse | NetworkFault::Reset => return reset(&client),
        NetworkFault::SlowDown => return drop(slow_down(&mut client).await),
        NetworkFault::None | NetworkFault::Stall => {}
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return reset(&client) };
    let must_reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both_ways = async {
            match &messages {
                Some(messages) => {
                    // One that was cut off ends in an orderly way: the server still does
                    // what it has been sent.
                    let _cut =
                        messages.pass_on((from_client, to_server), (from_server, to_client), &fault).await;
                    false
                }
                None => {
                    let there = pour(from_client, to_server, fault.clone());
                    let back = pour(from_server, to_client, fault.clone());
                    tokio::try_join!(there, back).is_err()
                }
            }
        };
        let mut changes = fault.clone();
        tokio::select! {
            must_reset = both_ways => must_reset,
            _ = changes.wait_for(|fault| !matches!(fault, NetworkFault::None | NetworkFault::Stall)) => true,
        }
    };
    if must_reset {
        reset(&client);
        reset(&server);
    }
}

/// Makes the end of the connection, when it is dropped, a reset.
fn reset(socket: &TcpStream) {
    // One that is closed already needs none.
    drop(socket.set_zero_linger());
}

async fn pour(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut fault: watch::Receiver<NetworkFault>,
) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        while_stalled(&mut fault).await;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

/// Waits until bytes move again.
async fn while_stalled(fault: &mut watch::Receiver<NetworkFault>) {
    // A proxy that is gone stalls nobody.
    drop(fault.wait_for(|fault| *fault != NetworkFault::Stall).await);
}

/// Reads one request to its end and answers it.
async fn slow_down(client: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    let body_at = loop {
        if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if head.len() > HEAD_BYTES_MAX || client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    };
    let body_bytes = content_length(&head[..body_at]);
    let missing = body_bytes.saturating_sub((head.len() - body_at) as u64);
    tokio::io::copy(&mut (&mut *client).take(missing), &mut tokio::io::sink()).await?;
    let answer = format!(
        "HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{SLOW_DOWN}",
        SLOW_DOWN.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

fn content_length(head: &[u8]) -> u64 {
    let head = String::from_utf8_lossy(head);
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().to_owned())
    });
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A server that answers each byte with itself.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = socket.split();
                    let _ended = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn ask(socket: &mut TcpStream) -> io::Result<u8> {
        socket.write_all(b"x").await?;
        socket.read_u8().await
    }

    #[tokio::test]
    async fn a_fault_cuts_what_is_open_and_its_end_lets_bytes_through_again() {
        let proxy = FaultyProxy::start(echo().await).await.unwrap();
        for bad in [NetworkFault::Reset, NetworkFault::SlowDown, NetworkFault::Refuse] {
            let mut open = TcpStream::connect(proxy.address()).await.unwrap();
            assert_eq!(ask(&mut open).await.unwrap(), b'x');
            proxy.set(bad);
            assert!(open.read_u8().await.is_err(), "{bad:?} left a connection open");
            proxy.set(NetworkFault::None);
        }
    }

    #[tokio::test]
    async fn what_is_stalled_arrives_when_the_stall_ends() {
        let proxy = FaultyProxy::start(echo().await).await.unwrap();
        let mut open = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.set(NetworkFault::Stall);
        open.write_all(b"x").await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), open.read_u8()).await.is_err());
        proxy.set(NetworkFault::None);
        assert_eq!(open.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_request_is_told_to_slow_down() {
        let proxy = FaultyProxy::start(echo().await).await.unwrap();
        proxy.set(NetworkFault::SlowDown);
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        socket.write_all(b"PUT /k HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("<Code>SlowDown</Code>"), "{answer}");
    }
}
