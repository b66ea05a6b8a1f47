//! Commands that only look: they change nothing, whoever runs or has died, and need
//! neither the object store nor a place for temporary files.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::{Home, names};
use crate::samples;
use crate::server::Server;

const LOOKS: [&[&str]; 7] = [
    &["tasks", "list"],
    &["queues", "list"],
    &["workers", "list"],
    &["retries", "list"],
    &["dead-letters", "list"],
    &["keys", "list"],
    &["migrate", "status"],
];

fn look(home: &Home) {
    for arguments in LOOKS {
        home.run(arguments).exits(0);
        home.run(&[arguments, &["--json"]].concat()).exits(0);
    }
}

/// What workers hold, and what lies in the directories that a server makes.
fn state(home: &Home) -> (Value, [Vec<String>; 3]) {
    let listed = home.run(&["workers", "list", "--json"]).exits(0).json();
    let holds = listed["workers"].as_array().unwrap().iter().map(|worker| worker["holds"].clone()).collect();
    (holds, ["data/tmp", "data/objects", "data/cache"].map(|dir| names(&home.path(dir))))
}

#[tokio::test]
async fn looking_beside_a_server_and_after_it_was_killed_changes_nothing() {
    let home = Home::new();
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = Upload::new(user, "book.pdf", samples::pdf(1)).with("engine", "slow");
    let task = client.accepted(upload.with("options", &json!({"settings": {"ms": 100_000}}))).await;
    let history = format!("/api/tasks/{task}/history");
    client.until(&history, |data| data["history"].to_string().contains(r#""item":"#)).await;
    let running = state(&home);
    look(&home);
    home.run(&["tasks", "show", &task]).exits(0);
    assert_eq!(state(&home), running);
    server.kill();

    look(&home);
    home.run(&["tasks", "show", &task]).exits(0);
    assert_eq!(state(&home), running, "the dead worker holds its page, and its files are there");
    assert!(running.0.to_string().contains(&task), "{}", running.0);

    // A server takes them over.
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    client.until(&history, |data| data["history"].to_string().contains(r#""lost""#)).await;
    assert_ne!(state(&home), running);
}

#[test]
fn looking_starts_no_store_and_works_while_the_store_is_unreachable() {
    let nowhere = Home::new()
        .with("S3_ENDPOINT", "http://127.0.0.1:9")
        .with("AWS_ACCESS_KEY_ID", "nobody")
        .with("AWS_SECRET_ACCESS_KEY", "knows");
    for home in [Home::new(), nowhere] {
        home.run(&["migrate", "up"]).exits(0);
        look(&home);
        // No `tmp`, `objects` or `cache`.
        let mut kept = names(&home.path("data"));
        kept.retain(|name| !matches!(name.as_str(), "untxt.db-wal" | "untxt.db-shm"));
        assert_eq!(kept, ["untxt.db", "untxt.db-reserve"]);
    }
}
