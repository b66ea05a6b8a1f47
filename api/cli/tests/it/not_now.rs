//! Requests that can't be answered now: 503 and when to come again, in time.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use untxt_stack::postgres::Postgres;
use uuid::Uuid;

use crate::children::children;
use crate::client::{Answer, Upload};
use crate::database;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// How long a request may take while the database is silent: a connection and a
/// statement have 5 and 12 seconds, and a request makes a few attempts.
const IN_TIME: Duration = Duration::from_secs(45);

/// Children that look at uploads at once.
const LOOKS: usize = 4;

fn assert_comes_again(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.code()), (503, code), "{answer:?}");
    let seconds: u64 = answer.retry_after.as_deref().expect("it does not say when").parse().unwrap();
    assert!((1..=3_600).contains(&seconds), "{answer:?}");
}

/// Whether the process is a program of its own yet: one that stands still before
/// that holds its parent as well.
fn looks(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.split(|b| *b == 0).any(|arg| arg == b"render-page"))
}

fn signal(pid: u32, signal: Signal) {
    // One that has ended needs none.
    let _gone = kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal);
}

/// Processes that stand still until this is dropped.
struct Stopped {
    pids: BTreeSet<u32>,
    ends_them: bool,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.pids {
            signal(*pid, if self.ends_them { Signal::KILL } else { Signal::CONT });
        }
    }
}

#[tokio::test]
async fn an_upload_for_which_the_disk_has_no_room_is_told_to_come_again() {
    let home = Home::new().with("UNTXT_DISK_RESERVE_BYTES", &(u64::MAX / 2));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let refused = client.upload(Upload::new(user, "a.png", samples::picture(1))).await;
    assert_comes_again(&refused, "NO_ROOM");
    assert_eq!(client.task_count(user).await, 0);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_at_which_nobody_has_time_to_look_is_told_to_come_again() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    // Children stand still as soon as they are there; what they look at is not
    // looked at any more.
    let stopped = Arc::new(Mutex::new(Stopped { pids: BTreeSet::new(), ends_them: true }));
    let (parent, stopping) = (server.id(), Arc::clone(&stopped));
    let stopper = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            for child in children(parent).into_iter().filter(|child| looks(*child)) {
                let mut stopped = stopping.lock().unwrap();
                if stopped.pids.insert(child) {
                    signal(child, Signal::STOP);
                }
                if stopped.pids.len() >= LOOKS {
                    return;
                }
            }
        }
        panic!("no child looks at uploads");
    });
    // Some may be looked at before all children stand still.
    let upload = |_| client.upload(Upload::new(user, "a.png", samples::picture(1)));
    let answers = join_all((0..4 * LOOKS).map(upload)).await;
    stopper.await.unwrap();
    let busy: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(!busy.is_empty(), "{answers:?}");
    for answer in busy {
        assert_comes_again(answer, "RENDERER_BUSY");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_stands_still_every_request_is_told_to_come_again_in_time() {
    let postgres = tokio::task::spawn_blocking(|| Postgres::start().unwrap()).await.unwrap();
    let home = Home::new().with("DATABASE_URL", &postgres.url());
    home.run(&["migrate", "up"]).exits(0);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;

    let main = postgres.pid().unwrap();
    let stopped = Stopped { pids: children(main).into_iter().chain([main]).collect(), ends_them: false };
    for pid in &stopped.pids {
        signal(*pid, Signal::STOP);
    }
    let began = Instant::now();
    let paths = [format!("/api/tasks/{task}"), format!("/api/tasks?userId={user}")];
    let upload = client.upload(Upload::new(user, "b.png", samples::picture(1)));
    let erase_path = format!("/api/tasks/{task}");
    let (uploaded, erased, asked) =
        tokio::join!(upload, client.delete(&erase_path), join_all(paths.iter().map(|path| client.get(path))));
    for answer in asked.iter().chain([&uploaded, &erased]) {
        assert_comes_again(answer, "SERVICE_UNAVAILABLE");
    }
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    drop(stopped);
    let shown = client.until_answer(&paths[0], |answer| answer.status != 503).await;
    assert!([200, 404].contains(&shown.status), "{shown:?}");
    client.until_answer(&paths[1], |answer| answer.status == 200).await;
    client.accepted(Upload::new(user, "c.png", samples::picture(1))).await;
    assert_eq!(server.terminate().code(), Some(0));
    tokio::task::spawn_blocking(move || drop(postgres)).await.unwrap();
}

#[tokio::test]
async fn while_the_database_takes_no_writes_uploads_are_told_to_come_again_and_lists_are_shown() {
    let home = database::home().await;
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    database::set_read_only(&home, true).await;
    let began = Instant::now();
    let refused = client.upload(Upload::new(user, "b.png", samples::picture(1))).await;
    assert_comes_again(&refused, "SERVICE_UNAVAILABLE");
    assert_comes_again(&client.act(&format!("/api/tasks/{task}/cancel")).await, "SERVICE_UNAVAILABLE");
    assert_comes_again(&client.delete(&format!("/api/tasks/{task}")).await, "SERVICE_UNAVAILABLE");
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    client.until_answer(&format!("/api/tasks?userId={user}"), |answer| answer.status == 200).await;
    database::set_read_only(&home, false).await;
    let upload = Upload::new(user, "b.png", samples::picture(1));
    let began = Instant::now();
    while client.upload(upload.clone()).await.status != 201 {
        assert!(began.elapsed() < IN_TIME, "it takes nothing again");
    }
    assert_eq!(client.task_count(user).await, 2, "nothing was taken meanwhile");
}
