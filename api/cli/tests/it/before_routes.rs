//! What never gets as far as a route is answered like everything else: in JSON,
//! with an id by which it stands in the log.

use std::fs;

use serde_json::Value;

use crate::home::Home;
use crate::raw::Raw;
use crate::server::Server;

/// The answers on one connection after `sent`, until the server closes it.
async fn answers(server: &Server, sent: &str) -> Vec<(u16, String, Value)> {
    let mut raw = Raw::connect(&server.base).await;
    raw.send(sent).await;
    let said = raw.said().await;
    let heads = said.match_indices("HTTP/1.1 ").map(|(at, _)| at).chain([said.len()]).collect::<Vec<_>>();
    heads.windows(2).map(|between| answer(&said[between[0]..between[1]])).collect()
}

fn answer(text: &str) -> (u16, String, Value) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}"));
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{name} is missing: {text}")).to_owned()
    };
    assert_eq!(header("content-length"), body.len().to_string(), "{text}");
    assert!(header("content-type").starts_with("application/json"), "{text}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{text}");
    assert!(header("date").ends_with(" GMT"), "{text}");
    let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    (head[9..12].parse().unwrap(), header("x-request-id"), body)
}

#[tokio::test]
async fn what_is_no_request_gets_an_answer_that_stands_in_the_log() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let line = "GET /health HTTP/1.1\r\nhost: a\r\n";
    let long = "x".repeat(64 << 10);
    let many: String = (0..80).map(|number| format!("x-{number}: y\r\n")).collect();
    let cases = [
        ("\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), 400, "BAD_REQUEST"),
        ("GET /a b HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 400, "BAD_REQUEST"),
        ("GET / HTTP/7.3\r\nhost: a\r\n\r\n".to_owned(), 400, "BAD_REQUEST"),
        (format!("{line}not a header\r\n\r\n"), 400, "BAD_REQUEST"),
        (format!("{line}content-length: 1\r\ncontent-length: 2\r\n\r\n"), 400, "BAD_REQUEST"),
        (format!("{line}content-length: -1\r\n\r\n"), 400, "BAD_REQUEST"),
        (format!("{line}{many}\r\n"), 431, "HEAD_TOO_LARGE"),
        (format!("{line}x-long: {long}\r\n\r\n"), 431, "HEAD_TOO_LARGE"),
        (format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"), 414, "URI_TOO_LONG"),
        ("GET /health HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(), 400, "BAD_REQUEST"),
    ];
    for (sent, status, code) in cases {
        let asked = sent.chars().take(60).collect::<String>();
        let all = answers(&server, &sent).await;
        let [(said, id, body)] = all.as_slice() else { panic!("{asked}: {all:?}") };
        assert_eq!((*said, body["error"]["code"].as_str()), (status, Some(code)), "{asked}: {body}");
        assert_eq!(body["success"], false, "{asked}: {body}");
        let log = fs::read_to_string(server.log()).unwrap();
        let line = log.lines().find(|line| line.contains(id.as_str()));
        let line = line.unwrap_or_else(|| panic!("{asked}: {id} is not in the log"));
        assert!(line.contains(&format!("status={status}")) && line.contains("127.0.0.1"), "{line}");
    }
    let counted = server.client().get("/metrics").await.body;
    let told = r#"untxt_http_requests_total{route="none",method="other",status="431"} 2"#;
    assert!(counted.as_str().unwrap().contains(told), "{counted}");
}

#[tokio::test]
async fn what_follows_a_request_is_answered_after_it() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let good = "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n";
    let all = answers(&server, &format!("{good}{good}no request at all\r\n\r\n")).await;
    let said: Vec<_> =
        all.iter().map(|(status, _, body)| (*status, body["error"]["code"].as_str().unwrap())).collect();
    assert_eq!(said, [(404, "NOT_FOUND"), (404, "NOT_FOUND"), (400, "BAD_REQUEST")]);
    let mut ids: Vec<_> = all.into_iter().map(|(_, id, _)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn half_a_head_is_answered_when_its_time_is_over() {
    let home = Home::new().with("UNTXT_CLIENT_TIMEOUT_MS", &400);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let worker = Server::start_worker(&home);
    for base in [&server.base, worker.watched.as_ref().unwrap()] {
        let mut raw = Raw::connect(base).await;
        raw.send("GET /health HTTP/1.1\r\nhost: a\r\n").await;
        let (status, _, body) = answer(&raw.said().await);
        assert_eq!((status, &body["error"]["code"]), (408, &"REQUEST_TOO_SLOW".into()), "{body}");
        // Who says nothing is told nothing, before a request and after one.
        assert_eq!(Raw::connect(base).await.said().await, "");
        let mut raw = Raw::connect(base).await;
        raw.send("GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(answer(&raw.said().await).0, 404);
    }
}
