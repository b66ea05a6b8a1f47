//! `untxt ocr`: the main job. Each file goes through the whole durable workflow;
//! a second start goes on where the first one ended, whatever ended it.

mod disk_queue;
mod erase;
mod export;
mod intake;
mod progress;
mod targets;

use std::future::ready;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio_util::sync::CancellationToken;
use untxt_engine::state::RunStatus;
use untxt_workflows::documents::formats::Format;
use untxt_workflows::documents::kind::Kind;
use untxt_workflows::platform::Platform;
use untxt_workflows::task_input::TextLayer;
use uuid::Uuid;

use crate::failure::Failure;
use crate::start;
use disk_queue::{DiskQueue, OpenFile};
use export::Export;
use intake::{FileJob, Intake, NO_ROOM, Refused};
use progress::Progress;

/// How often a file is begun again because its task was taken away. Each time
/// somebody else has finished with the same file.
const TRIES_MAX: u32 = 5;

/// Files on their way for each step that runs at once: one is worked on, one is
/// handed in and one is written out meanwhile. Each holds some open files, a
/// buffer of 256 KiB and its place in the temporary directory.
const FILES_PER_SLOT: usize = 3;

#[derive(Debug, Args)]
pub(crate) struct OcrArguments {
    #[arg(required = true, help = format!("{} files", Kind::list("or")))]
    pub(crate) files: Vec<PathBuf>,
    /// Engine to use; default UNTXT_ENGINE.
    #[arg(long)]
    pub(crate) engine: Option<String>,
    #[arg(
        long,
        default_value = Format::default().name(),
        help = format!("Output formats, comma-separated: {}", Format::list())
    )]
    pub(crate) format: String,
    /// Output directory; by default results are written beside each file.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Page ranges such as 1-3,5; default all pages.
    #[arg(long)]
    pub(crate) pages: Option<String>,
    /// Resolution of page images in dpi, 36 to 600; default: the one that the
    /// engine asks for, else 150. Finer scans are scaled down to it.
    #[arg(long)]
    pub(crate) dpi: Option<u32>,
    /// What to do with a PDF page's own text: take it where it covers the page
    /// (auto), take it wherever there is any (use), recognise every page without it
    /// (ignore), or give it to the engine (engine); default UNTXT_TEXT_LAYER.
    #[arg(long, value_name = "MODE")]
    pub(crate) text_layer: Option<TextLayer>,
    /// Expected language as a BCP 47 tag; repeat for several, most likely first.
    #[arg(long = "language", value_name = "TAG")]
    pub(crate) languages: Vec<String>,
    /// Engine settings as a JSON object.
    #[arg(long)]
    pub(crate) settings: Option<String>,
    /// Keep the task and its objects after writing the results.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print one JSON object per line: updates, then the results.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: OcrArguments) -> Result<ExitCode, Failure> {
    // What keeps it waiting is said: without that, a full disk looks like a hang.
    let config = start::config("error,untxt_engine::health=warn")?;
    let jobs = FileJob::read(&arguments)?;
    let shutdown = start::until_signalled()?;
    let platform = start::platform(&config).await?;
    check(&platform, &arguments).await?;
    let progress = Arc::new(Progress::new(arguments.json));

    let working = platform.worker.run(shutdown.clone());
    let asking = async {
        let all_done = every(&platform, &arguments, jobs, &progress, &shutdown).await;
        shutdown.cancel();
        all_done
    };
    let (worked, all_done) = tokio::join!(working, asking);
    worked?;
    Ok(if all_done? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Ends the command before any work when no file could be done: the engine can't
/// be used, or the store does not answer.
async fn check(platform: &Platform, arguments: &OcrArguments) -> Result<(), Failure> {
    let (setting, engine) = match &arguments.engine {
        Some(engine) => ("--engine", engine.as_str()),
        None => ("UNTXT_ENGINE", platform.default_engine()),
    };
    match start::missing(platform, engine).await {
        (Some(error), _) => Err(Failure::usage(format!("{setting}: {error}"))),
        (None, Some(failure)) => Err(failure),
        (None, None) => Ok(()),
    }
}

/// As many files side by side as keep the worker busy; whether each is done.
/// The first failure that is not one file's ends all: what it needs is away for
/// the others as well, and what is unfinished goes on with the next start.
async fn every(
    platform: &Arc<Platform>,
    arguments: &OcrArguments,
    jobs: Vec<FileJob>,
    progress: &Progress,
    shutdown: &CancellationToken,
) -> Result<bool, Failure> {
    let at_once = platform.settings().concurrency.get() * FILES_PER_SLOT;
    let disk = &DiskQueue::default();
    let files = stream::iter(jobs).map(|job| async move {
        tokio::select! {
            done = one(platform, arguments, &job, (progress, disk)) => done,
            () = shutdown.cancelled() => {
                progress.interrupted(&job);
                Ok(false)
            }
        }
    });
    files.buffer_unordered(at_once).try_fold(true, |all, done| ready(Ok(all && done))).await
}

/// What came of a file.
enum Outcome {
    /// Its results are written, of all its pages or of some.
    Done { all_pages: bool },
    /// It has no result, and why was said.
    Failed,
    /// Its task was taken away by somebody else, such as another `untxt ocr` of
    /// the same file that had finished and written its own results.
    Gone,
}

/// Has a file done; whether it is, with all its pages.
async fn one(
    platform: &Arc<Platform>,
    arguments: &OcrArguments,
    job: &FileJob,
    (progress, disk): (&Progress, &DiskQueue),
) -> Result<bool, Failure> {
    for _ in 0..TRIES_MAX {
        match attempt(platform, arguments, job, (progress, disk)).await? {
            Outcome::Done { all_pages } => return Ok(all_pages),
            Outcome::Failed => return Ok(false),
            Outcome::Gone => {}
        }
    }
    progress.taken_away(job);
    Ok(false)
}

async fn attempt(
    platform: &Arc<Platform>,
    arguments: &OcrArguments,
    job: &FileJob,
    (progress, disk): (&Progress, &DiskQueue),
) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let (task, _file) = match when_it_fits(platform, job, (progress, disk)).await {
        Ok(begun) => begun,
        Err(refused) => {
            progress.refused(job, &refused)?;
            return Ok(Outcome::Failed);
        }
    };
    let Some(run) = progress.follow(platform, job, task).await? else { return Ok(Outcome::Gone) };
    if !matches!(run.status, RunStatus::Completed | RunStatus::Partial) {
        progress.failed(job, &run);
        return Ok(Outcome::Failed);
    }
    let export = Export { platform, job, task };
    let (summary, written) = match export.write().await {
        Ok(exported) => exported,
        Err(failure) => return gone_or(failure, platform, task).await,
    };
    progress.done(job, task, &summary, (&written, began.elapsed()));
    if !arguments.keep {
        export.erase().await?;
    }
    Ok(Outcome::Done { all_pages: run.status == RunStatus::Completed })
}

/// The task of a file, and its place on the disk. Where the disk has no room for it, other files
/// of this call may make some by their ends: those are waited for, and nothing else
/// is.
async fn when_it_fits<'a>(
    platform: &Arc<Platform>,
    job: &FileJob,
    (progress, disk): (&Progress, &'a DiskQueue),
) -> Result<(Uuid, OpenFile<'a>), Refused> {
    let intake = Intake { platform, job };
    let file = disk.begin();
    match intake.submit().await {
        Ok(task) => return Ok((task, file)),
        Err(refused) if refused.code() == NO_ROOM => progress.waits(job, &refused),
        Err(refused) => return Err(refused),
    }
    drop(file);
    let _alone = disk.look_alone().await;
    loop {
        let look = disk.look();
        match intake.submit().await {
            Ok(task) => return Ok((task, disk.begin())),
            Err(refused) if refused.code() == NO_ROOM && disk.another_ended(&look).await => {}
            Err(refused) => return Err(refused),
        }
    }
}

/// [`Outcome::Gone`] if that is why something failed.
async fn gone_or(failure: Failure, platform: &Platform, task: Uuid) -> Result<Outcome, Failure> {
    match platform.records.task(task).await? {
        Some(_) => Err(failure),
        None => Ok(Outcome::Gone),
    }
}
