//! Files of one call wait for each other's room: what one takes on the disk is
//! free when it has ended.

use tokio::sync::watch;

/// What has happened to the files of this call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    under_way: usize,
    ended: usize,
}

/// The files of one call that have a task.
#[derive(Debug, Default)]
pub(super) struct Turns(watch::Sender<Counts>);

/// What had ended when somebody began to look for room.
#[derive(Debug)]
pub(super) struct Look(usize);

/// A file that has a task; dropped, it has ended.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Begins to look for room.
    pub(super) fn look(&self) -> Look {
        Look(self.0.borrow().ended)
    }

    /// A file has a task.
    pub(super) fn begin(&self) -> Turn<'_> {
        self.0.send_modify(|counts| counts.under_way += 1);
        Turn(self)
    }

    /// Whether a file that was under way has to end first, and may make room.
    pub(super) fn may_make_room(&self, since: &Look) -> bool {
        let counts = self.0.borrow();
        counts.under_way > 0 || counts.ended != since.0
    }

    /// Waits until a file has ended since then.
    pub(super) async fn another_ended(&self, since: Look) {
        // The sender is this value's own: it is not gone.
        drop(self.0.subscribe().wait_for(|counts| counts.ended != since.0).await);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|counts| {
            counts.under_way -= 1;
            counts.ended += 1;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_is_under_way_is_waited_for() {
        let turns = Turns::default();
        let look = turns.look();
        assert!(!turns.may_make_room(&look), "nothing is under way");
        let turn = turns.begin();
        assert!(turns.may_make_room(&look));
        drop(turn);
        assert!(turns.may_make_room(&look), "it ended since");
        turns.another_ended(look).await;
        assert!(!turns.may_make_room(&turns.look()));
    }
}
