//! `untxt tasks watch`: what happens to a task, to its end.

use std::process::ExitCode;

use untxt_api::doors::Doors;
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

/// Shows what happened and what happens until the task ends; 0 when it ended
/// with a result.
pub(super) async fn watch(records: &Records, id: Uuid, json: bool) -> Result<ExitCode, Failure> {
    let run = RunId(id);
    let status = match told(records, run, json).await? {
        Told::ToTheEnd(status) => status,
        Told::Unheard => return Ok(ExitCode::SUCCESS),
        Told::Erased => {
            if json {
                output::json(&views::task_erased(id));
            }
            output::problem(&format!("task {id} was erased while it was watched"));
            return Ok(ExitCode::from(1));
        }
        // Only how it ended is left.
        Told::Pruned => {
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

/// How far the telling went.
enum Told {
    /// That is how it ended.
    ToTheEnd(RunStatus),
    /// Its history is not kept any more.
    Pruned,
    /// Nothing is left of it.
    Erased,
    /// Nobody reads on.
    Unheard,
}

async fn told(records: &Records, run: RunId, json: bool) -> Result<Told, Failure> {
    let engine = records.engine();
    let mut projector = UpdateProjector::default();
    let mut watcher = engine.watch_run(run, 0).await?;
    loop {
        match watcher.next().await {
            Ok(Some(event)) => {
                if let Some(update) = projector.tell(engine, &event).await?
                    && !show(&update, json)
                {
                    return Ok(Told::Unheard);
                }
            }
            Ok(None) => return ended(engine.wait(run).await),
            Err(WatchError::Journal(JournalError::Pruned(_))) => return Ok(Told::Pruned),
            Err(WatchError::Journal(JournalError::UnknownRun(_))) => return Ok(Told::Erased),
            Err(WatchError::Journal(error)) => return Err(error.into()),
            Err(error) => return Err(Failure::work(error)),
        }
    }
}

/// How it ended; it may be erased right after that.
fn ended(waited: Result<RunState, EngineError>) -> Result<Told, Failure> {
    match waited {
        Ok(run) => Ok(Told::ToTheEnd(run.status)),
        Err(EngineError::Journal(JournalError::UnknownRun(_))) => Ok(Told::Erased),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody still reads.
fn show(update: &TaskUpdate, json: bool) -> bool {
    let message = views::task_update(update, Doors::steps());
    if json {
        return output::heard(message);
    }
    let at = output::plain(&message["timestamp"]);
    output::heard(format!("{at}  {:<10}  {}", update.status.as_str(), update.message))
}
