//! One service under the supervisor's eye.

use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use untxt_stack::postgres::Postgres;
use untxt_stack::redis::Redis;
use untxt_stack::server::ServiceError;

use super::logs::end_of;
use super::place::{Card, Place};
use super::restarts::{Next, Restarts};
use super::service::Service;
use crate::failure::Failure;

/// How long a program may take until it says that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What a program prints when it is ready, before its address or name.
const LISTENING: &str = "listening on ";
const WORKING: &str = "working as ";

/// What one prints before that when it listens beside its work.
const WATCHED: &str = "watched on ";

/// A service, whatever it is that runs.
pub(super) struct Supervised {
    pub(super) service: Service,
    place: Place,
    /// Where the servers are, for the programs.
    environment: Vec<(&'static str, String)>,
    body: Body,
    state: State,
    restarts: Restarts,
    card: Option<Card>,
}

enum Body {
    None,
    Postgres(Postgres),
    Redis(Redis),
    Program(Child),
}

enum State {
    Running { since: Instant },
    Waiting { until: Instant },
    GivenUp,
}

impl Supervised {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// How it failed; it does not run then.
    pub(super) async fn start(
        service: Service,
        place: &Place,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let (body, state) = (Body::None, State::GivenUp);
        let (place, restarts) = (place.clone(), Restarts::default());
        let mut new = Self { service, place, environment, body, state, restarts, card: None };
        new.run().await?;
        Ok(new)
    }

    /// Where it can be reached: a server's URL, or the API's.
    pub(super) fn url(&self) -> Option<String> {
        match &self.body {
            Body::Postgres(server) => Some(server.url()),
            Body::Redis(server) => Some(server.url()),
            Body::None | Body::Program(_) => self.card.as_ref()?.address.clone(),
        }
    }

    /// Looks whether it still runs; starts it again when it does not and it is
    /// time for that.
    pub(super) async fn look(&mut self) {
        match self.state {
            State::Running { since } => {
                if let Some(how) = self.ended() {
                    self.died(since.elapsed(), &how);
                }
            }
            State::Waiting { until } if until <= Instant::now() => {
                if let Err(failure) = self.run().await {
                    self.died(Duration::ZERO, &failure.to_string());
                }
            }
            State::Waiting { .. } | State::GivenUp => {}
        }
    }

    fn died(&mut self, lived: Duration, how: &str) {
        let service = self.service.name();
        let trouble = match self.restarts.died(lived) {
            Next::Again(wait) => {
                self.state = State::Waiting { until: Instant::now() + wait };
                tracing::warn!(service, %how, ?wait, "process ended; restarting it");
                format!("ended: {how}; it is started again")
            }
            Next::GiveUp => {
                self.state = State::GivenUp;
                tracing::error!(service, %how, "process ended again; giving up");
                format!(
                    "given up, for it ends again and again: {how}; see {}, then `untxt stack stop` and `start`",
                    self.place.log(service).display()
                )
            }
        };
        if let Some(card) = &mut self.card {
            card.trouble = Some(trouble);
        }
        self.write_card();
    }

    async fn run(&mut self) -> Result<(), Failure> {
        let home = self.place.home(self.service);
        let (body, pid, said) = match self.service {
            Service::Postgres => {
                let server = blocking(move || Postgres::keep(&home)).await?;
                let (pid, said) = (server.pid(), Said::at(shown(&server.url())));
                (Body::Postgres(server), pid, said)
            }
            Service::Redis => {
                let server = blocking(move || Redis::keep(&home)).await?;
                let (pid, said) = (server.pid(), Said::at(shown(&server.url())));
                (Body::Redis(server), pid, said)
            }
            Service::Worker => self.program(&["worker"], WORKING).await?,
            Service::Api => self.program(&["serve", "--no-worker"], LISTENING).await?,
        };
        self.body = body;
        self.state = State::Running { since: Instant::now() };
        let pid = pid.ok_or_else(|| Failure::work(format!("{} ended at once", self.service.name())))?;
        let restarts = self.card.as_ref().map_or(0, |card| card.restarts + 1);
        let mut card = Card::of(pid).map_err(Failure::work)?;
        card.restarts = restarts;
        match self.service {
            Service::Worker => (card.worker, card.address) = (Some(said.ready), said.watched),
            Service::Postgres | Service::Redis | Service::Api => card.address = Some(said.ready),
        }
        tracing::info!(service = self.service.name(), pid, restarts, "started");
        self.card = Some(card);
        self.write_card();
        Ok(())
    }

    /// This program, doing something else, out of reach of a terminal's Ctrl-C.
    async fn program(&self, arguments: &[&str], ready: &str) -> Result<(Body, Option<u32>, Said), Failure> {
        let name = self.service.name();
        let log = self.place.open_log(name).map_err(Failure::work)?;
        let mut command = Command::new(std::env::current_exe().map_err(Failure::work)?);
        command.args(arguments).envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child =
            command.spawn().map_err(|error| Failure::work(format!("can't start the {name}: {error}")))?;
        let pid = child.id();
        match timeout(READY_WITHIN, first_words(&mut child, ready)).await {
            Ok(Ok(Some(said))) => return Ok((Body::Program(child), pid, said)),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::warn!(service = name, %error, "can't read the process's output"),
            Err(_) => tracing::warn!(service = name, "is not ready within {READY_WITHIN:?}"),
        }
        drop(child.start_kill());
        let status = child.wait().await.map_err(Failure::work)?;
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        let log = self.place.log(name);
        Err(Failure::with_code(
            code,
            format!("the {name} ended ({status}); its log {} ends with: {}", log.display(), end_of(&log)),
        ))
    }

    /// How it ended, if it did.
    fn ended(&mut self) -> Option<String> {
        match &mut self.body {
            Body::None => Some("it was never started".to_owned()),
            Body::Postgres(server) => server.ended(),
            Body::Redis(server) => server.ended(),
            Body::Program(child) => match child.try_wait() {
                Ok(None) => None,
                Ok(Some(status)) => {
                    let log = self.place.log(self.service.name());
                    Some(format!("{status}; its log ends with: {}", end_of(&log)))
                }
                Err(error) => Some(error.to_string()),
            },
        }
    }

    fn write_card(&self) {
        let Some(card) = &self.card else { return };
        if let Err(error) = self.place.write_card(self.service.name(), card) {
            tracing::error!(service = self.service.name(), %error, "can't write the pid file");
        }
    }
}

/// What a program says about itself.
struct Said {
    /// When it is ready: where it listens, or what it is called.
    ready: String,
    /// Where it tells about its work, if it does.
    watched: Option<String>,
}

impl Said {
    fn at(address: String) -> Self {
        Self { ready: address, watched: None }
    }
}

/// What a program says until it is ready; `None` when it ended before.
/// Afterwards whatever it prints is read and dropped, so that it never waits for
/// a reader.
async fn first_words(child: &mut Child, ready: &str) -> io::Result<Option<Said>> {
    let Some(stdout) = child.stdout.take() else { return Ok(None) };
    let (mut lines, mut watched) = (BufReader::new(stdout).lines(), None);
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix(WATCHED) {
            watched = Some(address.to_owned());
        }
        if let Some(told) = line.strip_prefix(ready) {
            let ready = told.to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Some(Said { ready, watched }));
        }
    }
    Ok(None)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work).await.map_err(Failure::work)?.map_err(|error| match error {
        ServiceError::NotInstalled { .. } => Failure::service(error),
        ServiceError::NoUser(_) | ServiceError::OutOfReach { .. } => Failure::usage(error),
        ServiceError::Io { .. } | ServiceError::Failed { .. } => Failure::work(error),
    })
}

/// Host and port of a URL, without the password.
fn shown(url: &str) -> String {
    let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
    host.split('/').next().unwrap_or_default().to_owned()
}
