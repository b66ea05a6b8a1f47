//! Files of one call that find no room on the disk wait for the others: what a file
//! takes is free when it has ended.

use tokio::sync::{Mutex, MutexGuard, watch};

/// What has happened to the files of this call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    under_way: usize,
    ended: usize,
}

/// The room on the disk that the files of one call share.
#[derive(Debug, Default)]
pub(super) struct DiskQueue {
    counts: watch::Sender<Counts>,
    /// Of those that found no room one looks for it at a time: two that are too
    /// large together would keep each other from it for ever.
    looking: Mutex<()>,
}

/// What had ended when somebody began to look for room.
#[derive(Debug)]
pub(super) struct Look(usize);

/// A file that takes room; dropped, it has ended.
#[derive(Debug)]
pub(super) struct OpenFile<'a>(&'a DiskQueue);

impl DiskQueue {
    /// A file is under way.
    pub(super) fn begin(&self) -> OpenFile<'_> {
        self.counts.send_modify(|counts| counts.under_way += 1);
        OpenFile(self)
    }

    /// Waits until nobody else looks for room that was not there.
    pub(super) async fn look_alone(&self) -> MutexGuard<'_, ()> {
        self.looking.lock().await
    }

    /// Begins to look for room.
    pub(super) fn look(&self) -> Look {
        Look(self.counts.borrow().ended)
    }

    /// Waits until a file has ended since then; false when none is under way and
    /// none has, so that nobody makes room.
    pub(super) async fn another_ended(&self, since: &Look) -> bool {
        let over = |counts: &Counts| counts.under_way == 0 || counts.ended != since.0;
        // The sender is this value's own: it is not gone.
        let seen = self.counts.subscribe().wait_for(over).await.map(|counts| *counts);
        seen.is_ok_and(|counts| counts.ended != since.0)
    }
}

impl Drop for OpenFile<'_> {
    fn drop(&mut self) {
        self.0.counts.send_modify(|counts| {
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
        let disk = DiskQueue::default();
        let look = disk.look();
        assert!(!disk.another_ended(&look).await, "nothing is under way");
        let file = disk.begin();
        let (ended, ()) = tokio::join!(disk.another_ended(&look), async { drop(file) });
        assert!(ended);
        assert!(disk.another_ended(&look).await, "it ended since");
        assert!(!disk.another_ended(&disk.look()).await);
    }
}
