//! The WebSocket: what happens to a user's tasks, as it happens.

mod introduction;
mod said;
mod told;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use salvo::http::StatusCode;
use salvo::prelude::{Depot, Request, Response, handler};
use salvo::websocket::{Message, WebSocket, WebSocketUpgrade};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::{Instrument, Span};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_workflows::updates::{Narrator, TaskUpdate};
use uuid::Uuid;

use self::introduction::{Listener, introduce};
use self::said::{Pace, Said};
use self::told::Told;
use super::asked_user;
use super::origin::same_origin;
use crate::auth::caller::Caller;
use crate::doors::Doors;
use crate::error::ApiError;
use crate::json;
use crate::patience::Patience;
use crate::site::Seen;
use crate::views;
use crate::vitals::meter;

/// Bytes of a client's message: about 1,200 tasks to resume.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Bytes that are read and written at once. Thousands of sockets are idle, and
/// messages are some hundred bytes.
const BUFFER_BYTES: usize = 4 << 10;

/// How long a client that was told to leave may take.
const LEAVES_WITHIN: Duration = Duration::from_secs(2);

/// How long a client that wants to resume may take to say from where.
const RESUME_WITHIN: Duration = Duration::from_secs(10);

/// Tasks of one user that are looked through for one `resume`.
const RESUMED_MAX: u64 = 10_000;

/// Close codes (RFC 6455, section 7.4.1, and the registry it founded).
const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const NOT_ALIVE: u16 = 1011;
const TRY_AGAIN_LATER: u16 = 1013;
/// The same as the statuses of HTTP, among the codes for private use.
const UNAUTHENTICATED: u16 = 4401;
const FORBIDDEN: u16 = 4403;

#[handler]
pub(crate) async fn socket(req: &mut Request, res: &mut Response, depot: &mut Depot) -> Result<(), ApiError> {
    let doors = Doors::of(depot)?.clone();
    let (asked, from) = (asked_user(req)?, Seen::of(req)?.client);
    same_origin(req)?;
    let resumes = match req.query::<String>("resume").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::field("resume", "it is `true` or `false`")),
    };
    // Before the upgrade is answered: what happens from here on is not missed.
    let known = match Caller::of(depot) {
        Ok(caller) => Some(Listener::new(&doors, caller, asked)?),
        Err(_) => None,
    };
    let span = Span::current();
    WebSocketUpgrade::with_config(config())
        .upgrade(req, res, move |mut open| {
            let conversation = async move {
                let listener = match known {
                    Some(listener) => Some(listener),
                    None => introduce(&mut open, &doors, from, asked).await,
                };
                if let Some(listener) = listener {
                    Connection::new(doors, listener.user, open, resumes).serve(listener).await;
                }
            };
            // It goes on in a task of its own, and is logged under the request's id.
            conversation.instrument(span)
        })
        .await
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "NOT_A_WEBSOCKET", error.brief))
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

struct Connection {
    doors: Doors,
    user: Uuid,
    socket: WebSocket,
    told: Told,
    pace: Pace,
    /// Whether nothing is told until the client said from where.
    waits: bool,
}

/// Why the server ends a conversation, as a close code.
struct Close(u16);

/// Says why it is over, and reads what is still on its way: a connection that is
/// dropped with something unread is reset, and the client never sees why.
async fn close(open: &mut WebSocket, patience: Patience, code: u16, reason: &str) {
    meter::socket_closed(code);
    // Whoever reads too slowly may not read this either.
    drop(timeout(patience.client, open.send(Message::close_with(code, reason))).await);
    let leaving = async { while let Some(Ok(_)) = open.recv().await {} };
    drop(timeout(LEAVES_WITHIN, leaving).await);
}

impl Connection {
    fn new(doors: Doors, user: Uuid, open: WebSocket, waits: bool) -> Self {
        Self { doors, user, socket: open, told: Told::default(), pace: Pace::new(), waits }
    }

    async fn serve(mut self, mut listener: Listener) {
        let _open = meter::socket_open("websocket");
        if self.send(&views::connected(self.user)).await.is_err() {
            return;
        }
        let ended = self.converse(&mut listener).await;
        if let Err(Close(code)) = ended {
            let reason = if code == UNAUTHENTICATED { "the key or token expired or was revoked" } else { "" };
            close(&mut self.socket, self.doors.patience, code, reason).await;
        }
    }

    /// Until the client leaves (`Ok`) or is to leave, and why.
    async fn converse(&mut self, listener: &mut Listener) -> Result<(), Close> {
        let (shutdown, auth) = (self.doors.shutdown.clone(), Arc::clone(&self.doors.auth));
        let nobody = auth.ended(&listener.caller);
        tokio::pin!(nobody);
        let ping_every = self.doors.patience.ping_every;
        let mut pings = interval_at(Instant::now() + ping_every, ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let hesitates = sleep(RESUME_WITHIN);
        tokio::pin!(hesitates);
        let mut alive = true;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Err(Close(GOING_AWAY)),
                () = &mut nobody => return Err(Close(UNAUTHENTICATED)),
                update = listener.updates.next(), if !self.waits => match update {
                    Some(update) if self.told.had(&update) => {}
                    Some(update) => self.update(&update).await?,
                    None => return Err(Close(TRY_AGAIN_LATER)),
                },
                message = self.socket.recv() => match message {
                    Some(Ok(message)) if message.is_close() => return Ok(()),
                    Some(Ok(message)) => {
                        alive = true;
                        self.hear(&message).await?;
                    }
                    Some(Err(_)) | None => return Ok(()),
                },
                _ = pings.tick() => {
                    if !alive {
                        return Err(Close(NOT_ALIVE));
                    }
                    alive = false;
                    self.deliver(Message::ping(Vec::new())).await?;
                }
                () = &mut hesitates, if self.waits => return Err(Close(POLICY)),
            }
        }
    }

    async fn hear(&mut self, message: &Message) -> Result<(), Close> {
        if !self.pace.allows() {
            return Err(Close(POLICY));
        }
        let Ok(text) = message.as_str() else { return Ok(()) };
        match json::read(text.as_bytes()) {
            Ok(Said::Ping) => self.send(&views::pong()).await,
            Ok(Said::Subscribe { task_id, after_seq }) => self.catch_up(task_id, after_seq).await,
            Ok(Said::Resume { since, seen }) => self.resume(since, seen).await,
            // What is not understood is not answered.
            Err(_) => Ok(()),
        }
    }

    /// Tells again what happened to a task of the user's after `after_seq`.
    async fn catch_up(&mut self, task: Uuid, after_seq: u64) -> Result<(), Close> {
        let engine = self.doors.platform.engine().clone();
        let mut narrator = Narrator::default();
        let mut seq = 0;
        loop {
            let events = match engine.history(RunId(task), seq, 1_000).await {
                Ok(events) => events,
                // It ended so long ago that only how it ended is kept.
                Err(JournalError::Pruned(_)) => return Ok(()),
                // The client must not take this for all there is.
                Err(_) => return Err(Close(TRY_AGAIN_LATER)),
            };
            let Some(last) = events.last() else { return Ok(()) };
            seq = last.seq;
            for event in &events {
                match narrator.tell(&engine, event).await {
                    // To others a task is not there.
                    Ok(Some(update)) if update.user != self.user => return Ok(()),
                    Ok(Some(update)) if update.seq > after_seq => self.update(&update).await?,
                    Ok(_) => {}
                    Err(_) => return Err(Close(TRY_AGAIN_LATER)),
                }
            }
            self.told.again(task, seq);
        }
    }

    /// Tells what the client missed of all its user's tasks, and from here on
    /// what happens.
    async fn resume(&mut self, since: DateTime<Utc>, seen: HashMap<Uuid, u64>) -> Result<(), Close> {
        let away = Close(TRY_AGAIN_LATER);
        let platform = self.doors.platform.clone();
        let Ok(changed) = platform.changed_since(self.user, since, RESUMED_MAX).await else {
            return Err(away);
        };
        let mut named: Vec<Uuid> = seen.keys().filter(|task| !changed.contains(task)).copied().collect();
        // In the order in which they came to be: their ids grow with time.
        named.extend(changed);
        named.sort_unstable();
        let runs: Vec<RunId> = named.iter().copied().map(RunId).collect();
        let Ok(seqs) = platform.bench().journal.last_seqs(&runs).await else { return Err(away) };
        let seqs: HashMap<Uuid, u64> = seqs.into_iter().map(|(run, seq)| (run.0, seq)).collect();
        for task in named {
            let after = seen.get(&task).copied().unwrap_or(0);
            if seqs.get(&task).is_some_and(|last| *last > after) {
                self.catch_up(task, after).await?;
            }
        }
        self.waits = false;
        self.send(&views::resumed()).await
    }

    async fn update(&mut self, update: &TaskUpdate) -> Result<(), Close> {
        self.send(&views::task_update(update, Doors::steps())).await
    }

    async fn send(&mut self, message: &Value) -> Result<(), Close> {
        self.deliver(Message::text(message.to_string())).await
    }

    async fn deliver(&mut self, message: Message) -> Result<(), Close> {
        match timeout(self.doors.patience.client, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Close(TRY_AGAIN_LATER)),
        }
    }
}
