//! A client that knows what came after the first description: chosen pages and
//! formats, keys for repetition, updates that are told again.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn pages_and_formats_are_chosen() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let upload =
        Upload::new(user, "book.pdf", samples::pdf(6)).with("pages", "2-3,5").with("formats", "txt,json");
    let task = client.accepted(upload).await;
    assert_eq!(socket.end_of(&task).await, "completed");

    let text = client.result(&task).await;
    let found: Vec<usize> = (1..=6).filter(|&number| text.contains(&samples::first_line(number))).collect();
    assert_eq!(found, [2, 3, 5], "{text}");
    let json: Value =
        serde_json::from_str(&client.result_at(&format!("/api/tasks/{task}/result?format=json")).await)
            .unwrap();
    assert_eq!(json["pages"].as_array().unwrap().len(), 3);
    let missing = client.get(&format!("/api/tasks/{task}/result?format=html")).await;
    assert_eq!((missing.status, missing.code()), (404, "FORMAT_NOT_AVAILABLE"), "{missing:?}");
}

#[tokio::test]
async fn a_repeated_request_is_the_same_task() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let upload = |lines| Upload::new(user, "a.png", samples::picture(lines));
    let first = client.upload_once("key-1", upload(1)).await;
    let again = client.upload_once("key-1", upload(1)).await;
    assert_eq!((first.status, again.status), (201, 200), "{again:?}");
    assert_eq!(first.body["data"]["taskId"], again.body["data"]["taskId"]);
    let other = client.upload_once("key-1", upload(2)).await;
    assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_KEY_REUSED"), "{other:?}");
    let foreign = Upload { user: Uuid::new_v4(), ..upload(1) };
    assert_eq!(client.upload_once("key-1", foreign).await.status, 201, "keys are each user's own");
    assert_eq!(client.task_count(user).await, 1);
    assert_eq!(home.objects(), 2);
}

#[tokio::test]
async fn a_failing_page_is_named_and_the_others_are_there() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let document = || samples::pdf_with_a_giant_page(3, 2);
    let partial =
        client.accepted(Upload::new(user, "a.pdf", document()).with("onPageFailure", "partial")).await;
    assert_eq!(socket.end_of(&partial).await, "partial");
    let html = client.result(&partial).await;
    assert!(html.contains("Page 2 could not be recognised: PAGE_TOO_LARGE"), "{html}");
    assert!(html.contains(&samples::first_line(1)) && html.contains(&samples::first_line(3)), "{html}");
    let shown = client.data(&format!("/api/tasks/{partial}")).await;
    assert_eq!(shown["result"]["failedPages"], json!([2]));

    let strict = client.accepted(Upload::new(user, "a.pdf", document())).await;
    assert_eq!(socket.end_of(&strict).await, "failed");
    let shown = client.data(&format!("/api/tasks/{strict}")).await;
    assert_eq!(shown["error"]["code"], "PAGE_TOO_LARGE");
    // Every page of it dies: there is nothing to be partial with.
    let upload =
        Upload::new(user, "b.pdf", samples::pdf(2)).with("onPageFailure", "partial").with("engine", "refuse");
    let nothing = client.accepted(upload).await;
    assert_eq!(socket.end_of(&nothing).await, "failed");
}

#[tokio::test]
async fn what_was_missed_is_told_again_to_its_owner_alone() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(2))).await;
    let heard = socket.story_of(&task).await;

    let subscribe = json!({"type": "subscribe", "taskId": task, "afterSeq": heard[0]["data"]["seq"]});
    let mut late = client.socket(user).await;
    late.send(&subscribe).await;
    assert_eq!(late.story_of(&task).await, heard[1..]);
    let mut stranger = client.socket(Uuid::new_v4()).await;
    stranger.send(&subscribe).await;
    let answer = stranger.next().await;
    assert_eq!((&answer["type"], &answer["data"]["code"]), (&json!("error"), &json!("TASK_NOT_FOUND")));
    assert_eq!(answer["data"]["taskId"], json!(task));
    stranger.ping().await;
    assert_eq!(stranger.next().await["type"], "pong");
}

#[tokio::test]
async fn lists_say_how_many_pages_of_each_task_are_done() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", "1");
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let done = client.accepted(Upload::new(user, "done.pdf", samples::pdf(3))).await;
    assert_eq!(socket.end_of(&done).await, "completed");
    let slow = Upload::new(user, "slow.pdf", samples::pdf(2)).with("engine", "slow");
    let slow = client.accepted(slow.with("options", &json!({"settings": {"ms": 100_000}}))).await;
    socket.until(&slow, |data| data["step"] == "ocr").await;

    let listed = client.data(&format!("/api/tasks?userId={user}")).await["tasks"].clone();
    let progress = |task: &Value| (task["taskId"].clone(), task["progress"].clone());
    let expected = [
        (json!(slow), json!({"pagesDone": 0, "pagesTotal": 2})),
        (json!(done), json!({"pagesDone": 3, "pagesTotal": 3})),
    ];
    assert_eq!(listed.as_array().unwrap().iter().map(progress).collect::<Vec<_>>(), expected);
    for (task, progress) in &expected {
        let alone = client.data(&format!("/api/tasks/{}", task.as_str().unwrap())).await;
        assert_eq!(&alone["progress"], progress);
    }
    let shown = home.run(&["tasks", "list", "--json"]).exits(0).json()["tasks"].clone();
    assert_eq!(shown.as_array().unwrap().iter().map(progress).collect::<Vec<_>>(), expected);
    let shown = home.run(&["tasks", "list"]).exits(0).stdout;
    let line = |name: &str| shown.lines().find(|line| line.ends_with(name)).unwrap().to_owned();
    let pages = |name: &str| line(name).split_whitespace().skip(3).take(2).collect::<Vec<_>>().join("/");
    assert_eq!((pages("done.pdf"), pages("slow.pdf")), ("3/3".to_owned(), "0/2".to_owned()), "{shown}");
}
