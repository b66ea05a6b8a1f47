//! The ends of keys and sessions that somebody waits for, such as an open socket.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often it is looked which of them ended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Ids that are looked for by one statement.
const LOOKED_FOR_AT_ONCE: usize = 500;

/// Who waits for an end holds its token. There are no more than open connections.
#[derive(Default)]
pub(super) struct Awaited {
    tokens: Mutex<HashMap<Uuid, Weak<CancellationToken>>>,
}

impl Awaited {
    /// Until `id` ended, which is noticed by [`look`](Self::look).
    pub(super) async fn ended(&self, id: Uuid) {
        let token = {
            let mut tokens = self.lock();
            tokens.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
                let token = Arc::new(CancellationToken::new());
                tokens.insert(id, Arc::downgrade(&token));
                token
            })
        };
        token.cancelled().await;
    }

    /// Tells whoever waits that `id` ended.
    pub(super) fn end(&self, id: Uuid) {
        let token = self.lock().remove(&id);
        if let Some(token) = token.and_then(|token| token.upgrade()) {
            token.cancel();
        }
    }

    /// Asks again and again which of those that somebody waits for are `standing`, and
    /// calls `ended` with each that isn't. While the database is away, none ended.
    pub(super) async fn look<'a, E: Display>(
        &self,
        what: &str,
        standing: impl Fn(Vec<Uuid>) -> BoxFuture<'a, Result<Vec<Uuid>, E>>,
        ended: impl Fn(Uuid),
    ) {
        let mut pace = tokio::time::interval(LOOK_EVERY);
        loop {
            pace.tick().await;
            let awaited: Vec<Uuid> = {
                let mut tokens = self.lock();
                tokens.retain(|_, token| token.strong_count() > 0);
                tokens.keys().copied().collect()
            };
            for ids in awaited.chunks(LOOKED_FOR_AT_ONCE) {
                match standing(ids.to_vec()).await {
                    Ok(standing) => {
                        ids.iter().filter(|id| !standing.contains(id)).for_each(|id| ended(*id));
                    }
                    Err(error) => tracing::warn!(%error, "can't check for {what} that ended"),
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Weak<CancellationToken>>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
