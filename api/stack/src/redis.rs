//! A private Redis: its own directory, a free loopback port, a random password,
//! an append-only file that is synced every second. What it holds is thrown away
//! with it, unless it is given a home to keep.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::server::{PrivateServer, ServiceError, find_programs, free_port, io_error, kept_port, random};

/// How long one answer may take; FLUSHALL of a full server included.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Ends the server and removes its data when its input ends: also when this
/// process is killed and can't do it any more. The number of a process that is
/// gone may be another's by now, so it is only killed if it lives in the directory.
const GUARD: &str = r#"
    read -r _
    pid=$(cat "$1/pid") && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$1")" ] && kill -9 "$pid"
    for try in 1 2 3 4 5 6 7 8 9 10; do
        rm -rf "$1" && break
        sleep 1
    done
"#;

/// A server that ends, with its data, when this is dropped or the process ends;
/// one with a home of its own stays. Its methods wait; async code calls them on a blocking thread.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    server: PrivateServer,
    port: u16,
    password: String,
}

impl Redis {
    /// Creates a server in the directory for temporary files and waits until it
    /// answers.
    ///
    /// # Errors
    /// [`ServiceError::NotInstalled`] names the missing package; the others say
    /// what was tried.
    pub fn start() -> Result<Self, ServiceError> {
        Self::with_settings("")
    }

    /// The same, as the only node of a cluster: it holds all slots, and refuses
    /// commands and scripts that a cluster refuses.
    ///
    /// # Errors
    /// Those of [`Self::start`].
    pub fn start_cluster() -> Result<Self, ServiceError> {
        let redis = Self::start_node()?.0;
        redis.ask("CLUSTER ADDSLOTSRANGE 0 16383")?;
        redis.server.wait_until(|_| Ok(redis.ask("CLUSTER INFO")?.contains("cluster_state:ok")))?;
        Ok(redis)
    }

    /// Three servers that are one cluster: each has a part of the slots, and refuses
    /// the keys of the others.
    ///
    /// # Errors
    /// Those of [`Self::start`].
    pub fn start_cluster_of_three() -> Result<[Self; 3], ServiceError> {
        let ((one, _), (two, two_bus), (three, three_bus)) =
            (Self::start_node()?, Self::start_node()?, Self::start_node()?);
        for (node, slots) in [(&one, "0 5460"), (&two, "5461 10922"), (&three, "10923 16383")] {
            node.ask(&format!("CLUSTER ADDSLOTSRANGE {slots}"))?;
        }
        for (node, bus) in [(&two, two_bus), (&three, three_bus)] {
            one.ask(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port))?;
        }
        let nodes = [one, two, three];
        for node in &nodes {
            node.server.wait_until(|_| {
                let about = node.ask("CLUSTER INFO")?;
                Ok(about.contains("cluster_state:ok") && about.contains("cluster_size:3"))
            })?;
        }
        Ok(nodes)
    }

    /// A node of a cluster that has no slots yet, and the port at which other nodes
    /// reach it.
    fn start_node() -> Result<(Self, u16), ServiceError> {
        let bus = free_port()?;
        let redis = Self::with_settings(&format!("cluster-enabled yes\ncluster-port {bus}\n"))?;
        Ok((redis, bus))
    }

    /// The server whose data lies in `home`: made the first time, with the same
    /// password and, if nobody else has taken it, the same port ever after.
    /// Waits until it answers. It outlives this value and this process; the end
    /// of it is [`Self::stop`].
    ///
    /// # Errors
    /// Those of [`Self::start`].
    pub fn keep(home: &Path) -> Result<Self, ServiceError> {
        let program = find_program()?;
        let server = PrivateServer::keep("Redis", home, None)?;
        let (port, password) = (kept_port(&server)?, server.read("secret").unwrap_or_else(random));
        server.write("secret", &password)?;
        let mut redis = Self { program, server, port, password };
        redis.server.write("redis.conf", &redis.settings(""))?;
        redis.run()?;
        Ok(redis)
    }

    /// Asks the server to end, and waits until it has and all is on disk.
    ///
    /// # Errors
    /// [`ServiceError::Io`] when the process can't be signalled.
    pub fn stop(&mut self) -> Result<(), ServiceError> {
        self.server.end(Signal::TERM)
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

    fn with_settings(more: &str) -> Result<Self, ServiceError> {
        let program = find_program()?;
        let server = PrivateServer::prepare("redis", None, GUARD)?;
        let mut redis = Self { program, server, port: free_port()?, password: random() };
        redis.server.write("redis.conf", &redis.settings(more))?;
        redis.run()?;
        Ok(redis)
    }

    fn settings(&self, more: &str) -> String {
        let (port, password, home) = (self.port, &self.password, self.server.home().display());
        format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir \"{home}\"\npidfile \"{home}/pid\"\n\
             logfile \"{home}/log\"\nappendonly yes\nappendfsync everysec\nsave \"\"\nmaxmemory-policy noeviction\n\
             {more}"
        )
    }

    /// URL of its database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// Kills the server as a power cut would (SIGKILL); what was written in the
    /// last second may be gone. Its URL stays its own until [`Self::restart`].
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
        self.server.end(Signal::TERM)?;
        self.run()
    }

    /// Removes all that it holds (FLUSHALL), and the scripts it knows.
    ///
    /// # Errors
    /// [`ServiceError::Io`] when it does not answer.
    pub fn flush(&self) -> Result<(), ServiceError> {
        self.ask("FLUSHALL")?;
        self.ask("SCRIPT FLUSH").map(drop)
    }

    /// Sends one command, its words parted by spaces, and returns the answer:
    /// the text of a status, number or bulk string, or the count of an array.
    ///
    /// # Errors
    /// [`ServiceError::Io`] when it does not answer, or with an error.
    pub fn ask(&self, command: &str) -> Result<String, ServiceError> {
        ask(self.port, &self.password, command).map_err(io_error(&format!("ask Redis to {command}")))
    }

    /// Stops the server and leaves its data behind; the command that starts it
    /// again.
    ///
    /// # Errors
    /// [`ServiceError::Io`] when the process can't be signalled.
    pub fn leave(&mut self) -> Result<String, ServiceError> {
        let program = self.program.display();
        let home = self.server.leave(Signal::TERM)?.display();
        Ok(format!("{program} {home}/redis.conf"))
    }

    fn run(&mut self) -> Result<(), ServiceError> {
        let (program, port, password) = (&self.program, self.port, &self.password);
        // Until it has read its file, PING is answered with an error.
        self.server.run(
            |server| spawn(server, program),
            |_| Ok(ask(port, password, "PING").is_ok_and(|a| a == "PONG")),
        )
    }
}

fn spawn(server: &PrivateServer, program: &Path) -> Result<Child, ServiceError> {
    let mut redis = server.command(program);
    redis.arg(server.home().join("redis.conf")).stdout(Stdio::null()).stderr(server.log()?);
    redis.spawn().map_err(io_error("run redis-server"))
}

/// Asks the server at `url`, one of [`Redis::url`]'s form, for a sign of life.
/// Waits.
///
/// # Errors
/// [`ServiceError::Io`] when it does not answer.
pub fn ping(url: &str) -> Result<(), ServiceError> {
    let parts = url.strip_prefix("redis://:").and_then(|rest| rest.split_once("@127.0.0.1:"));
    let found = parts.and_then(|(password, rest)| {
        let port = rest.split('/').next()?.parse().ok()?;
        Some((port, password))
    });
    let (port, password) = found.ok_or_else(|| io_error("find Redis")(io::ErrorKind::InvalidInput.into()))?;
    ask(port, password, "PING").map(drop).map_err(io_error("ask Redis for a sign of life"))
}

/// One command on a connection of its own.
fn ask(port: u16, password: &str, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(format!("AUTH {password}\r\n{command}\r\n").as_bytes())?;
    let mut answers = BufReader::new(stream);
    read_answer(&mut answers)?;
    read_answer(&mut answers)
}

/// One answer of the protocol (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
fn read_answer(answers: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    let (kind, text) = line.trim_end().split_at_checked(1).unwrap_or_default();
    match kind {
        "+" | ":" | "*" => Ok(text.to_owned()),
        "$" => {
            let length = text.parse::<usize>().unwrap_or_default();
            let mut bulk = vec![0; length];
            answers.read_exact(&mut bulk)?;
            answers.read_line(&mut line)?;
            Ok(String::from_utf8_lossy(&bulk).into_owned())
        }
        "-" => Err(io::Error::other(text.to_owned())),
        _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
    }
}

fn find_program() -> Result<PathBuf, ServiceError> {
    let found = find_programs([], &["redis-server"]).ok_or(ServiceError::NotInstalled {
        server: "Redis server",
        looked_in: "PATH has no `redis-server`",
        packages: "Debian, Ubuntu: apt-get install redis-server; Fedora: dnf install redis",
    })?;
    Ok(found.join("redis-server"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_its_data_and_port_over_a_death_until_it_is_flushed() {
        let mut redis = Redis::start().unwrap();
        let url = redis.url();
        redis.ask("SET a 1").unwrap();
        redis.restart().unwrap();
        assert_eq!(redis.ask("GET a").unwrap(), "1");
        redis.kill().unwrap();
        assert!(redis.ask("GET a").is_err());
        redis.restart().unwrap();
        assert_eq!((redis.ask("GET a").unwrap(), redis.url()), ("1".to_owned(), url));
        redis.flush().unwrap();
        assert_eq!(redis.ask("DBSIZE").unwrap(), "0");
        let home = redis.server.home().to_owned();
        assert!(home.exists());
        drop(redis);
        assert!(!home.exists(), "nothing of it stays");
    }

    #[test]
    fn a_kept_one_has_its_data_password_and_port_when_it_is_started_again() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("a home");
        let mut redis = Redis::keep(&home).unwrap();
        let url = redis.url();
        redis.ask("SET a 1").unwrap();
        ping(&url).unwrap();
        redis.stop().unwrap();
        assert!(ping(&url).is_err());
        drop(redis);

        let mut redis = Redis::keep(&home).unwrap();
        assert_eq!((redis.ask("GET a").unwrap(), redis.url()), ("1".to_owned(), url));
        redis.stop().unwrap();
    }

    #[test]
    fn what_is_left_behind_can_be_started_again() {
        let mut redis = Redis::start().unwrap();
        redis.ask("SET a 1").unwrap();
        let (command, home) = (redis.leave().unwrap(), redis.server.home().to_owned());
        drop(redis);
        assert!(command.ends_with(&format!("{}/redis.conf", home.display())), "{command}");
        assert!(home.join("appendonlydir").exists(), "its data is there");
        std::fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn strangers_are_not_let_in() {
        let redis = Redis::start().unwrap();
        let refused = ask(redis.port, "guess", "PING").unwrap_err().to_string();
        assert!(refused.starts_with("WRONGPASS"), "{refused}");
    }
}
