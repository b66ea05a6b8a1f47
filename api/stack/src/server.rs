//! What every private server needs: a directory of its own, a free loopback
//! port, a log, and an end that comes whatever happens to this process.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

/// How long a server may take until it answers; crash recovery included.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks at a server that is starting.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The binaries are not there.
    #[error("no {server} here: {looked_in}; install it ({packages})")]
    NotInstalled {
        /// What was to be started.
        server: &'static str,
        /// Which program is missing where.
        looked_in: &'static str,
        /// The distributions' packages that bring it.
        packages: &'static str,
    },
    /// It refuses to run as root, and there is nobody else.
    #[error("{0} does not run as root, and there is no user `postgres` or `nobody` to run it as")]
    NoUser(&'static str),
    /// The user it runs as can't get to its directory.
    #[error(
        "{server} does not run as root, and the user it runs as instead can't reach {home}: a directory \
         above it lets nobody else in; allow it (chmod o+x), move UNTXT_DATA_DIR, or start this as that user",
        home = .home.display()
    )]
    OutOfReach {
        /// Which.
        server: &'static str,
        /// The directory.
        home: PathBuf,
    },
    /// A file, a process or an answer could not be had.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// How it failed.
        source: io::Error,
    },
    /// The server's programs ran, but there is no server.
    #[error("{what}; its log ends with: {log}")]
    Failed {
        /// What was tried.
        what: String,
        /// The last lines of the log.
        log: String,
    },
}

/// Whom a server runs as when that is not this process's own user.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// A server's process and its directory. When this is dropped or this process
/// ends, both end, unless the server is kept: then both stay.
#[derive(Debug)]
pub(super) struct PrivateServer {
    home: PathBuf,
    user: Option<User>,
    running: Option<Child>,
    guard: Option<Child>,
}

impl PrivateServer {
    /// A new directory, named after `name`, that only `user` may look into.
    /// From here on `guard`, a shell script, waits for the end of its input:
    /// then it is to end the server and to remove the directory, its `$1`.
    pub(super) fn prepare(name: &str, user: Option<User>, guard: &str) -> Result<Self, ServiceError> {
        let home = std::env::temp_dir().join(format!("untxt-{name}-{}", &random()[..12]));
        let mut server = Self { home, user, running: None, guard: None };
        let what = format!("create {}", server.home.display());
        fs::create_dir(&server.home).map_err(io_error(&what))?;
        server.allow_owner_only(&server.home, 0o700)?;
        let mut watching = server.command(Path::new("sh"));
        watching.args(["-c", guard, "sh"]).arg(&server.home);
        watching.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        server.guard = Some(watching.spawn().map_err(io_error("run sh"))?);
        Ok(server)
    }

    /// The directory `home`, made if it isn't there, that only `user` may look
    /// into. It stays, and so does the server, until [`Self::end`].
    pub(super) fn keep(server: &'static str, home: &Path, user: Option<User>) -> Result<Self, ServiceError> {
        let home = std::path::absolute(home).map_err(io_error("find the working directory"))?;
        let kept = Self { home, user, running: None, guard: None };
        fs::create_dir_all(&kept.home).map_err(io_error(&format!("create {}", kept.home.display())))?;
        kept.allow_owner_only(&kept.home, 0o700)?;
        let mut look = kept.command(Path::new("sh"));
        look.args(["-c", "cd \"$1\"", "sh"]).arg(&kept.home).stderr(Stdio::null());
        if look.status().map_err(io_error("run sh"))?.success() {
            return Ok(kept);
        }
        Err(ServiceError::OutOfReach { server, home: kept.home.clone() })
    }

    /// What [`Self::write`] wrote under `name`, if it did.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.home.join(name)).ok()
    }

    /// The number of the server's process, while it is known to run.
    pub(super) fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Child::id)
    }

    /// How the server ended, if it did since it was started. Does not wait.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.running.as_mut()?.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => {
                self.running = None;
                Some(self.failed(status.to_string()).to_string())
            }
            Err(error) => Some(error.to_string()),
        }
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Writes a file into the directory that nobody else can read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServiceError> {
        let path = self.home.join(name);
        fs::write(&path, text).map_err(io_error(&format!("write {}", path.display())))?;
        self.allow_owner_only(&path, 0o600)?;
        Ok(path)
    }

    fn allow_owner_only(&self, path: &Path, mode: u32) -> Result<(), ServiceError> {
        let what = format!("give {} to the server", path.display());
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(io_error(&what))?;
        let Some(User { uid, gid }) = self.user else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(io_error(&what))
    }

    /// `program` as the server's user, out of reach of the terminal's Ctrl-C.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        command
    }

    /// The server's log, to be written on.
    pub(super) fn log(&self) -> Result<fs::File, ServiceError> {
        let path = self.home.join("log");
        let log = fs::OpenOptions::new().create(true).append(true).open(path);
        log.map_err(io_error("open the server's log"))
    }

    /// Starts the server and waits until it `answers`. It is started again when
    /// it ends at once: what a killed one left behind may still be going away.
    pub(super) fn run(
        &mut self,
        spawn: impl Fn(&Self) -> Result<Child, ServiceError>,
        answers: impl Fn(&Self) -> Result<bool, ServiceError>,
    ) -> Result<(), ServiceError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let mut server = spawn(self)?;
            while server.try_wait().map_err(io_error("look at the server"))?.is_none() {
                if answers(self)? {
                    self.running = Some(server);
                    return Ok(());
                }
                if Instant::now() > deadline {
                    server.kill().map_err(io_error("kill the server"))?;
                    server.wait().map_err(io_error("wait for the server"))?;
                    break;
                }
                std::thread::sleep(LOOK_EVERY);
            }
            if Instant::now() > deadline {
                return Err(self.failed(format!("no server answers within {READY_WITHIN:?}")));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until the running server is as it should be.
    pub(super) fn wait_until(
        &self,
        ready: impl Fn(&Self) -> Result<bool, ServiceError>,
    ) -> Result<(), ServiceError> {
        let deadline = Instant::now() + READY_WITHIN;
        while !ready(self)? {
            if Instant::now() > deadline {
                return Err(self.failed(format!("the server is not ready within {READY_WITHIN:?}")));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Kills the server as a power cut would (SIGKILL).
    pub(super) fn kill(&mut self) -> Result<(), ServiceError> {
        self.end(Signal::KILL)
    }

    /// Sends `signal` and waits until the server has ended; nothing happens when
    /// it does not run.
    pub(super) fn end(&mut self, signal: Signal) -> Result<(), ServiceError> {
        let Some(mut server) = self.running.take() else { return Ok(()) };
        if let Some(pid) = Pid::from_raw(server.id().cast_signed()) {
            kill_process(pid, signal).map_err(io::Error::from).map_err(io_error("stop the server"))?;
        }
        server.wait().map_err(io_error("wait for the server")).map(drop)
    }

    /// Ends the server with `signal` and leaves its directory to whoever looks
    /// into it; this value does nothing more.
    pub(super) fn leave(&mut self, signal: Signal) -> Result<&Path, ServiceError> {
        if let Some(mut guard) = self.guard.take() {
            guard.kill().map_err(io_error("end the guard"))?;
            guard.wait().map_err(io_error("wait for the guard"))?;
        }
        self.end(signal)?;
        Ok(&self.home)
    }

    /// The error that `what` went wrong, with the end of the log.
    pub(super) fn failed(&self, what: String) -> ServiceError {
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        ServiceError::Failed { what, log: lines[lines.len().saturating_sub(5)..].join(" | ") }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        drop(guard.stdin.take());
        drop(guard.wait());
        if let Some(mut server) = self.running.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

pub(super) fn io_error(what: &str) -> impl FnOnce(io::Error) -> ServiceError {
    let what = what.to_owned();
    move |source| ServiceError::Io { what, source }
}

/// A loopback port that nobody listens on now.
pub(super) fn free_port() -> Result<u16, ServiceError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(listener.map_err(io_error("find a free port"))?.port())
}

/// The port that a kept server had, if nobody listens there now; else another,
/// which is remembered.
pub(super) fn kept_port(server: &PrivateServer) -> Result<u16, ServiceError> {
    let known = server.read("port").and_then(|text| text.parse::<u16>().ok());
    if let Some(port) = known.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()) {
        return Ok(port);
    }
    let port = free_port()?;
    server.write("port", &port.to_string())?;
    Ok(port)
}

/// 32 hexadecimal digits that nobody can guess.
pub(super) fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

/// The first directory of `directories`, then of PATH, that holds all `programs`.
pub(super) fn find_programs(
    directories: impl IntoIterator<Item = PathBuf>,
    programs: &[&str],
) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let holds_all = |dir: &PathBuf| programs.iter().all(|program| dir.join(program).is_file());
    directories.into_iter().chain(std::env::split_paths(&path)).find(holds_all)
}
