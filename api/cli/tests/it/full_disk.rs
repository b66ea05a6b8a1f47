//! The disk of the data directory is full: to the last byte, by another program.

use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sea_orm::{ConnectionTrait, Database, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::{Ended, Home};
use crate::samples;
use crate::server::Server;
use crate::small_disk::SmallDisk;

/// How long a command may take that can't do its work.
const SAYS_SO_WITHIN: Duration = Duration::from_secs(45);

/// How long a task may take that the full disk made fail before: its retry may be
/// a minute ahead.
const DONE_WITHIN: Duration = Duration::from_secs(180);

/// The tasks, and how they are, as another process sees them.
pub(crate) async fn tasks_in(home: &Home) -> Vec<(String, String)> {
    let url = format!("sqlite://{}?mode=ro", home.path("data/untxt.db").display());
    let database = Database::connect(url).await.unwrap();
    let asked = Statement::from_string(DbBackend::Sqlite, "SELECT id, status FROM tasks");
    let rows = database.query_all_raw(asked).await.unwrap();
    database.close().await.unwrap();
    let task = |row: &QueryResult| {
        let (id, status): (Uuid, String) =
            (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
        (id.to_string(), status)
    };
    rows.iter().map(task).collect()
}

async fn says_full(client: &Client) {
    let unready = client.until_answer("/ready", |answer| answer.status == 503).await;
    let details = &unready.body["error"]["details"];
    assert_eq!(details["lacks"], json!(["disk space"]), "{unready:?}");
    assert_eq!(details["full"], json!(["spool", "objects", "database"]), "{unready:?}");
    let health = client.get("/health").await;
    assert_eq!((health.status, &health.body["data"]["dependencies"]["disk"]), (503, &json!("down")));
}

/// Uploads until there is no room, or as often as `most`; the tasks that were
/// accepted, each of which another process can read at once.
async fn upload_until_full(home: &Home, client: &Client, most: usize) -> Vec<String> {
    let mut accepted = Vec::new();
    for number in 0..most {
        let name = format!("{number}.pdf");
        let answer = client.upload(Upload::new(Uuid::new_v4(), &name, samples::padded_pdf(1, 60_000))).await;
        if answer.status == 503 {
            assert_eq!(answer.code(), "NO_ROOM", "{answer:?}");
            assert!(answer.retry_after.is_some(), "{answer:?}");
            return accepted;
        }
        assert_eq!(answer.status, 201, "{answer:?}");
        let task = answer.body["data"]["taskId"].as_str().unwrap().to_owned();
        let seen = tasks_in(home).await;
        assert!(seen.iter().any(|(id, _)| *id == task), "{task} was accepted and is not there");
        assert_eq!(client.get(&format!("/api/tasks/{task}")).await.status, 200);
        accepted.push(task);
    }
    accepted
}

async fn all_completed(client: &Client, tasks: &[String]) {
    for task in tasks {
        let path = format!("/api/tasks/{task}");
        let ended = client
            .until_answer_within(DONE_WITHIN, &path, |answer| {
                ["completed", "failed"].map(Value::from).contains(&answer.body["data"]["status"])
            })
            .await;
        assert_eq!(ended.body["data"]["status"], "completed", "{ended:?}");
        assert!(client.result(task).await.contains(&samples::first_line(1)));
    }
}

#[tokio::test]
async fn cancelling_and_erasing_work_on_a_disk_that_is_full_to_the_last_byte() {
    let home = Home::new();
    let Some(mut disk) = SmallDisk::under(&home, 64 << 20) else { return };
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let large = Upload::new(user, "large.pdf", samples::padded_pdf(1, 12 << 20));
    let (large, kept) =
        (client.accepted(large).await, client.accepted(Upload::new(user, "kept.pdf", samples::pdf(2))).await);
    for task in [&large, &kept] {
        client.until(&format!("/api/tasks/{task}"), |data| data["status"] == "completed").await;
    }
    assert_eq!(client.send_json("/api/admin/queues/pause", &json!({})).await.status, 200);
    let waiting = client.accepted(Upload::new(user, "waiting.pdf", samples::pdf(1))).await;

    let reserve = || disk_file(&home, "untxt.db-reserve");
    assert!(reserve() > 1 << 20, "room is kept");
    disk.fill();
    says_full(&client).await;
    let refused = client.upload(Upload::new(user, "more.pdf", samples::pdf(1))).await;
    assert_eq!((refused.status, refused.code()), (503, "NO_ROOM"), "{refused:?}");
    assert!(reserve() > 1 << 20, "an upload does not take what is kept");
    assert_eq!(disk.free_bytes(), 0);
    erased(&client, &large).await;
    assert!(disk.free_bytes() > 8 << 20, "{} bytes are free", disk.free_bytes());
    // Who looks whether there is room has it kept again.
    client.until_answer("/ready", |answer| answer.status == 200 && reserve() > 1 << 20).await;

    disk.fill();
    let cancelled = client.act(&format!("/api/tasks/{waiting}/cancel")).await;
    assert_eq!((cancelled.status, &cancelled.body["data"]["status"]), (200, &json!("cancelled")));
    assert_eq!(reserve(), 0, "it was needed");
    let refused = client.upload(Upload::new(user, "more.pdf", samples::pdf(1))).await;
    assert_eq!((refused.status, refused.code()), (503, "NO_ROOM"), "not even now: {refused:?}");
    disk.empty();
    client.until_answer("/ready", |answer| answer.status == 200 && reserve() > 1 << 20).await;
    disk.fill();
    erased(&client, &waiting).await;

    disk.empty();
    assert_eq!(client.send_json("/api/admin/queues/resume", &json!({})).await.status, 200);
    client.until_answer("/ready", |answer| answer.status == 200).await;
    let next = client.accepted(Upload::new(user, "next.pdf", samples::pdf(1))).await;
    all_completed(&client, &[next, kept]).await;
    assert_eq!(server.terminate().code(), Some(0));
}

/// Bytes of a file of the data directory.
fn disk_file(home: &Home, name: &str) -> u64 {
    home.path("data").join(name).metadata().unwrap().len()
}

async fn erased(client: &Client, task: &str) {
    let erased = client.delete(&format!("/api/tasks/{task}")).await;
    assert_eq!((erased.status, &erased.body["data"]), (200, &json!({"taskId": task, "erased": true})));
    assert_eq!(client.get(&format!("/api/tasks/{task}")).await.status, 404);
}

#[tokio::test]
async fn what_was_accepted_before_the_disk_was_full_is_done_when_it_is_not_any_more() {
    for (bytes, left) in [(3 << 20, None), (30 << 20, Some(300 << 10))] {
        let home = Home::new();
        let Some(mut disk) = SmallDisk::under(&home, bytes) else { return };
        let server = Server::start(&home, &["serve"]);
        let client = server.client();
        let mut accepted = upload_until_full(&home, &client, 4).await;
        match left {
            Some(left) => disk.fill_but(left),
            None => disk.fill(),
        }
        says_full(&client).await;
        assert_eq!(upload_until_full(&home, &client, 4).await, [""; 0], "there is no room");
        home.write("scan.pdf", &samples::pdf(1));
        let ended = ends(&home, &["ocr", "scan.pdf"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("NO_ROOM"), "{ended:?}");
        disk.fill();
        let ended = ends(&home, &["ocr", "scan.pdf"]);
        assert!(matches!(ended.code, Some(1..=3)), "{ended:?}");
        assert!(ended.stderr.to_lowercase().contains("room") || ended.stderr.contains("full"), "{ended:?}");

        assert_eq!(server.terminate().code(), Some(0), "it ends in peace while the disk is full");
        disk.empty();
        let server = Server::start(&home, &["serve"]);
        let client = server.client();
        client.until_answer("/ready", |answer| answer.status == 200).await;
        accepted.extend(upload_until_full(&home, &client, 2).await);
        assert!(!accepted.is_empty(), "a disk of {bytes} bytes takes something");
        all_completed(&client, &accepted).await;
        // And once more without an end in between.
        disk.fill();
        assert_eq!(upload_until_full(&home, &client, 1).await, [""; 0], "there is no room");
        disk.empty();
        client.until_answer("/ready", |answer| answer.status == 200).await;
        all_completed(&client, &upload_until_full(&home, &client, 1).await).await;
        assert_eq!(server.terminate().code(), Some(0));
    }
}

/// A command that may not hang.
fn ends(home: &Home, arguments: &[&str]) -> Ended {
    let mut command = home.command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let (said, heard) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let ended = child.wait_with_output().unwrap();
        let _nobody_waits_any_more = said.send(());
        ended
    });
    let hangs = heard.recv_timeout(SAYS_SO_WITHIN).is_err();
    if hangs {
        kill_process(id, Signal::KILL).unwrap();
    }
    let ended = Ended::of(&waiting.join().unwrap());
    assert!(!hangs, "{arguments:?} hangs: {ended:?}");
    ended
}
