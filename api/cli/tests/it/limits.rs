//! What clients may not do: ask too much, too often, too deep, or from
//! elsewhere.

use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn who_uploads_too_often_is_told_when_to_come_back() {
    let home = Home::new().with("UNTXT_UPLOADS_PER_MINUTE", &2);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = || Upload::new(user, "a.png", samples::picture(1));
    let first = client.upload_once("one", upload()).await;
    client.accepted(upload()).await;
    let third = client.upload(upload()).await;
    assert_eq!((third.status, third.code()), (429, "RATE_LIMITED"), "{third:?}");
    let wait: u64 = third.retry_after.unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let repeated = client.upload_once("one", upload()).await;
    let id = |answer: &crate::client::Answer| answer.body["data"]["taskId"].clone();
    assert_eq!((repeated.status, id(&repeated)), (200, id(&first)));
    client.accepted(Upload::new(Uuid::new_v4(), "a.png", samples::picture(1))).await;
    assert_eq!(home.objects(), 3, "nothing is kept of what was refused");
    // What is erased was begun all the same.
    let erased = client.delete(&format!("/api/tasks/{}", id(&first).as_str().unwrap())).await;
    assert_eq!(erased.status, 200, "{erased:?}");
    let fourth = client.upload(upload()).await;
    assert_eq!((fourth.status, fourth.code()), (429, "RATE_LIMITED"), "{fourth:?}");
    assert_eq!(client.task_count(user).await, 1);
}

#[tokio::test]
async fn who_has_enough_under_way_has_to_wait() {
    let home = Home::new().with("UNTXT_TASKS_IN_FLIGHT_MAX", &1);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = || Upload::new(user, "a.png", samples::picture(1));
    let first = client.accepted(upload()).await;
    let second = client.upload(upload()).await;
    assert_eq!((second.status, second.code()), (429, "QUOTA_EXCEEDED"), "{second:?}");
    assert!(second.retry_after.is_some());
    client.act(&format!("/api/tasks/{first}/cancel")).await;
    client.accepted(upload()).await;
}

#[tokio::test]
async fn too_large_and_too_deep_is_not_read() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let deep = format!("{{\"settings\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let upload = Upload::new(user, "a.png", samples::picture(1)).with("options", deep.as_str());
    let answer = client.upload(upload).await;
    assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{answer:?}");
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("deeper"), "{answer:?}");
    let long = json!({"tenant": "x".repeat(20 << 10)});
    let answer = client.send_json("/api/admin/queues/pause", &long).await;
    assert_eq!((answer.status, answer.code()), (413, "PAYLOAD_TOO_LARGE"), "{answer:?}");
    let heavy = "x".repeat(64 << 10);
    let answer = client.send_with("/api/uploads", &[("x-heavy", heavy.as_str())], "{}").await;
    assert_eq!(answer.status, 431, "{answer:?}");
}

#[tokio::test]
async fn pages_of_other_sites_are_let_in_by_the_list_only() {
    const LISTED: &str = "https://app.example.com";
    let home = Home::new().with("UNTXT_CORS_ORIGINS", LISTED);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let task = client.accepted(Upload::new(Uuid::new_v4(), "a.png", samples::picture(1))).await;
    let cancel = format!("/api/tasks/{task}/cancel");

    let foreign = client.send_with(&cancel, &[("origin", "https://evil.example.com")], "").await;
    assert_eq!((foreign.status, foreign.code()), (403, "ORIGIN_NOT_ALLOWED"), "{foreign:?}");
    let asked = client.preflight(&cancel, LISTED).await;
    assert_eq!((asked.0, asked.1.as_deref()), (204, Some(LISTED)));
    assert_eq!(client.preflight(&cancel, "https://evil.example.com").await.1, None);
    let admin = client.send_with("/api/admin/queues/pause", &[("origin", LISTED)], "{}").await;
    assert_eq!(
        (admin.status, admin.code()),
        (403, "ORIGIN_NOT_ALLOWED"),
        "no list lets one operate: {admin:?}"
    );
    let listed = client.send_with(&cancel, &[("origin", LISTED)], "").await;
    assert_eq!(listed.status, 200, "{listed:?}");

    let told = |origin: &'static str| {
        let page = client.always_sending(HeaderMap::from_iter([(
            HeaderName::from_static("origin"),
            origin.parse().unwrap(),
        )]));
        async move { page.headers("/health").await }
    };
    let headers = told(LISTED).await;
    assert_eq!(headers["access-control-allow-origin"], LISTED);
    assert_eq!(headers["vary"], "origin");
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("x-request-id") && exposed.contains("location"), "{exposed}");
    let headers = told("https://evil.example.com").await;
    assert!(
        !headers.contains_key("access-control-allow-origin") && headers["vary"] == "origin",
        "{headers:?}"
    );
}

#[tokio::test]
async fn answers_tell_browsers_what_not_to_do_with_them() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    for path in ["/health", "/api/tasks", "/nowhere", "/docs"] {
        let headers = client.headers(path).await;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(headers.contains_key("x-request-id"), "{path}");
    }
    assert_eq!(client.headers("/api/tasks").await["cache-control"], "no-store");
    let nowhere = client.get("/nowhere").await;
    assert_eq!((nowhere.status, nowhere.code()), (404, "NOT_FOUND"), "{nowhere:?}");
}

#[tokio::test]
async fn the_interface_describes_itself_and_needs_nobody_else() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let description = client.get("/api/openapi.json").await.body;
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/api/tasks"]["post"]["responses"]["429"].is_object());
    for path in ["/docs", "/docs/reader.js", "/docs/reader.css"] {
        let answer = client.get(path).await;
        let Value::String(text) = &answer.body else { panic!("{path}: {answer:?}") };
        assert_eq!(answer.status, 200, "{path}");
        assert!(!text.contains("://"), "{path} leads elsewhere");
    }
    assert_eq!(client.get("/docs/nothing.js").await.status, 404);
}
