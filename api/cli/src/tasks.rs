//! `untxt tasks`: what there is, what happened to it, and an end to it.

mod watch;

use std::collections::HashMap;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::app_state::AppState;
use untxt_api::audit::AuditedAction;
use untxt_api::views;
use untxt_engine::event::Event;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::ItemCount;
use untxt_workflows::entities::{file, task};
use untxt_workflows::operations::Operations;
use untxt_workflows::task_queries::TaskFilter;
use uuid::Uuid;

use crate::failure::Failure;
use crate::operator::operator;
use crate::output::plain;
use crate::redrive::RedriveArguments;
use crate::{output, start};

/// Events that are read at once.
const EVENTS_AT_ONCE: u32 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct TasksArguments {
    #[command(subcommand)]
    pub(crate) command: TasksCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TasksCommand {
    /// List tasks, newest first.
    List {
        /// Only tasks of this user.
        #[arg(long)]
        user: Option<Uuid>,
        /// Only tasks with this status; several are separated by commas.
        #[arg(long, value_delimiter = ',')]
        status: Vec<String>,
        /// Only tasks with this in the name of their file, in any case.
        #[arg(long)]
        name: Option<String>,
        /// Only tasks of this engine.
        #[arg(long)]
        engine: Option<String>,
        /// Maximum number of rows.
        #[arg(long, default_value_t = 50)]
        limit: u64,
        /// Number of rows to skip.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Cancel a task.
    Cancel {
        /// Task id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Follow a task to its end; exit code 1 if it failed or was cancelled.
    Watch {
        /// Task id.
        id: Uuid,
        /// Print one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show a task and its history.
    Show {
        /// Task id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Resume a task that failed, completed partially or waits for an operator.
    Retry(RetryArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// Task id.
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) redrive: RedriveArguments,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &TasksArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    match &arguments.command {
        TasksCommand::List { user, status, name, engine, limit, offset, json } => {
            let filter = TaskFilter {
                user: *user,
                statuses: status.clone(),
                engine: engine.clone(),
                name: name.clone(),
            };
            let (rows, total) = operations.records.tasks(&filter, *limit, *offset).await?;
            let pages = operations.records.page_counts(&rows).await?;
            list(&rows, &pages, total, *json);
        }
        TasksCommand::Show { id, json } => show(&operations, *id, *json).await?,
        TasksCommand::Retry(arguments) => retry(&operations, arguments).await?,
        TasksCommand::Cancel { id, json } => cancel(&operations, *id, *json).await?,
        TasksCommand::Watch { id, json } => {
            found(&operations, *id).await?;
            return watch::watch(&operations.records, *id, *json).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn found(operations: &Operations, id: Uuid) -> Result<(task::Model, file::Model), Failure> {
    operations.records.task(id).await?.ok_or_else(|| Failure::work(format!("there is no task {id}")))
}

/// Workers elsewhere hear of it by themselves.
async fn cancel(operations: &Operations, id: Uuid, json: bool) -> Result<(), Failure> {
    found(operations, id).await?;
    let (engine, by) = (operations.records.engine(), operator(None).by);
    let act = AuditedAction { engine, by: &by, action: "cancel", subject: &format!("run {id}") };
    let run = act.audited(json!({}), engine.cancel(RunId(id)), |_| json!({})).await??;
    if json {
        let (task, file) = found(operations, id).await?;
        output::json(&views::detailed(&task, &file, Some(&run), &[], None));
    } else {
        output::line(&format!("{id} is cancelled"));
    }
    Ok(())
}

fn list(rows: &[(task::Model, file::Model)], pages: &HashMap<Uuid, ItemCount>, total: u64, json: bool) {
    let pages_of = |task: &task::Model| pages.get(&task.id).copied().unwrap_or_default();
    let tasks: Vec<Value> = rows.iter().map(|(task, file)| views::task(task, file, pages_of(task))).collect();
    if json {
        output::json(&json!({ "tasks": tasks, "total": total }));
        return;
    }
    output::table(
        &tasks,
        "ID:/taskId CREATED:/createdAt STATUS:/status DONE:/progress/pagesDone PAGES:/progress/pagesTotal FILE:/filename",
    );
    output::line(&format!("{} of {total} task(s)", rows.len()));
}

async fn show(operations: &Operations, id: Uuid, json: bool) -> Result<(), Failure> {
    let (task, file) = found(operations, id).await?;
    let run = operations.records.engine().run(RunId(id)).await?;
    let failed = match &run {
        Some(run) => operations.records.failed_pages(run).await?,
        None => Vec::new(),
    };
    let mut view = views::detailed(&task, &file, run.as_ref(), &failed, None);
    let history = match history(operations, RunId(id)).await {
        Ok(events) => views::history(&events, AppState::steps()),
        Err(JournalError::Pruned(_)) => Value::Null,
        Err(error) => return Err(error.into()),
    };
    if json {
        view["historyPruned"] = json!(history.is_null());
        view["history"] = history;
        output::json(&view);
        return Ok(());
    }
    for (name, value) in view.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        output::line(&format!("{name:<14} {}", plain(value)));
    }
    if history.is_null() {
        output::line("history        pruned: the task ended longer ago than UNTXT_RETAIN_DAYS");
    }
    output::table(output::rows(&history), "SEQ:/seq TIME:/at STEP:/step EVENT:/event DATA:/data");
    Ok(())
}

async fn retry(operations: &Operations, arguments: &RetryArguments) -> Result<(), Failure> {
    let how = arguments.redrive.how();
    let run =
        operations.redrive_task(arguments.id, &how, &operator(arguments.redrive.reason.as_deref())).await?;
    match arguments.json {
        true => output::json(&json!({ "taskId": run.id.0, "status": run.status.as_str() })),
        false => output::line(&format!("{}  {}", run.id, run.status.as_str())),
    }
    Ok(())
}

async fn history(operations: &Operations, run: RunId) -> Result<Vec<Event>, JournalError> {
    let mut all: Vec<Event> = Vec::new();
    loop {
        let after = all.last().map_or(0, |event| event.seq);
        let more = operations.records.engine().history(run, after, EVENTS_AT_ONCE).await?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}
