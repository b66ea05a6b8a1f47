//! A client of the WebSocket.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::home::PATIENCE;

/// An open socket that was greeted.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) greeting: Value,
}

impl Socket {
    pub(crate) async fn open(url: &str) -> Self {
        let (stream, _) = connect_async(url).await.unwrap();
        let mut socket = Self { stream, greeting: Value::Null };
        socket.greeting = socket.next().await;
        assert_eq!(socket.greeting["type"], "connected", "{}", socket.greeting);
        socket
    }

    /// The same, if the server has a place for it.
    pub(crate) async fn try_open(url: &str) -> Option<Self> {
        let (stream, _) = connect_async(url).await.ok()?;
        Some(Self { stream, greeting: Value::Null })
    }

    /// The status with which the server refuses.
    pub(crate) async fn refused(url: &str) -> u16 {
        match connect_async(url).await {
            Err(Error::Http(answer)) => answer.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    /// Sends unless the server has gone.
    pub(crate) async fn try_send(&mut self, message: &Value) -> bool {
        self.stream.send(Message::text(message.to_string())).await.is_ok()
    }

    /// The code with which the server ends it.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.expect("the socket stays silent");
            if let Message::Close(Some(frame)) = message.expect("it was closed without a word").unwrap() {
                return frame.code.into();
            }
        }
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.expect("the socket stays silent");
            match message.expect("the socket was closed").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Binary(_) | Message::Close(_) | Message::Frame(_)) => panic!("{other:?}"),
            }
        }
    }

    /// What is heard of `task` up to the first update that `is_last`.
    pub(crate) async fn until(&mut self, task: &str, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            let message = self.next().await;
            if message["type"] != "task_update" || message["data"]["taskId"] != task {
                continue;
            }
            heard.push(message);
            if heard.last().is_some_and(|last| is_last(&last["data"])) {
                return heard;
            }
        }
    }

    /// What is heard of `task` up to its end.
    pub(crate) async fn story_of(&mut self, task: &str) -> Vec<Value> {
        self.until(task, |data| {
            ["completed", "partial", "failed", "cancelled"].contains(&data["status"].as_str().unwrap())
        })
        .await
    }

    /// Status of `task` at its end.
    pub(crate) async fn end_of(&mut self, task: &str) -> String {
        let heard = self.story_of(task).await;
        heard.last().unwrap()["data"]["status"].as_str().unwrap().to_owned()
    }

    /// Asks for a sign of life: what was sent to this socket before it comes
    /// before it.
    pub(crate) async fn ping(&mut self) {
        self.send(&json!({"type": "ping"})).await;
    }
}
