//! Requests that are refused before their body is read, or because they would be
//! misread: the answer arrives, and says what is wrong.

use reqwest::multipart::{Form, Part};
use uuid::Uuid;

use crate::home::Home;
use crate::people::Person;
use crate::raw::Raw;
use crate::samples;
use crate::server::Server;

/// More than the kernels keep between two processes.
const BODY_BYTES: usize = 24 << 20;

async fn asked(server: &Server, head: &str) -> Raw {
    let mut raw = Raw::connect(&server.base).await;
    raw.send(head).await;
    raw
}

fn assert_answers(said: &str, status: u16, code: &str) {
    assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
    assert!(said.contains(&format!("\"{code}\"")) && said.contains("x-request-id: "), "{said}");
}

#[tokio::test]
async fn who_sends_on_without_listening_still_gets_the_answer() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let blind = Person::new(&home, "read");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let key = format!("authorization: Bearer {}\r\n", blind.key);
    let (tasks, object) = ("POST /api/tasks", "PUT /objects/untxt/uploads/a?X-Amz-Signature=00");
    let cases = [
        (tasks, String::new(), 401, "UNAUTHENTICATED"),
        (tasks, key.clone(), 403, "SCOPE_MISSING"),
        (tasks, format!("{key}content-encoding: gzip\r\n"), 415, "BODY_ENCODED"),
        (tasks, format!("{key}origin: https://evil.example\r\n"), 403, "ORIGIN_NOT_ALLOWED"),
        (object, String::new(), 403, "URL_NOT_SIGNED"),
        (object, "content-encoding: gzip\r\n".to_owned(), 415, "BODY_ENCODED"),
        ("PUT /nowhere", String::new(), 404, "NOT_FOUND"),
    ];
    for (what, headers, status, code) in cases {
        let head = format!(
            "{what} HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\n\
             content-length: {BODY_BYTES}\r\n{headers}\r\n"
        );
        let said = asked(&server, &head).await.unheeding(BODY_BYTES).await;
        assert_answers(&said, status, code);
        assert!(said.contains("connection: close"), "{said}");
    }
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_is_asked_for() {
    let home = Home::new().with("UNTXT_MAX_UPLOAD_BYTES", &(1 << 20));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let head = "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-type: multipart/form-data; boundary=b\r\ncontent-length: 9000000\r\n\r\n";
    assert_answers(&asked(&server, head).await.said().await, 413, "FILE_TOO_LARGE");
}

#[tokio::test]
async fn a_request_names_one_host() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    for hosts in ["", "host: a\r\nhost: b\r\n"] {
        let head = format!("GET /health HTTP/1.1\r\nconnection: close\r\n{hosts}\r\n");
        assert_answers(&asked(&server, &head).await.said().await, 400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn fields_under_other_names_are_refused_with_both_names() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let picture = || Part::bytes(samples::picture(1)).file_name("a.png");
    let user = Uuid::new_v4().to_string();
    let whole = || Form::new().part("file", picture()).text("userId", user.clone());
    let cases = [
        ("files[]", "file", Form::new().part("files[]", picture()).text("userId", user.clone())),
        ("document", "file", Form::new().part("document", picture()).text("userId", user.clone())),
        ("formats[]", "formats", whole().text("formats[]", "txt")),
        ("format", "formats", whole().text("format", "txt")),
        ("user_id", "userId", Form::new().text("user_id", user.clone()).part("file", picture())),
    ];
    for (came, expected, form) in cases {
        let answer = client.post(form).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{came}: {answer:?}");
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(came) && message.contains(&format!("`{expected}`")), "{message}");
    }
    assert_eq!(client.post(whole().text("csrf", "1")).await.status, 201, "other clients' fields are theirs");
}
