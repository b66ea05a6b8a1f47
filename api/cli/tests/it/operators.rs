//! What operators look at while there is trouble, and long after.

use chrono::Utc;
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use uuid::Uuid;

use crate::client::Upload;
use crate::document_server::{DocumentServer, Page};
use crate::history::History;
use crate::home::{Home, PATIENCE};
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn what_waits_for_a_retry_is_listed_with_its_failure() {
    let home = Home::new();
    home.install("flaky", "flaky");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(1)).with("engine", "flaky")).await;
    // From attempt to attempt it waits longer.
    let seen =
        client.until("/api/admin/retries", |data| data["retries"][0]["attempt"].as_u64() >= Some(4)).await;
    let retry = &seen["retries"][0];
    assert_eq!((&retry["run"], &retry["step"], &retry["item"]), (&json!(task), &json!("ocr"), &json!(0)));
    assert_eq!(retry["tenant"], user.to_string());
    assert_eq!(retry["error"]["code"], "ENGINE_UPSTREAM_5XX");
    assert!(retry["error"]["message"].as_str().unwrap().contains("is not served"), "{retry}");
    assert_eq!(seen["pagination"], json!({"total": 1, "limit": 50, "offset": 0, "hasMore": false}));

    let listed = home.run(&["retries", "list", "--json"]).exits(0).json();
    let table = home.run(&["retries", "list"]).exits(0).stdout;
    if listed["total"] == 1 {
        assert_eq!(listed["retries"][0]["run"], json!(task));
    }
    assert!(table.contains("that wait for a retry"), "{table}");
    home.run(&["tasks", "cancel", &task, "--json"]).exits(0);
    assert_eq!(client.data("/api/admin/retries").await["retries"], json!([]));
    let beyond = client.get("/api/admin/retries?limit=201").await;
    assert_eq!((beyond.status, beyond.code()), (400, "INVALID_FIELD"));
}

#[tokio::test]
async fn workers_are_listed_with_what_they_hold() {
    let home = Home::new();
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = Upload::new(user, "a.pdf", samples::pdf(1)).with("engine", "slow");
    let task = client.accepted(upload.with("options", &json!({"settings": {"ms": 100_000}}))).await;
    client.until("/api/admin/workers", |data| data["workers"][0]["holds"][0]["step"] == "ocr").await;
    let listed = home.run(&["workers", "list", "--json"]).exits(0).json();
    let worker = &listed["workers"][0];
    assert_eq!((&worker["state"], &worker["holds"][0]["run"]), (&json!("alive"), &json!(task)));
    let table = home.run(&["workers", "list"]).exits(0).stdout;
    assert!(table.contains("alive") && table.contains(&task) && table.contains("1 worker(s)"), "{table}");
}

#[tokio::test]
async fn a_queue_stands_still_until_it_is_resumed() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let paused = client.tell("/api/admin/queues/pause", &json!({"queue": "ocr"})).await;
    assert_eq!(
        (paused.status, &paused.body["data"]["queues"][0]["paused"]),
        (200, &json!(true)),
        "{paused:?}"
    );
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(1))).await;
    let listed = home.run(&["queues", "list", "--json"]).exits(0).json();
    let queue = json!({"name": "ocr", "ready": 1, "scheduled": 0, "held": 0, "paused": true});
    assert_eq!(listed["queues"][0], queue);
    let table = home.run(&["queues", "list"]).exits(0).stdout;
    let cells: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(cells, ["ocr", "1", "0", "0", "true"], "{table}");
    let resumed_at = Utc::now();
    let resumed = home.run(&["queues", "resume", "ocr", "--json"]).exits(0).json();
    assert_eq!(resumed["queues"][0]["paused"], false);
    let audit = client.data("/api/admin/audit").await;
    let lines = audit["audit"].as_array().unwrap();
    let said: Vec<_> = lines.iter().map(|line| (&line["action"], &line["subject"])).collect();
    let (resume, pause, ocr) = (json!("resume"), json!("pause"), json!("queue ocr"));
    assert_eq!(said, [(&resume, &ocr), (&pause, &ocr)]);
    assert!(lines[0]["actor"].as_str().unwrap().starts_with("cli:"), "{audit}");
    assert_eq!(lines[1]["actor"], "api:127.0.0.1");
    assert_eq!(socket.end_of(&task).await, "completed");
    let history = History::at(&client, &task).await;
    assert!(history.first_at("started") >= resumed_at, "it did not stand still");
}

#[tokio::test]
async fn a_tenants_share_is_set_and_lifted_field_by_field() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, tenant) = (server.client(), Uuid::new_v4().to_string());
    let limits = ["queues", "limit", "--tenant", &tenant, "--weight", "3", "--rate", "60/min", "--json"];
    let set = home.run(&limits).exits(0).json();
    let expected =
        json!({"tenant": tenant, "weight": 3, "concurrency": null, "ratePerMinute": 60, "paused": false});
    assert_eq!(set["tenants"], json!([expected]));
    let more = json!({"tenant": tenant, "concurrency": 2, "ratePerMinute": null});
    let more = client.tell("/api/admin/queues/limit", &more).await.body["data"]["tenants"][0].clone();
    assert_eq!((&more["weight"], &more["concurrency"]), (&json!(3), &json!(2)), "{more}");
    assert_eq!(more["ratePerMinute"], json!(null));
    home.run(&["queues", "pause", "--tenant", &tenant]).exits(0);
    let shown = client.data("/api/admin/queues").await;
    assert_eq!(
        (&shown["tenants"][0]["paused"], &shown["queues"][0]["paused"]),
        (&json!(true), &json!(false))
    );

    let unknown = client.tell("/api/admin/queues/pause", &json!({"queue": "nobody's"})).await;
    assert_eq!((unknown.status, unknown.code()), (404, "QUEUE_NOT_FOUND"), "{unknown:?}");
    let wrong = client.tell("/api/admin/queues/limit", &json!({"tenant": "t", "weight": 0})).await;
    assert_eq!((wrong.status, wrong.code()), (400, "MALFORMED_BODY"), "{wrong:?}");
    let form = client.act("/api/admin/queues/pause").await;
    assert_eq!((form.status, form.code()), (415, "NOT_JSON"), "{form:?}");
    let long = client.tell("/api/admin/queues/limit", &json!({"tenant": "t".repeat(65), "weight": 2})).await;
    assert_eq!((long.status, long.code()), (400, "INVALID_FIELD"), "{long:?}");
    home.run(&["queues", "pause", "nobody's"]).exits(2);
}

#[tokio::test]
async fn a_history_that_was_pruned_is_said_to_be_so() {
    let home = Home::new().with("UNTXT_RETAIN_DAYS", &1);
    let user = Uuid::new_v4();
    let server = Server::start(&home, &["serve"]);
    let mut socket = server.client().socket(user).await;
    let task = server.client().accepted(Upload::new(user, "a.pdf", samples::pdf(1))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    server.terminate();
    let database = format!("sqlite://{}", home.path("data/untxt.db").display());
    let database = Database::connect(database).await.unwrap();
    database.execute_unprepared("UPDATE runs SET finished_at_ms = finished_at_ms - 90000000").await.unwrap();
    database.close().await.unwrap();

    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let path = format!("/api/tasks/{task}/history");
    let gone = client.until_answer(&path, |answer| answer.status != 200).await;
    assert_eq!((gone.status, gone.code()), (410, "HISTORY_PRUNED"), "{gone:?}");
    assert!(client.result(&task).await.contains(&samples::first_line(1)), "the result stays");
    assert_eq!(client.data(&format!("/api/tasks/{task}")).await["status"], "completed");
    let shown = home.run(&["tasks", "show", &task, "--json"]).exits(0).json();
    assert_eq!((&shown["status"], &shown["historyPruned"]), (&json!("completed"), &json!(true)));
    assert!(home.run(&["tasks", "show", &task]).exits(0).stdout.contains("UNTXT_RETAIN_DAYS"));
    home.run(&["tasks", "watch", &task]).exits(0);
}

/// A server that is busy for an hour, and is back before that.
#[tokio::test]
async fn a_retry_is_made_now_or_given_up() {
    let (home, web) =
        (Home::new().with("UNTXT_FETCH_ALLOW_PRIVATE", "127.0.0.1/32"), DocumentServer::start().await);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let busy = Page::Status("503 Service Unavailable\r\nretry-after: 3600".to_owned());
    let mut tasks = Vec::new();
    for path in ["/a.pdf", "/b.pdf"] {
        web.put(path, busy.clone());
        let body = json!({ "userId": user, "url": web.url(path), "formats": ["txt"] });
        let task = client.send_json("/api/tasks", &body).await.body["data"]["taskId"].clone();
        client
            .until(&format!("/api/tasks/{}", task.as_str().unwrap()), |task| task["status"] == "retrying")
            .await;
        tasks.push(task.as_str().unwrap().to_owned());
    }
    let waiting = client.data("/api/admin/retries").await;
    assert_eq!(waiting["pagination"]["total"], 2);
    assert_eq!(waiting["retries"][0]["error"]["code"], "URL_BUSY", "{waiting}");

    web.put("/a.pdf", Page::Document(samples::pdf(1)));
    let now = json!({ "run": tasks[0], "reason": "it is back" });
    let hurried = client.send_json("/api/admin/retries/now", &now).await;
    assert_eq!((hurried.status, &hurried.body["data"]["status"]), (200, &json!("retrying")), "{hurried:?}");
    client.until(&format!("/api/tasks/{}", tasks[0]), |task| task["status"] == "completed").await;
    let over = client.send_json("/api/admin/retries/now", &now).await;
    assert_eq!((over.status, over.code()), (409, "NO_RETRY_PENDING"), "{over:?}");
    let nobody = client.send_json("/api/admin/retries/now", &json!({ "run": Uuid::new_v4() })).await;
    assert_eq!((nobody.status, nobody.code()), (404, "RUN_NOT_FOUND"), "{nobody:?}");
    let page = client.send_json("/api/admin/retries/give-up", &json!({ "run": tasks[1], "item": 7 })).await;
    assert_eq!((page.status, page.code()), (409, "NO_RETRY_PENDING"), "{page:?}");

    home.run(&["retries", "give-up", &tasks[1], "--reason", "it is gone"]).exits(0);
    let failed = client.until(&format!("/api/tasks/{}", tasks[1]), |task| task["status"] == "failed").await;
    assert_eq!(failed["error"]["code"], "URL_BUSY", "{failed}");
    let letters = client.data("/api/admin/dead-letters?state=waiting").await;
    let id = letters["deadLetters"][0]["id"].as_str().unwrap();
    let letter = client.data(&format!("/api/admin/dead-letters/{id}")).await;
    assert!(letter["chain"].to_string().contains("it is gone"), "{letter}");
    home.run(&["retries", "give-up", &tasks[1]]).exits(1);
    let audit = client.data("/api/admin/audit").await;
    let acts: Vec<&str> =
        audit["audit"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(acts, ["give-up-retry", "retry-now"]);
}

#[tokio::test]
async fn a_drained_worker_finishes_what_it_runs_and_starts_nothing_new() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", "1");
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = Upload::new(user, "a.pdf", samples::pdf(4)).with("engine", "slow");
    let slow = client.accepted(upload.with("options", &json!({"settings": {"ms": 1_500}}))).await;
    let busy =
        client.until("/api/admin/workers", |data| data["workers"][0]["holds"][0]["step"] == "ocr").await;
    let name = busy["workers"][0]["name"].as_str().unwrap().to_owned();
    let path = format!("/api/admin/workers/{name}");
    let drained = client.send_json(&format!("{path}/drain"), &json!({ "reason": "more memory" })).await;
    assert_eq!((drained.status, &drained.body["data"]["workers"][0]["state"]), (200, &json!("draining")));
    // It learns of it with its next heartbeat, and ends the page that it is at.
    let began = std::time::Instant::now();
    let knows = || std::fs::read_to_string(server.log()).unwrap().contains("an operator drains the worker");
    while !knows() {
        assert!(began.elapsed() < PATIENCE, "the worker never learned of it");
        client.data("/api/admin/workers").await;
    }
    client.until("/api/admin/workers", |data| data["workers"][0]["holds"] == json!([])).await;
    let waiting = client.accepted(Upload::new(user, "b.png", samples::picture(1))).await;
    let still = client.data(&format!("/api/tasks/{waiting}")).await;
    assert_eq!((&still["status"], &still["startedAt"]), (&json!("queued"), &json!(null)), "{still}");

    home.run(&["workers", "resume", &name]).exits(0);
    for task in [&slow, &waiting] {
        client.until(&format!("/api/tasks/{task}"), |task| task["status"] == "completed").await;
    }
    assert_eq!(client.data("/api/admin/workers").await["workers"][0]["state"], "alive");
    let nobody = client.send_json("/api/admin/workers/nobody/drain", &json!({})).await;
    assert_eq!((nobody.status, nobody.code()), (404, "WORKER_NOT_FOUND"), "{nobody:?}");
    home.run(&["workers", "drain", "nobody"]).exits(1);
    let audit = client.data("/api/admin/audit").await;
    let acts: Vec<&str> =
        audit["audit"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(acts, ["resume-worker", "drain-worker"]);
    assert_eq!(server.terminate().code(), Some(0));
}
