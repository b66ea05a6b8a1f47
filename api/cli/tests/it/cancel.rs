//! Tasks that are not wanted any more.

use std::io::BufRead;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::database;
use crate::history::History;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// How soon a cancelled page has to be out of the way.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One that ends on its own late, and one that never does.
const ENDLESS: [(&str, &str); 2] = [("slow", r#"{"settings":{"ms":100000}}"#), ("spin", "{}")];

#[tokio::test]
async fn a_running_page_is_stopped_and_its_place_is_free() {
    let home = home(Home::new());
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    for (engine, options) in ENDLESS {
        let (running, waiting) = two_tasks(&client, user, engine, options).await;
        cancel(&client, &running, &waiting).await;
    }
}

#[tokio::test]
async fn a_page_that_runs_in_another_process_is_stopped_too() {
    for (engine, options) in ENDLESS {
        let home = home(database::home().await);
        let server = Server::start(&home, &["serve", "--no-worker"]);
        let (client, user) = (server.client(), Uuid::new_v4());
        let accept = async |engine: &str, options: &str, priority: u8| {
            let upload = Upload::new(user, "a.pdf", samples::pdf(1)).with("engine", engine);
            client.accepted(upload.with("options", options).with("priority", &priority)).await
        };
        // Both are there when the worker first looks: it has one place.
        let running = accept(engine, options, 10).await;
        let waiting = accept("simulated-qwen3", "{}", 1).await;
        let worker = Server::start_worker(&home);
        held(&client, &running).await;
        cancel(&client, &running, &waiting).await;
        assert_eq!(worker.terminate().code(), Some(0));
        let told = client.data(&format!("/api/tasks/{running}")).await;
        assert_eq!((&told["status"], &told["result"]), (&json!("cancelled"), &Value::Null));
    }
}

#[tokio::test]
async fn what_can_not_be_cancelled_is_told_apart() {
    let home = home(Home::new());
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(1))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    let path = format!("/api/tasks/{task}/cancel");
    let late = client.act(&path).await;
    assert_eq!((late.status, late.code()), (409, "TASK_ALREADY_ENDED"), "{late:?}");
    let foreign = client.act(&format!("{path}?userId={}", Uuid::new_v4())).await;
    assert_eq!((foreign.status, foreign.code()), (404, "TASK_NOT_FOUND"), "{foreign:?}");
    let unknown = client.act(&format!("/api/tasks/{}/cancel", Uuid::new_v4())).await;
    assert_eq!((unknown.status, unknown.code()), (404, "TASK_NOT_FOUND"), "{unknown:?}");
    assert_eq!(client.data(&format!("/api/tasks/{task}")).await["status"], "completed");
}

#[tokio::test]
async fn the_command_cancels_and_whoever_watches_is_told() {
    let home = home(Home::new());
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let (running, waiting) = two_tasks(&client, user, "slow", ENDLESS[0].1).await;
    let mut watch = home.command(&["tasks", "watch", &running, "--json"]);
    let watching = watch.stdout(std::process::Stdio::piped()).spawn().unwrap();
    home.run(&["tasks", "cancel", &running]).exits(0);
    let watched = crate::home::Ended::of(&watching.wait_with_output().unwrap()).exits(1).json_lines();
    let told: Vec<&Value> = watched.iter().map(|line| &line["data"]["status"]).collect();
    assert_eq!((told.first(), told.last()), (Some(&&json!("queued")), Some(&&json!("cancelled"))));

    let done = home.run(&["tasks", "watch", &waiting]).exits(0).stdout;
    assert!(done.lines().last().unwrap().contains("completed successfully"), "{done}");
    let again = home.run(&["tasks", "cancel", &running]).exits(1);
    assert!(again.stderr.contains("cancelled"), "{}", again.stderr);
    home.run(&["tasks", "watch", &Uuid::new_v4().to_string()]).exits(1);
}

#[tokio::test]
async fn whoever_watches_a_task_is_told_that_it_was_erased() {
    let home = home(Home::new());
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let (running, waiting) = two_tasks(&client, user, "slow", ENDLESS[0].1).await;
    for task in [&waiting, &running] {
        let mut watch = home.command(&["tasks", "watch", task, "--json"]);
        let piped = std::process::Stdio::piped;
        let mut watching = watch.stdout(piped()).stderr(piped()).spawn().unwrap();
        let mut stream = client.events(task, "").await;
        // Both have heard of it before it goes.
        let mut lines = std::io::BufReader::new(watching.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().contains("queued"));
        while !stream.chunk().await.unwrap().unwrap().starts_with(b"event: task_update") {}
        assert_eq!(client.delete(&format!("/api/tasks/{task}")).await.status, 200);

        let last = lines.map(Result::unwrap).last().unwrap();
        assert_eq!(watching.wait().unwrap().code(), Some(1));
        assert!(last.contains("task_erased") || last.contains("cancelled"), "{last}");
        let mut rest = Vec::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            rest.extend_from_slice(&chunk);
        }
        let rest = String::from_utf8(rest).unwrap();
        assert!(rest.contains("task_erased") || rest.contains("cancelled"), "{rest}");
    }
}

/// Programs with one place for work.
fn home(home: Home) -> Home {
    let home = home.with("UNTXT_WORKER_CONCURRENCY", "1");
    home.install("slow", "slow");
    home.install("spin", "spin");
    home
}

/// One task whose page runs, and one that waits for its place.
async fn two_tasks(client: &Client, user: Uuid, engine: &str, options: &str) -> (String, String) {
    let upload = || Upload::new(user, "a.pdf", samples::pdf(1));
    let running = client.accepted(upload().with("engine", engine).with("options", options)).await;
    held(client, &running).await;
    (running, client.accepted(upload()).await)
}

/// Waits until a worker holds a page of the task.
async fn held(client: &Client, task: &str) {
    client
        .until("/api/admin/workers", |data| {
            let workers = data["workers"].as_array().unwrap().iter();
            let holds = workers.flat_map(|worker| worker["holds"].as_array().unwrap());
            holds.into_iter().any(|held| held["run"] == task && held["step"] == "ocr")
        })
        .await;
}

/// Cancels the running task: the waiting one begins at once, and nothing is
/// recorded of the cancelled one afterwards.
async fn cancel(client: &Client, running: &str, waiting: &str) {
    let answer = client.act(&format!("/api/tasks/{running}/cancel")).await;
    assert_eq!((answer.status, &answer.body["data"]["status"]), (200, &json!("cancelled")), "{answer:?}");
    let done = client.until(&format!("/api/tasks/{waiting}"), |task| task["completedAt"].is_string()).await;
    assert_eq!(done["status"], "completed");
    let (cancelled, next) = (History::at(client, running).await, History::at(client, waiting).await);
    assert_eq!(cancelled.last()["event"], "cancelled", "nothing is recorded after it");
    let freed = next.first_at("started") - cancelled.first_at("cancelled");
    assert!(freed <= chrono::Duration::from_std(AT_ONCE).unwrap(), "its place was free after {freed}");
}
