//! The whole stack from the command line: up, wounded, looked at, down.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::{Ended, Home, PATIENCE};
use crate::samples;

#[tokio::test]
async fn a_stack_with_its_own_servers_comes_up_heals_and_goes_down() {
    let home = Home::new();
    // The private PostgreSQL runs as another user when root starts it.
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    home.install("slow", "slow");
    let stack = Stack { home: &home };
    assert_eq!(home.run(&["stack", "status"]).exits(1).stdout.trim(), "the stack does not run");
    let said = home.run(&["stack", "start", "--with-services"]).exits(0).stdout;
    let order: Vec<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(order[..2], ["postgres", "redis"], "{said}");
    assert!(said.lines().nth(2).unwrap().contains("migration"), "{said}");
    assert_eq!(order[3..], ["worker", "api", "the"], "{said}");
    let again = home.run(&["stack", "start", "--with-services"]).exits(0).stdout;
    assert!(again.starts_with("the stack runs already"), "{again}");
    assert_eq!(
        stack.session_of("supervisor"),
        stack.pid_of("supervisor"),
        "a terminal that closes is not its own"
    );

    let client = Client::new(stack.row("api")["address"].as_str().unwrap());
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let upload = Upload::new(user, "book.pdf", samples::pdf(12)).with("engine", "slow");
    let task = client.accepted(upload.with("options", &json!({"settings": {"ms": 200}}))).await;
    socket.until(&task, |data| data["progress"]["pagesDone"].as_u64() >= Some(2)).await;
    let worker = stack.pid_of("worker");
    kill(worker);
    assert_eq!(socket.end_of(&task).await, "completed");
    let healed = stack.status(0);
    assert_ne!(stack.pid_of("worker"), worker);
    assert_eq!(stack.row("worker")["restarts"], 1);
    assert_eq!(healed["queues"][0], json!({"name": "ocr", "ready": 0, "scheduled": 0, "held": 0}));
    for name in ["supervisor", "postgres", "redis", "worker", "api"] {
        let row = stack.row(name);
        assert_eq!(row["health"], "up", "{row}");
        assert!(row["since"].is_string() && row["pid"].is_u64(), "{row}");
    }
    // Other commands over the same directory find the stack's servers.
    assert_eq!(home.run(&["tasks", "list", "--json"]).exits(0).json()["total"], 1);

    let pids = stack.pids();
    home.run(&["stack", "stop"]).exits(0);
    assert_eq!(pids.len(), 5);
    assert_nothing_is_left(&home, &pids);
    home.run(&["stack", "start", "--with-services"]).exits(0);
    assert_eq!(home.run(&["tasks", "list", "--json"]).exits(0).json()["total"], 1, "the data was kept");
    home.run(&["stack", "stop"]).exits(0);
}

#[tokio::test]
async fn a_stack_without_its_supervisor_is_found_and_stopped() {
    let home = Home::new();
    let stack = Stack { home: &home };
    home.run(&["stack", "start"]).exits(0);
    let pids = stack.pids();
    assert_eq!(pids.len(), 3);
    kill(stack.pid_of("supervisor"));
    let status = stack.status(1);
    assert_eq!(status["services"][0]["health"], "down", "{status}");
    assert_eq!(stack.row("api")["health"], "up", "the others go on");
    let said = home.run(&["stack", "stop"]).exits(0).stdout;
    assert!(said.contains("stopped api, which had no supervisor"), "{said}");
    assert_nothing_is_left(&home, &pids);

    // A pid file whose number is another process's by now.
    let card = home.path("data/stack/worker.pid");
    let me = std::process::id();
    let stale = json!({"pid": me, "started": 1, "boot": "x", "since": 0, "restarts": 0});
    fs::write(&card, format!("{me}\n{stale}\n")).unwrap();
    let said = home.run(&["stack", "stop"]).exits(0).stdout;
    assert_eq!(said.trim(), "the stack does not run", "and this test is still there");
    assert!(!card.exists());
}

#[test]
fn a_stack_that_can_not_come_up_says_why_and_leaves_nothing() {
    let home = Home::new().with("UNTXT_ENGINE_TIMEOUT_MS", "soon");
    let said = home.run(&["stack", "start"]).exits(2).stderr;
    assert!(said.contains("UNTXT_ENGINE_TIMEOUT_MS"), "{said}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = Home::new().with("UNTXT_LISTEN", &address);
    let said = home.run(&["stack", "start"]).exits(2).stderr;
    assert!(said.contains(&format!("UNTXT_LISTEN={address}")), "{said}");
    assert_nothing_is_left(&home, &[]);
    let foreign = Home::new().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x");
    let said = foreign.run(&["stack", "start", "--with-services"]).exits(2).stderr;
    assert!(said.contains("DATABASE_URL"), "{said}");
}

struct Stack<'a> {
    home: &'a Home,
}

impl Stack<'_> {
    #[track_caller]
    fn status(&self, code: i32) -> Value {
        self.home.run(&["stack", "status", "--json"]).exits(code).json()
    }

    fn row(&self, name: &str) -> Value {
        let status = Ended::json(&self.home.run(&["stack", "status", "--json"]));
        let rows = status["services"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {status}"))
    }

    fn pids(&self) -> Vec<u64> {
        let status = self.status(0);
        status["services"].as_array().unwrap().iter().map(|row| row["pid"].as_u64().unwrap()).collect()
    }

    fn pid_of(&self, name: &str) -> u64 {
        self.row(name)["pid"].as_u64().unwrap()
    }

    fn session_of(&self, name: &str) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid_of(name))).unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().parse().unwrap()
    }
}

impl Drop for Stack<'_> {
    fn drop(&mut self) {
        // Also after a failed assertion nothing is left behind.
        let _ended = self.home.command(&["stack", "stop"]).output();
    }
}

fn kill(pid: u64) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    // Whoever waits for it has noticed when it is gone from the list.
    let began = std::time::Instant::now();
    while is_running(pid) {
        assert!(began.elapsed() < PATIENCE);
    }
}

/// Whether it runs; one that was not waited for does not.
fn is_running(pid: u64) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn assert_nothing_is_left(home: &Home, pids: &[u64]) {
    assert!(pids.iter().all(|pid| !is_running(*pid)), "{pids:?}");
    let left: Vec<String> = crate::home::names(Path::new(&home.path("data/stack")));
    assert!(!left.iter().any(|name| name.ends_with(".pid") || name.ends_with(".toml")), "{left:?}");
    assert_eq!(home.temporary_files(), [""; 0]);
}
