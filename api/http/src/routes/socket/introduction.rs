//! Who listens. Browsers can't send a header with a socket: then the first
//! message says it, `{"type":"authenticate","token":"…"}`.

use std::net::IpAddr;
use std::time::Duration;

use salvo::http::StatusCode;
use salvo::websocket::WebSocket;
use serde::Deserialize;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Close, FORBIDDEN, MESSAGE_BYTES_MAX, MESSAGE_TOO_LARGE, TRY_AGAIN_LATER, UNAUTHENTICATED, broken, close,
};
use crate::auth::caller::{Caller, Scope};
use crate::doors::Doors;
use crate::error::ApiError;
use crate::feed::Subscription;
use crate::json;
use crate::places::Place;

/// How long the first message may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a close frame's reason (RFC 6455, section 5.5).
const REASON_BYTES_MAX: usize = 123;

/// Who listens, and to whose tasks.
pub(super) struct Listener {
    pub(super) caller: Caller,
    pub(super) user: Uuid,
    /// What happens to them from here on.
    pub(super) news: Subscription,
    _place: Place,
}

impl Listener {
    /// The caller, who listens to what happens to `asked`'s tasks, or their own.
    ///
    /// # Errors
    /// Those of [`Caller::may`], [`Caller::acts_for`] and [`Doors::place`], and
    /// when the journal can't be followed.
    pub(super) fn new(doors: &Doors, caller: &Caller, asked: Option<Uuid>) -> Result<Self, ApiError> {
        caller.may(Scope::Read)?;
        let user = caller.acts_for(asked)?;
        let place = doors.place(user)?;
        let news = doors.feed.subscribe(user).ok_or_else(|| ApiError::away_for_now("journal"))?;
        Ok(Self { caller: caller.clone(), user, news, _place: place })
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum First {
    Authenticate { token: String },
}

/// Hears who listens; closes the socket when that is nobody, and says why.
pub(super) async fn introduce(
    open: &mut WebSocket,
    doors: &Doors,
    from: Option<IpAddr>,
    asked: Option<Uuid>,
) -> Option<Listener> {
    let heard = tokio::select! {
        () = doors.shutdown.cancelled() => return None,
        heard = timeout(PATIENCE, first(open)) => heard,
    };
    let refused = match heard {
        Ok(Heard::Token(token)) => match admitted(doors, from, &token, asked).await {
            Ok(listener) => return Some(listener),
            Err(refused) => refused,
        },
        Ok(Heard::Other) => (UNAUTHENTICATED, NOT_AUTHENTICATE.to_owned()),
        Ok(Heard::Unread(Close(code, reason))) => (code, reason.to_owned()),
        Ok(Heard::Gone) => return None,
        Err(_) => (UNAUTHENTICATED, "nobody said who listens within 5 seconds".to_owned()),
    };
    close(open, doors.patience, refused.0, short(&refused.1)).await;
    None
}

const NOT_AUTHENTICATE: &str = r#"the first message is not {"type":"authenticate","token":"…"}"#;

enum Heard {
    Token(String),
    Other,
    /// What came can't be read.
    Unread(Close),
    Gone,
}

/// The first message but for the pings and pongs of the protocol itself.
async fn first(open: &mut WebSocket) -> Heard {
    loop {
        match open.recv().await {
            Some(Ok(message)) if message.is_ping() || message.is_pong() => {}
            Some(Ok(message)) if message.is_close() => return Heard::Gone,
            Some(Ok(message)) if message.as_bytes().len() > MESSAGE_BYTES_MAX => {
                return Heard::Unread(MESSAGE_TOO_LARGE);
            }
            Some(Ok(message)) => {
                let said = message.as_str().ok().and_then(|text| json::read(text.as_bytes()).ok());
                return said.map_or(Heard::Other, |First::Authenticate { token }| Heard::Token(token));
            }
            Some(Err(error)) => return broken(&error).map_or(Heard::Gone, Heard::Unread),
            None => return Heard::Gone,
        }
    }
}

async fn admitted(
    doors: &Doors,
    from: Option<IpAddr>,
    token: &str,
    asked: Option<Uuid>,
) -> Result<Listener, (u16, String)> {
    let caller = doors.failures.watch(from, token, doors.auth.authenticate(token)).await;
    let listener = caller.and_then(|caller| Listener::new(doors, &caller, asked));
    listener.map_err(|error| {
        let code = match error.status() {
            StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
            StatusCode::FORBIDDEN => FORBIDDEN,
            _ => TRY_AGAIN_LATER,
        };
        (code, error.message().to_owned())
    })
}

fn short(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}
