//! How far the cursor of each run was passed on. Pure: no journal, no channel.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Event, EventKind};
use crate::id::RunId;

/// What is known of the cursors. Holds an entry for each run that was heard of
/// and has not ended, and for an ended one until the tail has caught up.
#[derive(Debug, Default)]
pub(super) struct RunCursors(HashMap<RunId, RunCursor>);

#[derive(Debug, Default)]
struct RunCursor {
    passed_on: u64,
    ended_at: Option<u64>,
}

/// What is to be passed on now.
#[derive(Debug, Default, PartialEq)]
pub(super) struct InOrder {
    /// The next events, in order.
    pub(super) next: Vec<Arc<Event>>,
    /// Whether something was held back that only the tail can put in order.
    pub(super) behind: bool,
}

/// Whether nothing comes after it, unless the run is redriven.
pub(crate) fn ends(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Cancelled
            | EventKind::Completed
            | EventKind::CompletedPartially { .. }
            | EventKind::RunFailed { .. }
    )
}

impl RunCursor {
    fn take(&mut self, event: Event, in_order: &mut InOrder) {
        self.passed_on = event.seq;
        // A redriven run goes on, until it ends again.
        self.ended_at = ends(&event.kind).then_some(event.seq);
        in_order.next.push(Arc::new(event));
    }
}

impl RunCursors {
    /// Takes in what this process committed. Two commits of one run may arrive
    /// here in either order: what is not next in cursor waits for the tail.
    pub(super) fn committed(&mut self, events: &[Event]) -> InOrder {
        let mut in_order = InOrder::default();
        for event in events {
            let known = self.0.get(&event.run).map_or(0, |cursor| cursor.passed_on);
            if event.seq == known + 1 {
                self.0.entry(event.run).or_default().take(event.clone(), &mut in_order);
            } else if event.seq > known {
                in_order.behind = true;
            }
        }
        in_order
    }

    /// Takes in what the tail told; a run's cursor begins where it is first
    /// heard of.
    pub(super) fn tailed(&mut self, events: Vec<Event>) -> InOrder {
        let mut in_order = InOrder::default();
        for event in events {
            let (run, seq) = (event.run, event.seq);
            let cursor = self.0.entry(run).or_default();
            if seq > cursor.passed_on {
                cursor.take(event, &mut in_order);
            }
            if cursor.ended_at.is_some_and(|ended_at| ended_at <= seq) {
                self.0.remove(&run);
            }
        }
        in_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn event(run: RunId, seq: u64, kind: EventKind) -> Event {
        Event { run, seq, at: Timestamp(0), kind }
    }

    fn opened(run: RunId, seq: u64) -> Event {
        event(run, seq, EventKind::Opened { step: 0, items: None })
    }

    fn seqs(in_order: &InOrder) -> Vec<u64> {
        in_order.next.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn commits_that_arrive_crosswise_come_out_in_order_and_once() {
        let (run, mut cursors) = (RunId::new(), RunCursors::default());
        assert_eq!(seqs(&cursors.committed(&[opened(run, 1)])), [1]);
        let early = cursors.committed(&[opened(run, 3)]);
        assert_eq!((seqs(&early), early.behind), (vec![], true));
        assert_eq!(seqs(&cursors.committed(&[opened(run, 2)])), [2]);
        let tail = (1..=4).map(|seq| opened(run, seq)).collect();
        assert_eq!(seqs(&cursors.tailed(tail)), [3, 4]);
    }

    #[test]
    fn a_run_heard_of_in_the_middle_begins_where_the_tail_begins() {
        let (run, mut cursors) = (RunId::new(), RunCursors::default());
        assert!(cursors.committed(&[opened(run, 8)]).behind);
        assert_eq!(seqs(&cursors.tailed(vec![opened(run, 7), opened(run, 8)])), [7, 8]);
        assert_eq!(seqs(&cursors.committed(&[opened(run, 8), opened(run, 9)])), [9]);
    }

    #[test]
    fn a_run_that_goes_on_after_its_end_is_one_line() {
        let (run, mut cursors) = (RunId::new(), RunCursors::default());
        let failed = || EventKind::RunFailed { code: "X".to_owned(), message: String::new() };
        let all = [opened(run, 1), event(run, 2, failed()), opened(run, 3), event(run, 4, failed())];
        // Heard of here before the tail knows that it ended; and long after.
        assert_eq!(seqs(&cursors.committed(&all[..3])), [1, 2, 3]);
        assert_eq!(seqs(&cursors.tailed(all[..2].to_vec())), [] as [u64; 0]);
        assert_eq!(cursors.0.len(), 1, "it has not ended");
        assert_eq!(seqs(&cursors.tailed(all[2..].to_vec())), [4]);
        assert_eq!(cursors.0.len(), 0);
        assert!(cursors.committed(&[opened(run, 5)]).behind);
        assert_eq!(seqs(&cursors.tailed(vec![opened(run, 5)])), [5]);
    }

    #[test]
    fn an_ended_run_is_forgotten_once_the_tail_has_caught_up() {
        let (run, mut cursors) = (RunId::new(), RunCursors::default());
        let all = [opened(run, 1), event(run, 2, EventKind::Completed)];
        assert_eq!(seqs(&cursors.committed(&all)), [1, 2]);
        assert_eq!(seqs(&cursors.tailed(all[..1].to_vec())), [] as [u64; 0]);
        assert_eq!(cursors.0.len(), 1, "the tail will tell of its end too");
        assert_eq!(seqs(&cursors.tailed(all[1..].to_vec())), [] as [u64; 0]);
        assert_eq!(cursors.0.len(), 0);
    }
}
