//! Operations of operators.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, in_path, query};
use super::tasks::{AT, TASK, limit, number, pagination};

const TAG: &str = "operators";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = workers();
    all.extend([overview(), audit()]);
    all.extend(retries());
    all.extend(redrives());
    all.extend(queues());
    all.extend(letters());
    all
}

fn read(path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(Method::GET, path, TAG, id, summary).fails(&["ORIGIN_NOT_ALLOWED"])
}

fn act(path: &'static str, id: &str, summary: &str, schema: &str, example: &Value) -> Operation {
    Operation::new(Method::POST, path, TAG, id, summary).json(schema, example).fails(&[
        "INVALID_FIELD",
        "MALFORMED_BODY",
        "NOT_JSON",
        "ORIGIN_NOT_ALLOWED",
        "PAYLOAD_TOO_LARGE",
    ])
}

fn paged(operation: Operation) -> Operation {
    operation
        .parameter(query("limit", "Maximum number of items.", &limit(200), &json!(50)))
        .parameter(query("offset", "Number of items to skip.", &number(0), &json!(0)))
        .fails(&["INVALID_FIELD"])
}

fn overview() -> Operation {
    let reason = json!({ "code": "DEAD_LETTERS", "text": "17 dead letters wait", "link": "#/letters" });
    let act = json!({ "position": 12, "at": AT, "actor": "cli:ann", "action": "redrive",
        "subject": format!("run {TASK}"), "detail": { "reason": "the engine is fixed" } });
    let example = json!({
        "asOf": AT,
        "sentence": { "level": "attention", "reasons": [reason] },
        "perMinute": [{ "at": AT, "done": 41, "failed": 1 }],
        "queues": { "ready": 3, "scheduled": 1, "held": 2, "oldestAgeMs": 1_200 },
        "workers": { "alive": 2, "draining": 0, "silent": 0 },
        "retriesWaiting": 1,
        "deadLetters": { "waiting": 17, "groups": [group()] },
        "dependencies": { "database": "up", "objects": "up", "queue": "up", "disk": "up" },
        "latestActs": [act],
    });
    read("/api/admin/overview", "getOverview", "Get the state of the service")
        .about("Made at most once a second by each server. `perMinute` counts tasks that ended in each of the last 60 \
            minutes. `sentence.reasons[].code` is one of `DATABASE_DOWN`, `STORE_DOWN`, `DISK_FULL`, `NO_WORKER` (none \
            starts new work; level `down`), `QUEUE_DOWN`, `WORKERS_SILENT`, `OVERLOADED` (the oldest ready work waits for more than 5 minutes), \
            `PAUSED` and `DEAD_LETTERS` (level `attention`).")
        .data(200, "The overview.", "Overview", &example)
}

fn workers() -> Vec<Operation> {
    let held = json!({ "workflow": "ocr", "run": TASK, "step": "ocr", "item": 3, "attempt": 1 });
    let worker = |state: &str| json!({ "workers": [{ "name": "untxt-1f0c-7", "state": state, "since": AT, "lastHeartbeat": AT, "holds": [held] }] });
    let why = json!({ "reason": "the machine gets more memory" });
    let at = |operation: Operation, state: &str| {
        operation
            .parameter(in_path("name", "The worker.", "untxt-1f0c-7"))
            .data(200, "All workers after the change.", "Workers", &worker(state))
            .fails(&["WORKER_NOT_FOUND"])
    };
    vec![
        read("/api/admin/workers", "listWorkers", "List workers and the steps they hold").data(
            200,
            "The workers.",
            "Workers",
            &worker("alive"),
        ),
        at(
            act("/api/admin/workers/{name}/drain", "drainWorker", "Drain a worker", "Reason", &why),
            "draining",
        )
        .about("It finishes what it runs and starts nothing new, within some seconds. Its process goes on."),
        at(
            act("/api/admin/workers/{name}/resume", "resumeWorker", "Resume a worker", "Reason", &why),
            "alive",
        ),
    ]
}

fn retries() -> Vec<Operation> {
    let retry = json!({ "workflow": "ocr", "run": TASK, "step": "ocr", "item": 3, "attempt": 2,
        "tenant": "11111111-1111-1111-1111-111111111111", "dueAt": AT,
        "error": { "code": "ENGINE_TRAPPED", "message": "the engine crashed" } });
    let which = json!({ "run": TASK, "item": 3, "reason": "the server is back" });
    let at = |operation: Operation| {
        let changed = json!({ "run": TASK, "item": 3, "status": "retrying" });
        operation
            .data(200, "The run after the change.", "RetryChanged", &changed)
            .fails(&["RUN_NOT_FOUND", "NO_RETRY_PENDING"])
    };
    vec![
        paged(read("/api/admin/retries", "listRetries", "List pending retries")).data(
            200,
            "Pending retries, latest due first.",
            "Retries",
            &json!({ "retries": [retry], "pagination": pagination() }),
        ),
        at(act("/api/admin/retries/now", "retryNow", "Retry a step or page now", "WhichRetry", &which)),
        at(act("/api/admin/retries/give-up", "giveUpRetry", "Give up a pending retry", "WhichRetry", &which))
            .about("The step or page becomes a dead letter with its last failure."),
    ]
}

fn audit() -> Operation {
    let line = json!({ "position": 12, "at": AT, "actor": "cli:ann", "action": "redrive",
        "subject": format!("run {TASK}"), "detail": { "reason": "the engine is fixed" } });
    read("/api/admin/audit", "listAudit", "List the audit log, newest first")
        .parameter(query("limit", "Maximum number of entries.", &limit(200), &json!(50)))
        .parameter(query("before", "Only entries before this `position`.", &number(0), &json!(12)))
        .data(200, "The entries.", "Audit", &json!({ "audit": [line] }))
        .fails(&["INVALID_FIELD"])
}

fn queues() -> Vec<Operation> {
    let queue = json!({ "name": "ocr", "ready": 3, "scheduled": 1, "held": 2, "paused": false });
    let shown = json!({ "queues": [queue], "tenants": [] });
    let after = |operation: Operation| operation.data(200, "All queues after the change.", "Queues", &shown);
    let all = json!({ "queue": "ocr" });
    let share =
        json!({ "tenant": "11111111-1111-1111-1111-111111111111", "weight": 2, "ratePerMinute": null });
    let pause = act("/api/admin/queues/pause", "pauseQueue", "Pause a queue or tenant", "QueueName", &all)
        .about("Without `queue` and `tenant`, every queue is paused. Running steps finish.")
        .fails(&["QUEUE_NOT_FOUND"]);
    let resume =
        act("/api/admin/queues/resume", "resumeQueue", "Resume a queue or tenant", "QueueName", &all)
            .fails(&["QUEUE_NOT_FOUND"]);
    let limit = act(
        "/api/admin/queues/limit",
        "limitTenant",
        "Set the share and limits of a tenant",
        "Share",
        &share,
    )
    .about("Omitted fields stay as they are; `null` removes a limit.");
    vec![
        read("/api/admin/queues", "listQueues", "List queues").data(200, "All queues.", "Queues", &shown),
        after(pause),
        after(resume),
        after(limit),
    ]
}

fn letters() -> Vec<Operation> {
    vec![
        list(),
        group_list(),
        at_letter(
            Method::GET,
            "/api/admin/dead-letters/{id}",
            "getDeadLetter",
            "Get a dead letter with all attempts",
        ),
        at_letter(
            Method::POST,
            "/api/admin/dead-letters/{id}/redrive",
            "redriveDeadLetter",
            "Redrive a dead letter",
        )
        .json("RedriveOne", &json!({ "fromStep": "ocr", "reason": "the engine is fixed" }))
        .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE", "TASK_NOT_FOUND"])
        .fails(&["NOTHING_TO_RETRY", "PAGES_DONE", "STEP_NOT_REACHED", "DEAD_LETTER_SETTLED"])
        .fails(&["ROW_UNREADABLE"])
        .fails(&["ENGINE_NOT_FOUND", "ENGINE_GONE", "ENGINE_INCOMPATIBLE"]),
        at_letter(
            Method::POST,
            "/api/admin/dead-letters/{id}/discard",
            "discardDeadLetter",
            "Discard a dead letter",
        )
        .json("Reason", &json!({ "reason": "the scan is torn" }))
        .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE", "TASK_NOT_FOUND"])
        .fails(&["DEAD_LETTER_SETTLED", "NOTHING_TO_RETRY"]),
        many("/api/admin/dead-letters/redrive", "redriveDeadLetters", "Redrive many dead letters"),
        many("/api/admin/dead-letters/discard", "discardDeadLetters", "Discard many dead letters"),
    ]
}

fn list() -> Operation {
    filtered(paged(read("/api/admin/dead-letters", "listDeadLetters", "List dead letters, newest first")))
        .data(
            200,
            "The dead letters.",
            "DeadLetters",
            &json!({ "deadLetters": [letter()], "pagination": pagination() }),
        )
}

fn group_list() -> Operation {
    let grouped = read("/api/admin/dead-letters/groups", "groupDeadLetters", "Group dead letters by cause");
    filtered(grouped)
        .about("Groups by workflow, code, step, fingerprint and digest, the largest first. Default: waiting dead letters.")
        .parameter(query("limit", "Maximum number of groups.", &limit(100), &json!(50)))
        .data(200, "The groups.", "DeadLetterGroups", &json!({ "groups": [group()], "hasMore": false }))
        .fails(&["INVALID_FIELD"])
}

fn group() -> Value {
    json!({ "workflow": "ocr", "code": "ENGINE_TRAPPED", "message": "the engine crashed", "step": "ocr",
        "fingerprint": "9f86d081884c7d65", "digest": null, "count": 17, "tenants": 3, "firstAt": AT, "lastAt": AT })
}

/// The filters of dead letters.
fn filtered(operation: Operation) -> Operation {
    let text = json!({ "type": "string", "minLength": 1, "pattern": "^[^\\u0000]*$" });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let time = json!({ "type": "string", "format": "date-time" });
    let state = json!({ "type": "string", "enum": ["waiting", "redriven", "discarded"] });
    let reason =
        json!({ "type": "string", "enum": ["permanent", "budget_spent", "elapsed_limit", "unreadable"] });
    [
        ("tenant", &text, json!("11111111-1111-1111-1111-111111111111")),
        ("workflow", &text, json!("ocr")),
        ("code", &text, json!("ENGINE_TRAPPED")),
        ("step", &text, json!("ocr")),
        ("digest", &text, json!("9f86d081")),
        ("fingerprint", &text, json!("9f86d081884c7d65")),
        ("reason", &reason, json!("permanent")),
        ("state", &state, json!("waiting")),
        ("from", &time, json!(AT)),
        ("until", &time, json!(AT)),
        ("run", &uuid, json!(TASK)),
        ("bulk", &uuid, json!(TASK)),
    ]
    .into_iter()
    .fold(operation, |operation, (name, schema, example)| {
        operation.parameter(query(name, "Only matching dead letters.", schema, &example))
    })
}

fn at_letter(method: Method, path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(method, path, TAG, id, summary)
        .parameter(in_path("id", "The dead letter.", TASK))
        .data(200, "The dead letter after the change.", "DeadLetterDetails", &whole_letter())
        .fails(&["DEAD_LETTER_NOT_FOUND", "ORIGIN_NOT_ALLOWED"])
}

fn many(path: &'static str, id: &str, summary: &str) -> Operation {
    let example =
        json!({ "filter": { "code": "ENGINE_TRAPPED" }, "rate": 5, "reason": "the engine is fixed" });
    let progress = redrive("queued", 0);
    let groups = json!({ "dryRun": true, "total": 17, "asOf": AT, "groups": [group()] });
    let location =
        json!({ "location": { "schema": { "type": "string" }, "description": "Path of the progress." } });
    act(path, id, summary, "RedriveMany", &example)
        .about("Applies to waiting dead letters that match `filter` or, with `\"all\": true`, to all waiting ones. Runs in the background; `Location` is its progress. A dry run says as of when it counted (`asOf`): with that as the filter `until`, nothing else is settled.")
        .data(200, "With `dryRun`: what would be done.", "Groups", &groups)
        .data(202, "The bulk redrive that was started.", "Redrive", &progress)
        .with_headers(202, &location)
        .fails(&["ENGINE_NOT_FOUND", "ENGINE_INCOMPATIBLE"])
}

fn redrives() -> Vec<Operation> {
    let at = |operation: Operation| {
        operation.parameter(in_path("id", "The bulk redrive.", TASK)).fails(&["REDRIVE_NOT_FOUND"])
    };
    let why = json!({ "reason": "the engine is still broken" });
    let location =
        json!({ "location": { "schema": { "type": "string" }, "description": "Path of the progress." } });
    vec![
        paged(read("/api/admin/redrives", "listRedrives", "List bulk redrives, newest first")).data(
            200,
            "The bulk redrives.",
            "Redrives",
            &json!({ "redrives": [redrive("processing", 4)], "pagination": pagination() }),
        ),
        at(read("/api/admin/redrives/{id}", "getRedrive", "Get the progress of a bulk redrive"))
            .data(200, "The progress.", "Redrive", &redrive("processing", 4)),
        at(act("/api/admin/redrives/{id}/stop", "stopRedrive", "Stop a bulk redrive", "Reason", &why))
            .about("Dead letters that still wait go on waiting; what was redriven stays so.")
            .data(200, "The progress.", "Redrive", &redrive("cancelled", 4))
            .fails(&["REDRIVE_ENDED"]),
        at(act(
            "/api/admin/redrives/{id}/rate",
            "setRedriveRate",
            "Change the rate of a bulk redrive",
            "RedriveRate",
            &json!({ "rate": 50 }),
        ))
        .about("In dead letters per second; `null` removes the limit. It holds within some seconds.")
        .data(200, "The progress.", "Redrive", &redrive("processing", 4))
        .fails(&["REDRIVE_ENDED"]),
        at(act(
            "/api/admin/redrives/{id}/resume",
            "resumeRedrive",
            "Resume a bulk redrive",
            "RedriveResume",
            &json!({ "rate": 50, "reason": "the engine is fixed now" }),
        ))
        .about("Begins another bulk redrive about those of its dead letters that still wait, at `rate` or else its last rate.")
        .data(202, "The bulk redrive that was started.", "Redrive", &redrive("queued", 0))
        .with_headers(202, &location)
        .fails(&["REDRIVE_RUNNING"]),
    ]
}

fn redrive(status: &str, settled: u64) -> Value {
    json!({
        "id": TASK, "status": status, "action": { "redrive": { "onlyFailedPages": false } }, "filter": { "code": "ENGINE_TRAPPED" }, "rate": 5.0,
        "total": 17, "settled": settled, "waiting": 17 - settled, "passedOver": null, "error": null,
        "by": "cli:ann", "reason": "the engine is fixed", "createdAt": AT, "finishedAt": null,
    })
}

fn whole_letter() -> Value {
    let mut whole = letter();
    let error = json!({ "code": "ENGINE_TRAPPED", "message": "the engine crashed" });
    let attempt = json!({ "attempt": 1, "worker": "untxt-1f0c-7", "startedAt": AT, "endedAt": AT, "end": "failed", "error": error });
    whole["chain"] = json!(["wasm trap: unreachable"]);
    whole["logs"] = json!([]);
    whole["history"] = json!([attempt]);
    whole["taskStatus"] = json!("failed");
    whole["payload"] = json!({});
    whole["raw"] = json!(null);
    whole
}

fn letter() -> Value {
    json!({
        "id": TASK, "taskId": TASK, "workflow": "ocr", "tenant": "11111111-1111-1111-1111-111111111111",
        "step": "ocr", "item": 3, "page": 4, "code": "ENGINE_TRAPPED", "message": "the engine crashed",
        "reason": { "kind": "budget_spent", "budget": "content" }, "attempts": 3, "digest": null,
        "fingerprint": "9f86d081884c7d65", "state": "waiting", "settled": null, "at": AT,
    })
}
