//! `untxt stack supervise`: the process that starts the stack and keeps it running. It
//! has no terminal; `untxt stack start` reads its progress from its output.

use std::io::Write;
use std::process::ExitCode;

use rustix::process::geteuid;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_settings::Config;
use untxt_stack::pid_file::PidFile;
use untxt_stack::service::Service;
use untxt_stack::stack_dir::{SUPERVISOR, StackDir};
use untxt_stack::stop::stop_all;
use untxt_stack::supervisor::Supervisor;

use super::open_dir;
use crate::failure::Failure;
use crate::start;

pub(super) async fn run(with_services: bool) -> Result<ExitCode, Failure> {
    let ended = supervise(with_services).await;
    if let Err(failure) = &ended {
        report(&json!({ "failed": failure.to_string(), "code": failure.code() }));
    }
    ended.map(|()| ExitCode::SUCCESS)
}

async fn supervise(with_services: bool) -> Result<(), Failure> {
    // A session of its own: closing the terminal does not reach it.
    let _ = rustix::process::setsid();
    let config = start::config("info")?;
    let shutdown = start::until_signalled()?;
    let dir = open_dir(&config)?;
    if with_services && geteuid().is_root() {
        dir.let_others_pass().map_err(Failure::work)?;
    }
    let Some(_lock) = dir.lock().map_err(Failure::work)? else {
        return Err(Failure::work("the stack runs already"));
    };
    // Services that a killed supervisor has left running.
    stop_all(&dir, |_| {}).await?;
    dir.remove_servers();
    let mut stack = Stack { supervisor: Supervisor::new(dir.clone()), dir, with_services, shutdown };
    let started = stack.start().await;
    if started.is_ok() {
        report(&json!({ "ready": true }));
        stack.supervisor.run(&stack.shutdown).await;
    }
    let stopped = stop_all(&stack.dir, |service| tracing::info!(service, "stopped")).await;
    stack.dir.remove_servers();
    stack.dir.remove_pid_file(SUPERVISOR);
    started?;
    stopped?;
    Ok(())
}

/// Reports progress to `untxt stack start`, if it still reads.
fn report(message: &Value) {
    drop(writeln!(std::io::stdout(), "{message}"));
}

struct Stack {
    dir: StackDir,
    supervisor: Supervisor,
    with_services: bool,
    shutdown: CancellationToken,
}

impl Stack {
    fn services(&self) -> Vec<Service> {
        let private = |service| matches!(service, Service::Postgres | Service::Redis);
        Service::ALL.into_iter().filter(|service| self.with_services || !private(*service)).collect()
    }

    /// Starts the servers, migrates the database, and starts the programs.
    async fn start(&mut self) -> Result<(), Failure> {
        let mut pid_file = PidFile::of(std::process::id()).map_err(Failure::work)?;
        pid_file.services = self.services();
        self.dir.write_pid_file(SUPERVISOR, &pid_file).map_err(Failure::work)?;
        let mut environment = Vec::new();
        if self.with_services {
            refuse_other_servers()?;
            let database = self.add(Service::Postgres, &[]).await?;
            let redis = self.add(Service::Redis, &[]).await?;
            self.dir.write_servers(&database, &redis).map_err(Failure::work)?;
            environment = vec![("DATABASE_URL", database), ("REDIS_URL", redis)];
        }
        migrate().await?;
        for service in [Service::Worker, Service::Api] {
            self.add(service, &environment).await?;
        }
        Ok(())
    }

    /// Starts a service and returns its URL. A shutdown waits until it is ready, since
    /// nobody else knows of it yet.
    async fn add(
        &mut self,
        service: Service,
        environment: &[(&'static str, String)],
    ) -> Result<String, Failure> {
        if self.shutdown.is_cancelled() {
            return Err(Failure::work("it was stopped while it was being started"));
        }
        let url = self.supervisor.start(service, environment).await?;
        let address = self.dir.pid_file(service.name()).and_then(|pid_file| pid_file.address);
        report(&json!({ "started": service.name(), "address": address }));
        Ok(url)
    }
}

async fn migrate() -> Result<(), Failure> {
    // Read again: it finds the servers that were started meanwhile.
    let database = start::connect(&Config::load()?).await?;
    let applied = database.while_it_answers(untxt_migrations::up(&database.for_layout())).await?;
    report(&json!({ "started": format!("{applied} migration(s)") }));
    database.close().await?;
    Ok(())
}

/// Private servers are not started beside configured ones.
fn refuse_other_servers() -> Result<(), Failure> {
    let config = Config::load()?;
    let other = match (config.embedded_database, config.settings.redis_url) {
        (false, _) => "PostgreSQL of its own, and DATABASE_URL names another",
        (true, Some(_)) => "Redis of its own, and REDIS_URL names another",
        (true, None) => return Ok(()),
    };
    Err(Failure::usage(format!("--with-services starts a {other}; leave one of them out")))
}
