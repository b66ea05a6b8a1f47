//! Guests that take all of the processor, and what clients notice of them.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::samples;
use crate::server::Server;
use crate::socket::Socket;

/// Guests at once.
const GUESTS: usize = 64;

const LEASE_MS: i64 = 2_000;

/// Questions whose answers are waited for, of each kind.
const QUESTIONS: usize = 60;

/// Between two of them: who sends more than 20 messages a second is closed.
const PACE: Duration = Duration::from_millis(60);

/// How much later the slowest but one answer may come with them, when tests
/// beside this one take what is left of the processor. On a machine that does
/// nothing else it is a few milliseconds: see the figures.
const LATER: Duration = Duration::from_millis(250);

/// The slowest but one answer over HTTP, and the slowest but one to a ping.
async fn waited(client: &Client, socket: &mut Socket, path: &str) -> [Duration; 2] {
    let (mut answers, mut pings) = (Vec::new(), Vec::new());
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..QUESTIONS {
        pace.tick().await;
        let began = Instant::now();
        client.data(path).await;
        answers.push(began.elapsed());
        let began = Instant::now();
        socket.ping().await;
        while socket.next().await["type"] != "pong" {}
        pings.push(began.elapsed());
    }
    [answers, pings].map(|mut took| {
        took.sort_unstable();
        took[QUESTIONS - 2]
    })
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures, for who measures")]
async fn guests_that_spin_delay_no_answer_no_ping_and_no_heartbeat() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", &GUESTS).with("UNTXT_LEASE_MS", &LEASE_MS);
    home.install("spin", "spin");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let before = waited(&client, &mut socket, "/health").await;

    let mut tasks = Vec::new();
    for _ in 0..GUESTS {
        let upload = Upload::new(user, "a.png", samples::picture(1)).with("engine", "spin");
        tasks.push(client.accepted(upload).await);
    }
    // Pages of their first attempts that are at work.
    let spinning = |data: &serde_json::Value| {
        let workers = data["workers"].as_array().unwrap().iter();
        let held = workers.flat_map(|worker| worker["holds"].as_array().unwrap());
        held.filter(|held| held["step"] == "ocr" && held["attempt"] == 1).count()
    };
    client.until("/api/admin/workers", |data| spinning(data) == GUESTS).await;
    let path = format!("/api/tasks/{}/status", tasks[0]);
    let with = waited(&client, &mut socket, &path).await;
    // Who is late with its heartbeat loses its pages when the lease is over.
    let workers = client.data("/api/admin/workers").await;
    let beat = |data: &serde_json::Value| {
        let text = data["workers"][0]["lastHeartbeat"].as_str().unwrap().to_owned();
        text.parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    };
    let longer_than_the_lease = beat(&workers) + chrono::Duration::milliseconds(2 * LEASE_MS);
    let later = client.until("/api/admin/workers", |data| beat(data) > longer_than_the_lease).await;
    assert_eq!(spinning(&later), GUESTS, "{later}");
    for (what, before, with) in [("answers", before[0], with[0]), ("pings", before[1], with[1])] {
        println!("{what}: {before:?} without {GUESTS} spinning guests, {with:?} with them");
        assert!(with < before + LATER, "{what}: {before:?} without, {with:?} with them");
    }
}
