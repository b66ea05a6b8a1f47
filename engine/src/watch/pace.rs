//! When the journal is asked for what other processes committed.

use std::time::Duration;

use tokio::time::timeout;

use crate::backoff::pause;
use crate::journal::changes::Changes;

/// Least time between two looks: whoever listens notified of what others commit
/// within half of 50 ms.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Most time between two looks while the journal brings word of commits. Word
/// may get lost with a connection, or come long before what it tells of can be
/// seen, on a disk that takes a second to sync.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// So many times as long is waited after each look that found nothing: an idle
/// process notified of its own heartbeats, and looks in vain after each.
const SLOWER: u32 = 4;

/// A look that takes longer is made less often: at most this part of the time is
/// spent on looking.
const LOOKING_SHARE: u32 = 10;

/// Paces the looks of one follower.
pub(super) struct Pace {
    changes: Changes,
    next: Duration,
}

impl Pace {
    /// Looks are worth while from now on.
    pub(super) fn new(changes: Changes) -> Self {
        Self { changes, next: LOOK_EVERY }
    }

    /// Waits until it is time for the next look, after one that took so long and
    /// did or did not find anything: at once when there is word of a commit, as
    /// often as can be while no word comes, and otherwise after four times the time
    /// each time that nothing was found.
    pub(super) async fn next(&mut self, took: Duration, found: bool) {
        let least = LOOK_EVERY.max(took * LOOKING_SHARE);
        if found || !self.changes.are_notified() {
            self.next = LOOK_EVERY;
        }
        pause(least).await;
        let more = self.next.saturating_sub(least);
        self.next = (self.next * SLOWER).min(LOOK_AT_LEAST_EVERY);
        if timeout(more, self.changes.next()).await.is_ok() {
            // It may not be visible yet: the looks after it come soon, too.
            self.next = LOOK_EVERY * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout_at};

    use super::*;
    use crate::journal::changes::ChangeNotifier;

    /// How often somebody looks in two seconds who never finds anything.
    async fn looks(pace: &mut Pace) -> u32 {
        let (until, mut looks) = (Instant::now() + Duration::from_secs(2), 0);
        while timeout_at(until, pace.next(Duration::ZERO, false)).await.is_ok() {
            looks += 1;
        }
        looks
    }

    #[tokio::test]
    async fn who_hears_of_nothing_looks_seldom_and_who_can_hear_nothing_all_the_time() {
        let (notified, polling) = (ChangeNotifier::default(), ChangeNotifier::default());
        notified.notify();
        let (mut hearing, mut looking) = (Pace::new(notified.changes()), Pace::new(polling.changes()));
        let (seldom, often) = tokio::join!(looks(&mut hearing), looks(&mut looking));
        assert!((2..=8).contains(&seldom), "{seldom}");
        assert!(often > 3 * seldom, "{often} and {seldom}");
        // Where no word comes any more, there is no waiting for it.
        notified.disconnect();
        let often = looks(&mut hearing).await;
        assert!(often > 3 * seldom, "{often} and {seldom}");
    }

    #[tokio::test]
    async fn who_hears_of_something_looks_at_once_and_soon_again() {
        let notifier = ChangeNotifier::default();
        notifier.notify();
        let mut pace = Pace::new(notifier.changes());
        looks(&mut pace).await;
        for _ in 0..5 {
            notifier.notify();
            let began = Instant::now();
            pace.next(Duration::ZERO, false).await;
            pace.next(Duration::ZERO, false).await;
            assert!(began.elapsed() < LOOK_AT_LEAST_EVERY, "{:?}", began.elapsed());
        }
    }
}
