//! Every route that takes GET, as the description lists them: what it answers is
//! as described, HEAD answers the same without a body, and what is long is
//! compressed for whoever takes that.

use std::io::Read;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::console;
use crate::home::Home;
use crate::people::Person;
use crate::samples;
use crate::schema::Description;
use crate::server::Server;

/// What is there to be asked for.
struct World {
    server: Server,
    task: String,
    user: Uuid,
    object: String,
    letter: String,
    redrive: String,
    console: String,
}

impl World {
    /// A task that ended partially, what died of it, and an operator who saw to
    /// that.
    async fn new(home: &Home) -> Self {
        home.install("refuse", "refuse");
        Person::new(home, "read");
        let server = Server::start(home, &["serve"]);
        let (client, user) = (server.client(), Uuid::new_v4());
        let mut socket = client.socket(user).await;
        let torn = Upload::new(user, "torn.pdf", samples::pdf_with_a_giant_page(3, 2));
        let torn = torn.with("onPageFailure", "partial").with("formats", "json,html");
        let task = client.accepted(torn).await;
        assert_eq!(socket.end_of(&task).await, "partial");
        let refused = Upload::new(user, "book.pdf", samples::pdf(1)).with("engine", "refuse");
        let refused = client.accepted(refused).await;
        assert_eq!(socket.end_of(&refused).await, "failed");
        let letters = client.data(&format!("/api/admin/dead-letters?run={task}")).await;
        let all = json!({ "filter": { "run": refused }, "reason": "nobody wants it" });
        let redrive = client.send_json("/api/admin/dead-letters/discard", &all).await;
        assert_eq!(redrive.status, 202, "{redrive:?}");
        let url = client.data(&format!("/api/tasks/{task}/result")).await["resultUrl"].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            letter: text(&letters["deadLetters"][0]["id"]),
            redrive: text(&redrive.body["data"]["id"]),
            console: console::file(&client, "console.css").await,
            object: text(&url).replace(&server.base, ""),
            server,
            task,
            user,
        }
    }

    /// The path of a route, with what there is in place of names.
    fn filled(&self, route: &str) -> String {
        let path = match route {
            "/" | "/ws" => format!("{route}?userId={}", self.user),
            "/console/{version}/{file}" => self.console.clone(),
            "/docs/{file}" => "/docs/reader.js".to_owned(),
            "/objects/{key}" => self.object.clone(),
            "/api/tasks" => format!("{route}?userId={}", self.user),
            "/api/tasks/{id}/search" => format!("/api/tasks/{}/search?q=run", self.task),
            _ if route.starts_with("/api/tasks/{id}") => {
                route.replace("{id}", &self.task).replace("{page}", "1")
            }
            _ if route.starts_with("/api/admin/dead-letters/{id}") => route.replace("{id}", &self.letter),
            _ if route.starts_with("/api/admin/redrives/{id}") => route.replace("{id}", &self.redrive),
            _ => route.to_owned(),
        };
        assert!(!path.contains('{'), "say here what {route} is asked for");
        path
    }

    async fn asked(&self, method: Method, path: &str) -> (u16, HeaderMap, Vec<u8>) {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.server.base));
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.bytes().await.unwrap().to_vec())
    }
}

/// The headers that two answers to the same have in common: ids and times differ,
/// and what is not sent is not sent in chunks.
fn lasting(headers: &HeaderMap, with_length: bool) -> Vec<(String, String)> {
    let own = ["x-request-id", "date", "transfer-encoding"];
    let mut lasting: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| {
            let value =
                if name == "content-length" && !with_length { "some" } else { value.to_str().unwrap() };
            (name.to_string(), value.to_owned())
        })
        .collect();
    lasting.sort();
    lasting
}

#[tokio::test]
async fn every_get_is_answered_as_described_and_head_says_the_same() {
    let home = Home::new();
    let world = World::new(&home).await;
    let document = world.server.client().get("/api/openapi.json").await.body;
    let routes = document["paths"].as_object().unwrap().clone();
    let description = Description(document);
    let (mut described, mut wrong) = (0, Vec::new());
    for (route, methods) in routes.iter().filter(|(_, methods)| methods.get("get").is_some()) {
        let path = world.filled(route);
        let (status, headers, body) = world.asked(Method::GET, &path).await;
        let (head_status, head_headers, nothing) = world.asked(Method::HEAD, &path).await;
        let (_, again, _) = world.asked(Method::GET, &path).await;
        assert!(nothing.is_empty(), "HEAD {path}: {nothing:?}");
        assert_eq!(head_status, status, "HEAD {path}");
        // Counters go on between two requests.
        let is_steady = headers.get("content-length") == again.get("content-length");
        assert_eq!(lasting(&head_headers, is_steady), lasting(&headers, is_steady), "HEAD {path}");
        assert!(head_headers.contains_key("x-request-id"), "HEAD {path}");

        let answers = &methods["get"]["responses"];
        let answer = &answers[status.to_string()];
        assert!(answer.is_object(), "{route} is not described to answer {status}: {answers}");
        let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
        let kind = kind.split(';').next().unwrap();
        let content = &answer["content"];
        let told = content.get(kind).or_else(|| content.get("*/*"));
        let told = told.unwrap_or_else(|| panic!("{route} is not described to answer {kind}: {content}"));
        if kind == "application/json" {
            let body: Value = serde_json::from_slice(&body).unwrap();
            let problems = description.problems(&told["schema"], &body);
            wrong.extend(problems.into_iter().map(|problem| format!("{route}: {problem}")));
            described += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(described > 12, "{described}");
}

#[tokio::test]
async fn a_range_is_not_asked_of_head_and_a_socket_not_opened() {
    let home = Home::new();
    let world = World::new(&home).await;
    let path = format!("{}/api/tasks/{}/result/content", world.server.base, world.task);
    let client = reqwest::Client::new();
    let whole = client.head(&path).header("range", "bytes=1-2").send().await.unwrap();
    assert_eq!((whole.status().as_u16(), whole.headers().contains_key("content-range")), (200, false));
    let socket = client
        .head(format!("{}/ws?userId={}", world.server.base, world.user))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(socket.send().await.unwrap().status(), 400);
    let refused = client.delete(format!("{}/api/tasks", world.server.base)).send().await.unwrap();
    assert_eq!(refused.status(), 405);
    let allowed = refused.headers()["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("HEAD"), "{allowed}");
}

#[tokio::test]
async fn a_workers_own_listener_takes_head() {
    let home = Home::new();
    let worker = Server::start_worker(&home);
    let watched = worker.watched.clone().unwrap();
    for path in ["/health", "/ready", "/metrics", "/status"] {
        let answer = reqwest::Client::new().head(format!("{watched}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
        assert!(length > 0, "{path}");
        assert!(answer.bytes().await.unwrap().is_empty(), "{path}");
    }
    let nowhere = reqwest::Client::new().head(format!("{watched}/nowhere")).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
}

/// What gzip makes of it.
fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_is_long_is_compressed_for_whoever_takes_that() {
    let home = Home::new();
    let world = World::new(&home).await;
    let asked = async |path: &str, encodings: &str| {
        let request = reqwest::Client::new().get(format!("{}{path}", world.server.base));
        let answer = request.header("accept-encoding", encodings).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let headers = answer.headers().clone();
        (headers, answer.bytes().await.unwrap().to_vec())
    };
    let history = format!("/api/tasks/{}/history", world.task);
    for path in [history.as_str(), "/api/openapi.json", "/docs/reader.js"] {
        let (plain_headers, plain) = asked(path, "identity").await;
        let (headers, bytes) = asked(path, "br, gzip;q=0.8").await;
        assert!(plain.len() > 1_024, "{path}");
        assert!(!plain_headers.contains_key("content-encoding"), "{path}");
        assert_eq!(headers["content-encoding"], "gzip", "{path}");
        for headers in [&plain_headers, &headers] {
            assert_eq!(headers["vary"], "accept-encoding", "{path}");
        }
        assert_eq!(headers["content-length"], bytes.len().to_string().as_str(), "{path}");
        assert!(bytes.len() < plain.len(), "{path}: {} of {}", bytes.len(), plain.len());
        assert_eq!(unzipped(&bytes), plain, "{path}");
        let (refused, same) = asked(path, "gzip;q=0, *").await;
        assert!(!refused.contains_key("content-encoding") && same == plain, "{path}");
    }
    let (headers, counted) = asked("/metrics", "gzip").await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert!(String::from_utf8(unzipped(&counted)).unwrap().contains("untxt_runs_ended_total"));
    // Files and streams stand as they are, and what is short is not worth it.
    let (task, object) = (&world.task, &world.object);
    let content = format!("/api/tasks/{task}/result/content");
    for path in [content.as_str(), object, &format!("/api/tasks/{task}/events"), "/health"] {
        let (headers, _) = asked(path, "gzip").await;
        assert!(!headers.contains_key("content-encoding"), "{path}");
    }
}

#[tokio::test]
async fn counters_are_for_operators_at_both_listeners() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let (operator, user) = (Person::new(&home, "operate"), Person::new(&home, "submit,read"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let worker = Server::start_worker(&home);
    for (base, path) in [
        (server.base.as_str(), "/metrics"),
        (worker.watched.as_deref().unwrap(), "/metrics"),
        (worker.watched.as_deref().unwrap(), "/status"),
    ] {
        let door = Client::new(base);
        let nobody = door.get(path).await;
        assert_eq!((nobody.status, nobody.code()), (401, "UNAUTHENTICATED"), "{base}{path}: {nobody:?}");
        let denied = door.presenting(&user.key).get(path).await;
        assert_eq!((denied.status, denied.code()), (403, "SCOPE_MISSING"), "{base}{path}: {denied:?}");
        assert_eq!(door.presenting(&operator.key).get(path).await.status, 200, "{base}{path}");
        for open in ["/health", "/ready"] {
            assert_eq!(door.get(open).await.status, 200, "{open} is for probes");
        }
    }
}
