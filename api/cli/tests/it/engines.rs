//! Engines that come, go, change and misbehave while the server runs.

use sea_orm::{Database, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::history::History;
use crate::home::{Home, built};
use crate::samples;
use crate::server::Server;
use crate::socket::Socket;

#[tokio::test]
async fn a_component_serves_the_very_next_task() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let mut stage = Stage::at(&server).await;
    let refused = stage.client.upload(stage.upload("mine")).await;
    assert_eq!(refused.code(), "ENGINE_NOT_FOUND", "{refused:?}");

    home.install("slow", "mine");
    assert!(stage.completed("mine").await.contains("<p>slow</p>"));
    home.install("line-count", "mine");
    let html = stage.completed("mine").await;
    assert!(html.contains(&format!("<p>lines: {}</p>", samples::LINES)), "{html}");
    // The name of the built-in one can be taken, too, and is given back.
    home.install("line-count", "simulated-qwen3");
    assert!(stage.completed("simulated-qwen3").await.contains("<p>lines: "));
    home.uninstall("simulated-qwen3");
    assert!(stage.completed("simulated-qwen3").await.contains(&samples::first_line(1)));
}

#[tokio::test]
async fn an_engine_that_is_removed_fails_the_run_that_is_pinned_to_it_alone() {
    let home = Home::new();
    home.install("slow", "slow");
    home.install("slow", "other");
    let server = Server::start(&home, &["serve"]);
    let mut stage = Stage::at(&server).await;
    let (slow, other) = (stage.book("slow"), stage.book("other"));
    let pinned = stage.client.accepted(slow).await;
    stage.socket.until(&pinned, |data| data["progress"]["pagesDone"].as_u64() >= Some(2)).await;
    let beside = stage.client.accepted(other).await;
    home.run(&["plugin", "remove", "slow"]).exits(0);
    assert_eq!(stage.failure_of(&pinned).await, "ENGINE_GONE");
    assert_eq!(stage.socket.end_of(&beside).await, "completed");
    assert!(stage.completed("simulated-qwen3").await.contains(&samples::first_line(1)));
}

#[tokio::test]
async fn versions_are_installed_chosen_and_gone_back_from_while_the_server_runs() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let mut stage = Stage::at(&server).await;
    let install = |guest: &str, more: &[&str]| {
        let path = built(guest).display().to_string();
        let arguments = [&["plugin", "install", &path, "--name", "mine", "--json"], more].concat();
        home.run(&arguments).exits(0).json()["digest"].as_str().unwrap().to_owned()
    };
    let slow = install("slow", &[]);
    let began = stage.client.accepted(stage.book("mine")).await;
    stage.socket.until(&began, |data| data["progress"]["pagesDone"].as_u64() >= Some(2)).await;
    let counts = install("line-count", &[]);
    assert!(stage.completed("mine").await.contains("<p>lines: "), "the next task has the new one");
    assert!(stage.completed(&format!("mine@sha256:{slow}")).await.contains("<p>slow</p>"));
    stage.client.until(&format!("/api/tasks/{began}"), |task| task["status"] == "completed").await;
    let html = stage.client.result(&began).await;
    assert!(
        html.contains("<p>slow</p>") && !html.contains("lines: "),
        "it finished on the one it began with"
    );

    let listed = stage.client.data("/api/admin/plugins").await;
    let reader = listed["plugins"].as_array().unwrap().iter().find(|row| row["name"] == "mine").unwrap();
    assert_eq!((&reader["digest"], reader["versions"].as_array().unwrap().len()), (&json!(counts), 2));
    let back = stage.client.tell("/api/admin/plugins/mine/rollback", &json!({ "reason": "slower" })).await;
    assert_eq!(back.status, 200, "{back:?}");
    assert!(stage.completed("mine").await.contains("<p>slow</p>"));
    let path = "/api/admin/plugins/mine/activate";
    let forth = stage.client.tell(path, &json!({ "digest": counts })).await;
    assert_eq!(forth.status, 200, "{forth:?}");
    assert!(stage.completed("mine").await.contains("<p>lines: "));
    let unknown = stage.client.tell(path, &json!({ "digest": "0".repeat(64) })).await;
    assert_eq!((unknown.status, unknown.code()), (404, "PLUGIN_NOT_FOUND"));
    let audit = stage.client.data("/api/admin/audit").await;
    let said: Vec<&str> =
        audit["audit"].as_array().unwrap().iter().filter_map(|line| line["action"].as_str()).collect();
    let asked_and_done = [
        ["activate-plugin-refused", "activate-plugin"],
        ["activate-plugin-done", "activate-plugin"],
        ["rollback-plugin-done", "rollback-plugin"],
        ["install-plugin-done", "install-plugin"],
        ["install-plugin-done", "install-plugin"],
    ];
    assert_eq!(said, asked_and_done.concat(), "{audit}");

    // Somebody else writes, for longer than is waited: the audit can't be written.
    let journal =
        Database::connect(format!("sqlite://{}", home.path("data/untxt.db").display())).await.unwrap();
    let writing = journal.begin_with_options(immediate()).await.unwrap();
    let unaudited = stage.client.tell("/api/admin/plugins/mine/rollback", &json!({})).await;
    assert_eq!(unaudited.status, 503, "{unaudited:?}");
    writing.rollback().await.unwrap();
    let listed = stage.client.data("/api/admin/plugins").await;
    let reader = listed["plugins"].as_array().unwrap().iter().find(|row| row["name"] == "mine").unwrap();
    assert_eq!(reader["digest"], json!(counts), "nothing changed");
    let refused = home.run(&["plugin", "install", &built("trap").display().to_string()]).exits(1);
    assert!(
        refused.stdout.contains("golden page") && refused.stderr.contains("deliberate panic"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn each_misbehaviour_ends_in_its_own_code_and_the_next_task_runs() {
    let home = Home::new().with("UNTXT_ENGINE_TIMEOUT_MS", &2500);
    for guest in ["trap", "spin", "grow", "refuse", "garbage", "old-version"] {
        home.install(guest, guest);
    }
    let server = Server::start(&home, &["serve"]);
    let mut stage = Stage::at(&server).await;
    // A fresh instance may do better, so a crash is tried twice and a time-out
    // thrice.
    for (guest, code, attempts) in [
        ("trap", "ENGINE_TRAPPED", 2),
        ("spin", "ENGINE_TIMEOUT", 3),
        ("grow", "ENGINE_MEMORY_LIMIT", 1),
        ("refuse", "ENGINE_BAD_IMAGE", 1),
        ("garbage", "ENGINE_INVALID_OUTPUT", 1),
    ] {
        let task = stage.client.accepted(stage.upload(guest)).await;
        assert_eq!(stage.failure_of(&task).await, code, "{guest}");
        let history = History::of(&home, &task);
        assert_eq!(history.page_attempts(), attempts, "{guest}");
        assert_eq!(history.count("dead_lettered"), 1, "{guest}");
        if guest == "trap" {
            assert!(history.task.to_string().contains("deliberate panic"), "the panic's text is lost");
        }
        assert!(stage.completed("simulated-qwen3").await.contains(&samples::first_line(1)), "after {guest}");
    }
    let before = stage.client.task_count(stage.user).await;
    let refused = stage.client.upload(stage.upload("old-version")).await;
    assert_eq!(refused.code(), "ENGINE_INCOMPATIBLE", "{refused:?}");
    assert_eq!(stage.client.task_count(stage.user).await, before);
}

#[tokio::test]
async fn an_engine_that_asks_for_time_gets_it() {
    let home = Home::new();
    home.install("flaky", "flaky");
    let server = Server::start(&home, &["serve"]);
    let mut stage = Stage::at(&server).await;
    let upload = stage.upload("flaky").with("options", &json!({"settings": {"succeedsAt": 3}}));
    let task = stage.client.accepted(upload).await;
    let heard = stage.socket.story_of(&task).await;
    let statuses: Vec<&Value> = heard.iter().map(|message| &message["data"]["status"]).collect();
    assert!(statuses.contains(&&json!("retrying")), "{statuses:?}");
    assert_eq!(*statuses.last().unwrap(), "completed");
    assert!(stage.client.result(&task).await.contains("<p>attempt-3</p>"));
    assert_eq!(History::of(&home, &task).page_attempts(), 3);
}

/// A transaction that is the only writer from its beginning on.
fn immediate() -> TransactionOptions {
    let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
    TransactionOptions { sqlite_transaction_mode, ..TransactionOptions::default() }
}

/// A user at a server.
struct Stage {
    client: Client,
    user: Uuid,
    socket: Socket,
}

impl Stage {
    async fn at(server: &Server) -> Self {
        let (client, user) = (server.client(), Uuid::new_v4());
        let socket = client.socket(user).await;
        Self { client, user, socket }
    }

    fn upload(&self, engine: &str) -> Upload {
        Upload::new(self.user, "page.pdf", samples::pdf(1)).with("engine", engine)
    }

    /// A document that takes a while, for an engine that has the setting `ms`.
    fn book(&self, engine: &str) -> Upload {
        Upload::new(self.user, "book.pdf", samples::pdf(30))
            .with("engine", engine)
            .with("options", &json!({"settings": {"ms": 40}}))
    }

    /// Result of a task that must be completed.
    async fn completed(&mut self, engine: &str) -> String {
        let task = self.client.accepted(self.upload(engine)).await;
        assert_eq!(self.socket.end_of(&task).await, "completed", "{engine}");
        self.client.result(&task).await
    }

    /// Code of a task that must fail.
    async fn failure_of(&mut self, task: &str) -> String {
        assert_eq!(self.socket.end_of(task).await, "failed");
        let shown = self.client.data(&format!("/api/tasks/{task}")).await;
        assert_eq!(shown["status"], "failed");
        assert!(shown["error"]["message"].is_string(), "{shown}");
        shown["error"]["code"].as_str().unwrap_or_else(|| panic!("no code in {shown}")).to_owned()
    }
}
