//! What a process does that has nothing to do.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use untxt_stack::redis::Redis;
use uuid::Uuid;

use crate::client::Upload;
use crate::database;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

/// How long a process is watched. Its timers go by seconds.
const WATCHED: Duration = Duration::from_secs(5);

/// How often its threads may wake in a second, all together: about twice as often
/// as they do. A timer of 25 ms that asks the database wakes them 300 times, one of
/// 10 ms alone 100 times.
const WAKEUPS_MAX: u64 = 110;

/// How often each thread has waited so far: it was woken as often.
fn waits(process: u32) -> HashMap<String, u64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let waited = |thread: std::path::PathBuf| {
        let status = fs::read_to_string(thread.join("status")).ok()?;
        let counted = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        Some((thread.display().to_string(), counted.trim().parse().ok()?))
    };
    threads.filter_map(|thread| waited(thread.unwrap().path())).collect()
}

/// How often a process with nothing to do wakes in a second.
#[expect(clippy::print_stdout, reason = "figures, for who measures")]
async fn wakeups(what: &str, server: &Server) -> u64 {
    let (before, began) = (waits(server.id()), Instant::now());
    tokio::time::sleep(WATCHED).await;
    let after = waits(server.id());
    let more: u64 = after.iter().map(|(thread, count)| count - before.get(thread).unwrap_or(&0)).sum();
    let wakeups = more / began.elapsed().as_secs().max(1);
    println!("{what}: {wakeups} wake-ups a second");
    wakeups
}

/// Has it work on something, so that it has begun all that it ever begins.
async fn work(server: &Server) {
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(2))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_nothing_to_do_sleeps_also_while_somebody_listens() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    work(&server).await;
    let alone = wakeups("a server", &server).await;
    let socket = server.client().socket(Uuid::new_v4()).await;
    let listened_to = wakeups("a server with a socket", &server).await;
    drop(socket);
    assert!(alone <= WAKEUPS_MAX && listened_to <= WAKEUPS_MAX, "{alone}, {listened_to}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_with_more_workflows_than_slots_sleeps_when_it_has_nothing_to_do() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", &1);
    let server = Server::start(&home, &["serve"]);
    work(&server).await;
    let wakeups = wakeups("a server with one slot", &server).await;
    assert!(wakeups <= WAKEUPS_MAX, "{wakeups}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_and_a_worker_that_share_their_services_sleep_when_nothing_is_to_be_done() {
    let redis = tokio::task::spawn_blocking(|| Redis::start().unwrap()).await.unwrap();
    let home = database::home().await.with("REDIS_URL", &redis.url()).with("UNTXT_WORKER_CONCURRENCY", &1);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let worker = Server::start_worker(&home);
    work(&server).await;
    let _socket = server.client().socket(Uuid::new_v4()).await;
    let (serving, working) = tokio::join!(wakeups("serve", &server), wakeups("worker", &worker));
    assert!(serving <= WAKEUPS_MAX && working <= WAKEUPS_MAX, "{serving}, {working}");
    tokio::task::spawn_blocking(move || drop(redis)).await.unwrap();
}

/// How long nothing happens until a process that follows a database looks there
/// once a second.
const STILL: Duration = Duration::from_secs(2);

/// How soon a process that does that hears of what another one commits, at the
/// median: the looks alone take twice as long.
const HEARD_WITHIN: Duration = Duration::from_millis(250);

const UPLOADS: usize = 5;

/// How long the client of one process waits for what was uploaded through another
/// one, at the median.
async fn heard_after(home: &Home) -> Duration {
    let (near, far) =
        (Server::start(home, &["serve", "--no-worker"]), Server::start(home, &["serve", "--no-worker"]));
    let user = Uuid::new_v4();
    let (mut socket, client) = (near.client().socket(user).await, far.client());
    let mut took = Vec::new();
    for _ in 0..UPLOADS {
        tokio::time::sleep(STILL).await;
        let task = client.accepted(Upload::new(user, "a.png", samples::picture(2))).await;
        let began = Instant::now();
        socket.until(&task, |_| true).await;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took[UPLOADS / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_sleeps_hears_at_once_of_what_another_one_commits() {
    let (on_sqlite, on_postgres) = (Home::new(), database::home().await);
    let (sqlite, postgres) = tokio::join!(heard_after(&on_sqlite), heard_after(&on_postgres));
    assert!(sqlite < HEARD_WITHIN && postgres < HEARD_WITHIN, "SQLite {sqlite:?}, PostgreSQL {postgres:?}");
}
