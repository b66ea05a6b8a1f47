//! Uploads that are refused: each with its code, and nothing is left.

use reqwest::multipart::{Form, Part};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::{Home, names};
use crate::samples;
use crate::server::Server;

const LIMIT_BYTES: usize = 64 << 10;

#[tokio::test]
async fn files_that_can_not_be_read_are_refused_before_there_is_a_task() {
    let home = Home::new().with("UNTXT_MAX_UPLOAD_BYTES", &LIMIT_BYTES);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let cases = [
        ("empty.pdf", Vec::new(), 400, "DOCUMENT_EMPTY"),
        ("notes.txt", b"just some text".to_vec(), 415, "DOCUMENT_UNSUPPORTED_TYPE"),
        ("archive.pdf", samples::zip(), 415, "DOCUMENT_UNSUPPORTED_TYPE"),
        ("secret.pdf", samples::encrypted_pdf(), 422, "DOCUMENT_ENCRYPTED"),
        ("large.pdf", samples::padded_pdf(1, 2 * LIMIT_BYTES), 413, "FILE_TOO_LARGE"),
    ];
    for (name, bytes, status, code) in cases {
        let answer = client.upload(Upload::new(user, name, bytes)).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{name}: {answer:?}");
        assert_eq!(answer.body["success"], false, "{name}");
    }
    let broken = client.upload(Upload::new(user, "broken.pdf", samples::broken_pdf())).await;
    assert!(["DOCUMENT_BROKEN", "DOCUMENT_NO_PAGES"].contains(&broken.code()), "{broken:?}");
    assert_eq!(client.task_count(user).await, 0);
    assert_nothing_is_kept(&home);
}

#[tokio::test]
async fn fields_that_are_missing_or_wrong_are_named() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let picture = || Part::bytes(samples::picture(1)).file_name("a.png");
    let forms = [
        ("userId", Form::new().part("file", picture())),
        ("userId", Form::new().part("file", picture()).text("userId", "me")),
        ("file", Form::new().text("userId", user.to_string())),
        (
            "priority",
            Form::new().part("file", picture()).text("userId", user.to_string()).text("priority", "11"),
        ),
        (
            "priority",
            Form::new().part("file", picture()).text("userId", user.to_string()).text("priority", "high"),
        ),
        (
            "formats",
            Form::new().part("file", picture()).text("userId", user.to_string()).text("formats", "docx"),
        ),
        ("pages", Form::new().part("file", picture()).text("userId", user.to_string()).text("pages", "2-1")),
    ];
    for (field, form) in forms {
        let answer = client.post(form).await;
        assert_eq!(answer.status, 400, "{field}: {answer:?}");
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(field), "{field} is not named: {message}");
    }
    let unknown =
        client.upload(Upload::new(user, "a.png", samples::picture(1)).with("engine", "nobody")).await;
    assert_eq!((unknown.status, unknown.code()), (422, "ENGINE_NOT_FOUND"), "{unknown:?}");
    assert_eq!(client.task_count(user).await, 0);
    assert_nothing_is_kept(&home);
}

/// No object, and of the temporary files only the server's own directory with
/// its lock.
fn assert_nothing_is_kept(home: &Home) {
    let processes = home.temporary_files();
    assert_eq!(processes.len(), 1, "{processes:?}");
    assert_eq!(names(&home.path("data/tmp").join(&processes[0])), ["lock"]);
    assert_eq!(home.objects(), 0);
}
