//! The server's life: asked to end, killed, started again.

use serde_json::json;
use uuid::Uuid;

use crate::client::Upload;
use crate::history::History;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

const PAGES: u64 = 40;

#[tokio::test]
async fn sigterm_drains_and_the_next_start_goes_on() {
    let (home, server, task, user) = midway().await;
    let status = server.terminate();
    assert_eq!(status.code(), Some(0));
    assert_eq!(home.temporary_files(), [""; 0]);

    let history = go_on(&home, &task, user).await;
    assert_eq!(history.count("lost"), 0, "a drain loses nothing");
}

#[tokio::test]
async fn a_killed_server_goes_on_when_it_is_started_again() {
    let (home, server, task, user) = midway().await;
    server.kill();

    let history = go_on(&home, &task, user).await;
    let lost = history.count("lost");
    assert!(lost <= 2, "{lost} attempts were lost");
    assert_eq!(history.page_attempts(), PAGES as usize + lost);
}

#[tokio::test]
async fn tasks_wait_for_a_worker_over_a_restart() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let user = Uuid::new_v4();
    let task = server.client().accepted(Upload::new(user, "a.png", samples::picture(2))).await;
    assert_eq!(server.terminate().code(), Some(0));

    let shown = home.run(&["tasks", "show", &task, "--json"]).exits(0).json();
    assert_eq!(shown["status"], "queued", "{shown}");
    let server = Server::start(&home, &[]);
    wait_for_end(&server, &task, user).await;
    assert!(server.client().result(&task).await.contains("<h1>Extracted Text</h1>"));
}

/// A server that has done some of a document's pages.
async fn midway() -> (Home, Server, String, Uuid) {
    let home = Home::new();
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let upload = Upload::new(user, "book.pdf", samples::pdf(PAGES as usize))
        .with("engine", "slow")
        .with("options", &json!({"settings": {"ms": 60}}));
    let task = client.accepted(upload).await;
    socket.until(&task, |data| data["progress"]["pagesDone"].as_u64() >= Some(5)).await;
    (home, server, task, user)
}

/// Starts again; the task ends, each page is finished once.
async fn go_on(home: &Home, task: &str, user: Uuid) -> History {
    let server = Server::start(home, &["serve"]);
    wait_for_end(&server, task, user).await;
    let history = History::of(home, task);
    history.assert_each_page_was_finished_once(PAGES);
    assert_eq!(history.finished_by().len(), 2, "both servers did some");
    assert!(server.client().result(task).await.contains("<section id=\"page-40\">"));
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(home.temporary_files(), [""; 0]);
    history
}

/// Hears of the end, or finds that it has been: register before you look.
async fn wait_for_end(server: &Server, task: &str, user: Uuid) {
    let client = server.client();
    let mut socket = client.socket(user).await;
    let status = client.data(&format!("/api/tasks/{task}/status")).await["status"].clone();
    if status != "completed" {
        assert_eq!(socket.end_of(task).await, "completed");
    }
}
