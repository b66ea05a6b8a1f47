//! Documents that the server fetches from a URL.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Answer, Client, Upload};
use crate::document_server::{DocumentServer, Page};
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// A home whose documents may come from this machine.
fn home() -> Home {
    Home::new().with("UNTXT_FETCH_ALLOW_PRIVATE", "127.0.0.1/32")
}

fn task_id(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["data"]["taskId"].as_str().unwrap().to_owned()
}

async fn submit(client: &Client, user: Uuid, url: &str) -> String {
    let body = json!({ "userId": user, "url": url, "formats": ["txt"] });
    task_id(&client.send_json("/api/tasks", &body).await)
}

async fn ended(client: &Client, task: &str) -> Value {
    let is_over = |task: &Value| ["completed", "failed"].iter().any(|end| task["status"] == *end);
    client.until(&format!("/api/tasks/{task}"), is_over).await
}

#[tokio::test]
async fn a_document_at_a_url_is_a_task_like_any_other() {
    let (home, mut web) = (home(), DocumentServer::start().await);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let document = samples::pdf(2);
    web.put("/reports/Jahres%20bericht.pdf?token=for-your-eyes", Page::Document(document.clone()));
    let url = web.url("/reports/Jahres%20bericht.pdf?token=for-your-eyes");

    let body = json!({ "userId": user, "url": url, "formats": ["txt", "pdf"], "priority": 7 });
    let headers = [("idempotency-key", "report")];
    let created = client.send_with("/api/tasks", &headers, &body.to_string()).await;
    let task = task_id(&created);
    assert_eq!(created.location, Some(format!("/api/tasks/{task}")));
    let data = &created.body["data"];
    assert_eq!((&data["filename"], &data["fileHash"]), (&json!("Jahres bericht.pdf"), &json!(null)));

    let done = ended(&client, &task).await;
    assert_eq!((&done["status"], &done["progress"]["pagesDone"]), (&json!("completed"), &json!(2)), "{done}");
    assert_eq!((&done["mimeType"], &done["fileSize"]), (&json!("application/pdf"), &json!(document.len())));
    assert_eq!(done["fileHash"].as_str().unwrap().len(), 64);
    assert_eq!(home.objects(), 3, "the document and two results");
    let upload = Upload::new(user, "a.pdf", document).with("formats", "txt");
    let uploaded = client.accepted(upload).await;
    assert_eq!(ended(&client, &uploaded).await["fileHash"], done["fileHash"]);
    assert_eq!(client.result(&task).await, client.result(&uploaded).await);

    // The same request is the same task; the document is not fetched again.
    let again = client.send_with("/api/tasks", &headers, &body.to_string()).await;
    assert_eq!((again.status, &again.body["data"]["taskId"]), (200, &json!(task)));
    web.next().await;
    assert!(web.nobody_asked());
    let other = json!({ "userId": user, "url": web.url("/other.pdf") });
    let reused = client.send_with("/api/tasks", &headers, &other.to_string()).await;
    assert_eq!((reused.status, reused.code()), (409, "IDEMPOTENCY_KEY_REUSED"), "{reused:?}");

    // A form says the same, with a name of its own.
    let form = reqwest::multipart::Form::new().text("userId", user.to_string()).text("url", url);
    let task = task_id(&client.post(form.text("filename", "2026.pdf").text("pages", "2")).await);
    let done = ended(&client, &task).await;
    assert_eq!(
        (&done["filename"], &done["progress"]["pagesTotal"]),
        (&json!("2026.pdf"), &json!(1)),
        "{done}"
    );
    assert_eq!(server.terminate().code(), Some(0));
    let log = std::fs::read_to_string(home.path("server.log")).unwrap();
    assert!(!log.contains("for-your-eyes"), "{log}");
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[tokio::test]
async fn a_url_that_cant_be_fetched_is_refused_or_ends_the_task_with_the_reason() {
    let web = DocumentServer::start().await;
    let home = home().with("UNTXT_MAX_UPLOAD_BYTES", "100000").with("UNTXT_FETCH_SECONDS", "1");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    for (url, reason) in [
        ("http://10.0.0.1/a.pdf", "UNTXT_FETCH_ALLOW_PRIVATE"),
        ("http://169.254.169.254/latest/meta-data", "not public"),
        ("http://93.184.216.34/a.pdf", "https"),
        ("file:///etc/passwd", "only https and http"),
        ("https://ann:secret@example.com/a.pdf", "password"),
        ("letter.pdf", "not a URL"),
    ] {
        let refused = client.send_json("/api/tasks", &json!({ "userId": user, "url": url })).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_FIELD"), "{url}: {refused:?}");
        assert!(refused.body["error"]["message"].as_str().unwrap().contains(reason), "{url}: {refused:?}");
    }
    let typo = json!({ "userId": user, "url": web.url("/"), "format": ["txt"] });
    assert_eq!(client.send_json("/api/tasks", &typo).await.code(), "MALFORMED_BODY");
    assert_eq!(client.send_json("/api/tasks", &json!({ "userId": user })).await.code(), "INVALID_FIELD");
    let upload = Upload::new(user, "a.pdf", samples::pdf(1)).with("url", &web.url("/"));
    assert_eq!(client.upload(upload).await.code(), "INVALID_FIELD");
    assert_eq!(client.task_count(user).await, 0);

    let head = samples::pdf(1);
    web.put("/page.html", Page::Document(b"<!doctype html><title>Sign in</title>".repeat(50)));
    web.put("/endless.pdf", Page::Endless(head.clone()));
    web.put("/locked.pdf", Page::Status("403 Forbidden".to_owned()));
    web.redirect("/inside.pdf", "http://127.0.0.2:1/secret.pdf");
    web.redirect("/nowhere.pdf", "gopher://example.com/");
    web.redirect("/loop.pdf", "/loop.pdf");
    for (path, code) in [
        ("/missing.pdf", "URL_STATUS"),
        ("/locked.pdf", "URL_STATUS"),
        ("/page.html", "DOCUMENT_UNSUPPORTED_TYPE"),
        ("/endless.pdf", "FILE_TOO_LARGE"),
        ("/inside.pdf", "URL_ADDRESS_REFUSED"),
        ("/nowhere.pdf", "URL_REDIRECTS"),
        ("/loop.pdf", "URL_REDIRECTS"),
    ] {
        let task = submit(&client, user, &web.url(path)).await;
        let failed = ended(&client, &task).await;
        let got = (&failed["status"], &failed["error"]["code"], &failed["attempt"]);
        assert_eq!(got, (&json!("failed"), &json!(code), &json!(1)), "{path}: {failed}");
    }
    // What may pass is tried again, and says why meanwhile.
    web.put("/slow.pdf", Page::Stalling(head));
    let task = submit(&client, user, &web.url("/slow.pdf")).await;
    let path = format!("/api/tasks/{task}");
    let waits = client.until(&path, |task| task["status"] == "retrying").await;
    let history = client.data(&format!("{path}/history")).await.to_string();
    assert!(history.contains("URL_TIMEOUT") && history.contains("UNTXT_FETCH_SECONDS"), "{waits} {history}");
    web.put("/slow.pdf", Page::Document(samples::pdf(1)));
    assert_eq!(ended(&client, &task).await["status"], "completed");
    // Of those that failed nothing is kept but their rows.
    assert_eq!(home.objects(), 2);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[tokio::test]
async fn redirects_are_followed() {
    let (home, mut web) = (home(), DocumentServer::start().await);
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    web.redirect("/short", "/a/long");
    web.redirect("/a/long", &web.url("/a/signed.pdf"));
    web.put("/a/signed.pdf", Page::Document(samples::pdf(1)));
    let task = submit(&client, Uuid::new_v4(), &web.url("/short")).await;
    assert_eq!(ended(&client, &task).await["status"], "completed");
    assert_eq!(
        [web.next().await, web.next().await, web.next().await],
        ["/short", "/a/long", "/a/signed.pdf"]
    );
}

#[tokio::test]
async fn a_fetch_that_is_cut_off_begins_again_and_what_is_stored_is_not_fetched_again() {
    let (home, mut web) = (home(), DocumentServer::start().await);
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    web.put("/a.pdf", Page::Stalling(samples::pdf(1)));
    let body = json!({ "userId": user, "url": web.url("/a.pdf"), "engine": "refuse", "formats": ["txt"] });
    let task = task_id(&client.send_json("/api/tasks", &body).await);
    web.next().await;
    server.kill();

    web.put("/a.pdf", Page::Document(samples::pdf(1)));
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let failed = ended(&client, &task).await;
    assert_eq!(failed["error"]["code"], "ENGINE_BAD_IMAGE", "{failed}");
    web.next().await;
    assert_eq!(home.objects(), 1);

    // The document may have changed or be gone: the task keeps the one it has.
    web.put("/a.pdf", Page::Status("410 Gone".to_owned()));
    let letter = client.data("/api/admin/dead-letters?state=waiting").await["deadLetters"][0]["id"].clone();
    let redrive = ["dead-letters", "redrive", letter.as_str().unwrap(), "--from-step", "download"];
    home.run(&[&redrive[..], &["--engine", "simulated-qwen3"]].concat()).exits(0);
    let path = format!("/api/tasks/{task}");
    let done = client.until(&path, |task| task["status"] == "completed").await;
    assert_eq!(done["fileHash"], failed["fileHash"]);
    assert!(web.nobody_asked());
    assert_eq!(home.objects(), 2);
}

#[tokio::test]
async fn a_task_that_is_erased_while_it_fetches_leaves_nothing() {
    let (home, mut web) = (home(), DocumentServer::start().await);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    web.put("/a.pdf", Page::Stalling(samples::pdf(1)));
    let task = submit(&client, user, &web.url("/a.pdf")).await;
    web.next().await;
    assert_eq!(client.delete(&format!("/api/tasks/{task}")).await.status, 200);
    assert_eq!(client.task_count(user).await, 0);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!((home.objects(), home.temporary_files()), (0, Vec::new()));
}
