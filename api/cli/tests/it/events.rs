//! One task's events as a stream.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn a_stream_tells_what_the_socket_tells_and_ends_with_the_task() {
    let home = Home::new();
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let upload = Upload::new(user, "a.pdf", samples::pdf(4)).with("engine", "slow");
    let task = client.accepted(upload.with("options", &json!({"settings": {"ms": 20}}))).await;
    // From the beginning, while it runs.
    let stream = client.events(&task, "").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let told = lines(&stream.text().await.unwrap());
    let heard = socket.story_of(&task).await;
    assert_eq!(told.iter().map(|(_, message)| message.clone()).collect::<Vec<_>>(), heard);
    for (id, message) in &told {
        assert_eq!(message["data"]["seq"].as_u64(), Some(*id));
    }

    for at in 0..told.len() {
        let last = told[at].0;
        let rest = client.events(&task, &last.to_string()).await;
        if at + 1 == told.len() {
            assert_eq!(rest.status(), 204, "whoever has heard of the end need not come back");
        } else {
            assert_eq!(lines(&rest.text().await.unwrap()), told[at + 1..], "after {last}");
        }
    }
    let query = client.get(&format!("/api/tasks/{task}/events?afterSeq={}", told[0].0)).await;
    assert_eq!(lines(query.body.as_str().unwrap()), told[1..]);
}

#[tokio::test]
async fn what_can_not_be_followed_says_so() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let unknown = client.get(&format!("/api/tasks/{}/events", Uuid::new_v4())).await;
    assert_eq!((unknown.status, unknown.code()), (404, "TASK_NOT_FOUND"), "{unknown:?}");
    let task = client.accepted(Upload::new(Uuid::new_v4(), "a.png", samples::picture(1))).await;
    let wrong = client.events(&task, "yesterday").await;
    assert_eq!(wrong.status(), 400);

    // Nothing happens, and the stream stands until the server goes.
    let mut stream = client.events(&task, "").await;
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b":"), "{first:?}");
    let mut rest = Vec::new();
    while !rest.ends_with(b"\n\n") {
        rest.extend_from_slice(&stream.chunk().await.unwrap().unwrap());
    }
    assert_eq!(server.terminate().code(), Some(0));
    while let Ok(Some(chunk)) = stream.chunk().await {
        rest.extend_from_slice(&chunk);
    }
    let told = lines(&String::from_utf8(rest).unwrap());
    assert_eq!(told.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1]);
}

/// Ids and messages of a stream, comments apart.
fn lines(stream: &str) -> Vec<(u64, Value)> {
    let events = stream.split("\n\n").filter(|event| event.contains("data: "));
    let field = |event: &str, name: &str| {
        let line =
            event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{event}"));
        line.to_owned()
    };
    let read = |event: &str| {
        assert_eq!(field(event, "event: "), "task_update");
        let message = serde_json::from_str(&field(event, "data: ")).unwrap();
        (field(event, "id: ").parse().unwrap(), message)
    };
    events.map(read).collect()
}
