//! Word that something was committed, so that nobody who follows the journal
//! need ask it all the time. It is a hint: what nobody brings word of is found
//! by looking.

use tokio::sync::watch;

/// What was heard of one journal's commits, in whichever process they are made.
/// Clones hear the same.
#[derive(Clone, Debug)]
pub struct Changes(watch::Receiver<Heard>);

#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// Whether word of other processes' commits comes here at present.
    hears: bool,
}

impl Changes {
    /// Of a journal that brings no word of commits: whoever follows it has to look.
    #[must_use]
    pub fn unheard() -> Self {
        Teller::default().changes()
    }

    /// Whether word of commits comes at present. Where none comes, only a look
    /// tells.
    #[must_use]
    pub fn are_heard(&self) -> bool {
        self.0.borrow().hears
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
pub(crate) struct Teller(watch::Sender<Heard>);

impl Default for Teller {
    /// One that brings no word of what other processes do yet.
    fn default() -> Self {
        Self(watch::Sender::default())
    }
}

impl Teller {
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    /// Something was committed, and word of it comes from now on.
    pub(crate) fn tell(&self) {
        self.0.send_modify(|heard| heard.hears = true);
    }

    /// No word comes for now.
    pub(crate) fn lose(&self) {
        self.0.send_if_modified(|heard| std::mem::take(&mut heard.hears));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn word_comes_once_and_its_loss_is_word_too() {
        let teller = Teller::default();
        let mut changes = teller.changes();
        let came = |changes: &mut Changes| changes.next().now_or_never().is_some();
        assert!(!changes.are_heard() && !came(&mut changes));
        teller.tell();
        teller.tell();
        assert!(changes.are_heard() && came(&mut changes));
        assert!(!came(&mut changes), "two words at once are one");
        teller.lose();
        assert!(!changes.are_heard() && came(&mut changes));
        teller.lose();
        assert!(!came(&mut changes), "it was lost already");
        drop(teller);
        assert!(!came(&mut changes), "nobody is left who could tell");
    }
}
