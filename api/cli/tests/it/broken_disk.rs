//! The disk breaks: each call in turn that writes, syncs, cuts, renames or removes a
//! file of the database, of the store or of the spool fails once. What was answered
//! is so, what was refused may be asked for again, and nothing is left half done.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use uuid::Uuid;

use crate::client::{Answer, Client, Upload};
use crate::full_disk::tasks_in;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// More calls than any of the acts makes.
const CALLS_MAX: u32 = 400;

/// Fails a call of a program that was started with it.
struct BrokenDisk {
    plan: PathBuf,
    library: PathBuf,
}

impl BrokenDisk {
    /// Beside the home, compiled.
    fn of(home: &Home) -> Self {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/broken_disk.c");
        let library = home.path("broken_disk.so");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", source, "-ldl", "-o"]).arg(&library).status();
        assert!(compiled.unwrap().success(), "a C compiler is needed (Debian and Ubuntu: gcc)");
        Self { plan: home.write("plan", b"000000 nothing"), library }
    }

    /// The `call`th call from now on files whose path has `part` fails.
    fn fail(&self, call: u32, part: &str) {
        fs::write(&self.plan, format!("{call:06} {part}")).unwrap();
    }

    /// Takes that back; whether it had come so far.
    fn failed(&self) -> bool {
        let came = fs::read_to_string(&self.plan).unwrap().starts_with("000000");
        self.fail(0, "nothing");
        came
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
enum Act {
    Upload,
    Cancel,
    Erase,
}

async fn upload(client: &Client, key: &str) -> Answer {
    client.upload_once(key, Upload::new(Uuid::from_u128(7), "a.pdf", samples::pdf(1))).await
}

fn task_of(answer: &Answer) -> String {
    answer.body["data"]["taskId"].as_str().unwrap().to_owned()
}

/// Whether the act was done, as another process sees it.
async fn is_done(act: Act, home: &Home, before: usize, task: &str) -> bool {
    let tasks = tasks_in(home).await;
    match act {
        Act::Upload => tasks.len() == before + 1,
        Act::Cancel => tasks.iter().any(|(id, status)| id == task && status == "cancelled"),
        Act::Erase => tasks.iter().all(|(id, _)| id != task),
    }
}

#[tokio::test]
async fn each_call_of_a_commit_fails_once_and_what_was_answered_is_so() {
    let home = Home::new();
    let disk = BrokenDisk::of(&home);
    let home = home.with("LD_PRELOAD", &disk.library.display()).with("FAULTS_AT", &disk.plan.display());
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let mut kept = Vec::new();
    let acts = [Act::Upload, Act::Cancel, Act::Erase];
    for (act, part) in acts
        .into_iter()
        .flat_map(|act| ["data/untxt.db", "data/objects/", "data/tmp/"].map(|part| (act, part)))
    {
        let mut calls = 0;
        for call in 1.. {
            assert!(call < CALLS_MAX, "{act:?} has no end");
            let key = format!("{act:?} {part} {call}");
            let task = match act {
                Act::Upload => String::new(),
                Act::Cancel | Act::Erase => task_of(&upload(&client, &key).await),
            };
            let before = tasks_in(&home).await.len();
            disk.fail(call, part);
            let said = ask(act, &client, &key, &task).await;
            let failed = disk.failed();
            let place = format!("{act:?}, call {call} on {part}: {said:?}");
            let done = is_done(act, &home, before, &task).await;
            match said.status {
                200 | 201 => assert!(done, "answered and not so: {place}"),
                503 => {
                    assert!(!done, "refused and done: {place}");
                    let again = ask(act, &client, &key, &task).await;
                    assert!(matches!(again.status, 200 | 201), "it does not heal: {place}, then {again:?}");
                    assert!(is_done(act, &home, before, &task).await, "{place}, then {again:?}");
                }
                _ => panic!("{place}"),
            }
            if matches!(act, Act::Upload) {
                kept.push(task_of(&upload(&client, &key).await));
            }
            if !failed {
                break;
            }
            calls += 1;
        }
        // A cancel touches no object, and only an upload is spooled.
        let touched = match part {
            "data/untxt.db" => true,
            "data/objects/" => !matches!(act, Act::Cancel),
            _ => matches!(act, Act::Upload),
        };
        assert_eq!(calls > 0, touched, "{act:?} on {part}: {calls} calls");
    }
    assert_eq!(server.terminate().code(), Some(0));
    // What an earlier life of the disk accepted is done by a later one.
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    for task in &kept {
        client.until(&format!("/api/tasks/{task}"), |data| data["status"] == "completed").await;
    }
    assert!(kept.len() > 10, "{} were kept", kept.len());
}

async fn ask(act: Act, client: &Client, key: &str, task: &str) -> Answer {
    match act {
        Act::Upload => upload(client, key).await,
        Act::Cancel => client.act(&format!("/api/tasks/{task}/cancel")).await,
        Act::Erase => client.delete(&format!("/api/tasks/{task}")).await,
    }
}
