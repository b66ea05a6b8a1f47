//! A private PostgreSQL: its own data directory, a free loopback port, a random
//! password. It is as durable as any (fsync is on); what it holds is meant to be
//! thrown away with it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use uuid::Uuid;

/// How long a server may take until it answers; crash recovery included.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks at a server that is starting.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Where Debian and its children put the binaries of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Ends the server and removes its data when its input ends: also when this
/// process is killed and can't do it any more. A program that is still writing
/// the data (initdb) can make that fail, so it is tried for some seconds.
const GUARD: &str = r#"
    read -r _
    for try in 1 2 3 4 5 6 7 8 9 10; do
        "$1" stop -s -m immediate -D "$2/data"
        rm -rf "$2" && break
        sleep 1
    done
"#;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The binaries are not there.
    #[error(
        "no PostgreSQL server here: neither {DEBIAN}/*/bin nor PATH has `{0}`; \
         install it (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server)"
    )]
    NotInstalled(&'static str),
    /// PostgreSQL refuses to run as root, and there is nobody else.
    #[error("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")]
    NoUser,
    /// A file or process could not be had.
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

/// A server that ends, with its data, when this is dropped or the process ends.
/// Its methods wait; async code calls them on a blocking thread.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    user: Option<User>,
    home: PathBuf,
    port: u16,
    password: String,
    server: Option<Child>,
    guard: Option<Child>,
}

#[derive(Clone, Copy, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// Creates a server in the directory for temporary files and waits until it
    /// answers.
    ///
    /// # Errors
    /// [`PostgresError::NotInstalled`] names the missing package; the others say
    /// what was tried.
    pub fn start() -> Result<Self, PostgresError> {
        let mut server = Self {
            binaries: find_binaries()?,
            user: other_than_root()?,
            home: std::env::temp_dir().join(format!("untxt-postgres-{}", short_random())),
            port: 0,
            password: Uuid::new_v4().simple().to_string(),
            server: None,
            guard: None,
        };
        server.create_home()?;
        server.guard = Some(server.spawn_guard()?);
        server.initialise()?;
        server.port = free_port()?;
        server.run()?;
        Ok(server)
    }

    /// URL of the database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// URL that `database` has, if it exists.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://untxt:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Kills the server as a power cut would (SIGKILL). Its URL stays its own
    /// until [`Self::restart`].
    ///
    /// # Errors
    /// [`PostgresError::Io`] when the process can't be signalled.
    pub fn kill(&mut self) -> Result<(), PostgresError> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.kill().map_err(io_error("kill the server"))?;
        server.wait().map_err(io_error("wait for the server")).map(drop)
    }

    /// Stops the server if it runs (its clients are cut off) and starts it again
    /// on the same data and port.
    ///
    /// # Errors
    /// [`PostgresError::Failed`] when it does not come up within 30 s.
    pub fn restart(&mut self) -> Result<(), PostgresError> {
        if let Some(mut server) = self.server.take() {
            if let Some(pid) = Pid::from_raw(server.id().cast_signed()) {
                kill_process(pid, Signal::INT)
                    .map_err(io::Error::from)
                    .map_err(io_error("stop the server"))?;
            }
            server.wait().map_err(io_error("wait for the server"))?;
        }
        self.run()
    }

    fn create_home(&self) -> Result<(), PostgresError> {
        let what = format!("create {}", self.home.display());
        fs::create_dir(&self.home).map_err(io_error(&what))?;
        fs::set_permissions(&self.home, fs::Permissions::from_mode(0o700)).map_err(io_error(&what))?;
        self.give(&self.home)
    }

    /// Makes `path` the server's user's own.
    fn give(&self, path: &Path) -> Result<(), PostgresError> {
        let Some(User { uid, gid }) = self.user else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(io_error(&format!("chown {}", path.display())))
    }

    fn initialise(&self) -> Result<(), PostgresError> {
        let password_file = self.home.join("password");
        fs::write(&password_file, &self.password).map_err(io_error("write the password"))?;
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))
            .map_err(io_error("write the password"))?;
        self.give(&password_file)?;
        // Unsynced: nothing of value lies in the new directory yet.
        let mut initdb = self.command("initdb");
        initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--username=untxt"]);
        initdb.args(["--auth=scram-sha-256".as_ref(), "--pwfile".as_ref(), password_file.as_os_str()]);
        initdb.arg("--pgdata").arg(self.data()).stdout(Stdio::null()).stderr(self.log()?);
        let status = initdb.status().map_err(io_error("run initdb"))?;
        fs::remove_file(&password_file).map_err(io_error("remove the password"))?;
        if status.success() { Ok(()) } else { Err(self.failed(format!("initdb: {status}"))) }
    }

    /// Starts the server and waits until it answers. It is started again when it
    /// ends at once: what a killed one left behind may still be going away.
    fn run(&mut self) -> Result<(), PostgresError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let mut server = self.spawn_server()?;
            while server.try_wait().map_err(io_error("look at the server"))?.is_none() {
                if self.answers()? {
                    self.server = Some(server);
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
                return Err(self.failed(format!("no server on port {} in {READY_WITHIN:?}", self.port)));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn spawn_server(&self) -> Result<Child, PostgresError> {
        let port = self.port.to_string();
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.data()).arg("-k").arg(&self.home);
        postgres.args(["-h", "127.0.0.1", "-p", &port, "-c", "fsync=on", "-c", "max_connections=200"]);
        postgres.stdout(Stdio::null()).stderr(self.log()?);
        postgres.spawn().map_err(io_error("run postgres"))
    }

    fn answers(&self) -> Result<bool, PostgresError> {
        let port = self.port.to_string();
        let mut ask = self.command("pg_isready");
        ask.args(["-q", "-h", "127.0.0.1", "-p", &port]);
        Ok(ask.status().map_err(io_error("run pg_isready"))?.success())
    }

    fn spawn_guard(&self) -> Result<Child, PostgresError> {
        let mut guard = self.as_user(Command::new("sh"));
        guard.args(["-c", GUARD, "sh"]).arg(self.binaries.join("pg_ctl")).arg(&self.home);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        guard.spawn().map_err(io_error("run sh"))
    }

    fn command(&self, program: &str) -> Command {
        self.as_user(Command::new(self.binaries.join(program)))
    }

    /// `command` as the server's user, out of reach of the terminal's Ctrl-C.
    fn as_user(&self, mut command: Command) -> Command {
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        command
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn log(&self) -> Result<fs::File, PostgresError> {
        let path = self.home.join("log");
        let log = fs::OpenOptions::new().create(true).append(true).open(path);
        log.map_err(io_error("open the server's log"))
    }

    fn failed(&self, what: String) -> PostgresError {
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        PostgresError::Failed { what, log: lines[lines.len().saturating_sub(5)..].join(" | ") }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            drop(guard.wait());
        }
        if let Some(mut server) = self.server.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

fn io_error(what: &str) -> impl FnOnce(io::Error) -> PostgresError {
    let what = what.to_owned();
    move |source| PostgresError::Io { what, source }
}

/// The directory of the newest version's binaries.
fn find_binaries() -> Result<PathBuf, PostgresError> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let newest_first = versions.into_iter().rev().map(|(_, bin)| bin);
    let found = newest_first
        .chain(std::env::split_paths(&path))
        .find(|bin| ["postgres", "initdb", "pg_ctl"].iter().all(|program| bin.join(program).is_file()));
    found.ok_or(PostgresError::NotInstalled("postgres"))
}

/// Whom to run as; `None` for this process's own user, unless that is root.
fn other_than_root() -> Result<Option<User>, PostgresError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(io_error("read /etc/passwd"))?;
    let user = ["postgres", "nobody"].iter().find_map(|name| user_in(&passwd, name));
    user.map(Some).ok_or(PostgresError::NoUser)
}

/// The entry of `name`: `name:password:uid:gid:…` (passwd(5)).
fn user_in(passwd: &str, name: &str) -> Option<User> {
    let mut fields = passwd
        .lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(User { uid, gid })
}

fn free_port() -> Result<u16, PostgresError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(listener.map_err(io_error("find a free port"))?.port())
}

fn short_random() -> String {
    Uuid::new_v4().simple().to_string()[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_alone() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        let user = user_in(passwd, "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (101, 104));
        assert!(user_in(passwd, "post").is_none());
    }
}
