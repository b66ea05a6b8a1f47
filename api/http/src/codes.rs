//! Every code that a failed request can bear: one list, from which the
//! description of the interface is made, and to which failures are held.

use salvo::http::StatusCode;

/// A stable code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// As it stands in `error.code`.
    pub name: &'static str,
    /// The status it comes with.
    pub status: StatusCode,
    /// What it means, for people.
    pub meaning: &'static str,
}

const fn code(status: StatusCode, name: &'static str, meaning: &'static str) -> Code {
    Code { name, status, meaning }
}

/// All of them, by status.
pub const CODES: &[Code] = &[
    code(StatusCode::BAD_REQUEST, "BAD_REQUEST", "The request is malformed."),
    code(StatusCode::BAD_REQUEST, "INVALID_FIELD", "A field has an invalid value; `details.field` names it."),
    code(StatusCode::BAD_REQUEST, "MALFORMED_BODY", "The body can't be parsed."),
    code(StatusCode::BAD_REQUEST, "TOO_MANY_PARTS", "The form has too many parts."),
    code(StatusCode::BAD_REQUEST, "DOCUMENT_EMPTY", "The file is empty."),
    code(StatusCode::BAD_REQUEST, "NOT_A_WEBSOCKET", "The request is not a WebSocket upgrade."),
    code(StatusCode::BAD_REQUEST, "TOKEN_IN_URL", "Keys and tokens are not accepted in the URL."),
    code(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "Credentials are missing or invalid."),
    code(StatusCode::FORBIDDEN, "SCOPE_MISSING", "The caller lacks a scope; `details.scope` names it."),
    code(StatusCode::FORBIDDEN, "URL_NOT_SIGNED", "The presigned URL is invalid or has expired."),
    code(StatusCode::FORBIDDEN, "FORBIDDEN", "The caller may not act for another user."),
    code(
        StatusCode::FORBIDDEN,
        "ORIGIN_NOT_ALLOWED",
        "The request comes from an origin that is not allowed.",
    ),
    code(
        StatusCode::FORBIDDEN,
        "INSECURE_CONNECTION",
        "Sessions need HTTPS, except on the server's own machine.",
    ),
    code(StatusCode::NOT_FOUND, "NOT_FOUND", "The route or object does not exist."),
    code(StatusCode::NOT_FOUND, "TASK_NOT_FOUND", "The task does not exist, or belongs to another user."),
    code(StatusCode::NOT_FOUND, "PAGE_NOT_FOUND", "The task has no such page."),
    code(StatusCode::NOT_FOUND, "UPLOAD_NOT_FOUND", "The upload does not exist or has expired."),
    code(StatusCode::NOT_FOUND, "FORMAT_NOT_AVAILABLE", "The task was created without this format."),
    code(StatusCode::NOT_FOUND, "DEAD_LETTER_NOT_FOUND", "The dead letter does not exist."),
    code(StatusCode::NOT_FOUND, "REDRIVE_NOT_FOUND", "The bulk redrive does not exist."),
    code(StatusCode::NOT_FOUND, "WORKER_NOT_FOUND", "The worker is not on the list."),
    code(StatusCode::NOT_FOUND, "RUN_NOT_FOUND", "The run does not exist."),
    code(StatusCode::NOT_FOUND, "KEY_NOT_FOUND", "The API key does not exist."),
    code(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", "The session does not exist, or is another caller's."),
    code(StatusCode::NOT_FOUND, "QUEUE_NOT_FOUND", "The queue does not exist."),
    code(StatusCode::NOT_FOUND, "PLUGIN_NOT_FOUND", "The engine or version does not exist."),
    code(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "The route does not support this method."),
    code(StatusCode::REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", "The client sent the request too slowly."),
    code(StatusCode::CONFLICT, "AUTHENTICATION_OFF", "Authentication is off; there is no sign-in."),
    code(StatusCode::CONFLICT, "TASK_NOT_COMPLETED", "The task has no result yet."),
    code(
        StatusCode::CONFLICT,
        "PAGE_NOT_DONE",
        "The page has no result yet, or will have none; `details.status` is its status.",
    ),
    code(
        StatusCode::CONFLICT,
        "ORIGINAL_NOT_FETCHED",
        "The document of the task has not been fetched from its URL.",
    ),
    code(StatusCode::CONFLICT, "TASK_ALREADY_ENDED", "The task has already ended."),
    code(
        StatusCode::CONFLICT,
        "TASK_GOES_ON",
        "The task can't be erased because it was retried at the same time; try again.",
    ),
    code(StatusCode::CONFLICT, "UPLOAD_NOT_THERE", "The file has not been uploaded to the URL yet."),
    code(StatusCode::CONFLICT, "UPLOAD_COMPLETED", "The upload has already become a task."),
    code(StatusCode::CONFLICT, "NOTHING_TO_RETRY", "The task has no failed step to retry."),
    code(StatusCode::CONFLICT, "ROW_UNREADABLE", "This version still can't decode the row."),
    code(StatusCode::CONFLICT, "PAGES_DONE", "No page of the step failed."),
    code(StatusCode::CONFLICT, "STEP_NOT_REACHED", "The task has not reached this step."),
    code(StatusCode::CONFLICT, "PLUGIN_NOTHING_EARLIER", "There is no previous version."),
    code(StatusCode::CONFLICT, "NO_RETRY_PENDING", "Nothing waits for a retry there."),
    code(StatusCode::CONFLICT, "REDRIVE_ENDED", "The bulk redrive has ended."),
    code(StatusCode::CONFLICT, "REDRIVE_RUNNING", "The bulk redrive is still running."),
    code(StatusCode::CONFLICT, "DEAD_LETTER_SETTLED", "The dead letter was already redriven or discarded."),
    code(
        StatusCode::CONFLICT,
        "IDEMPOTENCY_KEY_REUSED",
        "The key was used with another file or other fields.",
    ),
    code(
        StatusCode::GONE,
        "HISTORY_PRUNED",
        "The history is past its retention; only the final status is kept.",
    ),
    code(StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE", "The file exceeds `UNTXT_MAX_UPLOAD_BYTES`."),
    code(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The body is too large for this route."),
    code(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", "The URL is too long."),
    code(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "HEAD_TOO_LARGE",
        "The request has too many or too large headers.",
    ),
    code(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_MULTIPART", "The body is not multipart/form-data."),
    code(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "BODY_ENCODED",
        "Compressed bodies (`Content-Encoding`) are not supported.",
    ),
    code(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_JSON", "The body is not application/json."),
    code(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "DOCUMENT_UNSUPPORTED_TYPE",
        "The document type is not supported; the message names the supported types.",
    ),
    code(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "RANGE_NOT_SATISFIABLE",
        "The range is outside the content; `details.bytes` is its size.",
    ),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "UPLOAD_DIFFERS",
        "The uploaded file differs from the announced size or hash.",
    ),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_ENCRYPTED", "The document is password-protected."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_BROKEN", "The document can't be read."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_NO_PAGES", "The document has no pages."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_TOO_MANY_PAGES", "The document has too many pages."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_TOO_LARGE", "The document is too large to decode."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_BROKEN", "A page can't be read."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_TOO_LARGE", "A page has too many pixels."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_OUT_OF_RANGE", "The document has no such page."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_TIMEOUT", "Decoding the page took too long."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_MEMORY", "Decoding the page took too much memory."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "RENDERER_CRASHED", "The decoder crashed on the document."),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "DOCUMENT_DECODE_BUDGET_SPENT",
        "Decoding all pages of the document takes too long.",
    ),
    code(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_NOT_FOUND", "No engine has this name."),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "ENGINE_GONE",
        "The pinned version of the engine is no longer installed.",
    ),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "ENGINE_INCOMPATIBLE",
        "The engine is not compatible with this server.",
    ),
    code(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_QUARANTINED", "The engine is quarantined."),
    code(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "The user exceeded the rate of new tasks."),
    code(StatusCode::TOO_MANY_REQUESTS, "QUOTA_EXCEEDED", "The user has too many unfinished tasks."),
    code(
        StatusCode::TOO_MANY_REQUESTS,
        "AUTH_RATE_LIMITED",
        "Too many failed authentications from this address.",
    ),
    code(
        StatusCode::TOO_MANY_REQUESTS,
        "TOO_MANY_CONNECTIONS",
        "The user has too many open sockets and streams.",
    ),
    code(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "Internal error; find the cause in the log by x-request-id.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        "A dependency of the server is unavailable; retry after `Retry-After`.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "NOT_READY",
        "The server does not accept work now; `details.lacks` lists what is missing.",
    ),
    code(StatusCode::SERVICE_UNAVAILABLE, "RENDERER_UNAVAILABLE", "The document decoder can't be started."),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "RENDERER_BUSY",
        "Too many documents are being decoded; retry after `Retry-After`.",
    ),
    code(StatusCode::SERVICE_UNAVAILABLE, "NO_ROOM", "The server's disk is full; retry after `Retry-After`."),
];

/// The code called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn no_code_stands_twice() {
        let names: BTreeSet<&str> = CODES.iter().map(|code| code.name).collect();
        assert_eq!(names.len(), CODES.len());
    }

    /// Reads this crate's source: who makes up a code has to write it down.
    #[test]
    fn every_code_of_a_failure_is_in_the_list() {
        let mut made_up = Vec::new();
        for path in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
            let text = fs::read_to_string(&path).unwrap();
            for made in text.split("ApiError::new(").chain(text.split("Self::new(")).skip(1) {
                let arguments = &made[..made.find(';').unwrap_or(made.len()).min(300)];
                let code = arguments.split('"').nth(1).filter(|code| is_code(code));
                made_up.extend(
                    code.filter(|code| find(code).is_none()).map(|code| (path.clone(), code.to_owned())),
                );
            }
        }
        assert!(made_up.is_empty(), "put them into `CODES`: {made_up:?}");
    }

    fn sources(dir: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }

    fn is_code(text: &str) -> bool {
        text.len() > 3 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    }
}
