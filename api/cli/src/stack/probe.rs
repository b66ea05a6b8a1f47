//! Whether a service does what it is for. Each answer is a word for a table:
//! `up`, or what is wrong.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use untxt_engine::id::WorkerName;
use untxt_engine::journal::WorkerRow;
use untxt_engine::time::Timestamp;
use untxt_stack::redis;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// The API says itself how it is.
pub(super) async fn api(address: &str) -> String {
    match timeout(PATIENCE, health(address)).await {
        Ok(Ok(word)) if word == "healthy" => "up".to_owned(),
        Ok(Ok(word)) => word,
        Ok(Err(error)) => format!("does not answer: {error}"),
        Err(_) => format!("does not answer within {PATIENCE:?}"),
    }
}

async fn health(address: &str) -> std::io::Result<String> {
    let host = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.find('{').zip(answer.rfind('}')).map(|(from, to)| &answer[from..=to]);
    let body: Value = serde_json::from_str(body.unwrap_or_default())?;
    Ok(body["data"]["status"].as_str().unwrap_or("says nothing about itself").to_owned())
}

/// A worker beats into the journal.
pub(super) fn worker(process: &str, rows: &[WorkerRow], now: Timestamp, lease: Duration) -> String {
    let its =
        |name: &WorkerName| name.as_str().strip_prefix(process).is_some_and(|rest| rest.starts_with('-'));
    match rows.iter().filter(|row| its(&row.name)).map(|row| now.since(row.heartbeat_at)).min() {
        Some(silence) if silence <= lease => "up".to_owned(),
        Some(silence) => format!("silent for {} s", silence.as_secs()),
        None => "is on no list of workers".to_owned(),
    }
}

/// Redis is asked for a sign of life.
pub(super) async fn redis(url: &str) -> String {
    let url = url.to_owned();
    match spawn_blocking(move || redis::ping(&url)).await {
        Ok(Ok(())) => "up".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}
