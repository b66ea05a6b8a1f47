//! Erasing tasks: rows and history in one commit, which also says which objects
//! are to go. They go at once if the store lets them, and later otherwise.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Set,
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use untxt_engine::decide::Refusal;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::rows::RowChange;
use uuid::Uuid;

use crate::boxed;
use crate::documents::formats::Format;
use crate::entities::{file, removal, task, upload};
use crate::objects::{ObjectError, keys};
use crate::tasks::Tasks;
use crate::{erasures, orphan_objects};

/// A worker that has not heard of the end may still store a result: it is let
/// go of the step after half as long.
const STRAGGLERS_WRITE_FOR: Duration = Duration::from_secs(30 * 60);

/// How long whoever erases waits for the store; what is left goes later.
const AT_ONCE: Duration = Duration::from_secs(3);

/// How often what is due is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Objects that are removed between two looks.
const REMOVALS_AT_ONCE: u64 = 500;

/// After the first refusal; doubled with each, up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(10);
const RETRY_MAX: Duration = Duration::from_secs(60 * 60);

/// How often a task that somebody redrives meanwhile is cancelled again.
const CANCELS_MAX: usize = 5;

/// Why a task could not be erased; nothing of it is gone then.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The journal did not take it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tables could not be read.
    #[error("the database does not answer: {0}; check DATABASE_URL and the server")]
    Database(#[from] DbErr),
}

impl Tasks {
    /// Erases a task with its file, its history, its objects and what its webhook
    /// is still to be told; one that has not ended is cancelled first. False if
    /// there is no such task (any more).
    ///
    /// When this returns `Ok`, the rows are gone, and the objects are or will
    /// be: those that the store does not remove now are removed by a worker.
    ///
    /// # Errors
    /// Each [`EraseError`].
    #[boxed]
    pub async fn erase_task(&self, id: Uuid) -> Result<bool, EraseError> {
        let Some((task, file)) = self.records.task(id).await? else { return Ok(false) };
        let mut removals = removals(&task, &file, self.now());
        for _ in 0..CANCELS_MAX {
            match self.engine().cancel(RunId(id)).await {
                Ok(_) => removals.extend(once_more(&task, &file, self.now())),
                Err(JournalError::Refused(Refusal::Ended(_)) | JournalError::UnknownRun(_)) => {}
                Err(error) => return Err(error.into()),
            }
            match self.erase_with(&task, &file, &removals).await {
                // Somebody redrove it in between.
                Err(EraseError::Journal(JournalError::Refused(Refusal::Stale))) => {}
                erased => return erased,
            }
        }
        Err(JournalError::Refused(Refusal::Stale).into())
    }

    /// The same for a task that has ended; false also for one that goes on.
    pub(crate) async fn erase_ended(
        &self,
        task: &task::Model,
        file: &file::Model,
    ) -> Result<bool, EraseError> {
        match self.erase_with(task, file, &removals(task, file, self.now())).await {
            Err(EraseError::Journal(JournalError::Refused(Refusal::Stale))) => Ok(false),
            erased => erased,
        }
    }

    async fn erase_with(
        &self,
        task: &task::Model,
        file: &file::Model,
        removals: &[removal::Model],
    ) -> Result<bool, EraseError> {
        self.erase_deliveries(RunId(task.id)).await?;
        let mut rows = rows(task, file, removals);
        rows.push(erasures::of(task, self.now()));
        match self.engine().erase(RunId(task.id), rows).await {
            Ok(()) => {
                self.resources().forget_views(task.id).await;
                self.remove_at_once(removals).await;
                Ok(true)
            }
            // Somebody else erased it.
            Err(JournalError::UnknownRun(_)) => {
                self.resources().forget_views(task.id).await;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is to be told of a task, or was, goes before it: should this break
    /// off, the task is still there to be erased.
    async fn erase_deliveries(&self, task: RunId) -> Result<(), JournalError> {
        for delivery in self.records.deliveries(task).await? {
            match self.engine().cancel(delivery).await {
                Ok(_) | Err(JournalError::Refused(Refusal::Ended(_)) | JournalError::UnknownRun(_)) => {}
                Err(error) => return Err(error),
            }
            match self.engine().erase(delivery, Vec::new()).await {
                Ok(()) | Err(JournalError::UnknownRun(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn remove_at_once(&self, removals: &[removal::Model]) {
        let now = self.now();
        let all = async {
            for removal in removals.iter().filter(|removal| removal.due_at <= now) {
                self.remove(removal).await?;
            }
            Ok::<(), RemovalError>(())
        };
        match timeout(AT_ONCE, all).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "can't delete objects of an erased task; a worker retries")
            }
            Err(_) => tracing::warn!("the store is slow; a worker deletes the objects of an erased task"),
        }
    }

    async fn remove(&self, removal: &removal::Model) -> Result<(), RemovalError> {
        if !orphan_objects::is_named(self.database(), removal).await? {
            self.resources().objects.delete(&removal.object_key).await?;
        }
        removal::Entity::delete_by_id(removal.id).exec(self.database()).await?;
        Ok(())
    }

    /// Removes the objects that are to go and are due, a number of them; how
    /// many went.
    ///
    /// # Errors
    /// When the database does not answer. A store that does not is asked again
    /// later.
    #[boxed]
    pub async fn remove_due(&self) -> Result<u64, DbErr> {
        let due = removal::Entity::find()
            .filter(removal::Column::DueAt.lte(self.now()))
            .order_by_asc(removal::Column::DueAt)
            .limit(REMOVALS_AT_ONCE)
            .all(self.database())
            .await?;
        let mut removed = 0;
        for removal in due {
            match self.remove(&removal).await {
                Ok(()) => removed += 1,
                Err(RemovalError::Database(error)) => return Err(error),
                Err(RemovalError::Object(error)) => {
                    let away = error.is_retryable();
                    tracing::warn!(key = %removal.object_key, %error, "can't delete an object; it is retried");
                    self.put_off(removal).await?;
                    if away {
                        break;
                    }
                }
            }
        }
        Ok(removed)
    }

    async fn put_off(&self, removal: removal::Model) -> Result<(), DbErr> {
        let doublings = Ord::min(u32::try_from(removal.attempts).unwrap_or_default(), 16);
        let wait = Ord::min(RETRY_FIRST.saturating_mul(1 << doublings), RETRY_MAX);
        let attempts = removal.attempts.saturating_add(1);
        let changed = removal::ActiveModel {
            id: Set(removal.id),
            due_at: Set(self.now() + wait),
            attempts: Set(attempts),
            ..Default::default()
        };
        match changed.update(self.database()).await {
            // Another worker removed it.
            Ok(_) | Err(DbErr::RecordNotUpdated) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// An upload's object has a removal of its own.
    async fn remove_what_is_over(&self) -> Result<(), DbErr> {
        self.remove_due().await?;
        let expired = upload::Entity::delete_many().filter(upload::Column::ExpiresAt.lte(self.now()));
        expired.exec(self.database()).await?;
        self.records.forget_erasures().await?;
        self.records.forget_redrive_rates().await?;
        self.forget_admissions().await
    }

    /// Removes what is due, now and again; never returns.
    pub(crate) async fn keep_removing(&self) {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.remove_what_is_over().await {
                tracing::warn!(%error, "can't list objects pending deletion; the next pass retries");
            }
            self.database().give_room_back().await;
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RemovalError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Everything the task may have stored: the upload, and each format it was
/// asked for, whether or not it came so far.
fn removals(task: &task::Model, file: &file::Model, now: DateTime<Utc>) -> Vec<removal::Model> {
    let keys = results(task, file).chain([file.s3_key.clone()]);
    keys.map(|key| due(key, now)).collect()
}

/// The results once more, and a document that is being fetched, when nobody can be at work
/// on them any longer.
fn once_more<'a>(
    task: &'a task::Model,
    file: &'a file::Model,
    now: DateTime<Utc>,
) -> impl Iterator<Item = removal::Model> + 'a {
    let fetched = file.file_hash.is_none().then(|| file.s3_key.clone());
    results(task, file).chain(fetched).map(move |key| due(key, now + STRAGGLERS_WRITE_FOR))
}

fn results(task: &task::Model, file: &file::Model) -> impl Iterator<Item = String> {
    let month = file.uploaded_at.unwrap_or_default();
    let formats = Format::parse_list(&task.formats).unwrap_or_default();
    let (user, id) = (file.user_id, file.id);
    let kinds = formats.into_iter().flat_map(Format::files);
    kinds.map(move |kind| keys::result_key(user, month, id, kind.extension))
}

fn due(object_key: String, due_at: DateTime<Utc>) -> removal::Model {
    removal::Model { id: Uuid::now_v7(), object_key, due_at, attempts: 0 }
}

fn rows(task: &task::Model, file: &file::Model, removals: &[removal::Model]) -> Vec<RowChange> {
    let task = Query::delete()
        .from_table(task::Entity)
        .and_where(Expr::col(task::Column::Id).eq(task.id))
        .to_owned();
    let file = Query::delete()
        .from_table(file::Entity)
        .and_where(Expr::col(file::Column::Id).eq(file.id))
        .to_owned();
    let removals = removals.iter().cloned().map(IntoActiveModel::into_active_model);
    vec![task.into(), file.into(), removal::Entity::insert_many(removals).into_query().into()]
}
