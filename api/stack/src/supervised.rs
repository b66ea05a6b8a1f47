//! A supervised service: started, monitored, restarted.

use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::error::StackError;
use crate::logs::tail;
use crate::pid_file::PidFile;
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::restarts::{Decision, Restarts};
use crate::server::ServiceError;
use crate::service::Service;
use crate::stack_dir::StackDir;

/// How long a program may take until it says that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What a program prints when it is ready, before its address or name.
const LISTENING: &str = "listening on ";
const WORKING: &str = "working as ";

/// What one prints before that when it listens beside its work.
const MONITORED: &str = "watched on ";

/// A service that is restarted when it dies.
pub struct Supervised {
    service: Service,
    dir: StackDir,
    /// Where the private servers are, for the programs.
    environment: Vec<(&'static str, String)>,
    body: Body,
    state: State,
    restarts: Restarts,
    pid_file: Option<PidFile>,
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
    /// Starts `service` and waits until it is ready.
    ///
    /// # Errors
    /// [`StackError`]; it does not run then.
    pub async fn start(
        service: Service,
        dir: &StackDir,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self, StackError> {
        let (body, state) = (Body::None, State::GivenUp);
        let (dir, restarts) = (dir.clone(), Restarts::default());
        let mut new = Self { service, dir, environment, body, state, restarts, pid_file: None };
        new.run().await?;
        Ok(new)
    }

    /// Which service it is.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// The URL of a private server, or the address of the API.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match &self.body {
            Body::Postgres(server) => Some(server.url()),
            Body::Redis(server) => Some(server.url()),
            Body::None | Body::Program(_) => self.pid_file.as_ref()?.address.clone(),
        }
    }

    /// Checks whether it still runs, and restarts it when it does not and its wait is
    /// over.
    pub async fn check(&mut self) {
        match self.state {
            State::Running { since } => {
                if let Some(how) = self.ended() {
                    self.died(since.elapsed(), &how);
                }
            }
            State::Waiting { until } if until <= Instant::now() => {
                if let Err(error) = self.run().await {
                    self.died(Duration::ZERO, &error.to_string());
                }
            }
            State::Waiting { .. } | State::GivenUp => {}
        }
    }

    fn died(&mut self, lived: Duration, how: &str) {
        let service = self.service.name();
        let trouble = match self.restarts.died(lived) {
            Decision::Restart(wait) => {
                self.state = State::Waiting { until: Instant::now() + wait };
                tracing::warn!(service, %how, ?wait, "process ended; restarting it");
                format!("ended: {how}; it is being restarted")
            }
            Decision::GiveUp => {
                self.state = State::GivenUp;
                tracing::error!(service, %how, "process ended again; giving up");
                format!(
                    "given up, for it keeps ending: {how}; see {}, then `untxt stack stop` and `start`",
                    self.dir.log(service).display()
                )
            }
        };
        if let Some(pid_file) = &mut self.pid_file {
            pid_file.trouble = Some(trouble);
        }
        self.write_pid_file();
    }

    async fn run(&mut self) -> Result<(), StackError> {
        let home = self.dir.data_of(self.service);
        let (body, pid, announced) = match self.service {
            Service::Postgres => {
                let server = blocking(move || Postgres::keep(&home)).await?;
                let (pid, announced) = (server.pid(), Announcement::at(shown(&server.url())));
                (Body::Postgres(server), pid, announced)
            }
            Service::Redis => {
                let server = blocking(move || Redis::keep(&home)).await?;
                let (pid, announced) = (server.pid(), Announcement::at(shown(&server.url())));
                (Body::Redis(server), pid, announced)
            }
            Service::Worker => self.program(&["worker"], WORKING).await?,
            Service::Api => self.program(&["serve", "--no-worker"], LISTENING).await?,
        };
        self.body = body;
        self.state = State::Running { since: Instant::now() };
        let pid = pid.ok_or_else(|| StackError::EndedAtOnce(self.service.name()))?;
        let restarts = self.pid_file.as_ref().map_or(0, |pid_file| pid_file.restarts + 1);
        let mut pid_file = PidFile::of(pid)?;
        pid_file.restarts = restarts;
        match self.service {
            Service::Worker => {
                (pid_file.worker, pid_file.address) = (Some(announced.ready), announced.monitored)
            }
            Service::Postgres | Service::Redis | Service::Api => pid_file.address = Some(announced.ready),
        }
        tracing::info!(service = self.service.name(), pid, restarts, "started");
        self.pid_file = Some(pid_file);
        self.write_pid_file();
        Ok(())
    }

    /// Starts this program with other arguments, in a process group of its own, so that
    /// Ctrl-C in a terminal does not reach it.
    async fn program(
        &self,
        arguments: &[&str],
        ready: &str,
    ) -> Result<(Body, Option<u32>, Announcement), StackError> {
        let name = self.service.name();
        let log = self.dir.open_log(name)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().map_err(|source| StackError::Spawn { service: name, source })?;
        let pid = child.id();
        match timeout(READY_WITHIN, read_announcement(&mut child, ready)).await {
            Ok(Ok(Some(announced))) => return Ok((Body::Program(child), pid, announced)),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::warn!(service = name, %error, "can't read the process's output"),
            Err(_) => tracing::warn!(service = name, "is not ready within {READY_WITHIN:?}"),
        }
        drop(child.start_kill());
        let status = child.wait().await?;
        let log = self.dir.log(name);
        Err(StackError::Ended { service: name, status, tail: tail(&log), log })
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
                    let log = self.dir.log(self.service.name());
                    Some(format!("{status}; its log ends with: {}", tail(&log)))
                }
                Err(error) => Some(error.to_string()),
            },
        }
    }

    fn write_pid_file(&self) {
        let Some(pid_file) = &self.pid_file else { return };
        if let Err(error) = self.dir.write_pid_file(self.service.name(), pid_file) {
            tracing::error!(service = self.service.name(), %error, "can't write the pid file");
        }
    }
}

/// What a program prints at its start.
struct Announcement {
    /// When it is ready: the address of the API, or the name of the worker.
    ready: String,
    /// The address of a worker's health endpoint, if it has one.
    monitored: Option<String>,
}

impl Announcement {
    fn at(address: String) -> Self {
        Self { ready: address, monitored: None }
    }
}

/// Reads what a program prints until it is ready; `None` when it ended before.
/// Later output is read and dropped, so that the program never waits for a reader.
async fn read_announcement(child: &mut Child, ready: &str) -> io::Result<Option<Announcement>> {
    let Some(stdout) = child.stdout.take() else { return Ok(None) };
    let (mut lines, mut monitored) = (BufReader::new(stdout).lines(), None);
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix(MONITORED) {
            monitored = Some(address.to_owned());
        }
        if let Some(rest) = line.strip_prefix(ready) {
            let ready = rest.to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Some(Announcement { ready, monitored }));
        }
    }
    Ok(None)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, StackError> {
    Ok(spawn_blocking(work).await.map_err(io::Error::other)??)
}

/// Host and port of a URL, without the password.
fn shown(url: &str) -> String {
    let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
    host.split('/').next().unwrap_or_default().to_owned()
}
