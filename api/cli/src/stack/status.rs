//! `untxt stack status`: every service, and how much work there is.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use untxt_api::views;
use untxt_engine::journal::clock::shared_clock;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::journal::{Journal, JournalError, WorkerInfo};
use untxt_engine::time::{Clock, SystemClock, Timestamp};
use untxt_engine::workflow::Workflows;
use untxt_settings::Config;
use untxt_stack::pid_file::PidFile;
use untxt_stack::service::Service;
use untxt_stack::stack_dir::{SUPERVISOR, StackDir};
use untxt_workflows::ocr::WORKFLOW;

use super::{open_dir, probe};
use crate::failure::Failure;
use crate::{output, start};

pub(super) async fn run(json: bool) -> Result<ExitCode, Failure> {
    let config = start::config("error")?;
    let dir = open_dir(&config)?;
    let Some(supervisor) = dir.pid_file(SUPERVISOR) else {
        show(&json!({ "running": false, "services": [], "queues": [] }), json);
        return Ok(ExitCode::from(1));
    };
    let record = Record::read(&config).await;
    let mut services = vec![row(SUPERVISOR, Some(&supervisor), "up".to_owned())];
    for service in &supervisor.services {
        let pid_file = dir.pid_file(service.name());
        let health = match &pid_file {
            Some(pid_file) => health(*service, pid_file, (&config, &dir), &record).await,
            None => "down".to_owned(),
        };
        services.push(row(service.name(), pid_file.as_ref(), health));
    }
    let well = services.iter().all(|service| service["health"] == "up");
    let queues = record.queues.unwrap_or_default();
    show(&json!({ "running": true, "well": well, "services": services, "queues": queues }), json);
    Ok(ExitCode::from(if well { 0 } else { 1 }))
}

/// What the journal says, if it answers.
struct Record {
    workers: Result<Vec<WorkerInfo>, String>,
    queues: Option<Value>,
    /// When it said so, by its own clock.
    now: Timestamp,
}

impl Record {
    async fn read(config: &Config) -> Self {
        match Self::of(config).await {
            Ok((workers, queues, now)) => Self { workers: Ok(workers), queues: Some(queues), now },
            Err(error) => Self { workers: Err(error), queues: None, now: SystemClock.now() },
        }
    }

    async fn of(config: &Config) -> Result<(Vec<WorkerInfo>, Value, Timestamp), String> {
        let database = start::connect(config).await.map_err(|failure| failure.to_string())?;
        let text = |error: JournalError| error.to_string();
        let clock = shared_clock(&database, Arc::new(SystemClock)).await.map_err(text)?;
        let now = clock.now();
        // It decides nothing, so it needs to know no workflow.
        let journal = SqlJournal::new(database, Workflows::default(), clock, || 0.0);
        let workers = journal.workers().await.map_err(text)?;
        let backlog = journal.backlog(WORKFLOW, now).await.map_err(text)?;
        let mut queue = serde_json::to_value(backlog).map_err(|error| error.to_string())?;
        queue["name"] = json!(WORKFLOW);
        Ok((workers, json!([queue]), now))
    }
}

async fn health(
    service: Service,
    process: &PidFile,
    (config, dir): (&Config, &StackDir),
    record: &Record,
) -> String {
    if !process.identity.is_alive() {
        return process.trouble.clone().unwrap_or_else(|| "down".to_owned());
    }
    match (service, &record.workers) {
        (Service::Api, _) => probe::api(process.address.as_deref().unwrap_or_default()).await,
        (Service::Redis, _) => probe::redis(&dir.server("REDIS_URL").unwrap_or_default()).await,
        (Service::Postgres, Ok(_)) => "up".to_owned(),
        (Service::Worker, Ok(rows)) => {
            let name = process.worker.as_deref().unwrap_or_default();
            probe::worker(name, rows, record.now, config.settings.lease)
        }
        (Service::Postgres | Service::Worker, Err(error)) => error.clone(),
    }
}

fn row(name: &str, pid_file: Option<&PidFile>, health: String) -> Value {
    let alive = pid_file.filter(|process| process.identity.is_alive());
    let health = if alive.is_none() && health == "up" { "down".to_owned() } else { health };
    json!({
        "name": name,
        "pid": alive.map(|process| process.identity.pid),
        "since": alive.map(|process| views::millis(Timestamp(process.since_ms))),
        "address": pid_file.and_then(|process| process.address.clone()),
        "restarts": pid_file.map_or(0, |process| process.restarts),
        "health": health,
    })
}

fn show(status: &Value, json: bool) {
    if json {
        output::json(status);
        return;
    }
    if status["running"] == false {
        output::line("the stack does not run");
    }
    output::table(
        output::rows(&status["services"]),
        "SERVICE:/name PID:/pid STARTED:/since ADDRESS:/address RESTARTS:/restarts HEALTH:/health",
    );
    output::table(
        output::rows(&status["queues"]),
        "QUEUE:/name READY:/ready SCHEDULED:/scheduled HELD:/held",
    );
}
