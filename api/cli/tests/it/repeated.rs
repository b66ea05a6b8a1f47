//! Requests that are repeated under one key: the same gives the same task, any
//! other field is refused.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::samples;
use crate::server::Server;

fn home() -> Home {
    let home = Home::new()
        .with("UNTXT_WEBHOOK_SECRETS", "a secret that is long enough")
        .with("UNTXT_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8");
    home.install("slow", "slow");
    home
}

const HOOK: &str = "http://127.0.0.1:9/hook";

/// Each field of a form, and what it may say instead of what it said at first.
fn others() -> Vec<(&'static str, Value)> {
    let options = |more: Value| {
        let mut options = json!({"dpi": 200, "color": true, "languages": ["de"], "settings": {"a": 1}});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        options
    };
    vec![
        ("priority", json!(8)),
        ("engine", json!("simulated-qwen3")),
        ("formats", json!(["txt"])),
        ("formats", json!(["txt", "html"])),
        ("pages", json!("1")),
        ("onPageFailure", json!("fail")),
        ("webhook", json!("http://127.0.0.1:9/other")),
        ("options", options(json!({"dpi": 150}))),
        ("options", options(json!({"color": false}))),
        ("options", options(json!({"languages": ["de", "en"]}))),
        ("options", options(json!({"settings": {"a": 2}}))),
        ("options", json!({})),
    ]
}

/// All fields but the file, as they are at first.
fn first() -> Value {
    json!({
        "priority": 7, "engine": "slow", "formats": ["html", "txt"], "pages": "1-2", "onPageFailure": "partial",
        "webhook": HOOK,
        "options": {"dpi": 200, "color": true, "languages": ["de"], "settings": {"a": 1}},
    })
}

fn with(name: &str, value: &Value) -> Value {
    let mut fields = first();
    fields[name] = value.clone();
    fields
}

fn form(user: Uuid, name: &str, fields: &Value) -> Upload {
    let upload = Upload::new(user, name, samples::pdf(2));
    let names = ["priority", "engine", "formats", "pages", "onPageFailure", "webhook", "options"];
    names.into_iter().fold(upload, |upload, name| {
        let text = match &fields[name] {
            Value::String(text) => text.clone(),
            Value::Array(list) => {
                list.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        upload.with(name, &text)
    })
}

#[tokio::test]
async fn a_form_with_any_other_field_is_409_and_the_same_is_the_same_task() {
    let home = home();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let created = client.upload_once("key", form(user, "a.pdf", &first())).await;
    assert_eq!(created.status, 201, "{created:?}");
    for (name, value) in others() {
        let other = client.upload_once("key", form(user, "a.pdf", &with(name, &value))).await;
        assert_eq!(
            (other.status, other.code()),
            (409, "IDEMPOTENCY_KEY_REUSED"),
            "{name} {value}: {other:?}"
        );
    }
    let renamed = client.upload_once("key", form(user, "b.pdf", &first())).await;
    assert_eq!((renamed.status, renamed.code()), (409, "IDEMPOTENCY_KEY_REUSED"), "{renamed:?}");
    let again = client.upload_once("key", form(user, "a.pdf", &first())).await;
    assert_eq!((again.status, &again.body["data"]["taskId"]), (200, &created.body["data"]["taskId"]));
    assert_eq!(client.task_count(user).await, 1);
}

async fn put(client: &Client, user: Uuid) -> String {
    let file = samples::pdf(2);
    let announced = json!({"userId": user, "filename": "a.pdf", "bytes": file.len()});
    let begun = client.send_json("/api/uploads", &announced).await.body["data"].clone();
    assert_eq!(client.put(&begun, file).await, 200);
    format!("/api/uploads/{}/complete", begun["uploadId"].as_str().unwrap())
}

#[tokio::test]
async fn an_upload_that_is_completed_with_any_other_field_is_409_with_and_without_a_key() {
    let home = home();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let (keyed, other_upload, unkeyed) =
        (put(&client, user).await, put(&client, user).await, put(&client, user).await);
    let key = [("idempotency-key", "key")];
    for (path, headers) in [(&keyed, &key[..]), (&unkeyed, &[])] {
        let created = client.send_with(path, headers, &first().to_string()).await;
        assert_eq!(created.status, 201, "{created:?}");
        for (name, value) in others() {
            let other = client.send_with(path, headers, &with(name, &value).to_string()).await;
            assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_KEY_REUSED"), "{name}: {other:?}");
        }
        let again = client.send_with(path, headers, &first().to_string()).await;
        assert_eq!((again.status, &again.body["data"]["taskId"]), (200, &created.body["data"]["taskId"]));
    }
    // The key is the user's, whichever upload it comes with.
    let changed = with("priority", &json!(1)).to_string();
    let other = client.send_with(&other_upload, &key, &changed).await;
    assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_KEY_REUSED"), "{other:?}");
    assert_eq!(client.send_with(&other_upload, &key, &first().to_string()).await.status, 200);
    assert_eq!(client.task_count(user).await, 2);
}

#[tokio::test]
async fn a_repetition_is_the_same_task_though_it_would_not_be_taken_any_more() {
    let home = home();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let created = client.upload_once("key", form(user, "a.pdf", &first())).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(server.terminate().code(), Some(0));
    // The operator allows no such webhook now.
    let home = home.with("UNTXT_WEBHOOK_ALLOW_PRIVATE", "10.0.0.0/8");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let again = server.client().upload_once("key", form(user, "a.pdf", &first())).await;
    assert_eq!(
        (again.status, &again.body["data"]["taskId"]),
        (200, &created.body["data"]["taskId"]),
        "{again:?}"
    );
}
