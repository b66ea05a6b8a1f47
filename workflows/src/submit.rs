//! From an upload to a task: checked, stored, recorded in one transaction. Its
//! commit is the turning point; from then on nothing depends on who asked.

mod new_task;
mod rows;

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use serde_json::to_value;
use sha2::{Digest, Sha256};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::new_run::NewRun;
use untxt_engine::rows::RowChange;
use untxt_plugins::PluginError;
use uuid::Uuid;

pub use self::new_task::NewTask;
use self::rows::{file_row, on_page_failure, rows, task_row};
use crate::boxed;
use crate::documents::formats::Format;
use crate::documents::pages::{PageRange, PageRangeError};
use crate::documents::renderer::RenderOptions;
use crate::documents::{DocumentError, filename};
use crate::entities::{file, task};
use crate::incoming::Spooled;
use crate::objects::ObjectError;
use crate::ocr::WORKFLOW;
use crate::orphan_objects;
use crate::quota::QuotaError;
use crate::task_input::{EnginePin, FileInput, TaskInput, TaskOptions};
use crate::tasks::Tasks;
use crate::trace;

/// Characters of an idempotency key.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 200;

/// Languages of a task: more is not a hint any more.
const LANGUAGES_MAX: usize = 16;

/// How long a file waits for its look. Its client has sent it and waits for the
/// answer; servers in between give up after a minute, and the look itself may
/// take twenty seconds.
const LOOK_WITHIN: Duration = Duration::from_secs(15);

/// A task that exists.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its row.
    pub task: task::Model,
    /// Its file's row.
    pub file: file::Model,
    /// Its place in the queue, from 1.
    pub queue_position: u64,
    /// Whether it was there before, by its idempotency key.
    pub repeated: bool,
}

/// Why there is no task.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// A field says what it may not.
    #[error("{field}: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file can't be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The user has to wait.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// The engine can't be had.
    #[error(transparent)]
    Engine(#[from] PluginError),
    /// The key belongs to another request.
    #[error("idempotency key `{0}` was used with another file or other fields; use a new one")]
    KeyReused(String),
    /// The store did not take the file.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The journal did not take the task.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tables could not be read.
    #[error("the database does not answer: {0}; check DATABASE_URL and the server")]
    Database(#[from] DbErr),
}

impl From<PageRangeError> for SubmitError {
    fn from(error: PageRangeError) -> Self {
        Self::Field { field: "pages", reason: error.to_string() }
    }
}

impl Tasks {
    /// Makes `spooled` a task. When this returns `Ok`, the file is in the store
    /// and the task will end in a terminal status.
    ///
    /// # Errors
    /// Each [`SubmitError`]; no task exists then, and no object unless the
    /// journal's answer was lost.
    #[boxed]
    pub async fn submit(&self, wanted: NewTask, spooled: Spooled) -> Result<Submission, SubmitError> {
        self.submit_with(wanted, spooled, &|_| Vec::new()).await
    }

    /// What asking once more for a task of the same `file` comes to, after `task` was
    /// made of it: the task of the key, if there is one, or else `task`; `None` if that
    /// was asked for with other fields.
    pub(crate) async fn submitted_again(
        &self,
        wanted: &NewTask,
        task: task::Model,
        file: file::Model,
    ) -> Result<Option<Submission>, SubmitError> {
        let request = request_hash(wanted, file.file_hash.as_deref().unwrap_or_default());
        if let Some(earlier) = self.earlier(wanted, &request).await? {
            return Ok(Some(earlier));
        }
        match task.request_hash.as_ref() == Some(&request) {
            true => self.repeated(task, file).await.map(Some),
            false => Ok(None),
        }
    }

    /// The same as [`Tasks::submit`], with more rows in the commit.
    pub(crate) async fn submit_with(
        &self,
        wanted: NewTask,
        spooled: Spooled,
        more: &(dyn Fn(Uuid) -> Vec<RowChange> + Sync),
    ) -> Result<Submission, SubmitError> {
        let (request, earlier) = self.begin(&wanted, &spooled.sha256).await?;
        if let Some(earlier) = earlier {
            return Ok(earlier);
        }
        let engine = self.pin(&wanted).await?;
        let renderer =
            self.resources().renderer.for_tenant(&wanted.user.to_string()).patient_for(LOOK_WITHIN);
        let probe = renderer.probe(spooled.path()).await?;
        let pages = wanted.pages.as_deref().map(PageRange::parse).transpose()?;
        let pages_total = match pages {
            Some(range) => u32::try_from(range.indexes(probe.pages)?.len()).unwrap_or(u32::MAX),
            None => probe.pages,
        };
        let now = self.now();
        let file = file_row(&wanted, Some(&spooled), now)?;
        let mut task = task_row(&wanted, &engine, file.id, request.clone(), now);
        task.pages_total = i32::try_from(pages_total).ok();

        let mime = spooled.kind.mime();
        let objects = &self.resources().objects;
        let put = objects.put_file(&file.s3_key, mime, spooled.path(), spooled.size_bytes).await;
        put.inspect_err(|_| orphan_objects::unwanted(self.orphans(), self.database(), &file, self.now()))?;
        let mut run = self.run(&wanted, engine, &task, &file, None, now);
        run.rows.extend(more(task.id));
        match self.commit(&wanted, run, task, file.clone()).await {
            // Somebody with the same key was faster. The object is nobody's.
            Err(SubmitError::Journal(JournalError::Conflict(what))) => {
                if self.resources().objects.delete(&file.s3_key).await.is_err() {
                    orphan_objects::unwanted(self.orphans(), self.database(), &file, self.now());
                }
                let earlier = self.earlier(&wanted, &request).await?;
                earlier.ok_or(SubmitError::Journal(JournalError::Conflict(what)))
            }
            // The commit may have happened: then the object has to stay.
            Err(SubmitError::Journal(error)) => {
                orphan_objects::uncommitted(self.orphans(), self.database(), &file, self.now());
                Err(error.into())
            }
            done => done,
        }
    }

    /// Makes the document at `url` a task, which fetches it as its first step. When
    /// this returns `Ok`, the task will end in a terminal status.
    ///
    /// # Errors
    /// Each [`SubmitError`] but those of a document and of the store; no task exists
    /// then, unless the journal's answer was lost.
    #[boxed]
    pub async fn submit_url(&self, mut wanted: NewTask, url: String) -> Result<Submission, SubmitError> {
        let checked = self.settings().fetch.check(&url).await;
        let parsed = checked.map_err(|reason| SubmitError::Field { field: "url", reason })?;
        if wanted.filename.is_empty() {
            wanted.filename = parsed.file_name();
        }
        let (request, earlier) = self.begin(&wanted, &url).await?;
        if let Some(earlier) = earlier {
            return Ok(earlier);
        }
        wanted.pages.as_deref().map(PageRange::parse).transpose()?;
        let engine = self.pin(&wanted).await?;
        let now = self.now();
        let file = file_row(&wanted, None, now)?;
        let task = task_row(&wanted, &engine, file.id, request.clone(), now);
        let run = self.run(&wanted, engine, &task, &file, Some(url), now);
        match self.commit(&wanted, run, task, file).await {
            Err(SubmitError::Journal(JournalError::Conflict(what))) => {
                let earlier = self.earlier(&wanted, &request).await?;
                earlier.ok_or(SubmitError::Journal(JournalError::Conflict(what)))
            }
            done => done,
        }
    }

    /// What comes before every task: its fields are checked, and its user may create one
    /// now. The hash of the request for `document`, which is its SHA-256 or its URL, and
    /// the task that the same request made earlier.
    async fn begin(
        &self,
        wanted: &NewTask,
        document: &str,
    ) -> Result<(String, Option<Submission>), SubmitError> {
        check(wanted)?;
        let request = request_hash(wanted, document);
        if let Some(earlier) = self.earlier(wanted, &request).await? {
            return Ok((request, Some(earlier)));
        }
        if let Some(url) = &wanted.options.webhook {
            let checked = self.settings().webhooks.check(url).await;
            checked.map_err(|reason| SubmitError::Field { field: "webhook", reason })?;
        }
        self.admit(wanted.user).await?;
        Ok((request, None))
    }

    /// Commits the run with the rows of its task.
    async fn commit(
        &self,
        wanted: &NewTask,
        run: NewRun,
        task: task::Model,
        file: file::Model,
    ) -> Result<Submission, SubmitError> {
        let queue_position = self.queue_position(wanted.priority).await?;
        self.engine().submit(run).await?;
        Ok(Submission { task, file, queue_position, repeated: false })
    }

    fn run(
        &self,
        wanted: &NewTask,
        engine: EnginePin,
        task: &task::Model,
        file: &file::Model,
        url: Option<String>,
        now: DateTime<Utc>,
    ) -> NewRun {
        let text_layer = wanted.options.text_layer.unwrap_or_else(|| self.settings().text_layer);
        let input = TaskInput {
            file: FileInput {
                id: file.id,
                user: wanted.user,
                name: file.filename.clone(),
                key: file.s3_key.clone(),
                url,
                sha256: file.file_hash.clone().unwrap_or_default(),
                size_bytes: file.file_size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
                uploaded_at_ms: now.timestamp_millis(),
            },
            engine,
            formats: wanted.formats.clone(),
            pages: wanted.pages.clone(),
            options: TaskOptions { text_layer: Some(text_layer), ..wanted.options.clone() },
            trace: trace::current(),
        };
        let mut rows = rows(wanted.user, file, task, now);
        rows.extend(self.admission(task.id, wanted.user, now));
        NewRun {
            id: RunId(task.id),
            definition: WORKFLOW,
            tenant: wanted.user.to_string(),
            priority: wanted.priority,
            on_item_failure: wanted.on_page_failure,
            input: to_value(input).unwrap_or_default(),
            rows,
        }
    }

    /// The task that this user's key stands for already.
    async fn earlier(&self, wanted: &NewTask, request: &str) -> Result<Option<Submission>, SubmitError> {
        let Some(key) = &wanted.idempotency_key else { return Ok(None) };
        let found = task::Entity::find()
            .filter(task::Column::UserId.eq(wanted.user))
            .filter(task::Column::IdempotencyKey.eq(key))
            .find_also_related(file::Entity)
            .one(self.database())
            .await?;
        let Some((task, Some(file))) = found else { return Ok(None) };
        if task.request_hash.as_deref() != Some(request) {
            return Err(SubmitError::KeyReused(key.clone()));
        }
        self.repeated(task, file).await.map(Some)
    }

    async fn repeated(&self, task: task::Model, file: file::Model) -> Result<Submission, SubmitError> {
        let priority = task.priority.and_then(|priority| u8::try_from(priority).ok()).unwrap_or(5);
        let queue_position = self.queue_position(priority).await?;
        Ok(Submission { task, file, queue_position, repeated: true })
    }

    /// The place of a task pushed now, from 1: no more than so many begin before
    /// it. While the queue is away, by what the journal says is ready, however
    /// urgent.
    async fn queue_position(&self, priority: u8) -> Result<u64, JournalError> {
        let ahead = match self.engine().ahead(WORKFLOW, priority).await {
            Ok(ahead) => ahead,
            Err(_) => self.engine().backlog(WORKFLOW).await?.ready,
        };
        Ok(ahead + 1)
    }

    async fn pin(&self, wanted: &NewTask) -> Result<EnginePin, SubmitError> {
        let name = wanted.engine.as_deref().unwrap_or_else(|| &self.settings().engine);
        let engine = self.resources().engines.resolve(name).await?;
        Ok(EnginePin { name: engine.name().to_owned(), digest: engine.digest().to_owned() })
    }
}

fn check(wanted: &NewTask) -> Result<(), SubmitError> {
    let refuse = |field, reason: String| Err(SubmitError::Field { field, reason });
    if !(1..=10).contains(&wanted.priority) {
        return refuse("priority", format!("{} is not in 1 to 10", wanted.priority));
    }
    if wanted.formats.is_empty() {
        return refuse("formats", format!("name at least one of {}", Format::list()));
    }
    if let Some(key) = &wanted.idempotency_key
        && (key.is_empty() || key.chars().count() > IDEMPOTENCY_KEY_CHARS_MAX)
    {
        return refuse("Idempotency-Key", format!("1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters are allowed"));
    }
    let options = &wanted.options;
    if let Some(dpi) = options.dpi.filter(|dpi| !RenderOptions::DPI.contains(dpi)) {
        return refuse("options.dpi", format!("{dpi} is not in {:?}", RenderOptions::DPI));
    }
    if options.languages.len() > LANGUAGES_MAX || options.languages.iter().any(|tag| tag.len() > 35) {
        return refuse(
            "options.languages",
            format!("at most {LANGUAGES_MAX} tags of 35 characters are allowed"),
        );
    }
    Ok(())
}

/// What makes two requests the same: the document, which is its SHA-256 or its URL, and
/// every field beside it.
fn request_hash(wanted: &NewTask, document: &str) -> String {
    let options = serde_json::to_string(&wanted.options).unwrap_or_default();
    let parts = [
        document,
        wanted.engine.as_deref().unwrap_or_default(),
        &Format::join(&wanted.formats),
        wanted.pages.as_deref().unwrap_or_default(),
        on_page_failure(wanted.on_page_failure),
        &options,
        &wanted.priority.to_string(),
        &filename::safe(&wanted.filename),
    ];
    // NUL can't stand in any part, so no two lists of parts run together.
    hex::encode(Sha256::digest(parts.join("\0")))
}
