//! A server that others post to: it keeps what came and answers as it was told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::home::PATIENCE;

/// One request.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) struct Receiver {
    address: SocketAddr,
    received: UnboundedReceiver<Received>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

/// An answer that never comes.
pub(crate) const SILENCE: &str = "";

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = unbounded_channel();
        let answers = Arc::<Mutex<VecDeque<&'static str>>>::default();
        let told = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), Arc::clone(&told)));
            }
        });
        Self { address, received, answers }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it answers next, each once: a status line without its version, and
    /// headers. Whatever comes after is taken with 204.
    pub(crate) fn will_answer(&self, answers: &[&'static str]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) async fn next(&mut self) -> Received {
        timeout(PATIENCE, self.received.recv()).await.expect("nothing came").unwrap()
    }

    /// What came that nobody asked for yet.
    pub(crate) fn nothing_came(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

async fn serve(
    stream: TcpStream,
    sender: UnboundedSender<Received>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(received) = read(&mut stream).await {
        let answer = answers.lock().unwrap().pop_front().unwrap_or("204 No Content");
        let _nobody_looks = sender.send(received);
        if answer == SILENCE {
            // Until the other side is gone.
            let _gone = stream.read_u8().await;
            return;
        }
        let head = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received { path, headers, body })
}
