//! The processes of the service: the `untxt` binary, started, killed and started
//! again.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use untxt_engine::time::{Clock, SystemClock, Timestamp};

use crate::clocks::Clocks;
use crate::disks;
use crate::fault_group::FaultGroup;

/// Whatever the machine has set is not the campaign's.
const FOREIGN: [&str; 6] = ["UNTXT_", "AWS_", "S3_", "OTEL_", "DATABASE_URL", "REDIS_URL"];

/// What a server prints when it is ready.
const LISTENING: &str = "listening on http://";

/// What a worker prints when it is ready; its name follows.
const WORKING: &str = "working as ";

/// Before a process that ended by itself is started again.
const RESTART_AFTER: Duration = Duration::from_millis(200);

/// How long a process may take to drain.
const DRAIN_WITHIN: Duration = Duration::from_secs(40);

/// Exit code of a process that could not reach a service at its start.
const UNREACHABLE: i32 = 3;

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `untxt serve --no-worker`.
    Api,
    /// `untxt worker`.
    Worker,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["serve", "--no-worker"],
            Self::Worker => &["worker"],
        }
    }
}

/// A kill -9, and when the process was started again.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    pub(crate) killed_at: Timestamp,
    pub(crate) started_at: Timestamp,
    /// The name of the worker, if it was one that was ready.
    pub(crate) worker: Option<String>,
}

enum Order {
    Kill { down_for: Duration, done: oneshot::Sender<Death> },
    Stop { done: oneshot::Sender<Option<String>> },
}

/// One process of the service, and whatever takes its place.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) data_dir: PathBuf,
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

#[derive(Default)]
struct Shared {
    /// Where it listens, while it does.
    address: Mutex<Option<SocketAddr>>,
    /// What a worker calls itself, once it works.
    worker: Mutex<Option<String>>,
    /// Ends that nobody ordered.
    faults: Mutex<Vec<String>>,
}

impl Process {
    /// Where it listens; none while it is down, and for a worker.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        *lock(&self.shared.address)
    }

    /// How it ended without being told to, if it did.
    pub(crate) fn faults(&self) -> Vec<String> {
        lock(&self.shared.faults).clone()
    }

    /// kill -9; returns when it was started again, `down_for` later. None when
    /// it is being stopped.
    pub(crate) async fn kill(&self, down_for: Duration) -> Option<Death> {
        let (done, died) = oneshot::channel();
        self.orders.send(Order::Kill { down_for, done }).await.ok()?;
        died.await.ok()
    }

    /// SIGTERM; what was wrong with its end.
    pub(crate) async fn stop(&self) -> Option<String> {
        let (done, stopped) = oneshot::channel();
        let sent = self.orders.send(Order::Stop { done }).await;
        if sent.is_err() {
            return Some("nobody looks after it any more".to_owned());
        }
        stopped.await.unwrap_or_else(|_| Some("nobody looked after its end".to_owned()))
    }
}

/// All processes. They are killed when this is dropped, and when the campaign
/// itself is killed.
pub(crate) struct Children {
    pub(crate) processes: Vec<Arc<Process>>,
    /// Their clocks, where these can be set wrong.
    pub(crate) clocks: Option<Arc<Clocks>>,
    keepers: Vec<JoinHandle<()>>,
    /// Kills its whole process group, theirs, when its input ends.
    _guard: std::process::Child,
}

impl Children {
    /// Starts `apis` servers of the program `untxt` and `workers` workers, each with a data directory
    /// of its own under `home`, as if on a machine of its own: with a disk and a
    /// clock of its own where faults of these are asked for.
    ///
    /// # Errors
    /// When a process, directory or disk can't be had.
    pub(crate) fn start(
        (untxt, home): (&Path, &Path),
        environment: &[(&'static str, String)],
        (apis, workers): (usize, usize),
        faults: &[FaultGroup],
    ) -> io::Result<Self> {
        let guard = guard()?;
        let group = i32::try_from(guard.id()).map_err(io::Error::other)?;
        fs::create_dir_all(home.join("logs"))?;
        let names = (0..apis).map(|n| (Role::Api, n)).chain((0..workers).map(|n| (Role::Worker, n)));
        let clocks = match faults.contains(&FaultGroup::Clock) {
            true => Clocks::open(home.join("clocks"))?.map(Arc::new),
            false => None,
        };
        let mut children =
            Self { processes: Vec::new(), clocks: clocks.clone(), keepers: Vec::new(), _guard: guard };
        for (role, number) in names {
            let name = format!("{}-{number}", role.name());
            let (orders, received) = mpsc::channel(1);
            let shared = Arc::<Shared>::default();
            let data_dir = home.join(&name);
            if faults.contains(&FaultGroup::Disk) {
                disks::mount(&data_dir)?;
            }
            let keeper = Keeper {
                name: name.clone(),
                role,
                program: untxt.to_owned(),
                home: home.to_owned(),
                environment: environment.to_vec(),
                clocks: clocks.clone(),
                group,
                starts: 0,
                shared: Arc::clone(&shared),
            };
            children.keepers.push(tokio::spawn(keeper.keep(received)));
            children.processes.push(Arc::new(Process { name, role, data_dir, shared, orders }));
        }
        Ok(children)
    }

    /// Those with that role.
    pub(crate) fn with_role(&self, role: Role) -> impl Iterator<Item = &Arc<Process>> {
        self.processes.iter().filter(move |process| process.role == role)
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for keeper in &self.keepers {
            keeper.abort();
        }
    }
}

/// A shell that reads nothing and kills its group when there is no more to
/// read: also when this process was killed and can't do it itself.
fn guard() -> io::Result<std::process::Child> {
    use std::os::unix::process::CommandExt;
    std::process::Command::new("sh")
        .args(["-c", "read -r _; kill -9 0"])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Keeps one process running.
struct Keeper {
    name: String,
    role: Role,
    program: PathBuf,
    home: PathBuf,
    environment: Vec<(&'static str, String)>,
    clocks: Option<Arc<Clocks>>,
    group: i32,
    starts: u32,
    shared: Arc<Shared>,
}

impl Keeper {
    async fn keep(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let (mut child, log) = match self.spawn() {
                Ok(spawned) => spawned,
                Err(error) => {
                    lock(&self.shared.faults).push(format!("{} could not be started: {error}", self.name));
                    return;
                }
            };
            let order = tokio::select! {
                order = orders.recv() => order,
                ended = child.wait() => {
                    self.ended_by_itself(ended, &log);
                    tokio::time::sleep(RESTART_AFTER).await;
                    continue;
                }
            };
            match order {
                None => return,
                Some(Order::Kill { down_for, done }) => {
                    let killed_at = SystemClock.now();
                    *lock(&self.shared.address) = None;
                    let worker = lock(&self.shared.worker).take();
                    drop(child.kill().await);
                    tokio::time::sleep(down_for).await;
                    drop(done.send(Death { killed_at, started_at: SystemClock.now(), worker }));
                }
                Some(Order::Stop { done }) => {
                    drop(done.send(self.stop(&mut child, &log).await));
                    return;
                }
            }
        }
    }

    fn spawn(&mut self) -> io::Result<(Child, PathBuf)> {
        self.starts += 1;
        let log = self.home.join("logs").join(format!("{}-{}.log", self.name, self.starts));
        let mut command = Command::new(&self.program);
        if let Some(clocks) = &self.clocks {
            command.envs(clocks.environment(&self.name)?);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| FOREIGN.iter().any(|foreign| name.starts_with(foreign))) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(self.role.arguments())
            .current_dir(&self.home)
            .env("NO_COLOR", "1")
            .env("UNTXT_DATA_DIR", self.home.join(&self.name))
            .env("UNTXT_LISTEN", "127.0.0.1:0")
            // Each page is a call of the engine, whatever text it carries.
            .env("UNTXT_ENGINE", "simulated-qwen3")
            .env("UNTXT_TEXT_LAYER", "engine")
            .env("UNTXT_WORKER_LISTEN", "127.0.0.1:0")
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .process_group(self.group)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(hear(stdout, Arc::clone(&self.shared)));
        }
        Ok((child, log))
    }

    /// Nothing but a service that is away at its start may end a process.
    fn ended_by_itself(&self, ended: io::Result<std::process::ExitStatus>, log: &Path) {
        let listened = lock(&self.shared.address).take().is_some();
        let was_ready = lock(&self.shared.worker).take().is_some() || listened;
        let code = ended.as_ref().ok().and_then(std::process::ExitStatus::code);
        if code != Some(UNREACHABLE) || was_ready {
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            lock(&self.shared.faults).push(format!("{} ended by itself: {how}; {}", self.name, tail(log)));
        }
    }

    async fn stop(&self, child: &mut Child, log: &Path) -> Option<String> {
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))?;
        if let Err(error) = kill_process(pid, Signal::TERM) {
            return Some(format!("SIGTERM could not be sent: {error}"));
        }
        match tokio::time::timeout(DRAIN_WITHIN, child.wait()).await {
            Ok(Ok(status)) if status.success() => None,
            Ok(Ok(status)) => Some(format!("it drained badly: {status}; {}", tail(log))),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("it did not end within {DRAIN_WITHIN:?} of SIGTERM; {}", tail(log))),
        }
    }
}

/// Hears that a process is ready.
async fn hear(stdout: ChildStdout, shared: Arc<Shared>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = line.strip_prefix(LISTENING).and_then(|address| address.trim().parse().ok()) {
            *lock(&shared.address) = Some(address);
        }
        if let Some(name) = line.strip_prefix(WORKING) {
            *lock(&shared.worker) = Some(name.trim().to_owned());
        }
    }
}

/// The end of a log, for people.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(3)..].join(" | ");
    format!("its log ends with: {last}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
