//! A web server that documents are fetched from.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::home::PATIENCE;

/// What it answers at a path.
#[derive(Clone)]
pub(crate) enum Page {
    /// A document.
    Document(Vec<u8>),
    /// A status line without its version, and headers.
    Status(String),
    /// A document that begins and never ends: as many bytes come as are read.
    Endless(Vec<u8>),
    /// A document that begins; then nothing comes any more.
    Stalling(Vec<u8>),
}

pub(crate) struct DocumentServer {
    address: SocketAddr,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    asked: UnboundedReceiver<String>,
}

impl DocumentServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Arc::<Mutex<HashMap<String, Page>>>::default();
        let (ask, asked) = unbounded_channel();
        let served = Arc::clone(&pages);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever hangs up in the middle is not answered any further.
                let (served, ask) = (Arc::clone(&served), ask.clone());
                tokio::spawn(async move { drop(serve(stream, &served, &ask).await) });
            }
        });
        Self { address, pages, asked }
    }

    /// What is answered at a path from now on.
    pub(crate) fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    pub(crate) fn redirect(&self, path: &str, location: &str) {
        self.put(path, Page::Status(format!("302 Found\r\nlocation: {location}")));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The path that is asked for next.
    pub(crate) async fn next(&mut self) -> String {
        timeout(PATIENCE, self.asked.recv()).await.expect("nobody asked").unwrap()
    }

    /// Whether nobody asked for anything that no test has seen.
    pub(crate) fn nobody_asked(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }
}

async fn serve(
    stream: TcpStream,
    pages: &Mutex<HashMap<String, Page>>,
    ask: &UnboundedSender<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut line) = (String::new(), String::new());
    stream.read_line(&mut first).await?;
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = pages.lock().unwrap().get(&path).cloned();
    let _nobody_looks = ask.send(path);
    let head =
        |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let status =
        |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    match page {
        None => stream.write_all(status("404 Not Found").as_bytes()).await?,
        Some(Page::Status(line)) => stream.write_all(status(&line).as_bytes()).await?,
        Some(Page::Document(bytes)) => {
            stream.write_all(head(bytes.len()).as_bytes()).await?;
            stream.write_all(&bytes).await?;
        }
        Some(Page::Endless(bytes)) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
            loop {
                stream.write_all(&bytes).await?;
            }
        }
        Some(Page::Stalling(bytes)) => {
            stream.write_all(head(bytes.len() + 1).as_bytes()).await?;
            stream.write_all(&bytes).await?;
            // Until the other side is gone.
            stream.read_u8().await?;
        }
    }
    stream.shutdown().await
}
