//! A private PostgreSQL: its own data directory, a free loopback port, a random
//! password. It is as durable as any (fsync is on). What it holds is thrown away
//! with it, unless it is given a home to keep.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::{Signal, geteuid};

use super::server::{
    PrivateServer, ServiceError, User, find_programs, free_port, io_error, kept_port, random,
};

/// Where Debian and its children put the binaries of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Ends the server and removes its data when its input ends: also when this
/// process is killed and can't do it any more. A program that is still writing
/// the data (initdb) can make that fail, so it is tried for some seconds.
const GUARD: &str = r#"
    read -r _
    for try in 1 2 3 4 5 6 7 8 9 10; do
        "$(cat "$1/pg_ctl")" stop -s -m immediate -D "$1/data"
        rm -rf "$1" && break
        sleep 1
    done
"#;

/// A server that ends, with its data, when this is dropped or the process ends;
/// one with a home of its own stays. Its methods wait; async code calls them on a blocking thread.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    server: PrivateServer,
    port: u16,
    password: String,
}

impl Postgres {
    /// Creates a server in the directory for temporary files and waits until it
    /// answers.
    ///
    /// # Errors
    /// [`ServiceError::NotInstalled`] names the missing package; the others say
    /// what was tried.
    pub fn start() -> Result<Self, ServiceError> {
        let binaries = find_binaries()?;
        let server = PrivateServer::prepare("postgres", other_than_root()?, GUARD)?;
        server.write("pg_ctl", &binaries.join("pg_ctl").to_string_lossy())?;
        let mut postgres = Self { binaries, server, port: free_port()?, password: random() };
        // Unsynced: nothing of value lies in the new directory yet.
        postgres.initialise(&["--no-sync"])?;
        postgres.run()?;
        Ok(postgres)
    }

    /// The server whose data lies in `home`: made the first time, with the same
    /// password and, if nobody else has taken it, the same port ever after.
    /// Waits until it answers. It outlives this value and this process; the end
    /// of it is [`Self::stop`].
    ///
    /// # Errors
    /// Those of [`Self::start`]; [`ServiceError::OutOfReach`] when root starts
    /// it where nobody else gets to.
    pub fn keep(home: &Path) -> Result<Self, ServiceError> {
        let binaries = find_binaries()?;
        let server = PrivateServer::keep("PostgreSQL", home, other_than_root()?)?;
        let (port, password) = (kept_port(&server)?, server.read("secret"));
        let known = password.is_some();
        let mut postgres = Self { binaries, server, port, password: password.unwrap_or_else(random) };
        if !known {
            // What lies there is of an initdb that was cut off.
            drop(fs::remove_dir_all(data(&postgres.server)));
            postgres.initialise(&[])?;
            postgres.server.write("secret", &postgres.password)?;
        }
        postgres.run()?;
        Ok(postgres)
    }

    /// Asks the server to end, and waits until it has: clients are cut off,
    /// nothing that was committed is lost.
    ///
    /// # Errors
    /// [`ServiceError::Io`] when the process can't be signalled.
    pub fn stop(&mut self) -> Result<(), ServiceError> {
        self.server.end(Signal::INT)
    }

    /// The number of the server's process, while it is known to run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// How the server ended, if it did since it was started. Does not wait.
    pub fn ended(&mut self) -> Option<String> {
        self.server.ended()
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
    /// [`ServiceError::Io`] when the process can't be signalled.
    pub fn kill(&mut self) -> Result<(), ServiceError> {
        self.server.kill()
    }

    /// Stops the server if it runs (its clients are cut off) and starts it again
    /// on the same data and port.
    ///
    /// # Errors
    /// [`ServiceError::Failed`] when it does not come up within 30 s.
    pub fn restart(&mut self) -> Result<(), ServiceError> {
        self.server.end(Signal::INT)?;
        self.run()
    }

    /// Stops the server and leaves its data behind; the command that starts it
    /// again, to be given as the owner of the directory it names.
    ///
    /// # Errors
    /// [`ServiceError::Io`] when the process can't be signalled.
    pub fn leave(&mut self) -> Result<String, ServiceError> {
        let (pg_ctl, port) = (self.binaries.join("pg_ctl"), self.port);
        let home = self.server.leave(Signal::INT)?.display();
        Ok(format!("{} -D {home}/data -o '-k {home} -h 127.0.0.1 -p {port}' start", pg_ctl.display()))
    }

    fn initialise(&self, how: &[&str]) -> Result<(), ServiceError> {
        let password_file = self.server.write("password", &self.password)?;
        let mut initdb = self.server.command(&self.binaries.join("initdb"));
        initdb.args(how).args(["--no-locale", "--encoding=UTF8", "--username=untxt"]);
        initdb.args(["--auth=scram-sha-256".as_ref(), "--pwfile".as_ref(), password_file.as_os_str()]);
        initdb.arg("--pgdata").arg(data(&self.server)).stdout(Stdio::null()).stderr(self.server.log()?);
        let status = initdb.status().map_err(io_error("run initdb"))?;
        fs::remove_file(&password_file).map_err(io_error("remove the password"))?;
        if status.success() { Ok(()) } else { Err(self.server.failed(format!("initdb: {status}"))) }
    }

    fn run(&mut self) -> Result<(), ServiceError> {
        let (binaries, port) = (&self.binaries, self.port.to_string());
        self.server.run(|server| spawn(server, binaries, &port), |server| answers(server, binaries, &port))
    }
}

fn data(server: &PrivateServer) -> PathBuf {
    server.home().join("data")
}

fn spawn(server: &PrivateServer, binaries: &Path, port: &str) -> Result<Child, ServiceError> {
    let mut postgres = server.command(&binaries.join("postgres"));
    // No socket beside the port: its path would be too long in a deep directory.
    postgres.arg("-D").arg(data(server)).args(["-k", ""]);
    postgres.args(["-h", "127.0.0.1", "-p", port, "-c", "fsync=on", "-c", "max_connections=200"]);
    postgres.stdout(Stdio::null()).stderr(server.log()?);
    postgres.spawn().map_err(io_error("run postgres"))
}

fn answers(server: &PrivateServer, binaries: &Path, port: &str) -> Result<bool, ServiceError> {
    let mut ask = server.command(&binaries.join("pg_isready"));
    ask.args(["-q", "-h", "127.0.0.1", "-p", port]);
    Ok(ask.status().map_err(io_error("run pg_isready"))?.success())
}

/// The directory of the newest version's binaries.
fn find_binaries() -> Result<PathBuf, ServiceError> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let newest_first = versions.into_iter().rev().map(|(_, bin)| bin);
    find_programs(newest_first, &["postgres", "initdb", "pg_ctl"]).ok_or(ServiceError::NotInstalled {
        server: "PostgreSQL server",
        looked_in: "neither /usr/lib/postgresql/*/bin nor PATH has `postgres`",
        packages: "Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server",
    })
}

/// Whom to run as; `None` for this process's own user, unless that is root.
fn other_than_root() -> Result<Option<User>, ServiceError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(io_error("read /etc/passwd"))?;
    let user = ["postgres", "nobody"].iter().find_map(|name| user_in(&passwd, name));
    user.map(Some).ok_or(ServiceError::NoUser("PostgreSQL"))
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

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database};

    use super::*;

    fn directory(mode: u32) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        dir
    }

    #[tokio::test]
    async fn a_kept_one_has_its_data_password_and_port_when_it_is_started_again() {
        let dir = directory(0o755);
        let home = dir.path().join("deep ".repeat(20)).join("postgres");
        let mut server = Postgres::keep(&home).unwrap();
        let url = server.url();
        let database = Database::connect(&url).await.unwrap();
        database.execute_unprepared("CREATE TABLE kept AS SELECT 1 AS one").await.unwrap();
        assert!(server.pid().is_some() && server.ended().is_none());
        server.stop().unwrap();
        drop(server);

        let mut server = Postgres::keep(&home).unwrap();
        assert_eq!(server.url(), url);
        let database = Database::connect(&url).await.unwrap();
        database.execute_unprepared("INSERT INTO kept VALUES (2)").await.unwrap();
        server.stop().unwrap();
    }

    #[test]
    fn a_home_that_its_user_can_not_reach_is_said_to_be_so() {
        if !geteuid().is_root() {
            return;
        }
        let shut = directory(0o700);
        let kept = Postgres::keep(&shut.path().join("postgres")).map(|mut server| server.stop());
        assert!(matches!(kept, Err(ServiceError::OutOfReach { .. })), "{kept:?}");
    }

    #[test]
    fn a_user_is_found_by_name_alone() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        let user = user_in(passwd, "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (101, 104));
        assert!(user_in(passwd, "post").is_none());
    }
}
