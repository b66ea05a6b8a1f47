//! Points in time as values, and the one place a clock is read.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This point, `later` on; saturating.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        let ms = i64::try_from(later.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms))
    }

    /// How long it is from `earlier` to this point; zero if it lies before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Where the engine's rim asks what time it is. The core never does.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "the one place where the clock is read")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The one clock that several machines go by: the database's, as it was last
/// heard, and what has passed since then by this machine's own steady count.
/// Setting this machine's clock does not move it. Before anything was heard it
/// is this machine's clock.
pub struct SharedClock {
    own: Arc<dyn Clock>,
    heard: RwLock<Option<DatabaseTime>>,
}

#[derive(Clone, Copy)]
struct DatabaseTime {
    theirs: Timestamp,
    at: Instant,
    /// Milliseconds that this machine's clock is ahead of theirs.
    ahead: i64,
}

impl SharedClock {
    /// A clock that has heard nothing yet; `own` is this machine's.
    #[must_use]
    pub fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, heard: RwLock::default() }
    }

    /// Takes over that it was `theirs` at some time between `asked` and now; the
    /// middle is taken for it. An answer that took so long that it says less than
    /// what is known already is passed over.
    pub fn hear(&self, theirs: Timestamp, asked: Instant) {
        let took = asked.elapsed();
        let mut heard = self.heard.write().unwrap_or_else(PoisonError::into_inner);
        if took > ANSWER_MAX && heard.is_some() {
            return;
        }
        let theirs = theirs.after(took / 2);
        let ahead = self.own.now().0.saturating_sub(theirs.0);
        *heard = Some(DatabaseTime { theirs, at: asked + took, ahead });
    }

    /// Milliseconds that this machine's own clock was ahead of the database's
    /// when that was last heard, less than zero if it was behind; `None` before.
    #[must_use]
    pub fn own_is_ahead_ms(&self) -> Option<i64> {
        self.heard.read().unwrap_or_else(PoisonError::into_inner).map(|heard| heard.ahead)
    }
}

/// An answer that took longer is exact to no more than half of it.
const ANSWER_MAX: Duration = Duration::from_millis(500);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        match *self.heard.read().unwrap_or_else(PoisonError::into_inner) {
            Some(heard) => heard.theirs.after(heard.at.elapsed()),
            None => self.own.now(),
        }
    }
}

/// A clock that moves only when told to, for tests of waits and time-outs.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_counts_whatever_this_machines_clock_says() {
        let own = Arc::new(ManualClock::at(Timestamp(1_000_000)));
        let clock = SharedClock::new(own.clone());
        assert_eq!((clock.now(), clock.own_is_ahead_ms()), (Timestamp(1_000_000), None));
        clock.hear(Timestamp(980_000), Instant::now());
        assert!((19_990..=20_000).contains(&clock.own_is_ahead_ms().unwrap()));
        own.advance(Duration::from_secs(3_600));
        let now = clock.now();
        assert!(now >= Timestamp(980_000) && now < Timestamp(990_000), "{now:?}");
    }

    #[test]
    fn an_answer_that_took_long_is_taken_only_if_nothing_better_is_known() {
        let clock = SharedClock::new(Arc::new(ManualClock::at(Timestamp(0))));
        let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(4)) else { return };
        clock.hear(Timestamp(10_000), long_ago);
        assert!(clock.now() >= Timestamp(12_000), "the middle of the time it took");
        clock.hear(Timestamp(50_000), Instant::now());
        clock.hear(Timestamp(90_000), long_ago);
        assert!(clock.now() < Timestamp(60_000));
    }
}
