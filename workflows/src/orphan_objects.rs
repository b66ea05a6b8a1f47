//! Objects that were put for a task that may not have come to be: the store or
//! the database went away before it said. What no row names is removed later.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{DbErr, EntityTrait, IntoActiveModel};
use untxt_engine::journal::database::Database;
use uuid::Uuid;

use crate::entities::{file, removal};

/// By then a commit that was under way has happened or never will.
const COMMITTED_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// By then a store has written, or never will, what it was sent.
const STORED_WITHIN: TimeDelta = TimeDelta::minutes(30);

/// Between two attempts to write down what is doubtful.
const RETRY: Duration = Duration::from_secs(1);

/// Removals that wait for the database: some 4 MiB, and more uploads than fail
/// while a database restarts. What is beyond goes by the bucket's own rules.
const WAITING_MAX: usize = 10_000;

/// Rows of one INSERT.
const ROWS_AT_ONCE: usize = 200;

/// The store did not say whether it has the object, or would not remove it; no
/// task will name it.
pub(crate) fn unwanted(
    waiting: &Arc<OrphanObjects>,
    database: &Database,
    file: &file::Model,
    now: DateTime<Utc>,
) {
    // Both are nobody's file: nothing keeps the object.
    write_down(
        waiting,
        database,
        [now, now + STORED_WITHIN].map(|due_at| removal(Uuid::now_v7(), file, due_at)).to_vec(),
    );
}

/// The database did not say whether the task came to be. The object goes unless
/// its file's row is there.
pub(crate) fn uncommitted(
    waiting: &Arc<OrphanObjects>,
    database: &Database,
    file: &file::Model,
    now: DateTime<Utc>,
) {
    write_down(waiting, database, vec![removal(file.id, file, now + COMMITTED_WITHIN)]);
}

/// Whether the row is there of the file that a removal is doubtful about.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn is_named(database: &Database, removal: &removal::Model) -> Result<bool, DbErr> {
    let file = file::Entity::find_by_id(removal.id).one(database).await?;
    Ok(file.is_some_and(|file| file.s3_key == removal.object_key))
}

fn removal(id: Uuid, file: &file::Model, due_at: DateTime<Utc>) -> removal::Model {
    removal::Model { id, object_key: file.s3_key.clone(), due_at, attempts: 0 }
}

/// Writes removals down as soon as the database takes them; until then this
/// process alone knows of them. Beyond [`WAITING_MAX`] the oldest are given up:
/// their objects stay, and the log names them.
fn write_down(waiting: &Arc<OrphanObjects>, database: &Database, removals: Vec<removal::Model>) {
    if waiting.add(removals) {
        let (waiting, database) = (Arc::clone(waiting), database.clone());
        tokio::spawn(async move { waiting.write(database).await });
    }
}

/// What waits to be written down in this process.
#[derive(Default)]
pub(crate) struct OrphanObjects {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    rows: VecDeque<removal::Model>,
    /// Whether a task is at it.
    is_written: bool,
}

impl OrphanObjects {
    /// Adds removals; whether somebody has to begin to write.
    fn add(&self, removals: Vec<removal::Model>) -> bool {
        let mut queue = self.lock();
        queue.rows.extend(removals);
        while queue.rows.len() > WAITING_MAX {
            let Some(lost) = queue.rows.pop_front() else { break };
            tracing::error!(
                key = %lost.object_key,
                "too many objects that may be nobody's wait for the database; this one stays in the store"
            );
        }
        !std::mem::replace(&mut queue.is_written, true)
    }

    /// Writes until nothing waits, a few at a time: one task a process, however
    /// many uploads failed.
    async fn write(&self, database: Database) {
        while let Some(rows) = self.next() {
            match written(&database, &rows).await {
                Ok(()) => self.done(&rows),
                Err(error) => {
                    tracing::debug!(%error, "objects that may be nobody's are written down later");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// The next rows; none, and whoever writes is done, when nothing waits.
    fn next(&self) -> Option<Vec<removal::Model>> {
        let mut queue = self.lock();
        queue.is_written = !queue.rows.is_empty();
        queue.is_written.then(|| queue.rows.iter().take(ROWS_AT_ONCE).cloned().collect())
    }

    /// Some of these may have been given up meanwhile.
    fn done(&self, rows: &[removal::Model]) {
        let ids: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
        self.lock().rows.retain(|row| !ids.contains(&row.id));
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row that is there already is one whose answer was lost.
async fn written(database: &Database, rows: &[removal::Model]) -> Result<(), DbErr> {
    let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
    let there = OnConflict::column(removal::Column::Id).do_nothing().to_owned();
    removal::Entity::insert_many(rows).on_conflict(there).exec_without_returning(database).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize) -> removal::Model {
        let key = format!("uploads/{number}");
        removal::Model { id: Uuid::now_v7(), object_key: key, due_at: Utc::now(), attempts: 0 }
    }

    #[test]
    fn one_task_writes_and_what_waits_is_bounded() {
        let waiting = OrphanObjects::default();
        assert!(waiting.add(vec![row(0)]), "the first begins to write");
        for number in 1..WAITING_MAX + 10 {
            assert!(!waiting.add(vec![row(number)]), "nobody else does");
        }
        let next = waiting.next().unwrap();
        assert_eq!(next.len(), ROWS_AT_ONCE);
        assert_eq!(next[0].object_key, "uploads/10", "the oldest are given up");
        waiting.done(&next);
        assert_eq!(waiting.lock().rows.len(), WAITING_MAX - ROWS_AT_ONCE);
        while let Some(rows) = waiting.next() {
            waiting.done(&rows);
        }
        assert!(waiting.add(vec![row(0)]), "and when all is written the next begins again");
    }
}
