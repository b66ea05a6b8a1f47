//! Several processes over one database: they lay it out, accept and work
//! together, and take over what the dead held.

use std::process::Stdio;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::client::Upload;
use crate::database;
use crate::history::History;
use crate::home::{Ended, Home, PATIENCE};
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn two_that_lay_out_a_database_at_once_do_not_collide() {
    let home = Home::new().with("DATABASE_URL", &database::empty().await);
    let both = [(); 2].map(|()| home.command(&["migrate", "up"]).stdout(Stdio::piped()).spawn().unwrap());
    let said = both.map(|child| Ended::of(&child.wait_with_output().unwrap()).exits(0).stdout);
    assert_eq!(
        said.iter().filter(|said| said.starts_with("0 ")).count(),
        1,
        "one had nothing to do: {said:?}"
    );
    let status = home.run(&["migrate", "status"]).exits(0).stdout;
    assert!(status.contains("true") && !status.contains("false"), "{status}");
}

#[tokio::test]
async fn a_hundred_requests_with_one_key_through_two_processes_are_one_task() {
    let home = database::home().await;
    let servers = [(); 2].map(|()| Server::start(&home, &["serve", "--no-worker"]));
    let (user, key) = (Uuid::new_v4(), "the only one");
    let clients = servers.each_ref().map(Server::client);
    // One that is told that the renderers are busy sends the same again, as the answer
    // says.
    let uploads = (0..100).map(async |number| {
        let began = Instant::now();
        loop {
            let upload = Upload::new(user, "a.png", samples::picture(1));
            let answer = clients[number % 2].upload_once(key, upload).await;
            if answer.status != 503 || began.elapsed() > PATIENCE {
                return answer;
            }
        }
    });
    let answers = join_all(uploads).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1);
    let first = &answers[0].body["data"];
    for answer in &answers {
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        assert_eq!(answer.body["data"]["taskId"], first["taskId"]);
        assert_eq!(answer.body["data"]["fileId"], first["fileId"]);
    }
    assert_eq!(clients[1].task_count(user).await, 1);
    assert_eq!(home.objects(), 1);
}

#[tokio::test]
async fn what_a_killed_worker_held_is_taken_over_within_five_seconds() {
    let home = database::home().await.with("UNTXT_LEASE_MS", &2_500);
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = Upload::new(user, "book.pdf", samples::pdf(4)).with("engine", "slow");
    let task = client.accepted(upload.with("options", &json!({"settings": {"ms": 2_000}}))).await;
    let path = format!("/api/tasks/{task}/history");
    let doomed = Server::start_worker(&home);
    client.until(&path, |data| data["history"].to_string().contains(r#""item":"#)).await;
    // Nobody starts after the blow: on one machine a successor sees the dead
    // one's lock and need not wait.
    let _other = Server::start_worker(&home);
    let killed_at = Utc::now();
    doomed.kill();

    let done = client.until(&format!("/api/tasks/{task}"), |task| task["completedAt"].is_string()).await;
    assert_eq!(done["status"], "completed");
    let history = History::at(&client, &task).await;
    let lost = history.times_of("lost");
    assert!(!lost.is_empty(), "the blow hit nothing");
    for at in lost {
        let took = at - killed_at;
        assert!(took <= chrono::Duration::seconds(5), "it took {took}");
    }
    history.assert_each_page_was_finished_once(4);
}

#[tokio::test]
async fn a_worker_that_is_asked_to_end_finishes_its_pages_and_begins_no_other() {
    let home = database::home().await;
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = Upload::new(user, "book.pdf", samples::pdf(40)).with("engine", "slow");
    let task = client.accepted(upload.with("options", &json!({"settings": {"ms": 700}}))).await;
    let worker = Server::start_worker(&home);
    let progress = format!("/api/tasks/{task}");
    client.until(&progress, |task| task["progress"]["pagesDone"].as_u64() >= Some(2)).await;
    let began = std::time::Instant::now();
    assert_eq!(worker.terminate().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(20), "it did not wait for all of the document");

    let history = History::at(&client, &task).await;
    let done = client.data(&progress).await["progress"]["pagesDone"].as_u64().unwrap();
    assert_eq!(history.page_attempts() as u64, done, "what was begun is finished");
    assert!((2..20).contains(&done), "{done} pages are done");
    assert_eq!((history.count("handed_back"), history.count("lost")), (0, 0));
    assert_eq!(client.data("/api/admin/workers").await["workers"], json!([]), "it is off the list");
}
