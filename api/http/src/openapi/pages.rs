//! Operations on the pages of a task.

use salvo::http::Method;
use serde_json::json;
use untxt_workflows::page_images::{WIDTH_DEFAULT, WIDTHS};
use untxt_workflows::page_search::QUERY_CHARS_MAX;

use super::operation::{Operation, in_path, query};
use super::tasks::{at_task, limit, number};

pub(super) fn operations() -> Vec<Operation> {
    vec![list(), get(), image(), original(), search()]
}

fn list() -> Operation {
    let words = json!({ "type": "boolean", "default": false });
    let example = json!({ "pages": [{ "page": 1, "status": "completed", "attempt": 1, "source": "engine",
        "confidence": 0.93, "confidenceKind": "calibrated", "words": null, "doubtfulWords": null,
        "width": 2480, "height": 3508, "error": null }], "pagesTotal": 12, "next": 1 });
    at_task(Method::GET, "/api/tasks/{id}/pages", "listTaskPages", "List the pages of a task")
        .about(
            "The status of each page, while the task runs and afterwards. `next` is the `after` of the next request, \
             null on the last one. With a `limit` above 200 no results are read: `source`, `confidence`, \
             `confidenceKind`, `width` and `height` are null then. Once the history is pruned, the result tells which \
             pages failed, and these fields are null too.",
        )
        .parameter(query("after", "Only pages after this number.", &number(0), &json!(200)))
        .parameter(query(
            "limit",
            "Maximum number of pages; 200 with `words`.",
            &limit(1_000),
            &json!(200),
        ))
        .parameter(query("words", "Count the words of each page.", &words, &json!(true)))
        .data(200, "The pages.", "TaskPages", &example)
        .fails(&["INVALID_FIELD", "HISTORY_PRUNED"])
}

fn get() -> Operation {
    let place = json!({ "x": 0.1, "y": 0.05, "width": 0.2, "height": 0.02 });
    let word = json!({ "text": "Dear", "bounds": place, "confidence": 0.98 });
    let example = json!({ "index": 0, "width": 2480, "height": 3508, "dpi": 300, "status": "recognized",
        "source": "engine", "confidence": 0.93, "confidenceKind": "calibrated", "simulated": false,
        "attempts": 1, "fallback": false,
        "blocks": [{ "role": "paragraph", "bounds": place, "lines": [{ "bounds": place, "words": [word] }] }] });
    at_page("/api/tasks/{id}/pages/{page}", "getTaskPage", "Get the result of a page")
        .about("As in the format `json`, as soon as the page is done. `index` counts from 0.")
        .data(200, "The page.", "ResultPage", &example)
        .fails(&["PAGE_NOT_DONE", "HISTORY_PRUNED"])
}

fn image() -> Operation {
    let widths = json!({ "type": "integer", "enum": WIDTHS, "default": WIDTH_DEFAULT });
    let files = json!({ "image/png": {}, "image/jpeg": {} });
    let headers =
        json!({ "etag": { "schema": { "type": "string" }, "description": "For `If-None-Match`." } });
    at_page("/api/tasks/{id}/pages/{page}/image", "getTaskPageImage", "Get the image of a page")
        .about(
            "The page as it is recognised, at most `width` pixels wide; pictures are not scaled up. Places of the \
             result lie on it. PNG, or JPEG if that is smaller. Also before the page is done, and if it failed. The \
             image never changes.",
        )
        .parameter(query("width", "Pixels of the width.", &widths, &json!(1_600)))
        .answers(200, "The image.", Some(&files))
        .with_headers(200, &headers)
        .answers(304, "The client's copy is current.", None)
        .fails(&["INVALID_FIELD", "DOCUMENT_UNSUPPORTED_TYPE", "DOCUMENT_ENCRYPTED", "DOCUMENT_BROKEN"])
        .fails(&["DOCUMENT_TOO_LARGE", "PAGE_BROKEN", "PAGE_TOO_LARGE", "PAGE_OUT_OF_RANGE", "PAGE_TIMEOUT"])
        .fails(&["PAGE_MEMORY", "RENDERER_CRASHED", "DOCUMENT_DECODE_BUDGET_SPENT"])
        .fails(&["RENDERER_UNAVAILABLE", "RENDERER_BUSY", "NO_ROOM"])
}

fn original() -> Operation {
    let bytes = json!({ "*/*": {} });
    at_task(Method::GET, "/api/tasks/{id}/original", "getTaskOriginal", "Download the uploaded document")
        .about(
            "Sent as an attachment. `ETag` is the SHA-256; `If-None-Match`, `If-Range` and a single byte `Range` are \
             supported.",
        )
        .answers(200, "The whole document.", Some(&bytes))
        .answers(206, "The requested bytes.", Some(&bytes))
        .answers(304, "The client's copy is current.", None)
        .fails(&["RANGE_NOT_SATISFIABLE", "ORIGINAL_NOT_FETCHED"])
}

fn search() -> Operation {
    let text = json!({ "type": "string", "minLength": 1, "maxLength": QUERY_CHARS_MAX });
    let cursor = json!({ "type": "string" });
    let example = json!({ "matches": [{ "page": 3, "block": 0, "line": 4, "first": 1, "last": 2,
        "text": "The net amount is due", "box": { "x": 0.2, "y": 0.31, "width": 0.2, "height": 0.02 } }],
        "pagesSearched": 12, "next": null, "more": false });
    at_task(Method::GET, "/api/tasks/{id}/search", "searchTask", "Search the pages of a task")
        .about(
            "Finds the text within lines, in parts of words too, regardless of case and accents. Pages that are not \
             done are left out. An answer has at most 200 matches and takes a few seconds at most; while `more` is \
             true, send `next` as `after`. `first` and `last` are places of words in the line, from 0; `box` is the \
             place around them.",
        )
        .parameter(query("q", "What to find. Required.", &text, &json!("net amount")))
        .parameter(query("after", "`next` of the previous answer.", &cursor, &json!("12-0")))
        .data(200, "The matches.", "SearchMatches", &example)
        .fails(&["INVALID_FIELD", "HISTORY_PRUNED"])
}

fn at_page(path: &'static str, id: &str, summary: &str) -> Operation {
    at_task(Method::GET, path, id, summary)
        .parameter(in_path("page", "Number of the page in the document, from 1.", "1"))
        .fails(&["PAGE_NOT_FOUND"])
}
