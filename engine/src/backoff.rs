//! Waiting before the engine itself tries again; a step's retries are the
//! journal's business.

use std::time::Duration;

/// Waits that double from the first to the cap.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    cap: Duration,
}

impl Default for Backoff {
    /// From 20 ms, so that a restarted connection costs little, to 2 s, so that
    /// a server that comes back is not asked by everybody at once.
    fn default() -> Self {
        Self { next: Duration::from_millis(20), cap: Duration::from_secs(2) }
    }
}

impl Backoff {
    /// Waits; the next wait is twice as long.
    pub(crate) async fn wait(&mut self) {
        let now = self.next;
        self.next = (now * 2).min(self.cap);
        pause(now).await;
    }
}

/// Waits for `duration`.
#[allow(clippy::disallowed_methods, reason = "the one place where the engine's rim sleeps")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
