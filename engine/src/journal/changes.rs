//! Word that something was committed, so that nobody who follows the journal
//! need ask it all the time. It is a hint: what nobody brings word of is found
//! by looking.

use tokio::sync::watch;

/// What was state of one journal's commits, in whichever process they are made.
/// Clones hear the same.
#[derive(Clone, Debug)]
pub struct Changes(watch::Receiver<Connection>);

#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    /// Whether word of other processes' commits comes here at present.
    connected: bool,
}

impl Changes {
    /// Of a journal that brings no word of commits: whoever follows it has to look.
    #[must_use]
    pub fn polling_only() -> Self {
        ChangeNotifier::default().changes()
    }

    /// Whether word of commits comes at present. Where none comes, only a look
    /// tells.
    #[must_use]
    pub fn are_notified(&self) -> bool {
        self.0.borrow().connected
    }

    /// Waits for word of a commit, or of none coming (any more); returns at once if
    /// some came since the call before. What was committed is perhaps not visible
    /// yet. Nothing is lost when the call is dropped.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is there who could tell: the journal is gone, or never told.
            std::future::pending::<()>().await;
        }
    }
}

/// Brings the word.
#[derive(Debug)]
pub(crate) struct ChangeNotifier(watch::Sender<Connection>);

impl Default for ChangeNotifier {
    /// One that brings no word of what other processes do yet.
    fn default() -> Self {
        Self(watch::Sender::default())
    }
}

impl ChangeNotifier {
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    /// Something was committed, and word of it comes from now on.
    pub(crate) fn notify(&self) {
        self.0.send_modify(|state| state.connected = true);
    }

    /// No word comes for now.
    pub(crate) fn disconnect(&self) {
        self.0.send_if_modified(|state| std::mem::take(&mut state.connected));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn word_comes_once_and_its_loss_is_word_too() {
        let notifier = ChangeNotifier::default();
        let mut changes = notifier.changes();
        let came = |changes: &mut Changes| changes.next().now_or_never().is_some();
        assert!(!changes.are_notified() && !came(&mut changes));
        notifier.notify();
        notifier.notify();
        assert!(changes.are_notified() && came(&mut changes));
        assert!(!came(&mut changes), "two words at once are one");
        notifier.disconnect();
        assert!(!changes.are_notified() && came(&mut changes));
        notifier.disconnect();
        assert!(!came(&mut changes), "it was lost already");
        drop(notifier);
        assert!(!came(&mut changes), "nobody is left who could tell");
    }
}
