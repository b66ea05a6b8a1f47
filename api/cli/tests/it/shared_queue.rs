//! A queue in Redis that processes share.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::Mutex;
use untxt_stack::redis::Redis;
use uuid::Uuid;

use crate::client::Upload;
use crate::history::History;
use crate::home::Home;
use crate::samples;
use crate::server::{Server, signal};

/// What a worker that was not told takes until it looks by itself, and more than
/// an idle one takes when it is.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Runs what waits on another thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A worker process; it ends with the value, the hard way.
struct Worker(Child);

impl Worker {
    fn start(home: &Home) -> Self {
        Self(home.command(&["worker"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn terminate(mut self) {
        signal(&self.0, Signal::TERM);
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Uploads a picture and waits until it is done; the task.
async fn done(server: &Server, user: Uuid) -> String {
    let client = server.client();
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(2))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_hears_at_once_of_what_another_process_accepted() {
    let redis = blocking(|| Redis::start().unwrap()).await;
    let home = Home::new().with("REDIS_URL", &redis.url());
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let worker = Worker::start(&home);
    let user = Uuid::new_v4();
    // It works, and has nothing to do.
    done(&server, user).await;
    let task = done(&server, user).await;
    let history = History::of(&home, &task);
    let took = history.first("started") - history.first("submitted");
    assert!(took.to_std().unwrap() < AT_ONCE, "it took {took}");
    worker.terminate();
    assert_eq!(server.terminate().code(), Some(0));
    // The mark that somebody waits, one for each of the three workflows, goes by itself.
    let left: u32 = redis.ask("KEYS *").unwrap().parse().unwrap();
    assert!(left <= 3, "{left} keys are left");
    blocking(move || drop(redis)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_accepted_while_redis_is_away_and_done_when_it_is_back() {
    let redis = Arc::new(Mutex::new(blocking(|| Redis::start().unwrap()).await));
    let home = Home::new().with("REDIS_URL", &redis.lock().await.url());
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    done(&server, user).await;
    let findings = home.run(&["doctor", "--json"]).exits(0).json_lines();
    let of = |part: &str| findings.iter().find(|finding| finding["part"] == part).unwrap().clone();
    let (queue, clock) = (of("queue"), of("clock"));
    let version = queue["text"].as_str().unwrap().strip_prefix("Redis ").unwrap().chars().next().unwrap();
    assert!(version.is_ascii_digit(), "{queue}");
    assert!(clock["text"].as_str().unwrap().ends_with("Redis's") && clock["warning"] == false, "{clock}");
    redis.lock().await.kill().unwrap();
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(2))).await;
    let health = client.data("/health").await;
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(health["dependencies"]["queue"], "down", "{health}");
    assert_eq!(health["dependencies"]["database"], "up", "{health}");
    let findings = home.run(&["doctor", "--json"]).exits(3).json_lines();
    let queue = findings.iter().find(|finding| finding["part"] == "queue").unwrap();
    assert_eq!(queue["well"], false, "{queue}");
    assert!(queue["text"].as_str().unwrap().contains("REDIS_URL"), "{queue}");

    let restarting = Arc::clone(&redis);
    blocking(move || restarting.blocking_lock().restart().unwrap()).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    let health = client.data("/health").await;
    assert_eq!(health["dependencies"]["queue"], "up", "{health}");
    assert_eq!(server.terminate().code(), Some(0));
    blocking(move || drop(redis)).await;
}

#[test]
fn a_cluster_of_several_primaries_is_refused_at_the_start_by_name() {
    let nodes = Redis::start_cluster_of_three().unwrap();
    let home = Home::new().with("REDIS_URL", &nodes[1].url());
    for asked in ["serve", "worker"] {
        let refused = home.run(&[asked]).exits(2);
        let named = refused.stderr.contains("REDIS_URL leads to a Redis Cluster of 3 primaries");
        assert!(named && refused.stderr.contains("that is no cluster"), "{asked}: {}", refused.stderr);
    }
    let findings = home.run(&["doctor", "--json"]).json_lines();
    let said = findings.iter().filter(|finding| finding["well"] == false);
    let said: Vec<&str> = said.filter_map(|finding| finding["text"].as_str()).collect();
    assert!(matches!(said[..], [text] if text.contains("a Redis Cluster of 3 primaries")), "{said:?}");
}

#[test]
fn an_address_that_is_none_is_bad_usage() {
    let home = Home::new().with("REDIS_URL", "somewhere");
    let ended = home.run(&["serve"]).exits(2);
    assert!(ended.stderr.contains("REDIS_URL"), "{}", ended.stderr);
}

impl History {
    /// When it happened first.
    fn first(&self, event: &str) -> DateTime<Utc> {
        let at: &Value = &self.events().find(|happened| happened["event"] == event).unwrap()["at"];
        at.as_str().unwrap().parse().unwrap()
    }
}
