//! The WebSocket: what happens to a user's tasks, as it happens.

mod authentication;
pub(crate) mod client_message;
mod replay_cursor;
mod resume;

use std::sync::Arc;
use std::time::Duration;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Request, Response, handler};
use salvo::websocket::{Message, WebSocket, WebSocketUpgrade};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::{Instrument, Span};
use untxt_settings::server::ClientTimeouts;
use untxt_workflows::updates::TaskUpdate;
use uuid::Uuid;

use self::authentication::{Listener, authenticate};
use self::client_message::{ClientMessage, Pace};
use self::replay_cursor::ReplayCursor;
use super::asked_user;
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::meter;
use crate::origin::same_origin;
use crate::request_info::RequestInfo;
use crate::update_hub::Notification;
use crate::views;

/// Bytes of a client's message: about 1,200 tasks to resume.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Bytes of a message that is read to its end, so that its client surely sees why
/// it is refused. Of a larger one nothing is read but that it is.
const READ_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// Messages a second that a client may send for long, and how many at once.
const MESSAGES_PER_SECOND: u32 = 20;
const MESSAGES_AT_ONCE: u32 = 100;

/// Messages that can't be read and are answered: enough for people who try, and
/// not one for each that a broken program sends.
const PROBLEMS_PER_SECOND: u32 = 2;
const PROBLEMS_AT_ONCE: u32 = 10;

/// Bytes that are read and written at once. Thousands of sockets are idle, and
/// messages are some hundred bytes.
const BUFFER_BYTES: usize = 4 << 10;

/// How long a client that was told to leave may take.
const LEAVES_WITHIN: Duration = Duration::from_secs(2);

/// How long a client that wants to resume may take to say from where, and to ask
/// for the next part.
const RESUME_WITHIN: Duration = Duration::from_secs(10);

/// Close codes (RFC 6455, section 7.4.1, and the registry it founded).
const GOING_AWAY: u16 = 1001;
const PROTOCOL: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const POLICY: u16 = 1008;
const TOO_LARGE: u16 = 1009;
const NOT_ALIVE: u16 = 1011;
const TRY_AGAIN_LATER: u16 = 1013;
/// The same as the statuses of HTTP, among the codes for private use.
const UNAUTHENTICATED: u16 = 4401;
const FORBIDDEN: u16 = 4403;

#[handler]
#[boxed]
pub(crate) async fn socket(req: &mut Request, res: &mut Response, depot: &mut Depot) -> Result<(), ApiError> {
    let state = AppState::of(depot)?.clone();
    let (asked, from) = (asked_user(req)?, RequestInfo::of(req)?.client);
    same_origin(req)?;
    let resumes = match req.query::<String>("resume").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::field("resume", "must be `true` or `false`")),
    };
    // Before the upgrade is answered: what happens from here on is not missed.
    let known = match Principal::of(depot) {
        Ok(caller) => Some(Listener::new(&state, caller, asked)?),
        Err(_) => None,
    };
    let span = Span::current();
    WebSocketUpgrade::with_config(config())
        .upgrade(req, res, move |mut open| {
            let conversation = async move {
                let listener = match known {
                    Some(listener) => Some(listener),
                    None => authenticate(&mut open, &state, from, asked).await,
                };
                if let Some(listener) = listener {
                    Connection::new(state, listener.user, open, resumes).serve(listener).await;
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
        .max_message_size(Some(READ_BYTES_MAX))
        .max_frame_size(Some(READ_BYTES_MAX))
}

struct Connection {
    state: AppState,
    user: Uuid,
    socket: WebSocket,
    replayed: ReplayCursor,
    /// Of all messages, and of those that can't be read.
    pace: Pace,
    problems: Pace,
    /// Whether nothing is told until the client said from where and has heard all
    /// it missed, and until when it may take to ask for it.
    waits: bool,
    resumes_by: Instant,
}

/// Why the server ends a conversation: as a close code, and for people.
struct Close(u16, &'static str);

const MESSAGE_TOO_LARGE: Close = Close(TOO_LARGE, "a message may have 64 KiB");

/// Why a conversation ends in which what comes can't be read; `None` when the
/// client has gone.
fn broken(error: &salvo::Error) -> Option<Close> {
    let salvo::Error::Other(error) = error else { return None };
    match error.downcast_ref::<SocketError>()? {
        SocketError::Capacity(_) => Some(MESSAGE_TOO_LARGE),
        SocketError::Utf8(_) => Some(Close(NOT_UTF8, "a text message is not UTF-8")),
        // Also what comes when a connection just ends.
        SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        SocketError::Protocol(_) => Some(Close(PROTOCOL, "a frame is not as RFC 6455 wants it")),
        _ => None,
    }
}

/// Says why it is over, and reads what is still on its way: a connection that is
/// dropped with something unread is reset, and the client may never see why.
async fn close(open: &mut WebSocket, timeouts: ClientTimeouts, code: u16, reason: &str) {
    meter::socket_closed(code);
    // Whoever reads too slowly may not read this either.
    drop(timeout(timeouts.client, open.send(Message::close_with(code, reason))).await);
    let leaving = async {
        loop {
            match open.recv().await {
                Some(Ok(message)) if message.is_close() => break,
                Some(Ok(_)) => {}
                Some(Err(_)) => break,
                // Nothing is read behind what could not be read: the client has time to
                // see why.
                None => std::future::pending().await,
            }
        }
    };
    drop(timeout(LEAVES_WITHIN, leaving).await);
}

impl Connection {
    fn new(state: AppState, user: Uuid, open: WebSocket, waits: bool) -> Self {
        let pace = Pace::new(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE);
        let problems = Pace::new(PROBLEMS_PER_SECOND, PROBLEMS_AT_ONCE);
        let resumes_by = Instant::now() + RESUME_WITHIN;
        Self {
            state,
            user,
            socket: open,
            replayed: ReplayCursor::default(),
            pace,
            problems,
            waits,
            resumes_by,
        }
    }

    async fn serve(mut self, mut listener: Listener) {
        let _open = meter::socket_open("websocket");
        if self.send(&views::connected(self.user)).await.is_err() {
            return;
        }
        let ended = self.converse(&mut listener).await;
        if let Err(Close(code, reason)) = ended {
            close(&mut self.socket, self.state.timeouts, code, reason).await;
        }
    }

    /// Until the client leaves (`Ok`) or is to leave, and why.
    async fn converse(&mut self, listener: &mut Listener) -> Result<(), Close> {
        let (shutdown, auth) = (self.state.shutdown.clone(), Arc::clone(&self.state.auth));
        let nobody = auth.ended(&listener.caller);
        tokio::pin!(nobody);
        let ping_every = self.state.timeouts.ping_every;
        let mut pings = interval_at(Instant::now() + ping_every, ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alive = true;
        let expired = Close(UNAUTHENTICATED, "the key or token expired or was revoked");
        let leaving = Close(GOING_AWAY, "the server is going away; connect again");
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Err(leaving),
                () = &mut nobody => return Err(expired),
                news = listener.news.next(), if !self.waits => match news {
                    Some(Notification::Update(update)) if self.replayed.had(&update) => {}
                    Some(Notification::Update(update)) => self.update(&update).await?,
                    Some(Notification::Erased(task)) => self.erased(task).await?,
                    None => return Err(Close(TRY_AGAIN_LATER, "too far behind; connect again")),
                },
                message = self.socket.recv() => match message {
                    Some(Ok(message)) if message.is_close() => return Ok(()),
                    Some(Ok(message)) => {
                        alive = true;
                        // What a client asks for may take a while to find and to tell.
                        tokio::select! {
                            () = shutdown.cancelled() => return Err(leaving),
                            () = &mut nobody => return Err(expired),
                            heard = self.hear(&message) => heard?,
                        }
                    }
                    Some(Err(error)) => return broken(&error).map_or(Ok(()), Err),
                    None => return Ok(()),
                },
                _ = pings.tick() => {
                    if !alive {
                        return Err(Close(NOT_ALIVE, "no answer to a ping"));
                    }
                    alive = false;
                    self.deliver(Message::ping(Vec::new())).await?;
                }
                () = sleep_until(self.resumes_by), if self.waits => {
                    return Err(Close(POLICY, "no `resume` within 10 seconds"));
                }
            }
        }
    }

    async fn hear(&mut self, message: &Message) -> Result<(), Close> {
        if !self.pace.allows() {
            return Err(Close(POLICY, "more than 20 messages a second"));
        }
        if message.is_ping() || message.is_pong() {
            return Ok(());
        }
        if message.as_bytes().len() > MESSAGE_BYTES_MAX {
            return Err(MESSAGE_TOO_LARGE);
        }
        match client_message::read(message) {
            Ok(ClientMessage::Ping) => self.send(&views::pong()).await,
            Ok(ClientMessage::Subscribe { task_id, after_seq }) => self.subscribe(task_id, after_seq).await,
            Ok(ClientMessage::Resume(away)) => self.resume(away).await,
            Err(problem) if self.problems.allows() => {
                self.send(&views::socket_error("MALFORMED_MESSAGE", &problem, None)).await
            }
            Err(_) => Ok(()),
        }
    }

    /// Answers a message that is not followed; about which task, if it is about
    /// one.
    async fn refuse(&mut self, error: &ApiError, task: Option<Uuid>) -> Result<(), Close> {
        self.send(&views::socket_error(error.code(), error.message(), task)).await
    }

    /// Tells that a task was erased, once.
    async fn erased(&mut self, task: Uuid) -> Result<(), Close> {
        if self.replayed.up_to(task) == Some(u64::MAX) {
            return Ok(());
        }
        self.replayed.again(task, u64::MAX);
        self.send(&views::task_erased(task)).await
    }

    async fn update(&mut self, update: &TaskUpdate) -> Result<(), Close> {
        self.send(&views::task_update(update, AppState::steps())).await
    }

    async fn send(&mut self, message: &Value) -> Result<(), Close> {
        self.deliver(Message::text(message.to_string())).await
    }

    async fn deliver(&mut self, message: Message) -> Result<(), Close> {
        match timeout(self.state.timeouts.client, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Close(TRY_AGAIN_LATER, "the client reads too slowly; connect again")),
        }
    }
}
