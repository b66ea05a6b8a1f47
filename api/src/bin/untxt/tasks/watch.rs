//! `untxt tasks watch`: what happens to a task, to its end.

use std::process::ExitCode;

use untxt_api::doors::Doors;
use untxt_api::views;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::RunStatus;
use untxt_engine::watch::WatchError;
use untxt_workflows::platform::Platform;
use untxt_workflows::updates::{Narrator, TaskUpdate};
use uuid::Uuid;

use crate::failure::Failure;
use crate::output;

/// Shows what happened and what happens until the task ends; 0 when it ended
/// with a result.
pub(super) async fn watch(platform: &Platform, id: Uuid, json: bool) -> Result<ExitCode, Failure> {
    let run = RunId(id);
    let status = match told(platform, run, json).await? {
        Some(status) => status,
        // Only how it ended is left.
        None => {
            let ended = platform.engine().wait(run).await?;
            output::problem("the history was pruned; only how it ended is kept");
            if json {
                output::json(&serde_json::json!({ "taskId": id, "status": ended.status.as_str() }));
            } else {
                output::line(ended.status.as_str());
            }
            ended.status
        }
    };
    let done = matches!(status, RunStatus::Completed | RunStatus::Partial);
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// How it ended; `None` when its history was pruned.
async fn told(platform: &Platform, run: RunId, json: bool) -> Result<Option<RunStatus>, Failure> {
    let engine = platform.engine();
    let mut narrator = Narrator::default();
    let mut watcher = engine.watch_run(run, 0).await?;
    loop {
        match watcher.next().await {
            Ok(Some(event)) => {
                if let Some(update) = narrator.tell(engine, &event).await? {
                    show(&update, json);
                }
            }
            Ok(None) => return Ok(Some(engine.wait(run).await?.status)),
            Err(WatchError::Journal(JournalError::Pruned(_))) => return Ok(None),
            Err(WatchError::Journal(error)) => return Err(error.into()),
            Err(error) => return Err(Failure::work(error)),
        }
    }
}

fn show(update: &TaskUpdate, json: bool) {
    let message = views::task_update(update, Doors::steps());
    if json {
        output::json(&message);
        return;
    }
    let at = output::plain(&message["timestamp"]);
    output::line(&format!("{at}  {:<10}  {}", update.status.as_str(), update.message));
}
