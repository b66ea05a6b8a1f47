//! Behind a proxy: which address a request is seen to come from, and where
//! links lead.

use std::fs;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// What a proxy sends that serves the server below `/ocr` of another site.
const FORWARDED: [(&str, &str); 4] = [
    ("x-forwarded-for", "198.51.100.1, 203.0.113.9"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "example.com"),
    ("x-forwarded-prefix", "/ocr"),
];

/// What the server logged for the request `id`.
fn logged(server: &Server, id: &str) -> String {
    let log = fs::read_to_string(server.log()).unwrap();
    log.lines().filter(|line| line.contains(id)).map(|line| format!("{line}\n")).collect()
}

async fn location(client: &Client, header: (&str, &str)) -> String {
    let upload = Upload::new(Uuid::new_v4(), "a.png", samples::picture(1));
    let answer = client.upload_with(header, upload).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.location.unwrap()
}

fn passing_on(client: &Client) -> Client {
    let headers =
        FORWARDED.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    client.always_sending(HeaderMap::from_iter(headers))
}

#[tokio::test]
async fn what_a_trusted_proxy_says_counts_in_links_and_in_the_log() {
    let home = Home::new().with("UNTXT_TRUSTED_PROXIES", "127.0.0.0/8");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = passing_on(&server.client());
    let location = location(&client, ("x-request-id", "proxy-1")).await;
    assert!(location.starts_with("/ocr/api/tasks/"), "{location}");
    let line = logged(&server, "proxy-1");
    assert!(line.contains("203.0.113.9") && !line.contains("198.51.100.1"), "{line}");
    let description = client.get("/api/openapi.json").await.body;
    assert_eq!(description["servers"], json!([{ "url": "https://example.com/ocr" }]));
    let own = client.send_with("/api/uploads", &[("origin", "https://example.com")], "{}").await;
    assert_eq!(own.status, 400, "a page of its own site was let in: {own:?}");
    let other = client.send_with("/api/uploads", &[("origin", "https://example.org")], "{}").await;
    assert_eq!(other.code(), "ORIGIN_NOT_ALLOWED", "{other:?}");
}

#[tokio::test]
async fn what_anybody_else_says_does_not() {
    let home = Home::new().with("UNTXT_TRUSTED_PROXIES", "192.0.2.0/24");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = passing_on(&server.client());
    let location = location(&client, ("x-request-id", "made-up")).await;
    assert!(location.starts_with("/api/tasks/"), "{location}");
    assert_eq!(logged(&server, "made-up"), "", "nobody gives requests the ids of others");
    assert_eq!(logged(&server, "203.0.113.9"), "");
    let description = client.get("/api/openapi.json").await.body;
    assert_eq!(description["servers"], json!([{ "url": server.base }]));
}

#[tokio::test]
async fn pages_of_the_public_url_are_the_servers_own_whatever_the_host() {
    const PUBLIC: &str = "https://ocr.example.com/scans";
    let home = Home::new().with("UNTXT_PUBLIC_URL", PUBLIC);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let ours = [("origin", "https://ocr.example.com")];
    let own = client.send_with("/api/uploads", &ours, "{}").await;
    assert_eq!((own.status, own.code()), (400, "MALFORMED_BODY"), "{own:?}");
    let operating = client.send_with("/api/admin/queues/pause", &ours, "{}").await;
    assert_eq!(operating.status, 200, "{operating:?}");
    let plain = client.send_with("/api/uploads", &[("origin", "http://ocr.example.com")], "{}").await;
    assert_eq!(plain.code(), "ORIGIN_NOT_ALLOWED", "another scheme is another site: {plain:?}");
    let socket = client.always_sending(HeaderMap::from_iter([(
        HeaderName::from_static("origin"),
        HeaderValue::from_static("https://ocr.example.com"),
    )]));
    assert_eq!(socket.get("/ws").await.code(), "INVALID_FIELD", "it is not refused for its page");
    let location = location(&client, ("x-nothing", "")).await;
    assert!(location.starts_with("/scans/api/tasks/"), "{location}");
}

#[tokio::test]
async fn the_description_is_read_below_any_path() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let page = server.client().get("/docs").await.body;
    for link in ["href=\"docs/reader.css\"", "src=\"docs/reader.js\"", "href=\"api/openapi.json\""] {
        assert!(page.as_str().unwrap().contains(link), "{link} in {page}");
    }
    let script = server.client().get("/docs/reader.js").await.body;
    assert!(script.as_str().unwrap().contains("fetch(\"api/openapi.json\")"), "{script}");
}
