//! The WebSocket: what happens to a user's tasks, as it happens.

use std::sync::Arc;
use std::time::Duration;

use salvo::prelude::{Depot, Request, Response, handler};
use salvo::websocket::{Message, WebSocket, WebSocketUpgrade};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use untxt_engine::id::RunId;
use untxt_workflows::updates::{Narrator, TaskUpdate};
use uuid::Uuid;

use super::origin::same_origin;
use super::user;
use crate::doors::Doors;
use crate::error::ApiError;
use crate::views;

/// Bytes of a client's message.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

/// How long a client may take to take a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Close codes (RFC 6455, section 7.4.1, and the registry it founded).
const GOING_AWAY: u16 = 1001;
const TRY_AGAIN_LATER: u16 = 1013;

#[handler]
pub(crate) async fn socket(req: &mut Request, res: &mut Response, depot: &mut Depot) -> Result<(), ApiError> {
    let doors = Doors::of(depot)?.clone();
    let user = user(req)?;
    same_origin(req)?;
    // Before the upgrade is answered: what happens from here on is not missed.
    let updates = doors.feed.subscribe();
    WebSocketUpgrade::new()
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .upgrade(req, res, move |open| Connection { doors, user, socket: open }.serve(updates))
        .await
        .map_err(|error| ApiError::new(error.code, "NOT_A_WEBSOCKET", error.brief))
}

struct Connection {
    doors: Doors,
    user: Uuid,
    socket: WebSocket,
}

/// The other side is gone, or is to go.
struct Gone;

/// What a client may say.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said {
    Ping,
    #[serde(rename_all = "camelCase")]
    Subscribe {
        task_id: Uuid,
        #[serde(default)]
        after_seq: u64,
    },
}

impl Connection {
    async fn serve(mut self, mut updates: Receiver<Arc<TaskUpdate>>) {
        if self.send(&views::connected(self.user)).await.is_err() {
            return;
        }
        let ended = self.converse(&mut updates).await;
        if let Err(code) = ended {
            // Whoever reads too slowly may not read this either.
            drop(timeout(SEND_TIMEOUT, self.socket.send(Message::close_with(code, ""))).await);
        }
    }

    /// Until the client leaves (`Ok`) or is to leave, and why.
    async fn converse(&mut self, updates: &mut Receiver<Arc<TaskUpdate>>) -> Result<(), u16> {
        let shutdown = self.doors.shutdown.clone();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Err(GOING_AWAY),
                update = updates.recv() => match update {
                    Ok(update) if update.user == self.user => {
                        self.update(&update).await.map_err(|Gone| TRY_AGAIN_LATER)?;
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return Err(TRY_AGAIN_LATER),
                    Err(RecvError::Closed) => return Err(GOING_AWAY),
                },
                message = self.socket.recv() => match message {
                    Some(Ok(message)) if message.is_close() => return Ok(()),
                    Some(Ok(message)) => self.hear(&message).await.map_err(|Gone| TRY_AGAIN_LATER)?,
                    Some(Err(_)) | None => return Ok(()),
                },
            }
        }
    }

    async fn hear(&mut self, message: &Message) -> Result<(), Gone> {
        let Ok(text) = message.as_str() else { return Ok(()) };
        match serde_json::from_str(text) {
            Ok(Said::Ping) => self.send(&views::pong()).await,
            Ok(Said::Subscribe { task_id, after_seq }) => self.catch_up(task_id, after_seq).await,
            // What is not understood is not answered.
            Err(_) => Ok(()),
        }
    }

    /// Tells again what happened to a task of the user's after `after_seq`.
    async fn catch_up(&mut self, task: Uuid, after_seq: u64) -> Result<(), Gone> {
        let engine = self.doors.platform.engine().clone();
        let mut narrator = Narrator::default();
        let mut seq = 0;
        while let Ok(events) = engine.history(RunId(task), seq, 1_000).await {
            let Some(last) = events.last() else { break };
            seq = last.seq;
            for event in &events {
                match narrator.tell(&engine, event).await {
                    Ok(Some(update)) if update.user == self.user && update.seq > after_seq => {
                        self.update(&update).await?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn update(&mut self, update: &TaskUpdate) -> Result<(), Gone> {
        self.send(&views::task_update(update, Doors::steps())).await
    }

    async fn send(&mut self, message: &Value) -> Result<(), Gone> {
        match timeout(SEND_TIMEOUT, self.socket.send(Message::text(message.to_string()))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}
