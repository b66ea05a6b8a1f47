//! `untxt ocr`: the main job. Each file goes through the whole durable workflow;
//! a second start goes on where the first one ended, whatever ended it.

mod export;
mod intake;
mod progress;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use untxt_engine::state::RunStatus;
use untxt_workflows::platform::Platform;

use crate::cli::OcrArguments;
use crate::failure::Failure;
use crate::start;
use export::Export;
use intake::{Intake, Order};
use progress::Progress;

pub(crate) async fn run(arguments: OcrArguments) -> Result<ExitCode, Failure> {
    let config = start::config("error")?;
    let orders = Order::read(&arguments)?;
    let shutdown = start::until_signalled()?;
    let platform = start::platform(&config).await?;
    let progress = Arc::new(Progress::new(arguments.json));

    let working = platform.work(shutdown.clone());
    let asking = async {
        let all_done = every(&platform, &arguments, orders, &progress, &shutdown).await;
        shutdown.cancel();
        all_done
    };
    let (worked, all_done) = tokio::join!(working, asking);
    worked?;
    Ok(if all_done? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// All files side by side; whether each is done.
async fn every(
    platform: &Arc<Platform>,
    arguments: &OcrArguments,
    orders: Vec<Order>,
    progress: &Progress,
    shutdown: &CancellationToken,
) -> Result<bool, Failure> {
    let files = orders.into_iter().map(|order| async move {
        tokio::select! {
            done = one(platform, arguments, &order, progress) => done,
            () = shutdown.cancelled() => {
                progress.interrupted(&order);
                Ok(false)
            }
        }
    });
    let outcomes = futures_util::future::join_all(files).await;
    outcomes.into_iter().try_fold(true, |all, done| Ok(all && done?))
}

async fn one(
    platform: &Arc<Platform>,
    arguments: &OcrArguments,
    order: &Order,
    progress: &Progress,
) -> Result<bool, Failure> {
    let began = Instant::now();
    let task = match (Intake { platform, order }).submit().await {
        Ok(task) => task,
        Err(refused) => {
            progress.refused(order, &refused)?;
            return Ok(false);
        }
    };
    let status = progress.follow(platform, order, task).await?;
    if !matches!(status, RunStatus::Completed | RunStatus::Partial) {
        progress.failed(platform, order, task).await?;
        return Ok(false);
    }
    let export = Export { platform, order, task };
    let written = export.write().await?;
    progress.done(platform, order, task, (&written, began.elapsed())).await?;
    if !arguments.keep {
        export.erase().await?;
    }
    Ok(status == RunStatus::Completed)
}
