//! The process that starts everything and keeps it running. It has no terminal;
//! whoever started it reads on its output how far it is.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::geteuid;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use untxt_settings::Config;

use super::logs::{LOG_BYTES_MAX, rotate};
use super::place::{Card, Place, SUPERVISOR};
use super::service::Service;
use super::stop::end_all;
use super::supervised::Supervised;
use crate::failure::Failure;
use crate::start;

/// Between two looks at the services.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Looks between two looks at the logs.
const LOGS_EVERY: u32 = 25;

pub(super) async fn run(with_services: bool) -> Result<ExitCode, Failure> {
    let told = supervise(with_services).await;
    if let Err(failure) = &told {
        tell(&json!({ "failed": failure.to_string(), "code": failure.code() }));
    }
    told.map(|()| ExitCode::SUCCESS)
}

async fn supervise(with_services: bool) -> Result<(), Failure> {
    // A session of its own: closing the terminal does not reach it.
    let _ = rustix::process::setsid();
    let config = start::config("info")?;
    let shutdown = start::until_signalled()?;
    let place = Place::open(&config)?;
    if with_services && geteuid().is_root() {
        place.let_servers_through().map_err(Failure::work)?;
    }
    let Some(_lock) = place.lock().map_err(Failure::work)? else {
        return Err(Failure::work("the stack runs already"));
    };
    // A supervisor that was killed has left them running.
    end_all(&place, |_| {}).await?;
    place.forget_servers();
    let mut stack = Stack { place, with_services, services: Vec::new() };
    let came_up = stack.bring_up(&shutdown).await;
    if came_up.is_ok() {
        tell(&json!({ "ready": true }));
        stack.keep_running(&shutdown).await;
    }
    let ended = end_all(&stack.place, |service| tracing::info!(service, "stopped")).await;
    stack.place.forget_servers();
    stack.place.remove_card(SUPERVISOR);
    came_up?;
    ended.map(drop)
}

/// Says how far it is to whoever waits, if anybody still does.
fn tell(message: &Value) {
    drop(writeln!(std::io::stdout(), "{message}"));
}

struct Stack {
    place: Place,
    with_services: bool,
    services: Vec<Supervised>,
}

impl Stack {
    fn wanted(&self) -> Vec<Service> {
        let private = |service| matches!(service, Service::Postgres | Service::Redis);
        Service::ALL.into_iter().filter(|service| self.with_services || !private(*service)).collect()
    }

    async fn bring_up(&mut self, shutdown: &CancellationToken) -> Result<(), Failure> {
        let mut card = Card::of(std::process::id()).map_err(Failure::work)?;
        card.services = self.wanted();
        self.place.write_card(SUPERVISOR, &card).map_err(Failure::work)?;
        let mut environment = Vec::new();
        if self.with_services {
            unset()?;
            let database = self.add(Service::Postgres, &[], shutdown).await?;
            let redis = self.add(Service::Redis, &[], shutdown).await?;
            self.place.tell_servers(&database, &redis).map_err(Failure::work)?;
            environment = vec![("DATABASE_URL", database), ("REDIS_URL", redis)];
        }
        self.lay_out().await?;
        for service in [Service::Worker, Service::Api] {
            self.add(service, &environment, shutdown).await?;
        }
        Ok(())
    }

    /// Starts it; where it can be reached. One that is being started is waited
    /// for, also by whoever wants to stop: nobody else knows of it yet.
    async fn add(
        &mut self,
        service: Service,
        environment: &[(&'static str, String)],
        shutdown: &CancellationToken,
    ) -> Result<String, Failure> {
        if shutdown.is_cancelled() {
            return Err(Failure::work("it was stopped while it was being started"));
        }
        let started = Supervised::start(service, &self.place, environment.to_vec()).await?;
        let url = started.url().unwrap_or_default();
        let address = self.place.card(service.name()).and_then(|card| card.address);
        tell(&json!({ "started": service.name(), "address": address }));
        self.services.push(started);
        Ok(url)
    }

    async fn lay_out(&self) -> Result<(), Failure> {
        // Read again: it finds the servers that were started meanwhile.
        let database = start::connect(&Config::load()?).await?;
        let applied = database.while_it_answers(untxt_migrations::up(&database.for_layout())).await?;
        tell(&json!({ "started": format!("{applied} migration(s)") }));
        database.close().await?;
        Ok(())
    }

    async fn keep_running(&mut self, shutdown: &CancellationToken) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for time in 0_u32.. {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = look.tick() => {}
            }
            for service in &mut self.services {
                service.look().await;
            }
            if time.is_multiple_of(LOGS_EVERY) {
                self.rotate_logs();
            }
        }
    }

    fn rotate_logs(&self) {
        let services = self.services.iter().map(|service| service.service.name());
        for name in services.chain([SUPERVISOR]) {
            if let Err(error) = rotate(&self.place.log(name), LOG_BYTES_MAX) {
                tracing::warn!(log = %self.place.log(name).display(), %error, "can't rotate the log");
            }
        }
    }
}

/// The private servers are not started beside others.
fn unset() -> Result<(), Failure> {
    let config = Config::load()?;
    let other = match (config.embedded_database, config.settings.redis_url) {
        (false, _) => "PostgreSQL of its own, and DATABASE_URL names another",
        (true, Some(_)) => "Redis of its own, and REDIS_URL names another",
        (true, None) => return Ok(()),
    };
    Err(Failure::usage(format!("--with-services starts a {other}; leave one of them out")))
}
