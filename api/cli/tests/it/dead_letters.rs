//! Work that died: found, shown, made to go on, given up.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::history::History;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// A document whose second page no picture can be made of.
fn torn(user: Uuid) -> Upload {
    Upload::new(user, "torn.pdf", samples::pdf_with_a_giant_page(3, 2))
}

/// One that an engine refuses, page by page.
fn refused(user: Uuid, pages: usize) -> Upload {
    Upload::new(user, "book.pdf", samples::pdf(pages)).with("engine", "refuse")
}

async fn letters(client: &Client, query: &str) -> Vec<Value> {
    let data = client.data(&format!("/api/admin/dead-letters{query}")).await;
    data["deadLetters"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_task_that_died_goes_on_with_another_engine_and_is_whole() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(refused(user, 2)).await;
    assert_eq!(socket.end_of(&task).await, "failed");
    let shown = client.data(&format!("/api/tasks/{task}")).await;
    assert_eq!(shown["failedPages"][0]["code"], "ENGINE_BAD_IMAGE", "{shown}");
    assert!(shown["failedPages"][0]["message"].is_string() && shown["failedPages"][0]["page"].is_u64());

    let letter = letters(&client, &format!("?run={task}&state=waiting")).await.remove(0);
    assert_eq!(
        (&letter["taskId"], &letter["step"], &letter["code"]),
        (&json!(task), &json!("ocr"), &json!("ENGINE_BAD_IMAGE"))
    );
    let id = letter["id"].as_str().unwrap();
    let whole = client.data(&format!("/api/admin/dead-letters/{id}")).await;
    assert_eq!(whole["digest"], shown["engineDigest"], "{whole}");
    assert_eq!(whole["payload"]["engine"]["name"], "refuse");
    assert_eq!(whole["history"][0]["end"], "failed");
    assert!(whole["history"][0]["worker"].is_string() && whole["history"][0]["error"]["code"].is_string());

    let answer = client
        .send_json(
            &format!("/api/admin/dead-letters/{id}/redrive"),
            &json!({ "fromStep": "ocr", "engine": "simulated-qwen3", "reason": "that engine is broken" }),
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["data"]["state"], "redriven", "{answer:?}");
    let heard = socket.story_of(&task).await;
    assert_eq!(
        (&heard[0]["data"]["status"], &heard[0]["data"]["message"]),
        (&json!("queued"), &json!("Task queued again"))
    );
    assert_eq!(heard.last().unwrap()["data"]["status"], "completed");
    assert!(client.result(&task).await.contains(&samples::first_line(2)));
    let now = client.data(&format!("/api/tasks/{task}")).await;
    assert_eq!(
        (&now["engine"], &now["error"], &now["failedPages"]),
        (&json!("simulated-qwen3"), &json!(null), &json!([]))
    );
    assert_ne!(now["engineDigest"], shown["engineDigest"]);

    let audit = client.data("/api/admin/audit").await;
    let line = &audit["audit"][0];
    assert_eq!((&line["action"], &line["actor"]), (&json!("redrive"), &json!("api:127.0.0.1")), "{audit}");
    assert_eq!(line["detail"]["reason"], "that engine is broken");
    let again = client.send_json(&format!("/api/admin/dead-letters/{id}/redrive"), &json!({})).await;
    assert_eq!((again.status, again.code()), (409, "NOTHING_TO_RETRY"), "{again:?}");
}

#[tokio::test]
async fn only_the_failed_pages_of_a_partial_task_are_done_again() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(torn(user).with("onPageFailure", "partial")).await;
    assert_eq!(socket.end_of(&task).await, "partial");
    let shown = client.data(&format!("/api/tasks/{task}")).await;
    assert_eq!(shown["failedPages"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(
        (&shown["failedPages"][0]["page"], &shown["failedPages"][0]["code"]),
        (&json!(2), &json!("PAGE_TOO_LARGE"))
    );
    let before = History::of(&home, &task).page_attempts();

    let retried = client.send_json(&format!("/api/tasks/{task}/retry"), &json!({})).await;
    assert_eq!(retried.status, 200, "{retried:?}");
    // The page is as torn as before.
    assert_eq!(socket.end_of(&task).await, "partial");
    let history = History::of(&home, &task);
    assert_eq!(history.page_attempts(), before + 1, "the other pages were left alone");
    assert_eq!((history.count("redriven"), history.count("dead_lettered")), (1, 2));
    let states: Vec<Value> = letters(&client, &format!("?run={task}"))
        .await
        .iter()
        .map(|letter| letter["state"].clone())
        .collect();
    assert_eq!(states, ["waiting", "redriven"]);

    // The same by the command, and with nothing to be done.
    home.run(&["tasks", "retry", &task]).exits(0);
    assert_eq!(socket.end_of(&task).await, "partial");
    let whole = client.accepted(Upload::new(user, "a.pdf", samples::pdf(1))).await;
    assert_eq!(socket.end_of(&whole).await, "completed");
    let nothing = client.send_json(&format!("/api/tasks/{whole}/retry"), &json!({})).await;
    assert_eq!((nothing.status, nothing.code()), (409, "NOTHING_TO_RETRY"), "{nothing:?}");
    home.run(&["tasks", "retry", &whole]).exits(1);
    let nobody = client.send_json(&format!("/api/tasks/{}/retry", Uuid::new_v4()), &json!({})).await;
    assert_eq!((nobody.status, nobody.code()), (404, "TASK_NOT_FOUND"));
}

#[tokio::test]
async fn a_page_of_another_site_can_not_act() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let path = "/api/admin/dead-letters/discard";
    let all = json!({ "all": true });
    for headers in [[("origin", "http://evil.example")], [("host", "evil.example")]] {
        let answer = client.send_with(path, &headers, &all.to_string()).await;
        assert_eq!((answer.status, answer.code()), (403, "ORIGIN_NOT_ALLOWED"), "{headers:?} {answer:?}");
    }
    let form = client.send_with(path, &[("content-type", "text/plain")], &all.to_string()).await;
    assert_eq!((form.status, form.code()), (415, "NOT_JSON"), "{form:?}");
    let unsaid = client.send_json(path, &json!({})).await;
    assert_eq!(
        (unsaid.status, unsaid.code()),
        (400, "INVALID_FIELD"),
        "all of them have to be meant: {unsaid:?}"
    );
    let odd = client.send_json(path, &json!({ "filter": { "colour": "red" } })).await;
    assert_eq!((odd.status, odd.code()), (400, "INVALID_FIELD"), "{odd:?}");
    let audit = client.data("/api/admin/audit").await;
    assert_eq!(audit["audit"], json!([]), "nobody did anything");
}

#[tokio::test]
async fn letters_are_discarded_with_a_reason_and_counted_before() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    for upload in [refused(user, 1), refused(user, 1), torn(user)] {
        let task = client.accepted(upload).await;
        assert_eq!(socket.end_of(&task).await, "failed");
    }
    let dry = home.run(&["dead-letters", "discard", "--all", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(dry["total"], 3, "{dry}");
    let counts: BTreeSet<(String, u64)> = dry["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["code"].as_str().unwrap().to_owned(), group["count"].as_u64().unwrap()))
        .collect();
    let expected = [("ENGINE_BAD_IMAGE".to_owned(), 2), ("PAGE_TOO_LARGE".to_owned(), 1)];
    assert_eq!(counts, BTreeSet::from(expected));
    assert_eq!(letters(&client, "?state=waiting").await.len(), 3, "nothing was done");
    assert!(dry["asOf"].as_str() >= letters(&client, "").await[0]["at"].as_str(), "{dry}");

    let begun = client
        .send_json(
            "/api/admin/dead-letters/discard",
            &json!({ "filter": { "code": "ENGINE_BAD_IMAGE" }, "reason": "not ours" }),
        )
        .await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let progress = client.until(&begun.location.unwrap(), |data| data["status"] == "completed").await;
    assert_eq!(
        (&progress["total"], &progress["settled"], &progress["waiting"]),
        (&json!(2), &json!(2), &json!(0))
    );
    let left = letters(&client, "?state=waiting").await;
    assert_eq!((left.len(), &left[0]["code"]), (1, &json!("PAGE_TOO_LARGE")));

    let id = left[0]["id"].as_str().unwrap();
    home.run(&["dead-letters", "discard", id, "--reason", "it is torn"]).exits(0);
    let shown = home.run(&["dead-letters", "show", id, "--json"]).exits(0).json();
    assert_eq!((&shown["state"], &shown["settled"]["reason"]), (&json!("discarded"), &json!("it is torn")));
    assert!(shown["settled"]["by"].as_str().unwrap().starts_with("cli:"), "{shown}");
    let page = home.run(&["dead-letters", "show", id]).exits(0).stdout;
    assert!(page.contains("PAGE_TOO_LARGE") && page.contains("\nATTEMPT  STARTED"), "{page}");
    let again = home.run(&["dead-letters", "discard", id, "--json"]).exits(1);
    assert_eq!(again.json()["error"]["code"], "DEAD_LETTER_SETTLED");
    let list = home.run(&["dead-letters", "list", "--filter", "state=discarded", "--json"]).exits(0).json();
    assert_eq!(list["total"], 3, "{list}");
    home.run(&["dead-letters", "list", "--filter", "colour=red"]).exits(2);
    home.run(&["dead-letters", "redrive"]).exits(2);
}

/// Letters that are redriven one after the other, so slowly that the blow falls
/// in their middle.
const MANY: usize = 12;

#[tokio::test]
async fn a_bulk_redrive_goes_on_after_kill_9_and_redrives_each_once() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let mut tasks = Vec::new();
    for _ in 0..MANY {
        tasks.push(client.accepted(refused(user, 1)).await);
        assert_eq!(socket.end_of(tasks.last().unwrap()).await, "failed");
    }
    assert_eq!(server.terminate().code(), Some(0));

    // Nobody else works: the command itself goes through them.
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let mut killed = redrive_slowly(&home);
    client
        .until("/api/admin/dead-letters?state=redriven", |data| {
            data["pagination"]["total"].as_u64() >= Some(3)
        })
        .await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    let redriven = letters(&client, "?state=redriven").await;
    assert!(redriven.len() < MANY, "the blow came too late to show anything");
    let bulk = redriven[0]["settled"]["bulk"].as_str().unwrap().to_owned();
    assert_eq!(server.terminate().code(), Some(0));

    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let path = format!("/api/admin/redrives/{bulk}");
    let progress = client.until(&path, |data| data["status"] == "completed").await;
    assert_eq!((&progress["total"], &progress["settled"]), (&json!(MANY), &json!(MANY)), "{progress}");
    for task in &tasks {
        client.until(&format!("/api/tasks/{task}"), |data| data["status"] == "completed").await;
        let history = History::of(&home, task);
        assert_eq!((history.count("redriven"), history.count("completed")), (1, 1));
    }
    let audit = client.data("/api/admin/audit?limit=200").await;
    let lines = audit["audit"].as_array().unwrap();
    let count = |action: &str| lines.iter().filter(|line| line["action"] == action).count();
    assert_eq!((count("redrive-many"), count("redrive")), (1, MANY));
}

fn redrive_slowly(home: &Home) -> Child {
    home.command(&["dead-letters", "redrive", "--all", "--engine", "simulated-qwen3", "--rate", "4/s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A night's work: found by cause, begun slowly, stopped, gone on with, hurried up, and the
/// rest given up.
#[tokio::test]
async fn a_bulk_redrive_is_stopped_resumed_and_given_another_rate() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    for user in [ann, ann, ann, bob] {
        let task = client.accepted(refused(user, 1)).await;
        client.until(&format!("/api/tasks/{task}"), |task| task["status"] == "failed").await;
    }
    let task = client.accepted(torn(bob)).await;
    client.until(&format!("/api/tasks/{task}"), |task| task["status"] == "failed").await;

    let found = client.data("/api/admin/dead-letters/groups").await;
    assert_eq!((found["groups"].as_array().unwrap().len(), &found["hasMore"]), (2, &json!(false)), "{found}");
    let group = &found["groups"][0];
    assert_eq!((&group["count"], &group["tenants"]), (&json!(4), &json!(2)), "{group}");
    assert_eq!((&group["code"], &group["step"]), (&json!("ENGINE_BAD_IMAGE"), &json!("ocr")), "{group}");
    assert!(group["message"].is_string() && group["firstAt"].as_str() < group["lastAt"].as_str(), "{group}");
    let cause = json!({ "fingerprint": group["fingerprint"], "digest": group["digest"] });
    let one = client.data("/api/admin/dead-letters/groups?limit=1").await;
    assert_eq!((one["groups"].as_array().unwrap().len(), &one["hasMore"]), (1, &json!(true)), "{one}");
    let said = home.run(&["dead-letters", "groups", "--json"]).exits(0).json();
    assert_eq!(said["groups"], found["groups"]);

    // One at once, the next in two minutes.
    let slowly = json!({ "filter": cause, "engine": "simulated-qwen3", "rate": 0.0083 });
    let begun = client.send_json("/api/admin/dead-letters/redrive", &slowly).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let path = |answer: &crate::client::Answer| {
        format!("/api/admin/redrives/{}", answer.body["data"]["id"].as_str().unwrap())
    };
    let first = path(&begun);
    client.until(&first, |redrive| redrive["settled"] == 1).await;
    let busy = client.send_json(&format!("{first}/resume"), &json!({})).await;
    assert_eq!((busy.status, busy.code()), (409, "REDRIVE_RUNNING"), "{busy:?}");
    let stopped = client.send_json(&format!("{first}/stop"), &json!({ "reason": "still broken" })).await;
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let now = client.until(&first, |redrive| redrive["finishedAt"].is_string()).await;
    assert_eq!(
        (&now["status"], &now["settled"], &now["waiting"]),
        (&json!("cancelled"), &json!(1), &json!(3)),
        "{now}"
    );
    for act in ["stop", "rate"] {
        let over = client.send_json(&format!("{first}/{act}"), &json!({ "rate": 1 })).await;
        let expected = if act == "stop" { "MALFORMED_BODY" } else { "REDRIVE_ENDED" };
        assert_eq!(over.code(), expected, "{over:?}");
    }
    let over = client.send_json(&format!("{first}/stop"), &json!({})).await;
    assert_eq!((over.status, over.code()), (409, "REDRIVE_ENDED"), "{over:?}");

    // It goes on as slowly as before, until it is given another rate.
    let resumed = client.send_json(&format!("{first}/resume"), &json!({ "reason": "fixed" })).await;
    assert_eq!((resumed.status, &resumed.body["data"]["total"]), (202, &json!(3)), "{resumed:?}");
    let second = path(&resumed);
    assert_eq!(resumed.location, Some(second.clone()));
    client.until(&second, |redrive| redrive["settled"] == 1).await;
    for wrong in [json!({ "rate": 0 }), json!({ "rate": 100_000 }), json!({ "rate": "fast" }), json!({})] {
        let refused = client.send_json(&format!("{second}/rate"), &wrong).await;
        assert_eq!(refused.status, 400, "{wrong} {refused:?}");
    }
    let hurried = client.send_json(&format!("{second}/rate"), &json!({ "rate": 50 })).await;
    assert_eq!((hurried.status, &hurried.body["data"]["rate"]), (200, &json!(50.0)), "{hurried:?}");
    let done = client.until(&second, |redrive| redrive["status"] == "completed").await;
    assert_eq!((&done["settled"], &done["waiting"]), (&json!(3), &json!(0)), "{done}");

    let listed = client.data("/api/admin/redrives").await;
    assert_eq!((&listed["redrives"][0]["id"], &listed["pagination"]["total"]), (&done["id"], &json!(2)));
    let nobody = client.send_json(&format!("/api/admin/redrives/{}/stop", Uuid::new_v4()), &json!({})).await;
    assert_eq!((nobody.status, nobody.code()), (404, "REDRIVE_NOT_FOUND"), "{nobody:?}");
    home.run(&["redrives", "list"]).exits(0);
    home.run(&["redrives", "stop", listed["redrives"][1]["id"].as_str().unwrap()]).exits(1);

    let rest = client.send_json("/api/admin/dead-letters/discard", &json!({ "all": true })).await;
    client.until(&path(&rest), |redrive| redrive["status"] == "completed").await;
    assert_eq!(client.data("/api/admin/dead-letters/groups").await["groups"], json!([]));
    let audit = client.data("/api/admin/audit?limit=200").await;
    let lines = audit["audit"].as_array().unwrap();
    let acts = ["redrive-many", "stop-redrive", "set-redrive-rate", "discard-many"];
    let count = |action: &str| lines.iter().filter(|line| line["action"] == action).count();
    assert_eq!(acts.map(count), [2, 1, 1, 1], "{audit}");
    let stop = lines.iter().find(|line| line["action"] == "stop-redrive").unwrap();
    assert_eq!(
        (&stop["actor"], &stop["detail"]["reason"]),
        (&json!("api:127.0.0.1"), &json!("still broken"))
    );
}
