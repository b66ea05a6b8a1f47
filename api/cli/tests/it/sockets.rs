//! Sockets that break and go on, and how many there may be.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectOptions, ConnectionTrait, Database};
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
    let mut story = early.story_of(&task).await;
    // Something may have happened before it asked.
    story.drain(..story.iter().position(|message| seq(message) == 1).unwrap());
    let seqs: Vec<u64> = story.iter().map(seq).collect();
    assert!(seqs.is_sorted_by(|one, other| one < other), "{seqs:?}");

    let mut late = client.socket(user).await;
    late.send(&json!({"type": "subscribe", "taskId": task, "afterSeq": seqs[1]})).await;
    assert_eq!(late.story_of(&task).await, story[2..]);
    // Somebody else is told that it is not there, like a task that never was.
    let mut stranger = client.socket(Uuid::new_v4()).await;
    stranger.send(&json!({"type": "subscribe", "taskId": task})).await;
    let answer = stranger.next().await;
    assert_eq!((&answer["type"], &answer["data"]["code"]), (&json!("error"), &json!("TASK_NOT_FOUND")));
    assert_eq!(answer["data"]["taskId"], json!(task));
    let nowhere = Uuid::new_v4().to_string();
    stranger.send(&json!({"type": "subscribe", "taskId": nowhere})).await;
    let missing = stranger.next().await.to_string().replace(&nowhere, &task);
    let told = |answer: &str| answer.split_once("timestamp").unwrap().0.to_owned();
    assert_eq!(told(&missing), told(&answer.to_string()), "nobody learns whose it is");
    stranger.ping().await;
    assert_eq!(stranger.next().await["type"], "pong");
}

/// Makes `copies` copies of the only task, each changed a second after the other.
async fn multiply(home: &Home, copies: usize) {
    let database = format!("sqlite://{}", home.path("data/untxt.db").display());
    let database =
        Database::connect(ConnectOptions::new(database).max_connections(1).to_owned()).await.unwrap();
    let run = async |sql: String| database.execute_unprepared(&sql).await.unwrap();
    run("CREATE TEMP TABLE copies (n INTEGER PRIMARY KEY, id BLOB)".to_owned()).await;
    run(format!(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {copies}) \
         INSERT INTO copies SELECT n, randomblob(16) FROM c"
    ))
    .await;
    for (table, id, own) in
        [("runs", "id", ""), ("events", "run_id", "position"), ("tasks", "id", "updated_at")]
    {
        let columns = format!(
            "SELECT group_concat(name) FROM pragma_table_info('{table}') WHERE name NOT IN ('{id}', '{own}')"
        );
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, columns);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        let columns: String = row.try_get_by_index(0).unwrap();
        let (more, values) = match own {
            "updated_at" => {
                (", updated_at", ", strftime('%Y-%m-%dT%H:%M:%S+00:00', updated_at, n || ' seconds')")
            }
            _ => ("", ""),
        };
        let copied = run(format!(
            "INSERT INTO {table} ({id}, {columns}{more}) \
             SELECT copies.id, {columns}{values} FROM {table} CROSS JOIN copies"
        ))
        .await;
        assert!(copied.rows_affected() >= u64::try_from(copies).unwrap(), "{table}");
    }
    database.close().await.unwrap();
}

#[tokio::test]
async fn more_than_one_resume_tells_comes_in_parts_that_the_client_asks_for() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let since = client.socket(user).await.greeting["timestamp"].as_str().unwrap().to_owned();
    client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    assert_eq!(server.terminate().code(), Some(0));
    multiply(&home, 450).await;

    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let mut socket = client.try_socket(&format!("/ws?userId={user}&resume=true")).await.unwrap();
    let (mut parts, mut cursor, mut heard) = (Vec::new(), Value::Null, BTreeSet::new());
    let live = loop {
        socket.send(&json!({"type": "resume", "since": since, "seen": {}, "cursor": cursor})).await;
        let mut part = 0;
        let message = loop {
            let message = socket.next().await;
            if message["type"] != "task_update" {
                break message;
            }
            let new = heard.insert(message["data"]["taskId"].as_str().unwrap().to_owned());
            assert!(new, "twice: {message}");
            part += 1;
        };
        parts.push(part);
        if message["type"] == "resumed" {
            // What happens from here on is told, and not before.
            break client.accepted(Upload::new(user, "b.png", samples::picture(1))).await;
        }
        assert_eq!(message["type"], "resume_more");
        let about = message["data"]["message"].as_str().unwrap();
        assert!(about.contains("cursor") && about.contains("GET /api/tasks"), "{about}");
        cursor = message["data"]["cursor"].clone();
    };
    assert_eq!(parts, [200, 200, 51]);
    assert_eq!(socket.next().await["data"]["taskId"], json!(live));

    // One that does not ask on is not told the rest, nor what happens.
    let mut silent = client.resuming_socket(user, &since, &json!({})).await;
    for _ in 0..200 {
        assert_eq!(silent.next().await["type"], "task_update");
    }
    assert_eq!(silent.next().await["type"], "resume_more");
    silent.send(&json!({"type": "resume", "since": since, "cursor": "the next"})).await;
    let wrong = silent.next().await;
    assert_eq!(
        (&wrong["type"], &wrong["data"]["code"]),
        (&json!("error"), &json!("INVALID_FIELD")),
        "{wrong}"
    );
    assert_eq!(silent.closed().await.0, 1008);
}

#[tokio::test]
async fn who_listens_is_told_of_an_erased_task_whoever_erased_it() {
    let home = database::home().await;
    let (listening, erasing) =
        (Server::start(&home, &["serve", "--no-worker"]), Server::start(&home, &["serve"]));
    let (client, user) = (listening.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let mut stranger = client.socket(Uuid::new_v4()).await;
    let mut tasks = Vec::new();
    for name in ["a.png", "b.png"] {
        let task = erasing.client().accepted(Upload::new(user, name, samples::picture(1))).await;
        assert_eq!(socket.end_of(&task).await, "completed");
        tasks.push(task);
    }
    // By another process, and by the one that is listened to.
    for (task, by) in tasks.iter().zip([erasing.client(), client.clone()]) {
        assert_eq!(by.delete(&format!("/api/tasks/{task}")).await.status, 200);
        let told = socket.next().await;
        assert_eq!((&told["type"], &told["data"]), (&json!("task_erased"), &json!({"taskId": task})));
    }
    // Who was away meanwhile, and knows them, hears of it too.
    let seen = json!({ tasks[0].as_str(): 3, tasks[1].as_str(): 1 });
    let mut later = client.resuming_socket(user, "2026-01-01T00:00:00Z", &seen).await;
    let mut gone = BTreeSet::new();
    loop {
        let told = later.next().await;
        match told["type"].as_str().unwrap() {
            "task_erased" => {
                assert!(gone.insert(told["data"]["taskId"].as_str().unwrap().to_owned()), "{told}")
            }
            "resumed" => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(gone, tasks.into_iter().collect());
    stranger.ping().await;
    assert_eq!(stranger.next().await["type"], "pong", "a stranger hears nothing");
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
