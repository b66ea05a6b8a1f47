//! `untxt ocr`: the main job. Each file goes through the whole durable workflow;
//! a second start goes on where the first one ended, whatever ended it.

mod export;
mod intake;
mod progress;
mod targets;
mod turns;

use std::future::ready;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio_util::sync::CancellationToken;
use untxt_engine::state::RunStatus;
use untxt_workflows::platform::Platform;
use uuid::Uuid;

use crate::cli::OcrArguments;
use crate::failure::Failure;
use crate::start;
use export::Export;
use intake::{Intake, NO_ROOM, Order, Refused};
use progress::Progress;
use turns::{Turn, Turns};

/// How often a file is begun again because its task was taken away. Each time
/// somebody else has finished with the same file.
const TRIES_MAX: u32 = 5;

/// Files on their way for each step that runs at once: one is worked on, one is
/// handed in and one is written out meanwhile. Each holds some open files, a
/// buffer of 256 KiB and its place in the temporary directory.
const FILES_PER_SLOT: usize = 3;

pub(crate) async fn run(arguments: OcrArguments) -> Result<ExitCode, Failure> {
    // What keeps it waiting is said: without that, a full disk looks like a hang.
    let config = start::config("error,untxt_engine::health=warn")?;
    let orders = Order::read(&arguments)?;
    let shutdown = start::until_signalled()?;
    let platform = start::platform(&config).await?;
    check(&platform, &arguments).await?;
    let progress = Arc::new(Progress::new(arguments.json));

    let working = platform.worker.run(shutdown.clone());
    let asking = async {
        let all_done = every(&platform, &arguments, orders, &progress, &shutdown).await;
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
    orders: Vec<Order>,
    progress: &Progress,
    shutdown: &CancellationToken,
) -> Result<bool, Failure> {
    let at_once = platform.settings().concurrency.get() * FILES_PER_SLOT;
    let turns = &Turns::default();
    let files = stream::iter(orders).map(|order| async move {
        tokio::select! {
            done = one(platform, arguments, &order, (progress, turns)) => done,
            () = shutdown.cancelled() => {
                progress.interrupted(&order);
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
    order: &Order,
    (progress, turns): (&Progress, &Turns),
) -> Result<bool, Failure> {
    for _ in 0..TRIES_MAX {
        match attempt(platform, arguments, order, (progress, turns)).await? {
            Outcome::Done { all_pages } => return Ok(all_pages),
            Outcome::Failed => return Ok(false),
            Outcome::Gone => {}
        }
    }
    progress.taken_away(order);
    Ok(false)
}

async fn attempt(
    platform: &Arc<Platform>,
    arguments: &OcrArguments,
    order: &Order,
    (progress, turns): (&Progress, &Turns),
) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let (task, _turn) = match with_room(platform, order, (progress, turns)).await {
        Ok(begun) => begun,
        Err(refused) => {
            progress.refused(order, &refused)?;
            return Ok(Outcome::Failed);
        }
    };
    let Some(run) = progress.follow(platform, order, task).await? else { return Ok(Outcome::Gone) };
    if !matches!(run.status, RunStatus::Completed | RunStatus::Partial) {
        progress.failed(order, &run);
        return Ok(Outcome::Failed);
    }
    let export = Export { platform, order, task };
    let (summary, written) = match export.write().await {
        Ok(exported) => exported,
        Err(failure) => return gone_or(failure, platform, task).await,
    };
    progress.done(order, task, &summary, (&written, began.elapsed()));
    if !arguments.keep {
        export.erase().await?;
    }
    Ok(Outcome::Done { all_pages: run.status == RunStatus::Completed })
}

/// The task of a file, and its turn. Where the disk has no room for it, other files
/// of this call may make some by their ends: those are waited for, and nothing else
/// is.
async fn with_room<'a>(
    platform: &Arc<Platform>,
    order: &Order,
    (progress, turns): (&Progress, &'a Turns),
) -> Result<(Uuid, Turn<'a>), Refused> {
    let intake = Intake { platform, order };
    let turn = turns.begin();
    match intake.submit().await {
        Ok(task) => return Ok((task, turn)),
        Err(refused) if refused.code() == NO_ROOM => progress.waits(order, &refused),
        Err(refused) => return Err(refused),
    }
    drop(turn);
    let _alone = turns.alone().await;
    loop {
        let look = turns.look();
        match intake.submit().await {
            Ok(task) => return Ok((task, turns.begin())),
            Err(refused) if refused.code() == NO_ROOM && turns.another_ended(&look).await => {}
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
