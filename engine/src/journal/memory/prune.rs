//! Taking away what has been kept long enough.

use super::Records;
use crate::id::RunId;
use crate::journal::JournalError;
use crate::journal::dead_letters::DeadLetterStatus;
use crate::journal::retention::{EVENTS_MAX, LETTERS_MAX, Pruned, RUNS_MAX, Retention, before, fitting};
use crate::time::Timestamp;

impl Records {
    pub(super) fn prune(&mut self, retention: Retention, now: Timestamp) -> Pruned {
        let mut pruned = Pruned::default();
        if let Some(keep) = retention.dead_letters {
            pruned.dead_letters = self.prune_letters(before(now, keep));
            pruned.more = pruned.dead_letters >= LETTERS_MAX;
        }
        if let Some(keep) = retention.histories {
            let (runs, more) = self.long_ended(before(now, keep));
            self.items.retain(|(of, _, _), _| !runs.contains(of));
            self.events.retain(|_, event| !runs.contains(&event.run));
            pruned.runs = runs.len() as u64;
            pruned.more |= more;
            self.pruned.extend(runs);
        }
        pruned
    }

    fn prune_letters(&mut self, older_than: Timestamp) -> u64 {
        let runs = &self.runs;
        let mut taken = 0;
        self.dead_letters.retain(|letter| {
            let ended = runs.get(&letter.run).is_some_and(|run| run.status.is_terminal());
            let take = ended && letter.at < older_than && taken < LETTERS_MAX;
            taken += u64::from(take);
            !take
        });
        taken
    }

    /// The longest ended runs that have a history and no letter that waits;
    /// whether there are more.
    fn long_ended(&self, finished_before: Timestamp) -> (Vec<RunId>, bool) {
        let waiting = |run: RunId| {
            self.dead_letters
                .iter()
                .any(|letter| letter.run == run && letter.status == DeadLetterStatus::Waiting)
        };
        let mut ended: Vec<(Timestamp, RunId, u64)> = self
            .runs
            .values()
            .filter(|run| run.status.is_terminal() && !self.pruned.contains(&run.id) && !waiting(run.id))
            .filter_map(|run| Some((run.finished_at.filter(|at| *at < finished_before)?, run.id, run.seq)))
            .collect();
        ended.sort();
        let more = ended.len() as u64 >= RUNS_MAX || ended.iter().map(|run| run.2).sum::<u64>() > EVENTS_MAX;
        ended.truncate(usize::try_from(RUNS_MAX).unwrap_or(usize::MAX));
        ended.truncate(fitting(ended.iter().map(|run| run.2)));
        (ended.into_iter().map(|run| run.1).collect(), more)
    }

    /// # Errors
    /// [`JournalError::Pruned`] if the run's history was pruned.
    pub(super) fn kept(&self, run: RunId) -> Result<(), JournalError> {
        if self.pruned.contains(&run) { Err(JournalError::Pruned(run)) } else { Ok(()) }
    }
}
