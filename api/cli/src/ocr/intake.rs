//! From a path to a task: a new one, or the one an earlier start left.

use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use untxt_engine::event::OnItemFailure;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::database::is_full;
use untxt_engine::state::RunStatus;
use untxt_workflows::documents::formats::Format;
use untxt_workflows::incoming::{IncomingError, Spooled};
use untxt_workflows::platform::Platform;
use untxt_workflows::submit::{NewTask, SubmitError};
use untxt_workflows::task_input::TaskOptions;
use uuid::Uuid;

use super::OcrArguments;
use super::erase::erase;
use super::targets::targets;
use crate::failure::Failure;

/// The user of everything that is asked for on the command line (a constant of
/// this project).
const LOCAL_USER: Uuid = Uuid::from_u128(0x6c6f_6361_6c00_4000_8000_0075_6e74_7874);

/// Bytes that are copied at once.
const CHUNK_BYTES: usize = 256 << 10;

/// The code of a file for which there is no room on the disk.
pub(super) const NO_ROOM: &str = "NO_ROOM";

/// One file, and what is wanted of it.
#[derive(Clone, Debug)]
pub(super) struct FileJob {
    /// The file.
    pub(super) path: PathBuf,
    /// Where its results go, without their extension.
    pub(super) target: PathBuf,
    pub(super) formats: Vec<Format>,
    engine: Option<String>,
    pages: Option<String>,
    options: TaskOptions,
}

impl FileJob {
    /// One job a file; everything that can be told beforehand is checked.
    pub(super) fn read(arguments: &OcrArguments) -> Result<Vec<Self>, Failure> {
        let formats = Format::parse_list(&arguments.format).map_err(Failure::usage)?;
        let settings = match &arguments.settings {
            Some(text) => {
                serde_json::from_str(text).map_err(|e| Failure::usage(format!("--settings: {e}")))?
            }
            None => serde_json::Map::new(),
        };
        if let Some(dir) = &arguments.out {
            std::fs::create_dir_all(dir)
                .map_err(|e| Failure::usage(format!("--out {}: {e}", dir.display())))?;
        }
        for path in &arguments.files {
            if !path.is_file() {
                return Err(Failure::usage(format!("{} is not a file", path.display())));
            }
        }
        let targets = targets(&arguments.files, &formats, arguments.out.as_deref());
        let options = TaskOptions {
            dpi: arguments.dpi,
            text_layer: arguments.text_layer,
            languages: arguments.languages.clone(),
            settings,
            ..TaskOptions::default()
        };
        let job = |(path, target): (&PathBuf, PathBuf)| Self {
            path: path.clone(),
            target,
            formats: formats.clone(),
            engine: arguments.engine.clone(),
            pages: arguments.pages.clone(),
            options: options.clone(),
        };
        Ok(arguments.files.iter().zip(targets).map(job).collect())
    }

    /// Its name as people know it.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// A file on its way to a task.
pub(super) struct Intake<'a> {
    pub(super) platform: &'a Arc<Platform>,
    pub(super) job: &'a FileJob,
}

/// Why there is no task.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Incoming(#[from] IncomingError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error("{0}")]
    Earlier(String),
}

impl Refused {
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Incoming(IncomingError::Document(error)) | Self::Submit(SubmitError::Document(error)) => {
                error.code()
            }
            Self::Incoming(IncomingError::TooLarge { .. }) => "FILE_TOO_LARGE",
            Self::Incoming(IncomingError::DiskFull(_)) => NO_ROOM,
            Self::Submit(SubmitError::Journal(JournalError::Full(_))) => NO_ROOM,
            Self::Submit(SubmitError::Database(error)) if is_full(error) => NO_ROOM,
            Self::Submit(SubmitError::Engine(error)) => error.code(),
            Self::Submit(SubmitError::Field { .. }) => "INVALID_FIELD",
            Self::Incoming(IncomingError::Disk(_)) | Self::Submit(_) | Self::Earlier(_) => {
                "SERVICE_UNAVAILABLE"
            }
        }
    }
}

impl Intake<'_> {
    /// The file's task: the one that an earlier start left unfinished or kept,
    /// else a new one. One that failed or was cancelled is made anew.
    pub(super) async fn submit(&self) -> Result<Uuid, Refused> {
        let spooled = self.spool().await?;
        let wanted = self.wanted(&spooled);
        let submission = self.platform.tasks.submit(wanted.clone(), spooled).await?;
        let status = submission.task.status.as_deref().and_then(RunStatus::parse);
        if !submission.repeated || !matches!(status, Some(RunStatus::Failed | RunStatus::Cancelled)) {
            return Ok(submission.task.id);
        }
        let erased = erase(self.platform, submission.task.id).await;
        erased
            .map_err(|failure| Refused::Earlier(format!("the earlier attempt is in the way: {failure}")))?;
        let again = self.spool().await?;
        Ok(self.platform.tasks.submit(wanted, again).await?.task.id)
    }

    async fn spool(&self) -> Result<Spooled, IncomingError> {
        let mut incoming = self.platform.tasks.receive().await?;
        let mut file = tokio::fs::File::open(&self.job.path).await?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let bytes = file.read(&mut chunk).await?;
            if bytes == 0 {
                return incoming.finish().await;
            }
            incoming.write(&chunk[..bytes]).await?;
        }
    }

    fn wanted(&self, spooled: &Spooled) -> NewTask {
        let job = self.job;
        NewTask {
            user: LOCAL_USER,
            filename: job.name(),
            priority: 5,
            engine: job.engine.clone(),
            formats: job.formats.clone(),
            pages: job.pages.clone(),
            on_page_failure: OnItemFailure::Fail,
            options: job.options.clone(),
            idempotency_key: Some(self.key(spooled)),
        }
    }

    /// The same for the same file and the same wishes: this is how a second
    /// start finds what the first one began. Another file with the same bytes
    /// is another task, so that each has its own end.
    fn key(&self, spooled: &Spooled) -> String {
        let job = self.job;
        let path = job.path.canonicalize().unwrap_or_else(|_| job.path.clone());
        let wishes = format!(
            "{}\0{}\0{:?}\0{:?}\0{:?}\0{:?}",
            path.display(),
            spooled.sha256,
            job.engine,
            job.formats,
            job.pages,
            job.options
        );
        format!("ocr-{}", hex::encode(Sha256::digest(wishes)))
    }
}
