//! A stretch of network before a PostgreSQL that falls silent, or breaks at a
//! chosen message of a client's.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Weather {
    /// Bytes go through.
    Fair,
    /// Connections are taken and stay open, but no byte moves.
    Stall,
    /// All connections are cut.
    Reset,
}

/// Where a message is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Cut {
    /// On its way: the server never reads it.
    There,
    /// Its answer, on the way back: the server has done what it says.
    Back,
}

/// Serves until it is dropped.
pub(in crate::journal) struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    fuse: Arc<Fuse>,
    serving: JoinHandle<()>,
}

/// Counts down the messages of all clients, and blows at the last.
#[derive(Default)]
struct Fuse {
    /// Messages until the cut, 0 when none is wanted; the lowest bit says which.
    left: AtomicU64,
}

impl Fuse {
    fn count(&self) -> Option<Cut> {
        let before =
            self.left.try_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(2)).ok()?;
        match before {
            2 => Some(Cut::There),
            3 => {
                self.left.store(0, Ordering::Release);
                Some(Cut::Back)
            }
            _ => None,
        }
    }
}

impl Proxy {
    /// Passes on to the server at `url`.
    pub(in crate::journal) async fn before(url: &str) -> Self {
        let options: PgConnectOptions = url.parse().unwrap();
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, options.get_port()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, changes) = watch::channel(Weather::Fair);
        let fuse = Arc::new(Fuse::default());
        let serving = tokio::spawn(serve(listener, target, changes, Arc::clone(&fuse)));
        Self { address, weather, fuse, serving }
    }

    /// `url`, but through here, unencrypted so that messages can be counted.
    pub(in crate::journal) fn url(&self, url: &str) -> String {
        let options: PgConnectOptions = url.parse().unwrap();
        let direct = format!("127.0.0.1:{}", options.get_port());
        format!("{}?sslmode=disable", url.replace(&direct, &self.address.to_string()))
    }

    pub(in crate::journal) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Cuts the connection that sends the `message`th message from now, counted
    /// from 1.
    pub(in crate::journal) fn cut_at(&self, message: u64, cut: Cut) {
        self.fuse.left.store(2 * message + u64::from(cut == Cut::Back), Ordering::Release);
    }

    /// Takes that back; whether it had come so far.
    pub(in crate::journal) fn was_cut(&self) -> bool {
        self.fuse.left.swap(0, Ordering::AcqRel) == 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    listener: TcpListener,
    target: SocketAddr,
    weather: watch::Receiver<Weather>,
    fuse: Arc<Fuse>,
) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(converse(client, target, weather.clone(), Arc::clone(&fuse)));
    }
}

async fn converse(
    mut client: TcpStream,
    target: SocketAddr,
    mut weather: watch::Receiver<Weather>,
    fuse: Arc<Fuse>,
) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    // The answer to the last message is not waited for here: the server has read
    // it when its connection ends, and does what it says.
    let (lost, loss) = watch::channel(false);
    let there = messages(from_client, to_server, weather.clone(), &fuse, lost);
    let back = answers(from_server, to_client, weather.clone(), loss);
    tokio::select! {
        _ = async { tokio::try_join!(there, back) } => {}
        _ = weather.wait_for(|weather| *weather == Weather::Reset) => {}
    }
}

/// Passes on what a client sends, message by message.
async fn messages(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
    fuse: &Fuse,
    lost: watch::Sender<bool>,
) -> io::Result<()> {
    let mut first = true;
    loop {
        let message = message(&mut from, first).await?;
        drop(weather.wait_for(|weather| *weather != Weather::Stall).await);
        match if first { None } else { fuse.count() } {
            Some(Cut::There) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Cut::Back) => drop(lost.send(true)),
            None => {}
        }
        to.write_all(&message).await?;
        first = false;
    }
}

/// A message with its head; the first of a connection has no type.
async fn message(from: &mut ReadHalf<'_>, first: bool) -> io::Result<Vec<u8>> {
    let mut message = if first { Vec::new() } else { vec![from.read_u8().await?] };
    let length = from.read_u32().await?;
    message.extend(length.to_be_bytes());
    let head = message.len();
    message.resize(head + length as usize - 4, 0);
    from.read_exact(&mut message[head..]).await?;
    Ok(message)
}

/// Passes on what the server says, until an answer is to be lost.
async fn answers(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
    loss: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        drop(weather.wait_for(|weather| *weather != Weather::Stall).await);
        if read == 0 || *loss.borrow() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        to.write_all(&buffer[..read]).await?;
    }
}
