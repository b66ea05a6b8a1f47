//! Whose turn it is to read histories: one message of a client can ask for
//! thousands of events, over the connections to the database that everybody
//! shares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

/// Reads at once in this process: a tenth of the pool's connections.
const AT_ONCE: usize = 2;

/// Reads at once for one user, over however many sockets: whoever opens more does
/// not get more turns than others.
const OF_USER: usize = 1;

/// How long somebody waits for a turn. A turn is a few queries; whoever waits
/// longer is better off to come again.
const WITHIN: Duration = Duration::from_secs(10);

/// The turns of this process.
#[derive(Clone, Debug)]
pub struct Turns {
    in_all: Arc<Semaphore>,
    by_user: Arc<Mutex<HashMap<Uuid, Weak<Semaphore>>>>,
    within: Duration,
}

/// A turn, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    _in_all: OwnedSemaphorePermit,
    _of_user: OwnedSemaphorePermit,
}

/// There was no turn in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLate;

impl Default for Turns {
    fn default() -> Self {
        Self { in_all: Arc::new(Semaphore::new(AT_ONCE)), by_user: Arc::default(), within: WITHIN }
    }
}

impl Turns {
    /// The user's next turn; who waits is served in the order of arrival.
    ///
    /// # Errors
    /// [`TooLate`] when there is none within ten seconds.
    pub async fn take(&self, user: Uuid) -> Result<Turn, TooLate> {
        let of_user = self.of_user(user);
        let turn = async {
            // The user's own first: who waits for oneself keeps nobody else waiting.
            let _of_user = of_user.acquire_owned().await.map_err(|_| TooLate)?;
            let _in_all = Arc::clone(&self.in_all).acquire_owned().await.map_err(|_| TooLate)?;
            Ok(Turn { _in_all, _of_user })
        };
        timeout(self.within, turn).await.unwrap_or(Err(TooLate))
    }

    fn of_user(&self, user: Uuid) -> Arc<Semaphore> {
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = by_user.get(&user).and_then(Weak::upgrade) {
            return known;
        }
        // Nobody of those waits or reads any more.
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
    async fn a_user_has_one_turn_and_the_process_two() {
        let turns = Turns::default();
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let first = turns.take(one).await.unwrap();
        let mut again = Box::pin(turns.take(one));
        assert!(again.as_mut().now_or_never().is_none(), "the user reads already");
        let second = turns.take(two).await.unwrap();
        let mut third = Box::pin(turns.take(three));
        assert!(third.as_mut().now_or_never().is_none(), "two read already");
        drop(second);
        assert!(third.await.is_ok());
        drop(first);
        assert!(again.await.is_ok());
        drop(turns.take(two).await);
        assert!(turns.by_user.lock().unwrap().len() <= 2, "those who are done are forgotten");
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told() {
        let turns = Turns { within: Duration::from_millis(20), ..Turns::default() };
        let _first = turns.take(Uuid::from_u128(1)).await.unwrap();
        assert_eq!(turns.take(Uuid::from_u128(1)).await.unwrap_err(), TooLate);
    }
}
