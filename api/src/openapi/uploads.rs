//! Large files, which clients put into the store themselves.

use salvo::http::Method;
use serde_json::json;

use super::operation::{Operation, header, in_path};
use super::tasks::{DOCUMENT, SHA256, TASK, USER, created, user};

const TAG: &str = "tasks";

pub(super) fn operations() -> Vec<Operation> {
    vec![begin(), complete(), give_up()]
}

fn begin() -> Operation {
    let announced = json!({ "userId": USER, "filename": "book.pdf", "bytes": 104_857_600, "sha256": SHA256 });
    let answer = json!({
        "uploadId": TASK, "method": "PUT",
        "url": format!("https://untxt.s3.amazonaws.com/uploads/{USER}/2026-11/{TASK}/incoming?X-Amz-Signature=…"),
        "headers": { "content-type": "application/octet-stream", "content-length": "104857600" },
        "expiresIn": 3600,
    });
    Operation::new(Method::POST, "/api/uploads", TAG, "beginUpload", "Ask where to put a large file")
        .about(
            "Put exactly `bytes` bytes to `url` with `headers`, then complete the upload. What is not completed \
             within a day is removed.",
        )
        .json("NewUpload", &announced)
        .data(201, "Where to put it.", "Upload", &answer)
        .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE", "FILE_TOO_LARGE"])
        .fails(&["RATE_LIMITED", "QUOTA_EXCEEDED", "ORIGIN_NOT_ALLOWED"])
}

fn complete() -> Operation {
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
    let location =
        json!({ "location": { "schema": { "type": "string" }, "description": "The task's path." } });
    Operation::new(
        Method::POST,
        "/api/uploads/{id}/complete",
        TAG,
        "completeUpload",
        "Have what was put read",
    )
    .about("Its size, hash and kind are checked first. Once more with the same body is the same task.")
    .parameter(in_path("id", "The upload.", TASK))
    .parameter(user("Refuses unless the upload is this user's."))
    .parameter(header("Idempotency-Key", "Makes a repeated request the same task.", &key, &json!("book-7")))
    .json("Wishes", &json!({ "priority": 5, "formats": ["html", "json"] }))
    .data(200, "The task that it became already.", "Created", &created())
    .data(201, "The task.", "Created", &created())
    .with_headers(200, &location)
    .with_headers(201, &location)
    .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE", "UPLOAD_NOT_FOUND"])
    .fails(&[
        "UPLOAD_NOT_THERE",
        "UPLOAD_DIFFERS",
        "IDEMPOTENCY_KEY_REUSED",
        "RATE_LIMITED",
        "QUOTA_EXCEEDED",
    ])
    .fails(&["ENGINE_NOT_FOUND", "ENGINE_INCOMPATIBLE", "PAGE_OUT_OF_RANGE", "RENDERER_UNAVAILABLE"])
    .fails(&["ORIGIN_NOT_ALLOWED"])
    .fails(&DOCUMENT)
}

fn give_up() -> Operation {
    Operation::new(
        Method::DELETE,
        "/api/uploads/{id}",
        TAG,
        "giveUpUpload",
        "Give up an upload that was begun",
    )
    .about("It can't become a task any more, and what was put is removed.")
    .parameter(in_path("id", "The upload.", TASK))
    .parameter(user("Refuses unless the upload is this user's."))
    .data(200, "It is given up.", "GivenUp", &json!({ "uploadId": TASK, "givenUp": true }))
    .fails(&["INVALID_FIELD", "UPLOAD_NOT_FOUND", "UPLOAD_COMPLETED", "ORIGIN_NOT_ALLOWED"])
}
