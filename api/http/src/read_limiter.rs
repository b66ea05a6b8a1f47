//! Limits how many clients read histories at once: one message can ask for thousands
//! of events, over database connections that all requests share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

/// Reads at once in this process: a tenth of the pool's connections.
const AT_ONCE: usize = 2;

/// Reads at once for one user, over any number of sockets: opening more gives no
/// advantage over others.
const OF_USER: usize = 1;

/// How long a client waits for a permit. A read is a few queries; a client that has
/// waited longer should try again later.
const WITHIN: Duration = Duration::from_secs(10);

/// The limiter of this process.
#[derive(Clone, Debug)]
pub struct HistoryReadLimiter {
    in_all: Arc<Semaphore>,
    by_user: Arc<Mutex<HashMap<Uuid, Weak<Semaphore>>>>,
    within: Duration,
}

/// The permit to read, returned when it is dropped.
#[derive(Debug)]
pub struct HistoryReadPermit {
    _in_all: OwnedSemaphorePermit,
    _of_user: OwnedSemaphorePermit,
}

/// There was no permit in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitedTooLong;

impl Default for HistoryReadLimiter {
    fn default() -> Self {
        Self { in_all: Arc::new(Semaphore::new(AT_ONCE)), by_user: Arc::default(), within: WITHIN }
    }
}

impl HistoryReadLimiter {
    /// Waits for a permit for `user`, in the order of arrival.
    ///
    /// # Errors
    /// [`WaitedTooLong`] after ten seconds.
    pub async fn acquire(&self, user: Uuid) -> Result<HistoryReadPermit, WaitedTooLong> {
        let of_user = self.of_user(user);
        let turn = async {
            // The user's own first: waiting for it holds up nobody else.
            let _of_user = of_user.acquire_owned().await.map_err(|_| WaitedTooLong)?;
            let _in_all = Arc::clone(&self.in_all).acquire_owned().await.map_err(|_| WaitedTooLong)?;
            Ok(HistoryReadPermit { _in_all, _of_user })
        };
        timeout(self.within, turn).await.unwrap_or(Err(WaitedTooLong))
    }

    fn of_user(&self, user: Uuid) -> Arc<Semaphore> {
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = by_user.get(&user).and_then(Weak::upgrade) {
            return known;
        }
        // Users who neither wait nor read.
        by_user.retain(|_, turns| turns.strong_count() > 0);
        let new = Arc::new(Semaphore::new(OF_USER));
        by_user.insert(user, Arc::downgrade(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_user_reads_once_at_a_time_and_the_process_twice() {
        let limiter = HistoryReadLimiter::default();
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let first = limiter.acquire(one).await.unwrap();
        let mut again = Box::pin(limiter.acquire(one));
        assert!(again.as_mut().now_or_never().is_none(), "the user reads already");
        let second = limiter.acquire(two).await.unwrap();
        let mut third = Box::pin(limiter.acquire(three));
        assert!(third.as_mut().now_or_never().is_none(), "two read already");
        drop(second);
        assert!(third.await.is_ok());
        drop(first);
        assert!(again.await.is_ok());
        drop(limiter.acquire(two).await);
        assert!(limiter.by_user.lock().unwrap().len() <= 2, "those who are done are forgotten");
    }

    #[tokio::test]
    async fn waiting_has_a_limit() {
        let limiter =
            HistoryReadLimiter { within: Duration::from_millis(20), ..HistoryReadLimiter::default() };
        let _first = limiter.acquire(Uuid::from_u128(1)).await.unwrap();
        assert_eq!(limiter.acquire(Uuid::from_u128(1)).await.unwrap_err(), WaitedTooLong);
    }
}
