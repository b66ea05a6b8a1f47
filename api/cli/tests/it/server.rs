//! A server of a test's own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::home::{Home, PATIENCE};

/// What it prints when it is ready.
const READY: &str = "listening on ";

/// What one that works prints before that when it listens beside its work.
const WATCHED: &str = "watched on ";

/// A running server; it ends with the value, the hard way.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
    /// Where a worker tells about itself.
    pub(crate) watched: Option<String>,
    log: std::path::PathBuf,
}

impl Server {
    /// Starts `untxt` with these arguments and waits until it says that it
    /// listens.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        Self::start_until(home, arguments, READY)
    }

    /// Starts `untxt worker` and waits until it works.
    pub(crate) fn start_worker(home: &Home) -> Self {
        Self::start_until(home, &["worker"], "working as ")
    }

    fn start_until(home: &Home, arguments: &[&str], ready: &'static str) -> Self {
        let log = home.path("server.log");
        let errors = File::options().create(true).append(true).open(&log).unwrap();
        let mut child = home.command(arguments).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let (said, heard) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // Reads to the end, so that the server never waits for its reader.
        thread::spawn(move || {
            let mut watched = None;
            for line in stdout.lines().map_while(Result::ok) {
                watched = line.strip_prefix(WATCHED).map(str::to_owned).or(watched);
                let ready = line.strip_prefix(ready).map(str::to_owned);
                let _nobody_waits_any_more = ready.map(|base| said.send((base, watched.clone())));
            }
        });
        let (base, watched) = heard.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let log = fs::read_to_string(&log).unwrap_or_default();
            panic!("the server never said `{ready}…`; its log:\n{log}")
        });
        Self { child, base: base.trim().to_owned(), watched, log }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// The file that its log goes to.
    pub(crate) fn log(&self) -> &std::path::Path {
        &self.log
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        signal(&self.child, Signal::TERM);
        self.child.wait().unwrap()
    }

    /// What kill -9 does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        if thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let _nobody_reads = writeln!(std::io::stderr(), "the server's log:\n{log}");
        }
    }
}

/// Sends a signal to a process of the test's own.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}
