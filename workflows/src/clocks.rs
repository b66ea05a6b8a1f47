//! How far this machine's clock is from those of the servers it works with.
//! Nothing that several machines compare goes by this machine's clock; a wrong
//! one is said all the same, for logs, tokens and certificates go by it.

use std::fmt;
use std::time::{Duration, Instant};

use untxt_engine::journal::clock::{CLOCKS_APART_MAX, apart};
use untxt_engine::time::{Clock, SystemClock};

use crate::records::Records;

/// This machine's clock against another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    /// Whose clock, such as `the database's`.
    pub whose: &'static str,
    /// Milliseconds that this machine's is ahead, less than zero if behind.
    pub ahead_ms: i64,
}

impl Apart {
    /// Whether it is more than [`CLOCKS_APART_MAX`].
    #[must_use]
    pub fn is_too_far(&self) -> bool {
        Duration::from_millis(self.ahead_ms.unsigned_abs()) > CLOCKS_APART_MAX
    }
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", apart(self.ahead_ms), self.whose)
    }
}

impl Records {
    /// Against the database's clock and Redis's, those that there are and that
    /// answer: a SQLite file and a queue of this process's own have none.
    pub async fn clocks_apart(&self) -> Vec<Apart> {
        let database = self.clock().own_is_ahead_ms();
        let database = database.map(|ahead_ms| Apart { whose: "the database's", ahead_ms });
        let asked = Instant::now();
        let redis = self.engine().queue_server().await.ok().flatten().map(|server| {
            let there = server.now.after(asked.elapsed() / 2);
            Apart { whose: "Redis's", ahead_ms: SystemClock.now().0.saturating_sub(there.0) }
        });
        database.into_iter().chain(redis).collect()
    }

    /// Logs it, as a warning where it is too far.
    pub(crate) async fn report_clocks(&self) {
        for apart in self.clocks_apart().await {
            match apart.is_too_far() {
                true => tracing::warn!(
                    "this machine's clock is {apart}, more than {CLOCKS_APART_MAX:?}; is its time synchronised?"
                ),
                false => tracing::info!("this machine's clock is {apart}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_far_is_so_in_both_directions() {
        let apart = |ahead_ms| Apart { whose: "Redis's", ahead_ms };
        assert!(apart(20_000).is_too_far() && apart(-2_001).is_too_far());
        assert!(!apart(2_000).is_too_far());
        assert_eq!(apart(-20_000).to_string(), "20.000 s behind Redis's");
    }
}
