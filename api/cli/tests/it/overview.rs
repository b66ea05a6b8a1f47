//! The state of the service in one answer.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

const OVERVIEW: &str = "/api/admin/overview";

fn codes(overview: &Value) -> Vec<&str> {
    let reasons = overview["sentence"]["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

fn sum(overview: &Value, what: &str) -> u64 {
    overview["perMinute"].as_array().unwrap().iter().map(|minute| minute[what].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn an_operator_sees_what_is_not_well_and_what_was_done() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let good = client.accepted(Upload::new(user, "a.pdf", samples::pdf(1))).await;
    let refused = Upload::new(user, "book.pdf", samples::pdf(1)).with("engine", "refuse");
    let refused = client.accepted(refused).await;
    let idle = client.until(OVERVIEW, |data| data["queues"]["ready"] == 2).await;
    assert_eq!((&idle["sentence"]["level"], codes(&idle)), (&json!("down"), vec!["NO_WORKER"]), "{idle}");
    assert_eq!((&idle["workers"]["alive"], idle["perMinute"].as_array().unwrap().len()), (&json!(0), 60));
    assert!(idle["queues"]["oldestAgeMs"].is_u64(), "{idle}");

    let worker = Server::start_worker(&home);
    for (task, end) in [(&good, "completed"), (&refused, "failed")] {
        client.until(&format!("/api/tasks/{task}/status"), |data| data["status"] == end).await;
    }
    let seen = client.until(OVERVIEW, |data| sum(data, "done") + sum(data, "failed") == 2).await;
    assert_eq!((sum(&seen, "done"), sum(&seen, "failed")), (1, 1), "{seen}");
    // Causes are counted less often than all else.
    let seen = client.until(OVERVIEW, |data| data["deadLetters"]["groups"][0]["count"] == 1).await;
    assert_eq!(seen["deadLetters"]["waiting"], 1, "{seen}");
    assert_eq!(
        (&seen["sentence"]["level"], codes(&seen)),
        (&json!("attention"), vec!["DEAD_LETTERS"]),
        "{seen}"
    );
    let letters = client.data("/api/admin/dead-letters").await;
    let (group, letter) = (&seen["deadLetters"]["groups"][0], &letters["deadLetters"][0]);
    for same in ["fingerprint", "digest", "code", "step", "message", "workflow"] {
        assert_eq!(group[same], letter[same], "{same}: {group}");
    }
    assert_eq!((&group["count"], &group["tenants"]), (&json!(1), &json!(1)));
    assert_eq!((&group["firstAt"], &group["lastAt"]), (&letter["at"], &letter["at"]));

    assert_eq!(client.tell("/api/admin/queues/pause", &json!({})).await.status, 200);
    let paused = client.until(OVERVIEW, |data| codes(data).contains(&"PAUSED")).await;
    assert_eq!(
        paused["latestActs"][0]["action"],
        client.data("/api/admin/audit").await["audit"][0]["action"]
    );
    drop(worker);
}

#[tokio::test]
async fn however_many_look_it_is_made_once_a_second() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let began = std::time::Instant::now();
    let all = join_all((0..50).map(|_| client.data(OVERVIEW))).await;
    let made: BTreeSet<String> = all.iter().map(|data| data["asOf"].to_string()).collect();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(made.len() <= seconds + 2, "{made:?} in {:?}", began.elapsed());
}
