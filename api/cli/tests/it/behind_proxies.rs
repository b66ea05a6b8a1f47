//! Behind nginx and Caddy as the operations guide configures them: what is refused
//! early arrives as what it is, sockets and streams go through, and every link
//! leads back through the proxy.

use std::fs;
use std::net::IpAddr;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::people::Person;
use crate::proxy::{Kind, Proxy, free_address};
use crate::samples;
use crate::server::Server;
use crate::socket::Socket;

/// More than the kernels and the proxies keep.
const BODY_BYTES: usize = 24 << 20;

/// How often each refusal is tried: a lost answer is a matter of luck.
const TIMES: usize = 15;

/// A proxy that is believed, as the guide has it.
async fn in_front(kind: Kind, server: &Server) -> Proxy {
    Proxy::start(kind, free_address(), &kind.as_in_the_guide(&server.base)).await
}

fn trusting() -> Home {
    Home::new().with("UNTXT_TRUSTED_PROXIES", "127.0.0.1")
}

/// Sends a body of that many bytes from another address of this machine's; the
/// status and the code of the answer.
async fn sent(url: &str, from: &str, headers: &[(&str, &str)], bytes: usize) -> (u16, String, HeaderMap) {
    let from: IpAddr = from.parse().unwrap();
    let client = reqwest::Client::builder().local_address(from).build().unwrap();
    let mut request = client.post(url).body(vec![b'x'; bytes]);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
    (status, body["error"]["code"].as_str().unwrap_or("no code").to_owned(), headers)
}

#[tokio::test]
async fn what_is_refused_early_arrives_as_what_it_is() {
    for kind in Kind::installed() {
        let home = trusting()
            .with("UNTXT_AUTH", "api-key")
            .with("UNTXT_AUTH_FAILURES_PER_MINUTE", &(2 * TIMES))
            .with("UNTXT_MAX_UPLOAD_BYTES", &(1 << 20));
        let (person, blind) = (Person::new(&home, "submit,read"), Person::new(&home, "read"));
        let server = Server::start(&home, &["serve", "--no-worker"]);
        let proxy = in_front(kind, &server).await;
        let url = format!("{}/ocr/api/tasks", proxy.base);
        let (key, blind) = (format!("Bearer {}", person.key), format!("Bearer {}", blind.key));
        let form = ("content-type", "multipart/form-data; boundary=b");
        // Whoever tries keys is somebody else than those that have one, and comes first:
        // what was tried is forgotten in time.
        for _ in 0..=2 * TIMES {
            sent(&url, "127.0.0.3", &[("authorization", "Bearer untxt_wrong")], 1).await;
        }
        let in_address = format!("{url}?token=t");
        let cases = [
            (
                url.as_str(),
                "127.0.0.3",
                vec![form, ("authorization", "Bearer untxt_other")],
                429,
                "AUTH_RATE_LIMITED",
            ),
            (&in_address, "127.0.0.2", vec![form], 400, "TOKEN_IN_URL"),
            (&url, "127.0.0.2", vec![form], 401, "UNAUTHENTICATED"),
            (&url, "127.0.0.2", vec![form, ("authorization", &blind)], 403, "SCOPE_MISSING"),
            (&url, "127.0.0.2", vec![form, ("origin", "https://evil.example")], 403, "ORIGIN_NOT_ALLOWED"),
            (&url, "127.0.0.2", vec![form, ("authorization", &key)], 413, "FILE_TOO_LARGE"),
            (&url, "127.0.0.2", vec![("authorization", &key)], 413, "FILE_TOO_LARGE"),
            (&url, "127.0.0.2", vec![form, ("content-encoding", "gzip")], 415, "BODY_ENCODED"),
        ];
        for (url, from, headers, status, code) in cases {
            for time in 0..TIMES {
                let answer = sent(url, from, &headers, BODY_BYTES).await;
                let said = (answer.0, answer.1.as_str());
                assert_eq!(said, (status, code), "{kind:?}, {time}");
                assert!(answer.2.contains_key("x-request-id"), "{kind:?}: {:?}", answer.2);
            }
        }
        let log = fs::read_to_string(server.log()).unwrap();
        for client in ["client=127.0.0.2", "client=127.0.0.3"] {
            assert!(log.contains(client), "{kind:?}: {client} is not in the log");
        }
    }
}

#[tokio::test]
async fn every_link_leads_back_through_the_proxy_and_large_files_go_through() {
    for kind in Kind::installed() {
        let home = trusting();
        let server = Server::start(&home, &["serve"]);
        let proxy = in_front(kind, &server).await;
        let seen = format!("{}/ocr", proxy.base);
        let (client, user) = (Client::new(&seen), Uuid::new_v4());

        let description = client.get("/api/openapi.json").await.body;
        assert_eq!(description["servers"], json!([{ "url": seen }]), "{kind:?}");
        let page = client.get("/docs").await.body;
        for link in page.as_str().unwrap().split('"').filter(|link| link.starts_with("docs/")) {
            assert_eq!(client.get(&format!("/{link}")).await.status, 200, "{kind:?}: {link}");
        }

        let mut socket = client.socket(user).await;
        let upload = Upload::new(user, "large.pdf", samples::padded_pdf(2, 40 << 20));
        let answer = client.upload(upload.with("formats", "json")).await;
        assert_eq!(answer.status, 201, "{kind:?}: {answer:?}");
        let location = answer.location.unwrap();
        let task = answer.body["data"]["taskId"].as_str().unwrap();
        assert_eq!(location, format!("/ocr/api/tasks/{task}"), "{kind:?}");
        assert_eq!(Client::new(&proxy.base).get(&location).await.status, 200, "{kind:?}");
        assert_eq!(socket.end_of(task).await, "completed", "{kind:?}");

        let told = client.data(&format!("/api/tasks/{task}/result")).await;
        let url = told["resultUrl"].as_str().unwrap();
        assert!(url.starts_with(&format!("{seen}/objects/")), "{kind:?}: {url}");
        let whole = reqwest::get(url).await.unwrap().bytes().await.unwrap();
        assert_eq!(json!(whole.len()), told["bytes"], "{kind:?}");
        let content = format!("{seen}/api/tasks/{task}/result/content");
        let part = reqwest::Client::new().get(&content).header("range", "bytes=5-9").send().await.unwrap();
        assert_eq!(part.status(), 206, "{kind:?}");
        assert_eq!(part.headers()["content-range"], format!("bytes 5-9/{}", whole.len()).as_str());
        assert_eq!(part.bytes().await.unwrap(), whole[5..10], "{kind:?}");

        let file = samples::padded_pdf(1, 40 << 20);
        let announced = json!({"userId": user, "filename": "put.pdf", "bytes": file.len()});
        let begun = client.send_json("/api/uploads", &announced).await.body["data"].clone();
        assert!(begun["url"].as_str().unwrap().starts_with(&seen), "{kind:?}: {begun}");
        assert_eq!(client.put(&begun, file).await, 200, "{kind:?}");
        let path = format!("/api/uploads/{}/complete", begun["uploadId"].as_str().unwrap());
        let created = client.send_json(&path, &json!({})).await;
        assert_eq!(created.status, 201, "{kind:?}: {created:?}");
        let put = created.body["data"]["taskId"].as_str().unwrap();
        assert_eq!(created.location, Some(format!("/ocr/api/tasks/{put}")), "{kind:?}");
        assert_eq!(socket.end_of(put).await, "completed", "{kind:?}");
    }
}

#[tokio::test]
async fn sockets_and_streams_say_what_happens_when_it_happens() {
    for kind in Kind::installed() {
        // Nobody works: a stream that a proxy gathers would say nothing.
        let home = trusting();
        let server = Server::start(&home, &["serve", "--no-worker"]);
        let proxy = in_front(kind, &server).await;
        let (client, user) = (Client::new(&format!("{}/ocr", proxy.base)), Uuid::new_v4());
        let own = Socket::of_page(&client.socket_url(&format!("/ws?userId={user}")), &proxy.base).await;
        let mut own = own.expect("a page of the proxy's own site is let in");
        let evil = client.socket_url(&format!("/ws?userId={user}"));
        assert_eq!(Socket::of_page(&evil, "https://evil.example").await.err(), Some(403), "{kind:?}");
        let posted = client.send_with("/api/uploads", &[("origin", &proxy.base)], "{}").await;
        assert_eq!((posted.status, posted.code()), (400, "MALFORMED_BODY"), "{kind:?}: {posted:?}");

        let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
        assert_eq!(own.next().await["data"]["taskId"], json!(task), "{kind:?}");
        let mut stream = client.events(&task, "").await;
        assert_eq!(stream.status(), 200, "{kind:?}");
        let mut told = String::new();
        while !told.contains("\"queued\"") {
            told.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
        assert_eq!(client.act(&format!("/api/tasks/{task}/cancel")).await.status, 200, "{kind:?}");
        let mut rest = String::new();
        while !rest.contains("\"cancelled\"") {
            rest.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn a_public_url_says_it_for_a_proxy_that_says_nothing() {
    for kind in Kind::installed() {
        let listen = free_address();
        let site = format!("http://{listen}");
        let home = Home::new().with("UNTXT_PUBLIC_URL", &site);
        let server = Server::start(&home, &["serve", "--no-worker"]);
        let unnamed = Home::new();
        let unnamed = Server::start(&unnamed, &["serve", "--no-worker"]);
        let mut said = Vec::new();
        for server in [&server, &unnamed] {
            let proxy = Proxy::start(kind, listen, &kind.plain(&server.base)).await;
            let (client, user) = (Client::new(&proxy.base), Uuid::new_v4());
            let posted = client.send_with("/api/uploads", &[("origin", &site)], "{}").await;
            let socket = Socket::of_page(&client.socket_url(&format!("/ws?userId={user}")), &site).await;
            said.push((posted.status, posted.code().to_owned(), socket.err()));
        }
        let let_in = (400, "MALFORMED_BODY".to_owned(), None);
        let refused = (403, "ORIGIN_NOT_ALLOWED".to_owned(), Some(403));
        assert_eq!(said, [let_in, refused], "{kind:?}: nobody knows the site that is not named");
    }
}
