//! Long lists of tasks, and what is done to many tasks at once.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::people::Person;
use crate::samples;
use crate::server::Server;

/// Tasks of one page with these names, the last one the newest.
async fn tasks(client: &Client, user: Uuid, names: &[&str]) -> Vec<String> {
    let mut tasks = Vec::new();
    for name in names {
        tasks.push(client.accepted(Upload::new(user, name, samples::picture(1))).await);
    }
    tasks
}

/// The names in a list.
fn names(list: &Value) -> Vec<&str> {
    list["tasks"].as_array().unwrap().iter().map(|task| task["filename"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_is_read_by_cursor_and_by_what_stands_in_it() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let files = ["Invoice 1.png", "letter.png", "invoice_2.png", "50%.png", "INVOICE 3.png"];
    let ids = tasks(&client, user, &files).await;
    tasks(&client, Uuid::new_v4(), &["invoice of another.png"]).await;
    let path = format!("/api/tasks?userId={user}");
    let all = client.data(&path).await;
    assert_eq!((&all["pagination"]["total"], &all["pagination"]["next"]), (&json!(5), &Value::Null));

    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let list = client.data(&format!("{path}&limit=2&after={after}")).await;
        seen.extend(names(&list).into_iter().map(str::to_owned));
        assert_eq!(
            (&list["pagination"]["total"], &list["pagination"]["totalIsLowerBound"]),
            (&json!(5), &json!(false))
        );
        let Some(next) = list["pagination"]["next"].as_str() else { break };
        after = next.to_owned();
    }
    let newest_first: Vec<&str> = files.into_iter().rev().collect();
    assert_eq!(seen, newest_first);
    let by_number = client.data(&format!("{path}&limit=2")).await;
    let next = by_number["pagination"]["next"].as_str().unwrap();
    assert_eq!(
        names(&client.data(&format!("{path}&limit=2&after={next}")).await),
        ["invoice_2.png", "letter.png"]
    );

    for (filter, expected) in [
        ("q=invoice", vec!["INVOICE 3.png", "invoice_2.png", "Invoice 1.png"]),
        ("q=%25", vec!["50%.png"]),
        ("q=_", vec!["invoice_2.png"]),
        ("q=nothing", vec![]),
        ("engine=simulated-qwen3&limit=1", vec!["INVOICE 3.png"]),
        ("engine=reader", vec![]),
        ("status=queued,failed&limit=2", vec!["INVOICE 3.png", "50%.png"]),
        ("status=failed,partial", vec![]),
    ] {
        assert_eq!(names(&client.data(&format!("{path}&{filter}")).await), expected, "{filter}");
    }
    for wrong in ["status=queued,lost", "after=x", "q=a&offset=1", "changedSince=yesterday", "counts=1"] {
        let refused = client.get(&format!("{path}&{wrong}")).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_FIELD"), "{wrong}: {refused:?}");
    }

    let as_of = all["asOf"].as_str().unwrap();
    assert_eq!(client.act(&format!("/api/tasks/{}/cancel", ids[1])).await.status, 200);
    let counts = client.data(&format!("{path}&counts=true&limit=1")).await["counts"].clone();
    assert_eq!(
        (&counts["queued"], &counts["cancelled"], &counts["failed"]),
        (&json!(4), &json!(1), &json!(0))
    );
    let changed = client.data(&format!("{path}&changedSince={as_of}")).await;
    assert_eq!(names(&changed).last(), Some(&"letter.png"), "it changed last: {changed}");
    let later = "2999-01-01T00:00:00Z";
    let open = client.data(&format!("{path}&changedSince={later}")).await;
    assert_eq!(open["pagination"]["total"], 4, "what has not ended goes on");
    let part = client.data(&format!("{path}&changedSince={later}&limit=3")).await;
    let next = part["pagination"]["next"].as_str().unwrap();
    let rest = client.data(&format!("{path}&changedSince={later}&limit=3&after={next}")).await;
    assert_eq!((names(&part).len(), names(&rest).len()), (3, 1));

    let listed = home.run(&["tasks", "list", "--name", "invoice", "--status", "queued,failed", "--json"]);
    assert_eq!(listed.exits(0).json()["total"], 4, "of all users");
}

#[tokio::test]
async fn many_tasks_are_cancelled_retried_and_erased_at_once() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let mut failed = Vec::new();
    for name in ["a.png", "b.png", "other.png"] {
        let upload = Upload::new(user, name, samples::picture(1)).with("engine", "refuse");
        let task = client.accepted(upload).await;
        assert_eq!(socket.end_of(&task).await, "failed");
        failed.push(task);
    }
    let bulk = async |body: Value| {
        let mut body = body;
        body["userId"] = json!(user);
        let answer = client.send_json("/api/tasks/bulk", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["data"].clone()
    };
    let dry = bulk(json!({"action": "retry", "filter": {}, "dryRun": true})).await;
    assert_eq!((&dry["matched"], &dry["done"], &dry["more"]), (&json!(3), &json!(0), &json!(false)));
    let cancelled = bulk(json!({"action": "cancel", "filter": {}})).await;
    assert_eq!((&cancelled["matched"], &cancelled["done"]), (&json!(0), &json!(0)), "all have ended");
    let retried = bulk(json!({"action": "retry", "filter": {"tasks": [failed[0], Uuid::nil()]}})).await;
    assert_eq!(
        (&retried["matched"], &retried["done"], &retried["failedCount"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(
        (&retried["failed"][0]["code"], &retried["failed"][0]["taskId"]),
        (&json!("TASK_NOT_FOUND"), &json!(Uuid::nil()))
    );
    assert_eq!(socket.end_of(&failed[0]).await, "failed", "it was tried again");
    let late = bulk(json!({"action": "cancel", "filter": {"tasks": [failed[0]]}})).await;
    assert_eq!((&late["failed"][0]["code"], &late["done"]), (&json!("TASK_ALREADY_ENDED"), &json!(0)));

    let erased = bulk(json!({"action": "erase", "filter": {"q": "OTHER", "status": ["failed"]}})).await;
    assert_eq!((&erased["matched"], &erased["done"], &erased["more"]), (&json!(1), &json!(1), &json!(false)));
    assert_eq!(client.get(&format!("/api/tasks/{}", failed[2])).await.status, 404);
    assert_eq!(client.task_count(user).await, 2);
    for wrong in [
        json!({"action": "lose", "filter": {}}),
        json!({"action": "erase"}),
        json!({"action": "retry", "filter": {"status": ["completed"]}}),
        json!({"action": "erase", "filter": {"user": user}}),
        json!({"action": "erase", "filter": {"tasks": vec![Uuid::nil(); 201]}}),
    ] {
        let refused = client.send_json("/api/tasks/bulk", &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {refused:?}");
    }
    assert_eq!(client.task_count(user).await, 2);
}

#[tokio::test]
async fn bulk_is_for_ones_own_tasks_and_what_operators_do_is_audited() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let person = |scopes| Person::new(&home, scopes);
    let (owner, other, operator) = (person("submit,read"), person("submit,read"), person("operate"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = |person: &Person| server.client().presenting(&person.key);
    let ids = tasks(&client(&owner), owner.user, &["a.png", "b.png"]).await;
    let cancel = json!({"action": "cancel", "filter": {}});
    let foreign = client(&other).send_json("/api/tasks/bulk", &cancel).await;
    assert_eq!(foreign.body["data"]["matched"], 0, "{foreign:?}");
    let named = json!({"action": "erase", "filter": {"tasks": ids}});
    let foreign = client(&other).send_json("/api/tasks/bulk", &named).await;
    assert_eq!((&foreign.body["data"]["done"], &foreign.body["data"]["failedCount"]), (&json!(0), &json!(2)));
    let of_owner = json!({"action": "cancel", "filter": {}, "userId": owner.user});
    let foreign = client(&other).send_json("/api/tasks/bulk", &of_owner).await;
    assert_eq!((foreign.status, foreign.code()), (403, "FORBIDDEN"), "{foreign:?}");
    assert_eq!(client(&owner).task_count(owner.user).await, 2);

    let done = client(&operator).send_json("/api/tasks/bulk", &of_owner).await;
    assert_eq!(done.body["data"]["done"], 2, "{done:?}");
    let audit = client(&operator).data("/api/admin/audit").await;
    let lines = audit["audit"].as_array().unwrap().iter();
    let subjects =
        lines.filter(|line| line["action"] == "cancel").map(|line| line["subject"].as_str().unwrap());
    let mut subjects: Vec<&str> = subjects.collect();
    subjects.sort_unstable();
    let mut expected: Vec<String> = ids.iter().map(|id| format!("run {id}")).collect();
    expected.sort_unstable();
    assert_eq!(subjects, expected);
}

#[tokio::test]
async fn engines_are_listed_with_what_they_take() {
    let home = Home::new();
    home.install("slow", "slow");
    home.write("plugins/broken.wasm", b"nothing");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let told = server.client().data("/api/engines").await;
    assert_eq!(told["default"], "simulated-qwen3");
    let engines = told["engines"].as_array().unwrap();
    let names: Vec<&str> = engines.iter().map(|engine| engine["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["reader", "simulated-qwen3", "slow"], "what can't be used is left out");
    let [reader, simulated, slow] = engines.as_slice() else { panic!("{told}") };
    assert!(reader["languages"].as_array().unwrap().contains(&json!("de")));
    assert_eq!((&reader["wants"]["dpi"], &reader["simulated"]), (&json!(300), &json!(false)));
    assert!(reader["description"].as_str().unwrap().contains("Latin"));
    assert_eq!((&simulated["simulated"], &slow["description"]), (&json!(true), &Value::Null));
    assert_eq!(slow["settingsSchema"]["properties"]["ms"]["type"], "integer");
}
