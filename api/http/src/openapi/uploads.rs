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
    Operation::new(Method::POST, "/api/uploads", TAG, "beginUpload", "Start the upload of a large file")
        .about(
            "PUT exactly `bytes` bytes to `url` with `headers`, then complete the upload. Uploads that are not \
             completed within a day are removed.",
        )
        .json("NewUpload", &announced)
        .data(201, "The presigned URL.", "Upload", &answer)
        .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE", "FILE_TOO_LARGE"])
        .fails(&["RATE_LIMITED", "QUOTA_EXCEEDED", "ORIGIN_NOT_ALLOWED"])
}

fn complete() -> Operation {
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
    let location =
        json!({ "location": { "schema": { "type": "string" }, "description": "Path of the task." } });
    Operation::new(
        Method::POST,
        "/api/uploads/{id}/complete",
        TAG,
        "completeUpload",
        "Create a task from an upload",
    )
    .about("Checks size, hash and document type first. Repeating the request with the same body returns the same task, whatever the key.")
    .parameter(in_path("id", "The upload.", TASK))
    .parameter(user("Answer 404 unless the upload belongs to this user."))
    .parameter(header("Idempotency-Key", "Makes retries of the request return the same task.", &key, &json!("book-7")))
    .json("TaskParameters", &json!({ "priority": 5, "formats": ["html", "json"] }))
    .data(200, "The task created earlier from this upload.", "Created", &created())
    .data(201, "The task.", "Created", &created())
    .with_headers(200, &location)
    .with_headers(201, &location)
    .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE", "UPLOAD_NOT_FOUND"])
    .fails(&[
        "UPLOAD_NOT_THERE",
        "UPLOAD_COMPLETED",
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
    Operation::new(Method::DELETE, "/api/uploads/{id}", TAG, "giveUpUpload", "Abandon an upload")
        .about("The upload can no longer be completed; its file is removed.")
        .parameter(in_path("id", "The upload.", TASK))
        .parameter(user("Answer 404 unless the upload belongs to this user."))
        .data(200, "The upload is abandoned.", "GivenUp", &json!({ "uploadId": TASK, "givenUp": true }))
        .fails(&["INVALID_FIELD", "UPLOAD_NOT_FOUND", "UPLOAD_COMPLETED", "ORIGIN_NOT_ALLOWED"])
}
