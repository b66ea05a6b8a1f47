//! A server that does what a test wants: answers, stalls, breaks off.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What goes out.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole answer: status line's rest, headers, body.
    Whole(String, Vec<(&'static str, String)>, Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// The head of an answer, and then nothing, for ever.
    Stall,
    /// Half of an answer.
    Half,
    /// Bytes that are no HTTP.
    Noise,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::Whole("200 OK".to_owned(), Vec::new(), body.into())
    }

    pub(crate) fn status(line: &str) -> Self {
        Self::Whole(line.to_owned(), Vec::new(), b"no".to_vec())
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers the request with that number, from 0, as `reply` says.
    pub(crate) async fn start(reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it has one");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let heard = Arc::clone(&asked);
        let reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, reply) = (Arc::clone(&heard), Arc::clone(&reply));
                tokio::spawn(async move { serve(stream, &heard, &*reply).await });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    heard: &Mutex<Vec<Asked>>,
    reply: &(dyn Fn(usize, &Asked) -> Reply + Send + Sync),
) {
    let Some(asked) = read(&mut stream).await else { return };
    let number = {
        let mut heard = heard.lock().expect("nobody panicked");
        heard.push(asked.clone());
        heard.len() - 1
    };
    let bytes = match reply(number, &asked) {
        Reply::Whole(status, headers, body) => {
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
            [head.as_bytes(), &body].concat()
        }
        Reply::Silence => std::future::pending().await,
        Reply::Stall => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx").await;
            std::future::pending().await
        }
        Reply::Half => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx".to_vec(),
        Reply::Noise => b"\0\x01\x02 what?\r\n\r\n".to_vec(),
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked { head, body: bytes[end..end + length].to_vec() })
}
