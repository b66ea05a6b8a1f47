//! Puts a running server under load, and says what it did with it:
//!
//! ```sh
//! load uploads BYTES COUNT AT_ONCE     PDFs of that size; each has to be taken
//! load status COUNT AT_ONCE            asks where a task stands
//! load sockets COUNT                   opens so many, and keeps them for 10 s
//! load updates COUNT                   uploads one by one, and measures how late updates come
//! ```
//!
//! `UNTXT_URL` names the server, by default `http://127.0.0.1:8080`, and
//! `UNTXT_UPLOADS_URL` another process for the uploads of `updates`. Many
//! sockets need as many open files here and there: `ulimit -n 20000`.

#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::{Stream, stream};
use reqwest::{Body, Client, multipart};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const SERVER: &str = "http://127.0.0.1:8080";
const USER: &str = "11111111-1111-1111-1111-111111111111";

/// How long sockets are kept.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// Bytes that are read at once from a socket; there are many.
const SOCKET_BYTES: usize = 1 << 10;

/// Bytes that are sent at once of a large file.
const PIECE_BYTES: usize = 64 << 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = std::env::var("UNTXT_URL").unwrap_or_else(|_| SERVER.to_owned());
    let server = server.trim_end_matches('/').to_owned();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| -> anyhow::Result<usize> {
        arguments
            .get(index)
            .context("see the top of this program for what it takes")?
            .parse()
            .context("no number")
    };
    match arguments.first().map(String::as_str) {
        Some("uploads") => uploads(server, number(1)?, number(2)?, number(3)?).await,
        Some("status") => status(server, number(1)?, number(2)?).await,
        Some("sockets") => sockets(&server, number(1)?).await,
        Some("updates") => updates(&server, number(1)?).await,
        _ => bail!("it takes uploads, status, sockets or updates; see the top of this program"),
    }
}

async fn uploads(server: String, bytes: usize, count: usize, at_once: usize) -> anyhow::Result<()> {
    let (head, tail) = pdf(bytes)?;
    let client = Client::new();
    all("uploads", count, at_once, move |number| {
        let body = Body::wrap_stream(pieces(&head, &tail, bytes));
        let file = multipart::Part::stream_with_length(body, bytes as u64).file_name("load.pdf");
        let user = format!("{:08}-1111-1111-1111-111111111111", number % 100);
        let form = multipart::Form::new().text("userId", user).part("file", file);
        let sent = client.post(format!("{server}/api/tasks")).multipart(form).send();
        async move {
            let answer = sent.await?;
            let status = answer.status();
            ensure!(status == 201, "{status}: {}", answer.text().await?);
            Ok(())
        }
    })
    .await
}

/// The file, a piece at a time: many of them at once are more than memory holds.
fn pieces(
    head: &[u8],
    tail: &[u8],
    bytes: usize,
) -> impl Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static {
    let padding = bytes - head.len() - tail.len();
    let between =
        (0..padding).step_by(PIECE_BYTES).map(move |from| vec![b'.'; PIECE_BYTES.min(padding - from)]);
    stream::iter([head.to_vec()].into_iter().chain(between).chain([tail.to_vec()]).map(Ok))
}

/// A PDF of a page, in two parts; what stands between them makes it `bytes`
/// long, and no page shows it.
fn pdf(bytes: usize) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 300 200]>>",
        "<</Type/Page/Parent 2 0 R>>",
    ];
    let (mut head, mut table) = ("%PDF-1.7\n".to_owned(), "xref\n0 4\n0000000000 65535 f \n".to_owned());
    for (number, object) in (1..).zip(objects) {
        table.push_str(&format!("{:010} 00000 n \n", head.len()));
        head.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    head.push('%');
    let tail = |at: usize| format!("\n{table}trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{at:012}\n%%EOF\n");
    let padding = bytes.saturating_sub(head.len() + tail(0).len());
    ensure!(padding > 0 || bytes == 0, "{bytes} bytes are too few");
    let at = head.len() + padding + 1;
    Ok((head.into_bytes(), tail(at).into_bytes()))
}

async fn status(server: String, count: usize, at_once: usize) -> anyhow::Result<()> {
    let (head, tail) = pdf(0)?;
    let file = multipart::Part::bytes([head, tail].concat()).file_name("load.pdf");
    let client = Client::new();
    let form = multipart::Form::new().text("userId", USER).part("file", file);
    let created: Value =
        client.post(format!("{server}/api/tasks")).multipart(form).send().await?.json().await?;
    let task = created["data"]["taskId"].as_str().context("the upload was not taken")?.to_owned();
    let url = format!("{server}/api/tasks/{task}/status");
    all("answers", count, at_once, move |_| {
        let sent = client.get(&url).send();
        async move {
            let answer = sent.await?;
            ensure!(answer.status() == 200, "{}", answer.status());
            answer.bytes().await?;
            Ok(())
        }
    })
    .await
}

/// Opens sockets of as many users, and looks whether each is greeted.
async fn sockets(server: &str, count: usize) -> anyhow::Result<()> {
    let host = server.strip_prefix("http://").context("it speaks no TLS")?;
    let began = Instant::now();
    let mut open = Vec::with_capacity(count);
    for number in 0..count {
        open.push(socket(host, &format!("{number:08}-2222-2222-2222-222222222222")).await?);
    }
    println!("{count} sockets are open after {:?}", began.elapsed());
    tokio::time::sleep(KEPT_FOR).await;
    drop(open);
    Ok(())
}

/// A WebSocket after its handshake.
async fn socket(host: &str, user: &str) -> anyhow::Result<BufReader<TcpStream>> {
    let mut socket = TcpStream::connect(host).await?;
    let request = format!(
        "GET /?userId={user} HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut socket = BufReader::with_capacity(SOCKET_BYTES, socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        ensure!(socket.read_line(&mut head).await? > 0, "the server closed the connection");
    }
    ensure!(head.starts_with("HTTP/1.1 101"), "{head}");
    Ok(socket)
}

/// The next message of text; a server's frames bear no mask and are not split.
async fn message(socket: &mut BufReader<TcpStream>) -> anyhow::Result<Value> {
    loop {
        let (kind, short) = (socket.read_u8().await? & 0x0f, socket.read_u8().await?);
        let length = if short == 126 { usize::from(socket.read_u16().await?) } else { usize::from(short) };
        let mut text = vec![0; length];
        socket.read_exact(&mut text).await?;
        if kind == 1 {
            return Ok(serde_json::from_slice(&text)?);
        }
    }
}

/// How long after its time each update is heard. The time is taken before the
/// commit, so the commit counts as well.
async fn updates(server: &str, count: usize) -> anyhow::Result<()> {
    let host = server.strip_prefix("http://").context("it speaks no TLS")?.to_owned();
    let uploads = std::env::var("UNTXT_UPLOADS_URL").unwrap_or_else(|_| server.to_owned());
    let mut socket = socket(&host, USER).await?;
    let (client, mut late) = (Client::new(), Vec::new());
    for _ in 0..count {
        let (head, tail) = pdf(0)?;
        let file = multipart::Part::bytes([head, tail].concat()).file_name("load.pdf");
        let form = multipart::Form::new().text("userId", USER).part("file", file);
        let answer = client.post(format!("{uploads}/api/tasks")).multipart(form).send().await?;
        ensure!(answer.status() == 201, "{}", answer.status());
        loop {
            let update = message(&mut socket).await?;
            let now = chrono::Utc::now();
            let at: chrono::DateTime<chrono::Utc> =
                update["timestamp"].as_str().context("no timestamp")?.parse().context("no time")?;
            if update["type"] == "task_update" {
                late.push((now - at).num_milliseconds());
            }
            if update["data"]["status"] == "completed" {
                break;
            }
        }
    }
    late.sort_unstable();
    let at = |part: usize| late[(late.len() * part / 100).min(late.len() - 1)];
    println!("{} updates, late by p50 {} ms, p99 {} ms", late.len(), at(50), at(99));
    Ok(())
}

/// Does it `count` times, `at_once` at once, and says how fast that went.
async fn all<F, R>(what: &str, count: usize, at_once: usize, one: F) -> anyhow::Result<()>
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = anyhow::Result<()>> + Send,
{
    let (one, next) = (Arc::new(one), Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..at_once {
        let (one, next) = (Arc::clone(&one), Arc::clone(&next));
        tasks.spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(took);
                }
                let began = Instant::now();
                one(number).await?;
                took.push(began.elapsed());
            }
        });
    }
    let mut took: Vec<Duration> = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        took.extend(ended??);
    }
    took.sort_unstable();
    let per_second = count as f64 / began.elapsed().as_secs_f64();
    let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)];
    println!("{count} {what}, {per_second:.0}/s, p50 {:?}, p99 {:?}", at(50), at(99));
    Ok(())
}
