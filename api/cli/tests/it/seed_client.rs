//! A client that knows the first description of the interface and nothing
//! else.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn an_upload_is_answered_followed_and_downloaded() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let mut stranger = client.socket(Uuid::new_v4()).await;

    let document = samples::pdf(2);
    let upload = Upload::new(user, "document.pdf", document.clone()).with("priority", &5);
    let created = client.upload(upload).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.body["success"], true);
    assert!(created.request_id.is_some());
    let data = &created.body["data"];
    assert_eq!(keys(data), CREATED);
    let (task, file) = (text(data, "taskId"), text(data, "fileId"));
    assert_eq!(created.location, Some(format!("/api/tasks/{task}")));
    assert_eq!(data["filename"], "document.pdf");
    assert_eq!(data["fileSize"], document.len());
    assert_eq!(data["mimeType"], "application/pdf");
    assert_eq!(data["fileHash"], sha256(&document));
    assert_eq!(data["status"], "queued");
    assert_eq!(data["queuePosition"], 1);
    let created_at = text(data, "createdAt");
    assert_is_time(&created_at);
    assert_eq!(data["s3Key"], format!("uploads/{user}/{}/{file}/document.pdf", &created_at[..7]));

    let heard = socket.story_of(&task).await;
    assert_is_the_story(&heard);
    let result_key = format!("results/{user}/{}/{file}/result.html", &created_at[..7]);
    let result = &heard.last().unwrap()["data"]["result"];
    assert_eq!(keys(result), ["confidence", "s3_result_key", "text_length"]);
    assert_eq!(result["s3_result_key"], result_key);
    assert!(result["text_length"].as_u64().unwrap() > 40, "{result}");

    let answer = client.data(&format!("/api/tasks/{task}/result")).await;
    for key in ["expiresIn", "filename", "resultUrl", "taskId"] {
        assert!(keys(&answer).contains(&key), "{key} is not in {answer}");
    }
    assert_eq!((&answer["taskId"], &answer["filename"]), (&json!(task), &json!("document.pdf")));
    assert_eq!(answer["expiresIn"], 3600);
    assert!(text(&answer, "resultUrl").contains("X-Amz-Signature="), "{answer}");
    assert_is_the_result(&client.result(&task).await);

    socket.ping().await;
    assert_eq!(socket.next().await["type"], "pong");
    stranger.ping().await;
    let only = stranger.next().await;
    assert_eq!(only["type"], "pong", "somebody else's task was told of: {only}");
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(home.temporary_files(), [""; 0]);
}

/// What the first clients know of it.
fn pagination(list: &Value) -> Value {
    let known = ["total", "limit", "offset", "hasMore"];
    known.into_iter().map(|name| (name.to_owned(), list["pagination"][name].clone())).collect()
}

#[tokio::test]
async fn tasks_are_listed_newest_first_and_shown_one_by_one() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let mut tasks = Vec::new();
    for name in ["one.png", "two.png", "three.png"] {
        let task = client.accepted(Upload::new(user, name, samples::picture(2))).await;
        assert_eq!(socket.end_of(&task).await, "completed");
        tasks.push(task);
    }
    let foreign = client.accepted(Upload::new(Uuid::new_v4(), "x.png", samples::picture(1))).await;

    let list = client.data(&format!("/api/tasks?userId={user}&limit=2&offset=0")).await;
    assert_eq!(ids(&list), [tasks[2].as_str(), &tasks[1]]);
    assert_eq!(pagination(&list), json!({"total": 3, "limit": 2, "offset": 0, "hasMore": true}));
    let rest = client.data(&format!("/api/tasks?userId={user}&limit=2&offset=2")).await;
    assert_eq!(ids(&rest), [tasks[0].as_str()]);
    assert_eq!(pagination(&rest), json!({"total": 3, "limit": 2, "offset": 2, "hasMore": false}));
    let queued = client.data(&format!("/api/tasks?userId={user}&status=queued")).await;
    assert_eq!(ids(&queued), [""; 0]);
    assert!(!tasks.contains(&foreign));

    let task = client.data(&format!("/api/tasks/{}", tasks[0])).await;
    assert_eq!((&task["taskId"], &task["status"]), (&json!(tasks[0]), &json!("completed")));
    assert_eq!(task["progress"], json!({"pagesDone": 1, "pagesTotal": 1}));
    assert!(text(&task, "resultUrl").starts_with("http://"), "{task}");
    let status = client.data(&format!("/api/tasks/{}/status", tasks[0])).await;
    assert_eq!(keys(&status), ["attempt", "progress", "source", "status", "step", "taskId"]);
    assert_eq!((&status["status"], &status["source"]), (&json!("completed"), &json!("database")));

    let health = client.get("/health").await;
    assert_eq!(health.status, 200, "{health:?}");
}

#[tokio::test]
async fn what_is_not_there_or_not_done_says_so() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let unknown = Uuid::new_v4();
    for path in ["", "/status", "/result"] {
        let answer = client.get(&format!("/api/tasks/{unknown}{path}")).await;
        assert_eq!((answer.status, answer.code()), (404, "TASK_NOT_FOUND"), "{path}: {answer:?}");
        assert_eq!(answer.body["success"], false);
        assert!(answer.body["error"]["message"].is_string());
    }
    let user = Uuid::new_v4();
    let first = client.upload(Upload::new(user, "a.png", samples::picture(1))).await;
    let second = client.upload(Upload::new(user, "b.png", samples::picture(1))).await;
    assert_eq!(first.body["data"]["queuePosition"], 1);
    assert_eq!(second.body["data"]["queuePosition"], 2);
    let task = text(&first.body["data"], "taskId");
    let answer = client.get(&format!("/api/tasks/{task}/result")).await;
    assert_eq!((answer.status, answer.code()), (409, "TASK_NOT_COMPLETED"), "{answer:?}");
    let status = client.data(&format!("/api/tasks/{task}/status")).await;
    assert_eq!((&status["taskId"], &status["status"]), (&json!(task), &json!("queued")));
}

/// Fields of the answer to an upload, sorted.
const CREATED: [&str; 10] = [
    "createdAt",
    "fileHash",
    "fileId",
    "fileSize",
    "filename",
    "mimeType",
    "queuePosition",
    "s3Key",
    "status",
    "taskId",
];

/// Queued, then processing, then completed, in order and each in the known form.
fn assert_is_the_story(heard: &[Value]) {
    for message in heard {
        assert_eq!(keys(message), ["data", "timestamp", "type"], "{message}");
        assert_is_time(&text(message, "timestamp"));
    }
    let mut story: Vec<(String, String)> = heard
        .iter()
        .map(|message| (text(&message["data"], "status"), text(&message["data"], "message")))
        .collect();
    story.dedup_by(|later, earlier| later.0 == earlier.0);
    let expected = [
        ("queued", "Task queued for processing"),
        ("processing", "OCR processing started"),
        ("completed", "OCR processing completed successfully"),
    ];
    assert_eq!(story, expected.map(|(status, message)| (status.to_owned(), message.to_owned())));
    let seqs: Vec<u64> = heard.iter().map(|message| message["data"]["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
}

fn assert_is_the_result(html: &str) {
    for part in [
        "<title>OCR Result</title>",
        "<h1>Extracted Text</h1>",
        "<div class=\"metadata\">",
        "<p>Confidence: ",
        "<p>Language: ",
    ] {
        assert!(html.contains(part), "{part} is not in\n{html}");
    }
    for number in 1..=2 {
        assert!(html.contains(&samples::first_line(number)), "page {number} is not in\n{html}");
    }
    assert!(html.to_lowercase().contains("simulated"), "it does not say that it is simulated:\n{html}");
}

fn assert_is_time(text: &str) {
    let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    assert_eq!(time.to_utc().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(), text);
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn ids(list: &Value) -> Vec<&str> {
    list["tasks"].as_array().unwrap().iter().map(|task| task["taskId"].as_str().unwrap()).collect()
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no text `{name}` in {object}")).to_owned()
}
