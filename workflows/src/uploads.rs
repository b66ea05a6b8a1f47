//! Large files that clients put into the store themselves: begun here, put
//! there, completed here. What lies there is read back, looked at and stored
//! like any upload, under a key of the task's own: whoever holds the URL could
//! put something else in its place while it is good.

use std::time::Duration;

use chrono::Utc;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder,
};
use untxt_engine::journal::database::is_full;
use untxt_engine::rows::RowChange;
use uuid::Uuid;

use crate::boxed;
use crate::documents::filename;
use crate::entities::{removal, upload};
use crate::incoming::{Incoming, IncomingError, Spooled};
use crate::objects::{ObjectError, PresignedPut, keys};
use crate::quota::QuotaError;
use crate::submit::{NewTask, Submission, SubmitError};
use crate::tasks::Tasks;

/// How long the URL is good.
const PUT_WITHIN: Duration = Duration::from_secs(60 * 60);

/// How long an upload may become a task.
const COMPLETE_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Uploads of one user that are not tasks yet: what lies in the store for
/// nothing is bounded.
const PENDING_MAX: u64 = 100;

/// The last part of the key: the client's name is that of the task's own object.
const STAGED: &str = "incoming";

/// What a client wants to put.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Who.
    pub user: Uuid,
    /// The client's name for the file.
    pub filename: String,
    /// Bytes, exactly.
    pub size_bytes: u64,
    /// Their SHA-256, hexadecimal, if the client knows it.
    pub sha256: Option<String>,
    /// URL under which the client reaches the embedded store.
    pub embedded_at: Option<String>,
}

/// Where a client may put it.
#[derive(Clone, Debug)]
pub struct BegunUpload {
    /// Its row.
    pub upload: upload::Model,
    /// The request that puts it.
    pub put: PresignedPut,
    /// How long that request is allowed.
    pub put_within: Duration,
}

/// Why an upload could not be begun, or did not become a task.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// A field says what it may not.
    #[error("{field}: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The user has begun too many.
    #[error("this user has {PENDING_MAX} pending uploads; complete or abandon them")]
    TooMany {
        /// When the URL of the oldest is good no longer, and its place is free.
        retry_after: Duration,
    },
    /// It is a task, and can't be given up any more.
    #[error("the upload became task {0}; erase that instead")]
    Completed(Uuid),
    /// It is a task already, which was asked for with other fields.
    #[error("the upload became task {0} with other fields; begin another upload for another task")]
    CompletedOtherwise(Uuid),
    /// Nothing lies there.
    #[error("the file has not been uploaded, or the upload has expired; PUT it to the URL first")]
    NotThere,
    /// What lies there is not what was announced.
    #[error("the file that was put {0}")]
    Differs(String),
    /// The file is not taken.
    #[error(transparent)]
    Incoming(#[from] IncomingError),
    /// There is no task.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl From<DbErr> for UploadError {
    fn from(error: DbErr) -> Self {
        Self::Submit(error.into())
    }
}

impl From<ObjectError> for UploadError {
    fn from(error: ObjectError) -> Self {
        Self::Submit(error.into())
    }
}

impl From<QuotaError> for UploadError {
    fn from(error: QuotaError) -> Self {
        Self::Submit(error.into())
    }
}

impl Tasks {
    /// Says where to put a file. What is not completed within a day is removed.
    ///
    /// # Errors
    /// [`UploadError::Field`], [`UploadError::TooMany`], [`IncomingError::TooLarge`],
    /// [`IncomingError::DiskFull`] where the embedded store has none, the limits of
    /// [`Tasks::admit`], and stores that do not answer.
    #[boxed]
    pub async fn begin_upload(&self, wanted: NewUpload) -> Result<BegunUpload, UploadError> {
        let file_size = self.check_upload(&wanted)?;
        // The embedded store takes it on this machine's disk.
        if self.resources().objects.embedded().is_some() {
            let fits = self.resources().temp_dirs.disk_space().check(wanted.size_bytes).await;
            fits.map_err(IncomingError::from)?.map_err(IncomingError::from)?;
        }
        self.admit(wanted.user).await?;
        self.make_room(wanted.user).await?;
        let (id, now) = (Uuid::now_v7(), self.now());
        let object_key = keys::upload_key(wanted.user, now, id, STAGED)?;
        let put = self
            .resources()
            .objects
            .presign_put(&object_key, wanted.size_bytes, PUT_WITHIN, wanted.embedded_at.as_deref())
            .await?;
        let upload = upload::Model {
            id,
            user_id: wanted.user,
            filename: filename::safe(&wanted.filename),
            file_size,
            file_hash: wanted.sha256.map(|hash| hash.to_ascii_lowercase()),
            object_key: object_key.clone(),
            task_id: None,
            created_at: now,
            expires_at: now + COMPLETE_WITHIN,
        };
        let removal = removal::Model { id, object_key, due_at: upload.expires_at, attempts: 0 };
        let tx = self.database().begin().await?;
        upload.clone().into_active_model().insert(&tx).await?;
        removal.into_active_model().insert(&tx).await?;
        tx.commit().await?;
        Ok(BegunUpload { upload, put, put_within: PUT_WITHIN })
    }

    fn check_upload(&self, wanted: &NewUpload) -> Result<i64, UploadError> {
        let bytes_max = self.settings().upload_bytes_max;
        if wanted.size_bytes == 0 {
            return Err(UploadError::Field { field: "bytes", reason: "it is at least 1".to_owned() });
        }
        if wanted.size_bytes > bytes_max {
            return Err(IncomingError::TooLarge { bytes_max }.into());
        }
        let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !wanted.sha256.as_ref().is_none_or(is_hash) {
            let reason = "not 64 hexadecimal digits".to_owned();
            return Err(UploadError::Field { field: "sha256", reason });
        }
        i64::try_from(wanted.size_bytes).map_err(|_| IncomingError::TooLarge { bytes_max }.into())
    }

    /// Makes sure that the user may begin one more. When as many are begun as may
    /// be, the oldest is given up, once its URL is good no longer: nobody can put
    /// its file any more, and it would lock the user out for a day.
    async fn make_room(&self, user: Uuid) -> Result<(), UploadError> {
        let pending = upload::Entity::find()
            .filter(upload::Column::UserId.eq(user))
            .filter(upload::Column::TaskId.is_null())
            .filter(upload::Column::ExpiresAt.gt(self.now()));
        if pending.clone().count(self.database()).await? < PENDING_MAX {
            return Ok(());
        }
        let oldest = pending.order_by_asc(upload::Column::CreatedAt).one(self.database()).await?;
        let Some(oldest) = oldest else { return Ok(()) };
        match (oldest.created_at + PUT_WITHIN - self.now()).to_std() {
            Ok(retry_after) if !retry_after.is_zero() => Err(UploadError::TooMany { retry_after }),
            _ => self.give_up_upload(&oldest).await,
        }
    }

    /// Gives up an upload that was begun: it can't become a task any more, and its
    /// object goes, once more when nobody can put it any longer. One that is gone
    /// already is as good as given up.
    ///
    /// # Errors
    /// [`UploadError::Completed`] when it is a task, and when the database does not
    /// answer; nothing has changed then.
    #[boxed]
    pub async fn give_up_upload(&self, upload: &upload::Model) -> Result<(), UploadError> {
        let full = |error: &UploadError| matches!(error, UploadError::Submit(SubmitError::Database(error)) if is_full(error));
        if !self.database().making_room(|| self.forget_upload(upload), full).await? {
            return Ok(());
        }
        if let Err(error) = self.resources().objects.delete(&upload.object_key).await {
            tracing::warn!(upload = %upload.id, %error, "can't delete the object of an abandoned upload; it is retried");
        }
        Ok(())
    }

    /// Takes the row of an upload away, and has its object go; whether it was
    /// there.
    async fn forget_upload(&self, upload: &upload::Model) -> Result<bool, UploadError> {
        let tx = self.database().begin().await?;
        let given_up = upload::Entity::delete_many()
            .filter(upload::Column::Id.eq(upload.id))
            .filter(upload::Column::TaskId.is_null())
            .exec(&tx)
            .await?;
        if given_up.rows_affected == 0 {
            let task = upload::Entity::find_by_id(upload.id).one(&tx).await?.and_then(|row| row.task_id);
            tx.rollback().await?;
            return task.map_or(Ok(false), |task| Err(UploadError::Completed(task)));
        }
        removal::Entity::update_many()
            .col_expr(removal::Column::DueAt, Expr::value(upload.created_at + 2 * PUT_WITHIN))
            .filter(removal::Column::Id.eq(upload.id))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The upload, if it may still become a task or is one.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn upload(&self, id: Uuid) -> Result<Option<upload::Model>, DbErr> {
        let found = upload::Entity::find_by_id(id).one(self.database()).await?;
        Ok(found.filter(|upload| upload.expires_at > self.now()))
    }

    /// Makes what was put a task, as [`Tasks::submit`] does. `wanted` is the
    /// upload's user's and bears its file name. Completing once more with the
    /// same fields gives the same task, under whichever key.
    ///
    /// # Errors
    /// Each [`UploadError`] but those of beginning and giving up; the upload stays then,
    /// and can be put and completed again.
    #[boxed]
    pub async fn complete_upload(
        &self,
        upload: &upload::Model,
        mut wanted: NewTask,
    ) -> Result<Submission, UploadError> {
        wanted.idempotency_key.get_or_insert_with(|| format!("upload {}", upload.id));
        if let Some(task) = upload.task_id
            && let Some((row, file)) = self.records.task(task).await?
        {
            let again = self.submitted_again(&wanted, row, file).await?;
            return again.ok_or(UploadError::CompletedOtherwise(task));
        }
        let spooled = self.fetch(upload).await?;
        let id = upload.id;
        let removed_at = upload.created_at + 2 * PUT_WITHIN;
        let submission = self
            .submit_with(wanted, spooled, &|task| vec![became(id, task), removed(id, removed_at)])
            .await?;
        // Best effort: should it be put once more, or stay for now, it goes when
        // the URL is good no longer.
        if let Err(error) = self.resources().objects.delete(&upload.object_key).await {
            tracing::warn!(upload = %upload.id, %error, "can't delete the temporary object of a completed upload; it is retried");
        }
        Ok(submission)
    }

    /// What was put, spooled and looked at like any upload.
    async fn fetch(&self, upload: &upload::Model) -> Result<Spooled, UploadError> {
        let mut chunks = match self.resources().objects.chunks(&upload.object_key).await {
            Ok(chunks) => chunks,
            Err(ObjectError::NotFound { .. }) => return Err(UploadError::NotThere),
            Err(error) => return Err(error.into()),
        };
        let mut incoming =
            Incoming::begin(&self.resources().temp_dirs, self.settings().upload_bytes_max).await?;
        while let Some(chunk) = chunks.next().await? {
            incoming.write(&chunk).await?;
        }
        let spooled = incoming.finish().await?;
        if i64::try_from(spooled.size_bytes).ok() != Some(upload.file_size) {
            let text = format!("has {} bytes; {} were announced", spooled.size_bytes, upload.file_size);
            return Err(UploadError::Differs(text));
        }
        match &upload.file_hash {
            Some(hash) if *hash != spooled.sha256 => {
                let text = format!("has SHA-256 {}; {hash} was announced", spooled.sha256);
                Err(UploadError::Differs(text))
            }
            _ => Ok(spooled),
        }
    }
}

fn became(upload: Uuid, task: Uuid) -> RowChange {
    Query::update()
        .table(upload::Entity)
        .value(upload::Column::TaskId, task)
        .and_where(Expr::col(upload::Column::Id).eq(upload))
        .to_owned()
        .into()
}

fn removed(upload: Uuid, at: chrono::DateTime<Utc>) -> RowChange {
    Query::update()
        .table(removal::Entity)
        .value(removal::Column::DueAt, at)
        .and_where(Expr::col(removal::Column::Id).eq(upload))
        .to_owned()
        .into()
}
