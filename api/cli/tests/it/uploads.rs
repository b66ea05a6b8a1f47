//! Large files, which clients put into the store themselves.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::home::Home;
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn what_was_put_becomes_a_task_once() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let file = samples::padded_pdf(2, 6 << 20);
    let hash: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    let announced =
        json!({"userId": user, "filename": "../big book.pdf", "bytes": file.len(), "sha256": hash});
    let begun = client.send_json("/api/uploads", &announced).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let begun = &begun.body["data"];
    assert_eq!((&begun["method"], &begun["expiresIn"]), (&json!("PUT"), &json!(3600)));
    let path = format!("/api/uploads/{}/complete", begun["uploadId"].as_str().unwrap());
    let wishes = json!({"formats": ["txt", "html"], "priority": 7});

    let early = client.send_json(&path, &wishes).await;
    assert_eq!((early.status, early.code()), (409, "UPLOAD_NOT_THERE"), "{early:?}");
    assert_ne!(client.put(begun, b"too short".to_vec()).await, 200);
    assert_eq!(client.put(begun, file.clone()).await, 200);
    let foreign = client.send_json(&format!("{path}?userId={}", Uuid::new_v4()), &wishes).await;
    assert_eq!((foreign.status, foreign.code()), (404, "UPLOAD_NOT_FOUND"), "{foreign:?}");

    let mut socket = client.socket(user).await;
    let created = client.send_json(&path, &wishes).await;
    assert_eq!(created.status, 201, "{created:?}");
    let data = &created.body["data"];
    assert_eq!((&data["fileHash"], &data["fileSize"]), (&json!(hash), &json!(file.len())));
    assert_eq!(data["filename"], "big book.pdf");
    let task = data["taskId"].as_str().unwrap();
    assert_eq!(created.location, Some(format!("/api/tasks/{task}")));
    assert_eq!(socket.end_of(task).await, "completed");
    assert_eq!(home.objects(), 3, "the file and two formats; what was put is gone");

    let again = client.send_json(&path, &wishes).await;
    assert_eq!((again.status, &again.body["data"]["taskId"]), (200, &json!(task)), "{again:?}");
    let other = client.send_json(&path, &json!({"formats": ["md"]})).await;
    assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_KEY_REUSED"), "{other:?}");
    let with_key = async |wishes: &Value| {
        client.send_with(&path, &[("idempotency-key", "another")], &wishes.to_string()).await
    };
    let again = with_key(&wishes).await;
    assert_eq!((again.status, &again.body["data"]["taskId"]), (200, &json!(task)), "{again:?}");
    let other = with_key(&json!({"formats": ["md"]})).await;
    assert_eq!((other.status, other.code()), (409, "UPLOAD_COMPLETED"), "{other:?}");
    assert!(other.body["error"]["message"].as_str().unwrap().contains(task), "{other:?}");
    assert_eq!(client.task_count(user).await, 1);
    assert!(client.result(task).await.contains(&samples::first_line(2)));
}

#[tokio::test]
async fn what_is_not_as_announced_is_refused() {
    let home = Home::new().with("UNTXT_MAX_UPLOAD_BYTES", &100_000);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let file = samples::pdf(1);
    let begin = async |bytes: usize, hash: Value| {
        let announced = json!({"userId": user, "filename": "a.pdf", "bytes": bytes, "sha256": hash});
        client.send_json("/api/uploads", &announced).await
    };
    let wrong = begin(file.len(), json!("0".repeat(64))).await.body["data"].clone();
    assert_eq!(client.put(&wrong, file.clone()).await, 200);
    let path = format!("/api/uploads/{}/complete", wrong["uploadId"].as_str().unwrap());
    let answer = client.send_json(&path, &json!({})).await;
    assert_eq!((answer.status, answer.code()), (422, "UPLOAD_DIFFERS"), "{answer:?}");
    let text = begin(9, Value::Null).await.body["data"].clone();
    assert_eq!(client.put(&text, b"some text".to_vec()).await, 200);
    let path = format!("/api/uploads/{}/complete", text["uploadId"].as_str().unwrap());
    let answer = client.send_json(&path, &json!({})).await;
    assert_eq!((answer.status, answer.code()), (415, "DOCUMENT_UNSUPPORTED_TYPE"), "{answer:?}");

    let large = begin(100_001, Value::Null).await;
    assert_eq!((large.status, large.code()), (413, "FILE_TOO_LARGE"), "{large:?}");
    for (bytes, hash) in [(0, Value::Null), (9, json!("no hash"))] {
        let answer = begin(bytes, hash).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{answer:?}");
    }
    let unknown = client.send_json(&format!("/api/uploads/{}/complete", Uuid::new_v4()), &json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (404, "UPLOAD_NOT_FOUND"), "{unknown:?}");
    assert_eq!(client.task_count(user).await, 0);
}

#[tokio::test]
async fn an_upload_that_was_begun_can_be_given_up() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let file = samples::pdf(1);
    let announced = json!({"userId": user, "filename": "a.pdf", "bytes": file.len()});
    let begun = client.send_json("/api/uploads", &announced).await.body["data"].clone();
    assert_eq!(client.put(&begun, file.clone()).await, 200);
    let path = format!("/api/uploads/{}", begun["uploadId"].as_str().unwrap());
    let given_up = client.delete(&path).await;
    assert_eq!((given_up.status, &given_up.body["data"]["givenUp"]), (200, &json!(true)), "{given_up:?}");
    assert_eq!(home.objects(), 0, "what was put is gone");
    for answer in
        [client.delete(&path).await, client.send_json(&format!("{path}/complete"), &json!({})).await]
    {
        assert_eq!((answer.status, answer.code()), (404, "UPLOAD_NOT_FOUND"), "{answer:?}");
    }

    let begun = client.send_json("/api/uploads", &announced).await.body["data"].clone();
    assert_eq!(client.put(&begun, file).await, 200);
    let path = format!("/api/uploads/{}", begun["uploadId"].as_str().unwrap());
    assert_eq!(client.send_json(&format!("{path}/complete"), &json!({})).await.status, 201);
    let late = client.delete(&path).await;
    assert_eq!((late.status, late.code()), (409, "UPLOAD_COMPLETED"), "{late:?}");
}

#[tokio::test]
async fn a_hundred_uploads_that_were_begun_lock_nobody_out() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let announced = json!({"userId": user, "filename": "a.pdf", "bytes": 9});
    let mut last = String::new();
    for number in 0..100 {
        let begun = client.send_json("/api/uploads", &announced).await;
        assert_eq!(begun.status, 201, "{number}: {begun:?}");
        last = begun.body["data"]["uploadId"].as_str().unwrap().to_owned();
    }
    let full = client.send_json("/api/uploads", &announced).await;
    assert_eq!((full.status, full.code()), (429, "QUOTA_EXCEEDED"), "{full:?}");
    let wait: u64 = full.retry_after.unwrap().parse().unwrap();
    assert!((3_000..=3_600).contains(&wait), "until the oldest URL ends, not a day: {wait}");
    assert_eq!(client.delete(&format!("/api/uploads/{last}")).await.status, 200);
    assert_eq!(client.send_json("/api/uploads", &announced).await.status, 201);
}
