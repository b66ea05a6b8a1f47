//! Sockets that break and go on, and how many there may be.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::database;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// How often the connection breaks.
const BREAKS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_breaks_again_and_again_tells_everything_once_through_any_process() {
    let home = database::home().await.with("UNTXT_WORKER_CONCURRENCY", "2");
    let listening = Server::start(&home, &["serve", "--no-worker"]);
    let working = Server::start(&home, &["serve"]);
    let (user, client) = (Uuid::new_v4(), listening.client());
    let since = client.socket(user).await.greeting["timestamp"].as_str().unwrap().to_owned();
    let uploading = tokio::spawn(upload_until_told(working.client(), user));

    let mut heard: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for round in 0..BREAKS {
        let mut socket = client.resuming_socket(user, &since, &seen(&heard)).await;
        // Gone in the middle of what was missed, after it, or at once.
        for _ in 0..round % 4 {
            let message = socket.next().await;
            match message["type"].as_str().unwrap() {
                "task_update" => take(&mut heard, message),
                "resumed" => break,
                other => panic!("{other}"),
            }
        }
    }
    let tasks = {
        uploading.abort();
        let listed = client.data(&format!("/api/tasks?userId={user}&limit=200")).await;
        listed["tasks"].as_array().unwrap().iter().map(|task| task["taskId"].clone()).collect::<Vec<_>>()
    };
    assert!(!tasks.is_empty());
    let mut socket = client.resuming_socket(user, &since, &seen(&heard)).await;
    let ended = |heard: &BTreeMap<String, Vec<Value>>, task: &Value| {
        let story = heard.get(task.as_str().unwrap());
        story.is_some_and(|story| story.last().unwrap()["data"]["status"] == "completed")
    };
    while !tasks.iter().all(|task| ended(&heard, task)) {
        let message = socket.next().await;
        if message["type"] == "task_update" {
            take(&mut heard, message);
        }
    }
    // Nothing was left out: the same as one stream tells from the beginning.
    for task in &tasks {
        assert_eq!(heard[task.as_str().unwrap()], whole_story(&client, task).await, "{task}");
    }
}

/// Uploads small documents, one after the other, for as long as it may.
async fn upload_until_told(client: Client, user: Uuid) {
    for number in 0..150 {
        client.accepted(Upload::new(user, &format!("{number}.pdf"), samples::pdf(2))).await;
    }
}

/// Takes a message in; it has to be later than what there is of its task.
pub(crate) fn take(heard: &mut BTreeMap<String, Vec<Value>>, message: Value) {
    let task = message["data"]["taskId"].as_str().unwrap().to_owned();
    let story = heard.entry(task).or_default();
    let last = story.last().map_or(0, seq);
    assert!(last < seq(&message), "{message} after {last}");
    story.push(message);
}

fn seq(message: &Value) -> u64 {
    message["data"]["seq"].as_u64().unwrap()
}

/// What a client says that it has heard.
pub(crate) fn seen(heard: &BTreeMap<String, Vec<Value>>) -> Value {
    heard.iter().map(|(task, story)| (task.clone(), json!(seq(story.last().unwrap())))).collect()
}

pub(crate) async fn whole_story(client: &Client, task: &Value) -> Vec<Value> {
    let stream = client.events(task.as_str().unwrap(), "").await.text().await.unwrap();
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn what_was_missed_of_one_task_is_told_again_once() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(3))).await;
    let mut early = client.socket(user).await;
    early.send(&json!({"type": "subscribe", "taskId": task})).await;
    let story = early.story_of(&task).await;
    assert_eq!(story[0]["data"]["seq"], 1);
    let seqs: Vec<u64> = story.iter().map(seq).collect();
    assert!(seqs.is_sorted_by(|one, other| one < other), "{seqs:?}");

    let mut late = client.socket(user).await;
    late.send(&json!({"type": "subscribe", "taskId": task, "afterSeq": seqs[1]})).await;
    assert_eq!(late.story_of(&task).await, story[2..]);
    // Somebody else is told nothing.
    let mut stranger = client.socket(Uuid::new_v4()).await;
    stranger.send(&json!({"type": "subscribe", "taskId": task})).await;
    stranger.ping().await;
    assert_eq!(stranger.next().await["type"], "pong");
}

#[tokio::test]
async fn there_are_as_many_connections_as_a_user_may_have() {
    let home = Home::new().with("UNTXT_SOCKETS_PER_USER_MAX", &2).with("UNTXT_SOCKETS_MAX", &3);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    let first = client.socket(user).await;
    let stream = client.events(&task, "").await;
    assert_eq!(client.refused_socket(user).await, 429);
    let more = client.get(&format!("/api/tasks/{task}/events")).await;
    assert_eq!((more.status, more.code()), (429, "TOO_MANY_CONNECTIONS"), "{more:?}");
    assert_eq!(more.retry_after.as_deref(), Some("30"));
    let _other = client.socket(Uuid::new_v4()).await;
    assert_eq!(client.refused_socket(Uuid::new_v4()).await, 503);
    drop((first, stream));
    // As soon as the server has seen that they are gone.
    let _again = client.until_socket(user).await;
}

#[tokio::test]
async fn who_talks_too_much_is_shown_the_door() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let mut socket = server.client().socket(Uuid::new_v4()).await;
    for _ in 0..200 {
        if !socket.try_send(&json!({"type": "ping"})).await {
            break;
        }
    }
    assert_eq!(socket.closed().await.0, 1008);
}
