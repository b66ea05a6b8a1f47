//! Objects that were put for a task that may not have come to be: the store or
//! the database went away before it said. What no row names is removed later.

use std::time::Duration;
use untxt_engine::journal::database::Database;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{DbErr, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use crate::tables::{file, removal};

/// By then a commit that was under way has happened or never will.
const COMMITTED_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// By then a store has written, or never will, what it was sent.
const STORED_WITHIN: TimeDelta = TimeDelta::minutes(30);

/// Between two attempts to write down what is doubtful.
const RETRY: Duration = Duration::from_secs(1);

/// The store did not say whether it has the object, or would not remove it; no
/// task will name it.
pub(crate) fn unwanted(database: &Database, file: &file::Model, now: DateTime<Utc>) {
    // Both are nobody's file: nothing keeps the object.
    write_down(
        database,
        [now, now + STORED_WITHIN].map(|due_at| removal(Uuid::now_v7(), file, due_at)).to_vec(),
    );
}

/// The database did not say whether the task came to be. The object goes unless
/// its file's row is there.
pub(crate) fn uncommitted(database: &Database, file: &file::Model, now: DateTime<Utc>) {
    write_down(database, vec![removal(file.id, file, now + COMMITTED_WITHIN)]);
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
/// process alone knows of them.
fn write_down(database: &Database, removals: Vec<removal::Model>) {
    let database = database.clone();
    tokio::spawn(async move {
        loop {
            let rows = removals.iter().cloned().map(IntoActiveModel::into_active_model);
            let Err(error) = removal::Entity::insert_many(rows).exec_without_returning(&database).await
            else {
                return;
            };
            // An answer that was lost: they are written.
            if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) {
                return;
            }
            tracing::debug!(%error, "an object that may be nobody's is written down later");
            tokio::time::sleep(RETRY).await;
        }
    });
}
