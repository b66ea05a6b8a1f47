//! What operators' programs ask: readiness, metrics, a worker's own door.

use std::fs;
use std::net::TcpListener;

use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::client::{Answer, Client, Upload};
use crate::database;
use crate::home::{Home, built};
use crate::people::Person;
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn what_was_done_is_counted_under_stable_names_and_no_ids() {
    let home = Home::new();
    home.install("refuse", "refuse");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(3))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    let dead = client.accepted(Upload::new(user, "b.pdf", samples::pdf(1)).with("engine", "refuse")).await;
    assert_eq!(socket.end_of(&dead).await, "failed");
    client.data(&format!("/api/tasks/{task}")).await;
    client.get("/no/such/path").await;

    let metrics = Metrics::of(&client).await;
    let of_ocr = |step: &str| format!(r#"{{workflow="ocr",step="{step}",outcome="succeeded",code=""}}"#);
    assert_eq!(metrics.value("untxt_runs_submitted_total", r#"{workflow="ocr"}"#), 2.0);
    assert_eq!(metrics.value("untxt_attempts_total", &of_ocr("ocr")), 3.0);
    assert_eq!(metrics.value("untxt_attempts_total", &of_ocr("finalize")), 1.0);
    assert_eq!(metrics.value("untxt_runs_ended_total", r#"{workflow="ocr",status="failed"}"#), 1.0);
    assert_eq!(metrics.sum("untxt_dead_letters_total"), 1.0);
    assert_eq!(metrics.value("untxt_dead_letters_waiting", r#"{reason="permanent"}"#), 1.0);
    let digest = hex::encode(Sha256::digest(fs::read(built("simulated-qwen3")).unwrap()));
    let version = format!(r#"engine="simulated-qwen3",digest="{}""#, &digest[..12]);
    let calls = format!(r#"{{{version},outcome="ok"}}"#);
    assert_eq!(metrics.value("untxt_plugin_calls_total", &calls), 3.0);
    let seconds = format!("{{{version}}}");
    assert_eq!(metrics.value("untxt_plugin_call_duration_seconds_count", &seconds), 3.0);
    let bytes = metrics.value("untxt_plugin_memory_peak_bytes_sum", &seconds);
    assert!(bytes > 3.0 * 1_048_576.0, "{bytes}");
    let got = r#"{route="/api/tasks/{id}",method="GET",status="200"}"#;
    assert_eq!(metrics.value("untxt_http_requests_total", got), 1.0);
    let missed = r#"{route="none",method="GET",status="404"}"#;
    assert_eq!(metrics.value("untxt_http_requests_total", missed), 1.0);
    assert_eq!(metrics.value("untxt_sockets_open", r#"{kind="websocket"}"#), 1.0);
    assert_eq!(metrics.value("untxt_queue_depth", r#"{queue="ocr",state="ready"}"#), 0.0);
    assert_eq!(metrics.value("untxt_workers", r#"{state="alive"}"#), 1.0);
    assert!(metrics.sum("untxt_upload_bytes_total") > 1_000.0);
    assert!(metrics.sum("untxt_journal_batch_requests_count") > 5.0);
    assert!(metrics.sum("process_resident_memory_bytes") > 1e6);
    for told in [&task, &dead, &user.to_string()] {
        assert!(!metrics.text.contains(told.as_str()), "{told} is in the metrics");
    }
}

#[tokio::test]
async fn a_process_is_ready_when_it_can_do_its_work() {
    let home = database::home().await;
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let ready = client.get("/ready").await;
    assert_eq!((ready.status, &ready.body["data"]["status"]), (200, &json!("ready")));

    database::set_read_only(&home, true).await;
    // A look over a connection that was just ended finds out nothing.
    let lacks = json!(["database writes"]);
    let says = |answer: &Answer| answer.body["error"]["details"]["lacks"] == lacks;
    assert_eq!(client.until_answer("/ready", says).await.status, 503);
    assert_eq!(client.get("/health").await.status, 503);
    database::set_read_only(&home, false).await;
    client.until_answer("/ready", |answer| answer.status == 200).await;

    let full = Home::new().with("UNTXT_DISK_RESERVE_BYTES", &(u64::MAX / 2).to_string());
    let server = Server::start(&full, &["serve"]);
    let unready = server.client().get("/ready").await;
    assert_eq!((unready.status, unready.code()), (503, "NOT_READY"), "{unready:?}");
    assert_eq!(unready.body["error"]["details"]["lacks"], json!(["disk space"]), "{unready:?}");
    let health = server.client().get("/health").await;
    assert_eq!((health.status, &health.body["data"]["dependencies"]["disk"]), (503, &json!("down")));
}

#[tokio::test]
async fn a_worker_is_not_ready_without_its_queue_and_says_so_at_its_own_door() {
    let home = Home::new().with("REDIS_URL", "redis://127.0.0.1:1");
    let worker = Server::start_worker(&home);
    let door = Client::new(worker.watched.as_ref().unwrap());
    let ready = door.get("/ready").await;
    assert_eq!(
        (ready.status, &ready.body["error"]["details"]["lacks"]),
        (503, &json!(["queue"])),
        "{ready:?}"
    );
    let health = door.get("/health").await;
    assert_eq!((health.status, &health.body["data"]["status"]), (200, &json!("degraded")), "{health:?}");
    let status = door.data("/status").await;
    assert_eq!((&status["process"], &status["concurrency"]), (&json!(worker.base), &json!(2)), "{status}");
    assert_eq!(status["queues"][0]["name"], "ocr");
    let metrics = Metrics::of(&door).await;
    assert_eq!(metrics.value("untxt_dependency_up", r#"{dependency="queue"}"#), 0.0);
    assert_eq!(metrics.value("untxt_dependency_up", r#"{dependency="database"}"#), 1.0);
}

#[tokio::test]
async fn a_worker_whose_port_is_taken_says_so_and_works() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::new().with("UNTXT_WORKER_LISTEN", &address);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let worker = Server::start_worker(&home);
    assert_eq!(worker.watched, None);
    let log = std::fs::read_to_string(home.path("server.log")).unwrap();
    assert!(log.contains("the port is taken") && log.contains(&address.to_string()), "{log}");
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(1))).await;
    client.until(&format!("/api/tasks/{task}"), |task| task["status"] == "completed").await;
}

#[tokio::test]
async fn a_worker_that_others_reach_tells_operators_only() {
    let home = Home::new().with("UNTXT_AUTH", "api-key").with("UNTXT_WORKER_LISTEN", "0.0.0.0:0");
    let (operator, user) = (Person::new(&home, "operate"), Person::new(&home, "submit,read"));
    let worker = Server::start_worker(&home);
    let door = Client::new(worker.watched.as_deref().unwrap());
    for open in ["/health", "/ready"] {
        assert_eq!(door.get(open).await.status, 200, "{open} is for probes");
    }
    for path in ["/status", "/metrics"] {
        let nobody = door.get(path).await;
        assert_eq!((nobody.status, nobody.code()), (401, "UNAUTHENTICATED"), "{path}: {nobody:?}");
        let denied = door.presenting(&user.key).get(path).await;
        assert_eq!((denied.status, denied.code()), (403, "SCOPE_MISSING"), "{path}: {denied:?}");
        assert_eq!(door.presenting(&operator.key).get(path).await.status, 200, "{path}");
    }
    drop(worker);
    let open = home.with("UNTXT_AUTH", "off").run(&["worker"]).exits(2);
    assert!(open.stderr.contains("UNTXT_WORKER_LISTEN"), "{}", open.stderr);
}

/// What `/metrics` said.
struct Metrics {
    text: String,
}

impl Metrics {
    async fn of(client: &Client) -> Self {
        let answer = client.get("/metrics").await;
        assert_eq!(answer.status, 200);
        Self { text: answer.body.as_str().unwrap().to_owned() }
    }

    #[track_caller]
    fn value(&self, name: &str, labels: &str) -> f64 {
        let line = self.text.lines().find_map(|line| line.strip_prefix(&format!("{name}{labels} ")));
        line.unwrap_or_else(|| panic!("no {name}{labels} in\n{}", self.text)).parse().unwrap()
    }

    /// Over all labels.
    fn sum(&self, name: &str) -> f64 {
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let values = self.text.lines().filter(of_name).map(|line| line.rsplit_once(' ').unwrap().1);
        values.map(|value| value.parse::<f64>().unwrap()).sum()
    }
}
