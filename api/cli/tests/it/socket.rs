//! A client of the WebSocket.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderName;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::home::PATIENCE;

/// An open socket that was greeted.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) greeting: Value,
}

impl Socket {
    /// Presents `token` in a header, if there is one. The status when it is
    /// refused.
    pub(crate) async fn open(url: &str, token: Option<&str>) -> Result<Self, u16> {
        let mut socket = Self::connect(url, token).await?;
        socket.greet().await;
        Ok(socket)
    }

    /// The same, but nobody has greeted yet.
    pub(crate) async fn connect(url: &str, token: Option<&str>) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        Self::requested(request).await
    }

    /// As a page of `origin` opens it.
    pub(crate) async fn of_page(url: &str, origin: &str) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let mut socket = Self::requested(request).await?;
        socket.greet().await;
        Ok(socket)
    }

    /// With these headers; nobody has greeted yet.
    pub(crate) async fn with(url: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        Self::requested(request).await
    }

    async fn requested(request: Request) -> Result<Self, u16> {
        let url = request.uri().clone();
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream, greeting: Value::Null }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    /// Waits for the greeting.
    pub(crate) async fn greet(&mut self) {
        self.greeting = self.next().await;
        assert_eq!(self.greeting["type"], "connected", "{}", self.greeting);
    }

    /// Code and reason with which the server closes it, whatever it says before.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.expect("the socket stays open");
            if let Message::Close(frame) = message.expect("the socket ended without a code").unwrap() {
                let frame = frame.expect("it was closed without a code");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    /// Sends unless the server has gone.
    pub(crate) async fn try_send(&mut self, message: &Value) -> bool {
        self.stream.send(Message::text(message.to_string())).await.is_ok()
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        self.next_or_code().await.unwrap_or_else(|code| panic!("the socket was closed with {code}"))
    }

    /// The next message, or the code with which the server closes the socket.
    /// Pings are no messages: a server that has nothing to say is not waited for.
    pub(crate) async fn next_or_code(&mut self) -> Result<Value, u16> {
        timeout(PATIENCE, self.said()).await.expect("the socket stays silent")
    }

    async fn said(&mut self) -> Result<Value, u16> {
        loop {
            let message = self.stream.next().await.expect("the socket ended without a code");
            match message.unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => return Err(frame.expect("closed without a code").code.into()),
                Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Binary(_) | Message::Frame(_)) => panic!("{other:?}"),
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
