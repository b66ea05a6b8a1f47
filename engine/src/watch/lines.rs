//! How far the line of each run was passed on. Pure: no journal, no channel.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Event, EventKind};
use crate::id::RunId;

/// What is known of the lines. Holds an entry for each run that was heard of
/// and has not ended, and for an ended one until the tail has caught up.
#[derive(Debug, Default)]
pub(super) struct Lines(HashMap<RunId, Line>);

#[derive(Debug, Default)]
struct Line {
    passed_on: u64,
    ended_at: Option<u64>,
}

/// What is to be passed on now.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sorted {
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

impl Line {
    fn take(&mut self, event: Event, sorted: &mut Sorted) {
        self.passed_on = event.seq;
        // A redriven run goes on, until it ends again.
        self.ended_at = ends(&event.kind).then_some(event.seq);
        sorted.next.push(Arc::new(event));
    }
}

impl Lines {
    /// Takes in what this process committed. Two commits of one run may arrive
    /// here in either order: what is not next in line waits for the tail.
    pub(super) fn committed(&mut self, events: &[Event]) -> Sorted {
        let mut sorted = Sorted::default();
        for event in events {
            let known = self.0.get(&event.run).map_or(0, |line| line.passed_on);
            if event.seq == known + 1 {
                self.0.entry(event.run).or_default().take(event.clone(), &mut sorted);
            } else if event.seq > known {
                sorted.behind = true;
            }
        }
        sorted
    }

    /// Takes in what the tail told; a run's line begins where it is first
    /// heard of.
    pub(super) fn tailed(&mut self, events: Vec<Event>) -> Sorted {
        let mut sorted = Sorted::default();
        for event in events {
            let (run, seq) = (event.run, event.seq);
            let line = self.0.entry(run).or_default();
            if seq > line.passed_on {
                line.take(event, &mut sorted);
            }
            if line.ended_at.is_some_and(|ended_at| ended_at <= seq) {
                self.0.remove(&run);
            }
        }
        sorted
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

    fn seqs(sorted: &Sorted) -> Vec<u64> {
        sorted.next.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn commits_that_arrive_crosswise_come_out_in_order_and_once() {
        let (run, mut lines) = (RunId::new(), Lines::default());
        assert_eq!(seqs(&lines.committed(&[opened(run, 1)])), [1]);
        let early = lines.committed(&[opened(run, 3)]);
        assert_eq!((seqs(&early), early.behind), (vec![], true));
        assert_eq!(seqs(&lines.committed(&[opened(run, 2)])), [2]);
        let tail = (1..=4).map(|seq| opened(run, seq)).collect();
        assert_eq!(seqs(&lines.tailed(tail)), [3, 4]);
    }

    #[test]
    fn a_run_heard_of_in_the_middle_begins_where_the_tail_begins() {
        let (run, mut lines) = (RunId::new(), Lines::default());
        assert!(lines.committed(&[opened(run, 8)]).behind);
        assert_eq!(seqs(&lines.tailed(vec![opened(run, 7), opened(run, 8)])), [7, 8]);
        assert_eq!(seqs(&lines.committed(&[opened(run, 8), opened(run, 9)])), [9]);
    }

    #[test]
    fn a_run_that_goes_on_after_its_end_is_one_line() {
        let (run, mut lines) = (RunId::new(), Lines::default());
        let failed = || EventKind::RunFailed { code: "X".to_owned(), message: String::new() };
        let all = [opened(run, 1), event(run, 2, failed()), opened(run, 3), event(run, 4, failed())];
        // Heard of here before the tail knows that it ended; and long after.
        assert_eq!(seqs(&lines.committed(&all[..3])), [1, 2, 3]);
        assert_eq!(seqs(&lines.tailed(all[..2].to_vec())), [] as [u64; 0]);
        assert_eq!(lines.0.len(), 1, "it has not ended");
        assert_eq!(seqs(&lines.tailed(all[2..].to_vec())), [4]);
        assert_eq!(lines.0.len(), 0);
        assert!(lines.committed(&[opened(run, 5)]).behind);
        assert_eq!(seqs(&lines.tailed(vec![opened(run, 5)])), [5]);
    }

    #[test]
    fn an_ended_run_is_forgotten_once_the_tail_has_caught_up() {
        let (run, mut lines) = (RunId::new(), Lines::default());
        let all = [opened(run, 1), event(run, 2, EventKind::Completed)];
        assert_eq!(seqs(&lines.committed(&all)), [1, 2]);
        assert_eq!(seqs(&lines.tailed(all[..1].to_vec())), [] as [u64; 0]);
        assert_eq!(lines.0.len(), 1, "the tail will tell of its end too");
        assert_eq!(seqs(&lines.tailed(all[1..].to_vec())), [] as [u64; 0]);
        assert_eq!(lines.0.len(), 0);
    }
}
