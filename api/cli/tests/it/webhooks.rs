//! How a user's own server is told how a task ended.

use ring::hmac;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::receiver::{Received, Receiver, SILENCE, authority};
use crate::samples;
use crate::server::Server;

const NEW: &str = "the new secret of the two";
const OLD: &str = "the old secret of the two";

/// A home whose deliveries may go to this machine.
fn home() -> Home {
    Home::new()
        .with("UNTXT_WEBHOOK_SECRETS", &format!("{NEW},{OLD}"))
        .with("UNTXT_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8")
        .with("UNTXT_WEBHOOK_ATTEMPTS", &2)
}

fn upload(user: Uuid, receiver: &Receiver) -> Upload {
    Upload::new(user, "a.pdf", samples::pdf(1)).with("webhook", &receiver.url("/hook?token=for-my-eyes"))
}

async fn state(client: &Client, task: &str) -> Value {
    client.data(&format!("/api/tasks/{task}")).await["webhook"].clone()
}

async fn until_it_is(client: &Client, task: &str, status: &str) -> Value {
    let path = format!("/api/tasks/{task}");
    client.until(&path, |task| task["webhook"]["status"] == status).await["webhook"].clone()
}

/// As the HTTP guide has receivers check it.
fn assert_signed(received: &Received) {
    let header = &received.headers["untxt-signature"];
    let parts: Vec<(&str, &str)> = header.split(',').filter_map(|part| part.split_once('=')).collect();
    assert_eq!(parts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["t", "v1", "v1"], "{header}");
    let age = chrono::Utc::now().timestamp() - parts[0].1.parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{header}");
    let signed = [parts[0].1.as_bytes(), b".", &received.body].concat();
    for (secret, (_, signature)) in [NEW, OLD].iter().zip(&parts[1..]) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, &signed, &hex::decode(signature).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn each_end_is_told_once_signed_with_both_secrets() {
    let (home, mut receiver) = (home(), Receiver::start().await);
    home.install("refuse", "refuse");
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());

    let task = client.accepted(upload(user, &receiver)).await;
    let received = receiver.next().await;
    assert_signed(&received);
    assert_eq!(received.path, "/hook?token=for-my-eyes");
    let told = received.json();
    assert_eq!((&told["type"], &told["data"]["taskId"]), (&json!("task.completed"), &json!(task)));
    assert_eq!((&told["data"]["status"], &told["data"]["userId"]), (&json!("completed"), &json!(user)));
    assert_eq!(told["data"]["progress"], json!({"pagesDone": 1, "pagesTotal": 1}));
    assert!(told["data"]["result"]["textLength"].is_u64() && told["createdAt"].is_string(), "{told}");
    assert_eq!(received.headers["untxt-event"], "task.completed");
    assert_eq!(told["id"], received.headers["untxt-event-id"]);
    let delivered = until_it_is(&client, &task, "delivered").await;
    assert_eq!((&delivered["attempts"], &delivered["eventId"]), (&json!(1), &told["id"]));

    let failed = client.accepted(upload(user, &receiver).with("engine", "refuse")).await;
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["data"]["taskId"]), (&json!("task.failed"), &json!(failed)));
    assert_eq!(told["data"]["error"]["code"], "ENGINE_BAD_IMAGE", "{told}");
    let torn = Upload::new(user, "torn.pdf", samples::pdf_with_a_giant_page(2, 2));
    let options = json!({ "webhook": receiver.url("/from-options") }).to_string();
    let partial = client.accepted(torn.with("onPageFailure", "partial").with("options", &options)).await;
    let received = receiver.next().await;
    let told = received.json();
    assert_eq!((&told["type"], &told["data"]["taskId"]), (&json!("task.partial"), &json!(partial)));
    assert_eq!(
        (received.path.as_str(), &told["data"]["result"]["failedPages"]),
        ("/from-options", &json!([2]))
    );
    let slow = upload(user, &receiver).with("engine", "slow");
    let slow = client.accepted(slow.with("options", &json!({"settings": {"ms": 100_000}}))).await;
    assert_eq!(state(&client, &slow).await["status"], "waiting");
    assert_eq!(client.act(&format!("/api/tasks/{slow}/cancel")).await.status, 200);
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["data"]["taskId"]), (&json!("task.cancelled"), &json!(slow)));

    // An end that comes after a redrive is another end.
    assert_eq!(client.act(&format!("/api/tasks/{failed}/retry")).await.status, 200);
    let again = receiver.next().await.json();
    assert_eq!((&again["type"], &again["data"]["taskId"]), (&json!("task.failed"), &json!(failed)));
    until_it_is(&client, &failed, "delivered").await;
    assert!(receiver.nothing_came());
    // Deliveries are no tasks.
    assert_eq!(client.task_count(user).await, 4);
    let delivery = again["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/api/tasks/{delivery}/status")).await.status, 404);
    let log = std::fs::read_to_string(home.path("server.log")).unwrap();
    assert!(!log.contains("for-my-eyes") && !log.contains(NEW), "{log}");
}

#[tokio::test]
async fn what_is_not_taken_is_told_again_then_dead_then_redriven() {
    let (home, mut receiver) = (home(), Receiver::start().await);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    receiver.will_answer(&["500 Oops"]);
    let task = client.accepted(upload(user, &receiver)).await;
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert_eq!(first.body, second.body);
    assert_eq!(until_it_is(&client, &task, "delivered").await["attempts"], 2);

    receiver.will_answer(&["302 Found\r\nlocation: http://127.0.0.1:1/", "500 Oops"]);
    let task = client.accepted(upload(user, &receiver)).await;
    let failed = until_it_is(&client, &task, "failed").await;
    assert_eq!((&failed["attempts"], &failed["error"]["code"]), (&json!(2), &json!("WEBHOOK_STATUS")));
    let told = [receiver.next().await, receiver.next().await];
    assert_eq!(client.data(&format!("/api/tasks/{task}")).await["status"], "completed");
    let letters = client.data("/api/admin/dead-letters?workflow=webhook&state=waiting").await;
    let letter = &letters["deadLetters"][0];
    assert_eq!(
        (&letters["pagination"]["total"], &letter["step"]),
        (&json!(1), &json!("deliver")),
        "{letters}"
    );
    assert_eq!(letter["reason"]["kind"], "budget_spent", "{letter}");
    home.run(&["dead-letters", "redrive", letter["id"].as_str().unwrap()]).exits(0);
    let third = receiver.next().await;
    assert!(told.iter().all(|told| told.body == third.body), "the event is the same");
    assert_eq!(until_it_is(&client, &task, "delivered").await["attempts"], 3);

    receiver.will_answer(&["410 Gone"]);
    let task = client.accepted(upload(user, &receiver)).await;
    let gone = until_it_is(&client, &task, "failed").await;
    assert_eq!((&gone["attempts"], &gone["error"]["code"]), (&json!(1), &json!("WEBHOOK_GONE")));
    receiver.next().await;

    receiver.will_answer(&["503 Busy\r\nretry-after: 2"]);
    let task = client.accepted(upload(user, &receiver)).await;
    receiver.next().await;
    let asked = std::time::Instant::now();
    // Meanwhile its owner sees why it has not been told, and when it is tried again.
    let waiting = until_it_is(&client, &task, "retrying").await;
    assert_eq!((&waiting["attempts"], &waiting["error"]["code"]), (&json!(1), &json!("WEBHOOK_BUSY")));
    assert!(waiting["error"]["message"].as_str().unwrap().contains("503"), "{waiting}");
    assert!(waiting["nextAttemptAt"].is_string() && waiting["deliveredAt"].is_null(), "{waiting}");
    receiver.next().await;
    assert!(asked.elapsed() >= std::time::Duration::from_millis(1_900), "after {:?}", asked.elapsed());
    let delivered = until_it_is(&client, &task, "delivered").await;
    assert_eq!((&delivered["error"], &delivered["nextAttemptAt"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn a_delivery_outlives_its_worker_and_can_be_told_from_another() {
    let (home, mut receiver) = (home(), Receiver::start().await);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    receiver.will_answer(&[SILENCE]);
    let doomed = Server::start_worker(&home);
    let task = client.accepted(upload(user, &receiver)).await;
    let first = receiver.next().await;
    doomed.kill();
    let _other = Server::start_worker(&home);
    let second = receiver.next().await;
    assert_eq!(first.headers["untxt-event-id"], second.headers["untxt-event-id"]);
    assert_eq!(first.body, second.body);
    assert_eq!(until_it_is(&client, &task, "delivered").await["eventId"], second.json()["id"]);
    assert!(receiver.nothing_came());
}

#[tokio::test]
async fn nothing_is_told_to_addresses_that_are_not_public() {
    let receiver = Receiver::start().await;
    let secrets = format!("{NEW},{OLD}");
    let home = Home::new().with("UNTXT_WEBHOOK_SECRETS", &secrets);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let plain = |url: &str| Upload::new(user, "a.pdf", samples::pdf(1)).with("webhook", url);
    let refused = [
        "http://127.0.0.1:9/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/",
        "https://[fd00::1]/",
        "ftp://example.com/",
        "https://ann:secret@example.com/",
        "hook",
    ];
    for url in refused {
        let answer = client.upload(plain(url)).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{url}: {answer:?}");
        assert_eq!(answer.body["error"]["details"]["field"], "webhook", "{url}: {answer:?}");
        assert!(!answer.body.to_string().contains("secret@"), "{answer:?}");
        // What a name means here is for operators only.
        if url.contains("localhost") {
            let told = answer.body.to_string();
            assert!(!told.contains("127.0.0.1") && !told.contains("::1"), "{told}");
            let log = std::fs::read_to_string(server.log()).unwrap();
            assert!(log.contains("localhost") && (log.contains("127.0.0.1") || log.contains("::1")), "{log}");
        }
    }
    let unsigned = Home::new();
    let unsigned = Server::start(&unsigned, &["serve", "--no-worker"]);
    let answer = unsigned.client().upload(plain("https://example.com/")).await;
    assert!(answer.status == 400 && answer.body.to_string().contains("UNTXT_WEBHOOK_SECRETS"), "{answer:?}");

    // What one process let through another refuses, when it is about to dial.
    let (home, mut receiver) = (home.with("UNTXT_WEBHOOK_ALLOW_PRIVATE", "true"), receiver);
    let lax = Server::start(&home, &["serve", "--no-worker"]);
    let task = lax.client().accepted(plain(&receiver.url("/hook"))).await;
    let home = home.with("UNTXT_WEBHOOK_ALLOW_PRIVATE", "10.0.0.0/8");
    let _strict = Server::start_worker(&home);
    let failed = until_it_is(&lax.client(), &task, "failed").await;
    assert_eq!(
        (&failed["attempts"], &failed["error"]["code"]),
        (&json!(1), &json!("WEBHOOK_ADDRESS_REFUSED"))
    );
    assert!(receiver.nothing_came());
}

#[tokio::test]
async fn over_tls_the_receiver_has_to_be_who_the_url_names() {
    let mut receiver = Receiver::start_tls().await;
    let home = home().with("UNTXT_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8,::1/128");
    // Nobody vouches for it yet.
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let hook = |host: &str| {
        Upload::new(user, "a.pdf", samples::pdf(1)).with("webhook", &receiver.tls_url(host, "/hook"))
    };
    let (right, wrong) = (hook("localhost"), hook("127.0.0.1"));
    let task = client.accepted(right.clone()).await;
    let failed = until_it_is(&client, &task, "failed").await;
    assert_eq!((&failed["attempts"], &failed["error"]["code"]), (&json!(2), &json!("WEBHOOK_TLS")));
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("localhost") && message.contains("UnknownIssuer"), "{message}");
    assert_eq!(server.terminate().code(), Some(0));

    let home = home.with("SSL_CERT_FILE", &authority().display());
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let task = client.accepted(right).await;
    let received = receiver.next().await;
    assert_signed(&received);
    assert_eq!(received.json()["data"]["taskId"], json!(task));
    assert!(received.headers["host"].starts_with("localhost:"), "{received:?}");
    assert_eq!(until_it_is(&client, &task, "delivered").await["attempts"], 1);

    let task = client.accepted(wrong).await;
    let failed = until_it_is(&client, &task, "failed").await;
    assert_eq!((&failed["attempts"], &failed["error"]["code"]), (&json!(2), &json!("WEBHOOK_TLS")));
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("127.0.0.1") && message.contains("certificate"), "{message}");
    assert!(receiver.nothing_came(), "nothing is told to one who is not who the URL names");
    let letters = client.data("/api/admin/dead-letters?workflow=webhook&code=WEBHOOK_TLS").await;
    assert_eq!(letters["pagination"]["total"], 2, "{letters}");
    assert_eq!(letters["deadLetters"][0]["reason"]["kind"], "budget_spent", "{letters}");
}

#[tokio::test]
async fn what_was_put_and_completed_is_told_too() {
    let (home, mut receiver) = (home(), Receiver::start().await);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let file = samples::pdf(1);
    let announced = json!({"userId": user, "filename": "a.pdf", "bytes": file.len()});
    let begun = client.send_json("/api/uploads", &announced).await.body["data"].clone();
    assert_eq!(client.put(&begun, file).await, 200);
    let path = format!("/api/uploads/{}/complete", begun["uploadId"].as_str().unwrap());
    let refused = client.send_json(&path, &json!({"webhook": "http://10.0.0.1/"})).await;
    assert_eq!((refused.status, refused.code()), (400, "INVALID_FIELD"), "{refused:?}");
    let created = client.send_json(&path, &json!({"webhook": receiver.url("/put")})).await;
    assert_eq!(created.status, 201, "{created:?}");
    let task = created.body["data"]["taskId"].as_str().unwrap();
    let received = receiver.next().await;
    assert_signed(&received);
    let told = received.json();
    assert_eq!((received.path.as_str(), &told["type"]), ("/put", &json!("task.completed")));
    assert_eq!((&told["data"]["taskId"], &told["data"]["userId"]), (&json!(task), &json!(user)));
    until_it_is(&client, task, "delivered").await;
    assert!(receiver.nothing_came());
}
