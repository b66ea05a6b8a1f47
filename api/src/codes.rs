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
    code(StatusCode::BAD_REQUEST, "BAD_REQUEST", "The request can't be understood."),
    code(StatusCode::BAD_REQUEST, "INVALID_FIELD", "A field says what it may not; `details.field` names it."),
    code(StatusCode::BAD_REQUEST, "MALFORMED_BODY", "The body can't be read."),
    code(StatusCode::BAD_REQUEST, "TOO_MANY_PARTS", "The form has too many parts."),
    code(StatusCode::BAD_REQUEST, "DOCUMENT_EMPTY", "The file has no bytes."),
    code(StatusCode::BAD_REQUEST, "NOT_A_WEBSOCKET", "The request does not ask for a WebSocket."),
    code(StatusCode::BAD_REQUEST, "TOKEN_IN_URL", "A key or token does not belong into the address."),
    code(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "Nobody is known by what was presented, or nothing was.",
    ),
    code(
        StatusCode::FORBIDDEN,
        "SCOPE_MISSING",
        "The caller may not do that; `details.scope` names what it needs.",
    ),
    code(
        StatusCode::FORBIDDEN,
        "URL_NOT_SIGNED",
        "The address is no signed one of an object, or has expired.",
    ),
    code(StatusCode::FORBIDDEN, "FORBIDDEN", "The request is for another user than the caller."),
    code(StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED", "The request comes from a page of another site."),
    code(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such route or object."),
    code(StatusCode::NOT_FOUND, "TASK_NOT_FOUND", "There is no such task, or it is somebody else's."),
    code(StatusCode::NOT_FOUND, "UPLOAD_NOT_FOUND", "There is no such upload, or it has expired."),
    code(StatusCode::NOT_FOUND, "FORMAT_NOT_AVAILABLE", "The task was not asked for that format."),
    code(StatusCode::NOT_FOUND, "DEAD_LETTER_NOT_FOUND", "There is no such dead letter."),
    code(StatusCode::NOT_FOUND, "REDRIVE_NOT_FOUND", "No such run goes through dead letters."),
    code(StatusCode::NOT_FOUND, "KEY_NOT_FOUND", "There is no such API key."),
    code(StatusCode::NOT_FOUND, "QUEUE_NOT_FOUND", "There is no such queue."),
    code(StatusCode::NOT_FOUND, "PLUGIN_NOT_FOUND", "There is no such engine, or no such version of it."),
    code(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "The route does not take that method."),
    code(StatusCode::REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", "The request came too slowly."),
    code(StatusCode::CONFLICT, "TASK_NOT_COMPLETED", "The task has no result (yet)."),
    code(StatusCode::CONFLICT, "TASK_ALREADY_ENDED", "The task has ended and can't be stopped any more."),
    code(StatusCode::CONFLICT, "TASK_GOES_ON", "Somebody has the task go on whenever it is stopped."),
    code(StatusCode::CONFLICT, "UPLOAD_NOT_THERE", "The upload's file has not been put into the store."),
    code(StatusCode::CONFLICT, "UPLOAD_COMPLETED", "The upload is a task and can't be given up any more."),
    code(StatusCode::CONFLICT, "NOTHING_TO_RETRY", "Nothing of the task died."),
    code(StatusCode::CONFLICT, "ROW_UNREADABLE", "What was set aside still can't be read by this program."),
    code(StatusCode::CONFLICT, "PAGES_DONE", "The step's pages are done; nothing of it failed."),
    code(StatusCode::CONFLICT, "STEP_NOT_REACHED", "The task never came to that step."),
    code(StatusCode::CONFLICT, "PLUGIN_NOTHING_EARLIER", "No version served before that one."),
    code(StatusCode::CONFLICT, "DEAD_LETTER_SETTLED", "The dead letter was redriven or discarded already."),
    code(
        StatusCode::CONFLICT,
        "IDEMPOTENCY_KEY_REUSED",
        "The key was used for another file or other options.",
    ),
    code(StatusCode::GONE, "HISTORY_PRUNED", "The task ended so long ago that only how it ended is kept."),
    code(StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE", "The file is larger than the server takes."),
    code(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The body is larger than the route takes."),
    code(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", "The address is longer than the server reads."),
    code(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "HEAD_TOO_LARGE",
        "The request's headers are more or larger than the server reads.",
    ),
    code(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_MULTIPART", "The body is no multipart/form-data."),
    code(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BODY_ENCODED", "The body is compressed."),
    code(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_JSON", "The body is no application/json."),
    code(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "DOCUMENT_UNSUPPORTED_TYPE",
        "The file is no PNG, JPEG, WebP, TIFF or PDF.",
    ),
    code(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "RANGE_NOT_SATISFIABLE",
        "The result has no such bytes; `details.bytes` says how many it has.",
    ),
    code(StatusCode::UNPROCESSABLE_ENTITY, "UPLOAD_DIFFERS", "What was put is not what was announced."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_ENCRYPTED", "The document needs a password."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_BROKEN", "The document can't be read."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_NO_PAGES", "The document has no pages."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_TOO_MANY_PAGES", "The document has too many pages."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "DOCUMENT_TOO_LARGE", "The document is too large to be read."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_BROKEN", "A page can't be read."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_TOO_LARGE", "A page has too many pixels."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_OUT_OF_RANGE", "There is no such page."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_TIMEOUT", "Looking at the document took too long."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "PAGE_MEMORY", "Looking at the document took too much memory."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "RENDERER_CRASHED", "The decoder crashed on the document."),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "DOCUMENT_DECODE_BUDGET_SPENT",
        "The document's pages take too long to decode, together.",
    ),
    code(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_NOT_FOUND", "There is no engine of that name."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_GONE", "The engine's component is gone."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_INCOMPATIBLE", "The engine can't be used here."),
    code(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_QUARANTINED", "The engine is out of service."),
    code(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "The user began as many tasks a minute as one may."),
    code(StatusCode::TOO_MANY_REQUESTS, "QUOTA_EXCEEDED", "The user has as many tasks under way as one may."),
    code(
        StatusCode::TOO_MANY_REQUESTS,
        "AUTH_RATE_LIMITED",
        "Too many keys or tokens that let nobody in came from the caller's address.",
    ),
    code(
        StatusCode::TOO_MANY_REQUESTS,
        "TOO_MANY_CONNECTIONS",
        "The user has as many open sockets and streams as one may.",
    ),
    code(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "A fault of the server; the log has it by x-request-id.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        "Something the server needs is away; `Retry-After` says when to ask again.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "NOT_READY",
        "Work should not be sent here now; `details.lacks` says for want of what.",
    ),
    code(StatusCode::SERVICE_UNAVAILABLE, "RENDERER_UNAVAILABLE", "The decoder can't be started now."),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "RENDERER_BUSY",
        "As many documents are looked at as may be at once; `Retry-After` says when to ask again.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "NO_ROOM",
        "The server's disk has no room for the file now; `Retry-After` says when to ask again.",
    ),
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
