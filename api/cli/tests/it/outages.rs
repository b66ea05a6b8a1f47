//! What the server needs is away: it says so, keeps what it has promised, and
//! goes on by itself when it is back.

use serde_json::Value;
use untxt_stack::postgres::Postgres;
use uuid::Uuid;

use crate::client::{Answer, Upload};
use crate::home::Home;
use crate::samples;
use crate::server::Server;
use crate::store::Store;

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn assert_is_away(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (503, "SERVICE_UNAVAILABLE"), "{answer:?}");
    assert!(answer.retry_after.is_some(), "{answer:?}");
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(!message.contains("127.0.0.1") && !message.contains("sql"), "it tells too much: {message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_everything_is_503_until_it_is_back() {
    let mut postgres = blocking(|| Postgres::start().unwrap()).await;
    let home = Home::new().with("DATABASE_URL", &postgres.url());
    home.run(&["migrate", "up"]).exits(0);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    client.until(&format!("/api/tasks/{task}"), |task| task["status"] == "completed").await;

    postgres = blocking(move || postgres.kill().map(|()| postgres).unwrap()).await;
    for path in ["", "/status", "/result", "/history", "/events"] {
        assert_is_away(&client.get(&format!("/api/tasks/{task}{path}")).await);
    }
    assert_is_away(&client.get(&format!("/api/tasks?userId={user}")).await);
    assert_is_away(&client.upload(Upload::new(user, "b.png", samples::picture(1))).await);
    assert_is_away(&client.delete(&format!("/api/tasks/{task}")).await);

    let postgres = blocking(move || postgres.restart().map(|()| postgres).unwrap()).await;
    let data = client.until(&format!("/api/tasks/{task}"), |task| task["status"] == "completed").await;
    assert_ne!(data["resultUrl"], Value::Null);
    let next = client.accepted(Upload::new(user, "b.png", samples::picture(1))).await;
    client.until(&format!("/api/tasks/{next}"), |task| task["status"] == "completed").await;
    assert_eq!(client.task_count(user).await, 2, "nothing was taken meanwhile");
    assert_eq!(server.terminate().code(), Some(0));
    blocking(move || drop(postgres)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_store_uploads_are_503_until_it_is_back() {
    let store = Store::start().await;
    let home = store.home();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    store.close();
    assert_is_away(&client.upload(Upload::new(user, "a.png", samples::picture(1))).await);
    assert_eq!(client.task_count(user).await, 0);
    store.open();
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    client.until(&format!("/api/tasks/{task}"), |task| task["status"] == "completed").await;
    assert_eq!(store.objects.keys().unwrap().len(), 2);
    assert_eq!(server.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cause_of_a_503_stands_in_the_log_under_the_requests_id() {
    let store = Store::start().await;
    for format in ["text", "json"] {
        // Also where the filter leaves out whatever else a server says of itself.
        let home = store.home().with("UNTXT_LOG_FORMAT", format).with("UNTXT_LOG", "untxt_api::error=error");
        let server = Server::start(&home, &["serve", "--no-worker"]);
        let client = server.client();
        store.close();
        let refused = client.upload(Upload::new(Uuid::new_v4(), "a.png", samples::picture(1))).await;
        assert_is_away(&refused);
        let log = std::fs::read_to_string(server.log()).unwrap();
        let id = refused.request_id.unwrap();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&id)).collect();
        assert_eq!(lines.len(), 1, "{format}: {log}");
        assert!(lines[0].contains("object store") && lines[0].contains("a request failed"), "{}", lines[0]);
        if format == "json" {
            let line: Value = serde_json::from_str(lines[0]).unwrap();
            assert_eq!((&line["level"], &line["span"]["id"]), (&"ERROR".into(), &id.into()), "{line}");
        }
        store.open();
    }
}
