//! A client and a server that know nothing of S3.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

/// Fetches a URL of this machine; `more` are header lines, each with its end.
pub(super) async fn get(url: &str, more: &str) -> Answer {
    let rest = url.strip_prefix("http://").expect("a plain URL");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut socket = TcpStream::connect(host).await.expect("a server");
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n");
    socket.write_all(request.as_bytes()).await.expect("a request that is taken");
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.expect("an answer");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an end of the head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    /// Method, path and query.
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) size_bytes: usize,
}

impl Recorded {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A server that writes down what it is asked and answers as it is told.
pub(super) struct Recorder {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Recorded>>>,
    /// Each request line, once the request has been read.
    arrivals: mpsc::UnboundedReceiver<String>,
}

impl Recorder {
    /// `answer` gives status and body for a request line.
    pub(super) async fn start(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let (requests, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let notebook = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (notebook, answer, arrived) =
                    (Arc::clone(&notebook), Arc::clone(&answer), arrived.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (notebook, answer, arrived) =
                        (Arc::clone(&notebook), Arc::clone(&answer), arrived.clone());
                    async move {
                        let recorded = record(request).await;
                        let (status, body) = answer(&recorded.line);
                        notebook.lock().expect("a notebook").push(recorded.clone());
                        // Nobody may be listening.
                        let _ = arrived.send(recorded.line);
                        let answer = Response::builder().status(status).header("etag", "\"e\"");
                        answer.body(s3s::Body::from(body))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        Self { url, requests, arrivals }
    }

    /// The next request line, once its request has been read. A request that
    /// never comes ends the test rather than the patience of whoever runs it.
    pub(super) async fn next_arrival(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(30), self.arrivals.recv());
        next.await.expect("a request within 30 seconds").expect("a server")
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().expect("a notebook").clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

async fn record(request: Request<hyper::body::Incoming>) -> Recorded {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().clone();
    let body = s3s::Body::from(request.into_body()).store_all_limited(64 << 20).await.expect("a whole body");
    Recorded { line, headers, size_bytes: body.len() }
}

/// What S3 answers to the beginning of an upload, and otherwise nothing.
pub(super) fn agreeable(line: &str) -> (u16, String) {
    let begun = "<InitiateMultipartUploadResult><Bucket>untxt</Bucket><Key>k</Key>\
                 <UploadId>the-upload</UploadId></InitiateMultipartUploadResult>";
    let completed = "<CompleteMultipartUploadResult><Bucket>untxt</Bucket><Key>k</Key>\
                     <ETag>e</ETag></CompleteMultipartUploadResult>";
    match line {
        line if line.contains("?uploads") => (200, begun.to_owned()),
        line if line.starts_with("POST") => (200, completed.to_owned()),
        line if line.starts_with("DELETE") => (204, String::new()),
        _ => (200, String::new()),
    }
}

/// An error as S3 writes it.
pub(super) fn error(status: u16, code: &str) -> (u16, String) {
    (status, format!("<Error><Code>{code}</Code><Message>as told</Message></Error>"))
}
