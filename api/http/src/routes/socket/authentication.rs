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
use crate::app_state::AppState;
use crate::auth::principal::{Principal, Scope};
use crate::connection_limiter::ConnectionPermit;
use crate::error::ApiError;
use crate::json;
use crate::update_hub::Subscription;

/// How long the first message may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a close frame's reason (RFC 6455, section 5.5).
const REASON_BYTES_MAX: usize = 123;

/// Who listens, and to whose tasks.
pub(super) struct Listener {
    pub(super) caller: Principal,
    pub(super) user: Uuid,
    /// What happens to them from here on.
    pub(super) news: Subscription,
    _permit: ConnectionPermit,
}

impl Listener {
    /// The caller, who listens to what happens to `asked`'s tasks, or their own.
    ///
    /// # Errors
    /// Those of [`Principal::may`], [`Principal::acts_for`] and [`AppState::permit_connection`], and
    /// when the journal can't be followed.
    pub(super) fn new(state: &AppState, caller: &Principal, asked: Option<Uuid>) -> Result<Self, ApiError> {
        caller.may(Scope::Read)?;
        let user = caller.acts_for(asked)?;
        let permit = state.permit_connection(user)?;
        let news = state.hub.subscribe(user).ok_or_else(|| ApiError::away_for_now("journal"))?;
        Ok(Self { caller: caller.clone(), user, news, _permit: permit })
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum First {
    Authenticate { token: String },
}

/// Hears who listens; closes the socket when that is nobody, and says why.
pub(super) async fn authenticate(
    open: &mut WebSocket,
    state: &AppState,
    from: Option<IpAddr>,
    asked: Option<Uuid>,
) -> Option<Listener> {
    let heard = tokio::select! {
        () = state.shutdown.cancelled() => return None,
        heard = timeout(PATIENCE, first(open)) => heard,
    };
    let refused = match heard {
        Ok(FirstMessage::Token(token)) => match admitted(state, from, &token, asked).await {
            Ok(listener) => return Some(listener),
            Err(refused) => refused,
        },
        Ok(FirstMessage::Other) => (UNAUTHENTICATED, NOT_AUTHENTICATE.to_owned()),
        Ok(FirstMessage::Unread(Close(code, reason))) => (code, reason.to_owned()),
        Ok(FirstMessage::Gone) => return None,
        Err(_) => (UNAUTHENTICATED, "no authentication within 5 seconds".to_owned()),
    };
    close(open, state.timeouts, refused.0, short(&refused.1)).await;
    None
}

const NOT_AUTHENTICATE: &str = r#"the first message is not {"type":"authenticate","token":"…"}"#;

enum FirstMessage {
    Token(String),
    Other,
    /// What came can't be read.
    Unread(Close),
    Gone,
}

/// The first message but for the pings and pongs of the protocol itself.
async fn first(open: &mut WebSocket) -> FirstMessage {
    loop {
        match open.recv().await {
            Some(Ok(message)) if message.is_ping() || message.is_pong() => {}
            Some(Ok(message)) if message.is_close() => return FirstMessage::Gone,
            Some(Ok(message)) if message.as_bytes().len() > MESSAGE_BYTES_MAX => {
                return FirstMessage::Unread(MESSAGE_TOO_LARGE);
            }
            Some(Ok(message)) => {
                let said = message.as_str().ok().and_then(|text| json::read(text.as_bytes()).ok());
                return said
                    .map_or(FirstMessage::Other, |First::Authenticate { token }| FirstMessage::Token(token));
            }
            Some(Err(error)) => return broken(&error).map_or(FirstMessage::Gone, FirstMessage::Unread),
            None => return FirstMessage::Gone,
        }
    }
}

async fn admitted(
    state: &AppState,
    from: Option<IpAddr>,
    token: &str,
    asked: Option<Uuid>,
) -> Result<Listener, (u16, String)> {
    let caller = state.authenticator.authenticate(from, token).await;
    let listener = caller.and_then(|caller| Listener::new(state, &caller, asked));
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
