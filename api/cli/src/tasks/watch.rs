//! `untxt tasks watch`: follows a task to its end.

use std::process::ExitCode;

use untxt_api::app_state::AppState;
use untxt_api::views;
use untxt_engine::engine::EngineError;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::{RunState, RunStatus};
use untxt_engine::watch::WatchError;
use untxt_workflows::records::Records;
use untxt_workflows::updates::{TaskUpdate, UpdateProjector};
use uuid::Uuid;

use crate::failure::Failure;
use crate::output;

/// Prints the task's updates until it ends; exit code 0 when it ended with a result.
pub(super) async fn watch(records: &Records, id: Uuid, json: bool) -> Result<ExitCode, Failure> {
    let run = RunId(id);
    let status = match follow(records, run, json).await? {
        Followed::Ended(status) => status,
        Followed::OutputClosed => return Ok(ExitCode::SUCCESS),
        Followed::Erased => {
            if json {
                output::json(&views::task_erased(id));
            }
            output::problem(&format!("task {id} was erased while it was watched"));
            return Ok(ExitCode::from(1));
        }
        // Only how it ended is left.
        Followed::Pruned => {
            let ended = records.engine().wait(run).await?;
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

/// How following the task ended.
enum Followed {
    /// The task ended like this.
    Ended(RunStatus),
    /// Its history was pruned.
    Pruned,
    /// The task was erased.
    Erased,
    /// Nobody reads the output any more.
    OutputClosed,
}

async fn follow(records: &Records, run: RunId, json: bool) -> Result<Followed, Failure> {
    let engine = records.engine();
    let mut projector = UpdateProjector::default();
    let mut watcher = engine.watch_run(run, 0).await?;
    loop {
        match watcher.next().await {
            Ok(Some(event)) => {
                if let Some(update) = projector.tell(engine, &event).await?
                    && !show(&update, json)
                {
                    return Ok(Followed::OutputClosed);
                }
            }
            Ok(None) => return ended(engine.wait(run).await),
            Err(WatchError::Journal(JournalError::Pruned(_))) => return Ok(Followed::Pruned),
            Err(WatchError::Journal(JournalError::UnknownRun(_))) => return Ok(Followed::Erased),
            Err(WatchError::Journal(error)) => return Err(error.into()),
            Err(error) => return Err(Failure::work(error)),
        }
    }
}

/// How it ended; it may be erased right after that.
fn ended(waited: Result<RunState, EngineError>) -> Result<Followed, Failure> {
    match waited {
        Ok(run) => Ok(Followed::Ended(run.status)),
        Err(EngineError::Journal(JournalError::UnknownRun(_))) => Ok(Followed::Erased),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody still reads.
fn show(update: &TaskUpdate, json: bool) -> bool {
    let message = views::task_update(update, AppState::steps());
    if json {
        return output::write_line(message);
    }
    let at = output::plain(&message["timestamp"]);
    output::write_line(format!("{at}  {:<10}  {}", update.status.as_str(), update.message))
}
