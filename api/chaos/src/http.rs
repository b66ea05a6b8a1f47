//! As much of an HTTP client as uploading takes: a connection a request, so
//! that what happens to one says nothing about the next.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::documents::Document;

/// After this a client gives up on a request and sends it again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between the parts of a form; no document has it in it.
const BOUNDARY: &str = "untxt-campaign-5f0c2f8e";

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The task's id, in the answer to an upload.
    pub(crate) fn task(&self) -> Option<Uuid> {
        self.body["data"]["taskId"].as_str()?.parse().ok()
    }
}

/// Uploads `document`. An error says only that no answer came: what was asked
/// for may have happened.
pub(crate) async fn upload(to: SocketAddr, document: &Document) -> Result<Answer, String> {
    let mut request = Request::post("/api/tasks")
        .header("host", to.to_string())
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    if let Some(key) = &document.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(Full::new(form(document))).map_err(|error| error.to_string())?;
    ask(to, request).await
}

/// `GET path`.
pub(crate) async fn get(to: SocketAddr, path: &str) -> Result<Answer, String> {
    let request = Request::get(path).header("host", to.to_string()).body(Full::default());
    ask(to, request.map_err(|error| error.to_string())?).await
}

async fn ask(to: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, String> {
    match tokio::time::timeout(PATIENCE, converse(to, request)).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

async fn converse(
    to: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let socket = TcpStream::connect(to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    // It ends with the sender.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await?.to_bytes();
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

fn form(document: &Document) -> Bytes {
    let mut form = Vec::with_capacity(document.bytes.len() + 1024);
    for (name, value) in &document.fields {
        let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        form.extend([head.as_bytes(), value.as_bytes(), b"\r\n"].concat());
    }
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
         content-type: application/octet-stream\r\n\r\n",
        document.name
    );
    form.extend(head.as_bytes());
    form.extend(&document.bytes);
    form.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form.into()
}
