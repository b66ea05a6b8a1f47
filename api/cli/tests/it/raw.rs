//! A client that keeps to no manners: it sends byte by byte, does not read, and
//! answers no ping.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Duration, interval, timeout};

use crate::home::PATIENCE;

/// Between two bytes of one that drips: far less than any pause that is cut off.
const DRIP_EVERY: Duration = Duration::from_millis(5);

/// Bytes that the kernel takes in for one who does not read; it doubles them.
const NARROW: u32 = 2_048;

/// A connection.
pub(crate) struct Raw {
    stream: TcpStream,
}

/// What a server says on a socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Ping,
    Pong(Vec<u8>),
    Closed(u16),
}

impl Raw {
    /// Connects to the server at `base`; what nobody reads fills up soon.
    pub(crate) async fn connect(base: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(NARROW).unwrap();
        let address = base.strip_prefix("http://").unwrap().parse().unwrap();
        Self { stream: socket.connect(address).await.unwrap() }
    }

    /// Opens a WebSocket at `path`; nothing is read but the answer's head.
    pub(crate) async fn socket(base: &str, path: &str) -> Self {
        let mut raw = Self::connect(base).await;
        raw.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ))
        .await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(raw.stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        raw
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends `bytes` more of a body without listening, as proxies do, and closes;
    /// what was said by then. A connection that is reset loses it.
    pub(crate) async fn unheeding(mut self, bytes: usize) -> String {
        let piece = vec![b'x'; 64 << 10];
        for _ in 0..bytes.div_ceil(piece.len()) {
            self.stream.write_all(&piece).await.expect("the server hung up on what was sent");
        }
        self.said().await
    }

    /// What is said until the connection ends.
    pub(crate) async fn said(mut self) -> String {
        let mut said = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut said)).await.expect("nobody hangs up");
        read.expect("the connection was reset");
        String::from_utf8(said).unwrap()
    }

    /// Sends byte after byte for as long as the server listens; what it said
    /// before it hung up.
    pub(crate) async fn drip(self) -> String {
        let (mut read, mut write) = self.stream.into_split();
        let dripping = tokio::spawn(async move {
            let mut pace = interval(DRIP_EVERY);
            while write.write_all(b"x").await.is_ok() {
                pace.tick().await;
            }
        });
        let mut said = Vec::new();
        // That it is reset is as good as that it ends.
        let _reset = timeout(PATIENCE, read.read_to_end(&mut said)).await.expect("nobody hangs up");
        dripping.abort();
        String::from_utf8(said).unwrap()
    }

    /// Sends a message of less than 126 bytes on a socket, masked with zeros (RFC
    /// 6455, section 5).
    pub(crate) async fn say(&mut self, message: &Value) {
        let text = message.to_string();
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).unwrap();
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
        self.stream.write_all(&frame).await.unwrap();
    }

    /// Sends a frame whose first byte is `first` (whether it is the last one of a
    /// message, and of which kind), masked with zeros. Whether the server took it.
    pub(crate) async fn send_frame(&mut self, first: u8, payload: &[u8]) -> bool {
        let length = u64::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&[first, 0x80 | 127], &length[..], &[0, 0, 0, 0]].concat();
        self.stream.write_all(&head).await.is_ok() && self.stream.write_all(payload).await.is_ok()
    }

    /// Sends the head of a frame and nothing of what it announces.
    pub(crate) async fn announce(&mut self, first: u8, bytes: u64) {
        let head = [&[first, 0x80 | 127], &bytes.to_be_bytes()[..], &[0, 0, 0, 0]].concat();
        self.stream.write_all(&head).await.unwrap();
    }

    /// The next of what the server says on a socket.
    pub(crate) async fn frame(&mut self) -> Frame {
        timeout(PATIENCE, self.read_frame()).await.expect("the server stays silent")
    }

    async fn read_frame(&mut self) -> Frame {
        let stream = &mut self.stream;
        let kind = stream.read_u8().await.unwrap() & 0x0f;
        let length = match stream.read_u8().await.unwrap() {
            126 => u64::from(stream.read_u16().await.unwrap()),
            127 => stream.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.unwrap();
        match kind {
            1 => Frame::Text(String::from_utf8(payload).unwrap()),
            8 => Frame::Closed(u16::from_be_bytes([payload[0], payload[1]])),
            9 => Frame::Ping,
            10 => Frame::Pong(payload),
            other => panic!("a frame of kind {other}"),
        }
    }

    /// Reads to the end of a socket: how often it was pinged, and the code that it
    /// was closed with.
    pub(crate) async fn closed(&mut self) -> (usize, u16) {
        let mut pings = 0;
        loop {
            match self.frame().await {
                Frame::Closed(code) => return (pings, code),
                Frame::Ping => pings += 1,
                Frame::Text(_) | Frame::Pong(_) => {}
            }
        }
    }
}
