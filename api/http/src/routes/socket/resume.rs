//! What a client missed, told again: of one task (`subscribe`), or in parts of
//! all that its user's tasks did since it was away (`resume`). Every part is a
//! few queries, and each of them waits for its turn.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_workflows::catch_up::ChangeCursor;
use untxt_workflows::updates::UpdateProjector;
use uuid::Uuid;

use super::client_message::Away;
use super::{Close, Connection, RESUME_WITHIN, TRY_AGAIN_LATER};
use crate::app_state::AppState;
use crate::error::ApiError;
use crate::read_limiter::HistoryReadPermit;
use crate::views;

/// Tasks that one `resume` looks through: as many as a list shows.
const TASKS_MAX: u64 = 200;

/// Events of the tasks that one `resume` tells of: some megabytes, read in a
/// fraction of a second. A task with more comes alone.
const EVENTS_MAX: u64 = 20_000;

/// Events that are read in one turn, and wait here while they are sent.
const EVENTS_AT_ONCE: u32 = 1_000;

/// What a client does not get now.
fn away() -> Close {
    Close(TRY_AGAIN_LATER, "what was missed can't be read now; connect again")
}

/// What one `resume` tells.
#[derive(Debug, Default, PartialEq)]
struct Part {
    /// The tasks, and after which event of theirs.
    tasks: BTreeMap<Uuid, u64>,
    /// Where the next part begins, if this is not the last.
    next: Option<ChangeCursor>,
}

/// What is chosen from.
struct Choice<'a> {
    /// Tasks that the client named, in order.
    named: &'a [Uuid],
    /// Tasks that changed, in order.
    changed: &'a [ChangeCursor],
    /// Up to which event each of them was told.
    after: &'a dyn Fn(Uuid) -> u64,
    /// Last event of each.
    last: &'a HashMap<Uuid, u64>,
}

impl Choice<'_> {
    /// As many tasks as one part may have.
    fn part(&self, begins: ChangeCursor) -> Part {
        let (mut part, mut events) = (Part::default(), 0);
        let mut takes = |task: Uuid, tasks: &mut BTreeMap<Uuid, u64>| {
            let (after, last) = ((self.after)(task), self.last.get(&task).copied().unwrap_or(0));
            if last <= after || tasks.contains_key(&task) {
                return true;
            }
            let full = tasks.len() as u64 >= TASKS_MAX || events + last > EVENTS_MAX;
            if full && !tasks.is_empty() {
                return false;
            }
            events += last;
            tasks.insert(task, after);
            true
        };
        if !self.named.iter().all(|task| takes(*task, &mut part.tasks)) {
            part.next = Some(begins);
            return part;
        }
        let mut reached = begins;
        for cursor in self.changed {
            if !takes(cursor.task, &mut part.tasks) {
                part.next = Some(reached);
                return part;
            }
            reached = *cursor;
        }
        part.next = (self.changed.len() as u64 >= TASKS_MAX).then_some(reached);
        part
    }
}

async fn read_permit(state: &AppState, user: Uuid) -> Result<HistoryReadPermit, Close> {
    let busy = Close(TRY_AGAIN_LATER, "too many clients ask for what they missed; connect again later");
    state.reads.acquire(user).await.map_err(|_| busy)
}

impl Connection {
    /// Tells again what happened to a task of the user's after `after_seq`.
    pub(super) async fn subscribe(&mut self, task: Uuid, after_seq: u64) -> Result<(), Close> {
        let owned = {
            let _permit = read_permit(&self.state, self.user).await?;
            self.state.platform.records.owned(self.user, &[task]).await.map_err(|_| away())?
        };
        if owned.is_empty() {
            // Nobody learns whether it is somebody else's.
            return self.refuse(&ApiError::no_task(&task.to_string()), Some(task)).await;
        }
        if self.tell(&BTreeMap::from([(task, after_seq)])).await? == 0 {
            let pruned = ApiError::from(JournalError::Pruned(RunId(task)));
            return self.refuse(&pruned, Some(task)).await;
        }
        Ok(())
    }

    /// Tells a part of what the client missed of all its user's tasks; with the
    /// last part, from here on what happens.
    pub(super) async fn resume(&mut self, asked: Away) -> Result<(), Close> {
        self.resumes_by = Instant::now() + RESUME_WITHIN;
        let begins = match asked.cursor.as_deref().map(str::parse::<ChangeCursor>).transpose() {
            Ok(cursor) => cursor.unwrap_or(ChangeCursor::START),
            Err(error) => return self.refuse(&ApiError::field("cursor", error.to_string()), None).await,
        };
        let platform = self.state.platform.clone();
        let mut named: Vec<Uuid> = asked.seen.keys().copied().collect();
        named.sort_unstable();
        let permit = read_permit(&self.state, self.user).await?;
        let owned = platform.records.owned(self.user, &named).await.map_err(|_| away())?;
        let changed = platform
            .records
            .changed_since(self.user, asked.since, begins, TASKS_MAX)
            .await
            .map_err(|_| away())?;
        let runs: Vec<RunId> =
            owned.iter().copied().chain(changed.iter().map(|cursor| cursor.task)).map(RunId).collect();
        let seqs = platform.records.engine().last_seqs(&runs).await.map_err(|_| away())?;
        drop(permit);

        let (mine, gone): (Vec<Uuid>, Vec<Uuid>) = named.into_iter().partition(|task| owned.contains(task));
        for task in gone {
            self.erased(task).await?;
        }
        let last: HashMap<Uuid, u64> = seqs.into_iter().map(|(run, seq)| (run.0, seq)).collect();
        // What the client was told by another connection may still be on its way to this
        // one.
        for ChangeCursor { task, .. } in &changed {
            let seen = asked.seen.get(task).zip(last.get(task)).map(|(seen, last)| *Ord::min(seen, last));
            if seen > self.replayed.up_to(*task) {
                self.replayed.again(*task, seen.unwrap_or_default());
            }
        }
        let after = |task| {
            let told = self.replayed.up_to(task).unwrap_or(0);
            Ord::max(told, asked.seen.get(&task).copied().unwrap_or(0))
        };
        let part = Choice { named: &mine, changed: &changed, after: &after, last: &last }.part(begins);
        self.tell(&part.tasks).await?;
        self.resumes_by = Instant::now() + RESUME_WITHIN;
        match part.next {
            Some(next) => self.send(&views::resume_more(&next.to_string())).await,
            None => {
                self.waits = false;
                self.send(&views::resumed()).await
            }
        }
    }

    /// Tells what happened to each task after its event; how many events they have
    /// in all.
    async fn tell(&mut self, tasks: &BTreeMap<Uuid, u64>) -> Result<usize, Close> {
        let engine = self.state.platform.records.engine().clone();
        let runs: Vec<RunId> = tasks.keys().copied().map(RunId).collect();
        let (mut projector, mut read, mut cursor) = (UpdateProjector::of_histories(), 0, None);
        while !runs.is_empty() {
            let permit = read_permit(&self.state, self.user).await?;
            let part = engine.histories(&runs, cursor, EVENTS_AT_ONCE).await.map_err(|_| away())?;
            read += part.events.len() + part.unreadable.len();
            for (run, why) in &part.unreadable {
                tracing::warn!(%run, why, "an event can't be read and is not told to a client that missed it");
            }
            let (mut updates, mut up_to) = (Vec::new(), BTreeMap::new());
            for event in &part.events {
                up_to.insert(event.run.0, event.seq);
                match projector.tell(&engine, event).await {
                    Ok(Some(update)) if tasks.get(&update.task).is_some_and(|after| update.seq > *after) => {
                        updates.push(update);
                    }
                    // What comes after an event that can't be read can't be told.
                    Ok(_) | Err(JournalError::Corrupt(_) | JournalError::Pruned(_)) => {}
                    // The client must not take this for all there is.
                    Err(_) => return Err(away()),
                }
            }
            // A client that reads slowly keeps nobody else from reading.
            drop(permit);
            for update in updates {
                self.update(&update).await?;
            }
            for (task, seq) in up_to {
                self.replayed.again(task, seq);
            }
            cursor = part.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn task(n: usize) -> Uuid {
        Uuid::from_u128(n as u128)
    }

    fn cursors(count: usize) -> Vec<ChangeCursor> {
        (1..=count).map(|n| ChangeCursor { changed_at: DateTime::UNIX_EPOCH, task: task(n) }).collect()
    }

    fn part(named: &[Uuid], changed: &[ChangeCursor], events: u64) -> Part {
        let last = |task: Uuid| (task, events);
        let last = named.iter().copied().chain(changed.iter().map(|cursor| cursor.task)).map(last).collect();
        Choice { named, changed, after: &|_| 0, last: &last }.part(ChangeCursor::START)
    }

    #[test]
    fn a_part_has_so_many_tasks_and_says_where_the_next_begins() {
        let few = part(&[], &cursors(199), 3);
        assert_eq!((few.tasks.len(), few.next), (199, None));
        let many = part(&[], &cursors(200), 3);
        assert_eq!((many.tasks.len(), many.next), (200, Some(cursors(200)[199])));
        let named: Vec<Uuid> = (1_000..1_500).map(task).collect();
        let first = part(&named, &cursors(10), 3);
        assert_eq!((first.tasks.len(), first.next), (200, Some(ChangeCursor::START)));
        let both = part(&named[..150], &cursors(100), 3);
        assert_eq!((both.tasks.len(), both.next), (200, Some(cursors(50)[49])));
    }

    #[test]
    fn a_part_has_so_many_events_and_at_least_a_task() {
        let large = part(&[], &cursors(10), 9_000);
        assert_eq!((large.tasks.len(), large.next), (2, Some(cursors(2)[1])));
        let huge = part(&[], &cursors(2), 1_000_000);
        assert_eq!((huge.tasks.len(), huge.next), (1, Some(cursors(1)[0])));
        let told = Choice {
            named: &[],
            changed: &cursors(5),
            after: &|_| 7,
            last: &(1..=5).map(|n| (task(n), 7)).collect(),
        };
        assert_eq!(told.part(ChangeCursor::START), Part::default(), "nothing of them is new");
    }
}
