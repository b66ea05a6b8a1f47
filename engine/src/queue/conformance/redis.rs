//! The queue in Redis: the same suite, and what only a server of its own can
//! suffer.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::{LONG, NOT_AT_ALL, QueueHarness, conforms, delivery, now};
use crate::decide::Scheduled;
use crate::id::Delivery;
use crate::queue::redis::RedisQueue;
use crate::queue::{Depth, Queue, QueueError};
use crate::time::{Clock, ManualClock, Timestamp};
use untxt_stack::redis::Redis;

/// One server for all tests that leave it alone; it ends with this process.
fn shared_server() -> String {
    static SERVER: OnceLock<Mutex<Redis>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Mutex::new(Redis::start().unwrap()));
    server.lock().unwrap_or_else(PoisonError::into_inner).url()
}

/// Runs what waits on another thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn own_server() -> Redis {
    blocking(|| Redis::start().unwrap()).await
}

fn on(url: &str) -> QueueHarness {
    QueueHarness::on(Arc::new(RedisQueue::open(url).unwrap()))
}

/// As many deliveries, all due.
fn many(count: usize) -> Vec<Scheduled> {
    let at = now();
    (0..count).map(|_| delivery(5, at)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_in_redis_conforms() {
    let url = blocking(shared_server).await;
    conforms(|| async { on(&url) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_accepts_every_script() {
    let server = blocking(|| Redis::start_cluster().unwrap()).await;
    conforms(|| async { on(&server.url()) }).await;
    blocking(move || drop(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_several_primaries_is_named_and_says_what_to_use_instead() {
    let nodes = blocking(|| Redis::start_cluster_of_three().unwrap()).await;
    for node in &nodes {
        let queue = RedisQueue::open(&node.url()).unwrap();
        let refused = queue.server().await.unwrap_err();
        assert_eq!(refused, QueueError::Cluster { primaries: 3 });
        assert!(refused.to_string().contains("a Redis server that is no cluster"), "{refused}");
    }
    // Nobody asked at the start: it was away then. Of all topics some are elsewhere.
    let queue = RedisQueue::open(&nodes[0].url()).unwrap();
    let mut said = String::new();
    for topic in 0..40 {
        if let Err(error) = queue.push(&format!("topic-{topic}"), &[delivery(5, now())]).await {
            said = error.to_string();
        }
    }
    assert!(said.contains("one of several primaries of a Redis Cluster"), "{said}");
    let alone = blocking(|| Redis::start_cluster().unwrap()).await;
    RedisQueue::open(&alone.url()).unwrap().server().await.unwrap().unwrap();
    blocking(move || drop((nodes, alone))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_processs_push_wakes_at_once() {
    let server = own_server().await;
    let here = on(&server.url());
    let there = RedisQueue::open(&server.url()).unwrap();
    let waits = format!("EXISTS {{untxt:{}}}:waiting", here.topic);
    for _ in 0..20 {
        let one = delivery(5, now());
        let waiting = here.pull(1, LONG);
        let pushing = async {
            // Until the other has looked and waits; then it is up to the bell.
            while server.ask(&waits).unwrap() == "0" {
                tokio::task::yield_now().await;
            }
            there.push(&here.topic, std::slice::from_ref(&one)).await.unwrap();
            now()
        };
        let (pulled, pushed_at) = tokio::join!(waiting, pushing);
        let took = now().since(pushed_at);
        assert_eq!(pulled, [one.delivery]);
        assert!(took < Duration::from_millis(500), "not before the next look by itself: {took:?}");
        here.acknowledge(&pulled).await;
    }
    blocking(move || drop(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_behind() {
    let server = own_server().await;
    let harness = on(&server.url());
    for round in 1..=3 {
        let mut pushed = many(500);
        for (at, due) in pushed.iter_mut().enumerate() {
            due.priority = u8::try_from(1 + at % 10).unwrap();
            due.tenant = format!("tenant {}", at % 7);
        }
        harness.push(&pushed).await;
        let mut pulled = Vec::new();
        while pulled.len() < pushed.len() {
            pulled.extend(harness.pull(32, LONG).await);
        }
        let ids: HashSet<_> = pulled.iter().map(Delivery::id).collect();
        assert_eq!(ids.len(), 500, "each comes once");
        harness.acknowledge(&pulled).await;
        assert_eq!(server.ask("DBSIZE").unwrap(), "0", "after round {round}");
    }
    blocking(move || drop(server)).await;
}

/// A million with `UNTXT_DUE_ENTRIES=1000000`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_that_become_due_at_once_go_through() {
    let count = std::env::var("UNTXT_DUE_ENTRIES").map_or(100_000, |count| count.parse().unwrap());
    let server = own_server().await;
    let harness = on(&server.url());
    // Not due before all of them are there.
    let due_at = now().after(Duration::from_millis(500 + count as u64 / 40));
    let mut left: HashSet<_> = HashSet::with_capacity(count);
    for _ in 0..count.div_ceil(1_000) {
        let pushed: Vec<_> = (0..1_000).map(|_| delivery(5, due_at)).collect();
        left.extend(pushed.iter().map(|due| due.delivery.id()));
        harness.push(&pushed).await;
    }
    while !left.is_empty() {
        let pulled = harness.pull(100, LONG).await;
        assert!(!pulled.is_empty(), "{} are left", left.len());
        assert!(pulled.iter().all(|delivery| left.remove(&delivery.id())), "one came twice");
        harness.acknowledge(&pulled).await;
    }
    assert_eq!(server.ask("DBSIZE").unwrap(), "0");
    blocking(move || drop(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_delivery_is_thrown_out_and_stops_no_other() {
    let server = own_server().await;
    let harness = on(&server.url());
    let key = format!("{{untxt:{}}}", harness.topic);
    for (id, times, text) in [
        ("short", "scheduled", "?"),
        ("empty", "scheduled", "-"),
        ("left", "inflight", "?"),
        ("long", "scheduled", &"\u{7f}".repeat(60)),
    ] {
        server.ask(&format!("HSET {key}:data {id} {text}")).unwrap();
        server.ask(&format!("ZADD {key}:{times} 0 {id}")).unwrap();
    }
    let good = many(1);
    harness.push(&good).await;
    let mut pulled = Vec::new();
    while pulled.is_empty() {
        pulled = harness.pull(10, LONG).await;
    }
    assert_eq!(pulled, [good[0].delivery]);
    harness.acknowledge(&pulled).await;
    assert_eq!(harness.pull_all().await, []);
    assert_eq!(server.ask("DBSIZE").unwrap(), "0", "nothing of them is left");
    blocking(move || drop(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_pulled_comes_back() {
    let url = blocking(shared_server).await;
    let lease = Duration::from_millis(200);
    let short = || Arc::new(RedisQueue::with_times(&url, LONG, lease).unwrap());
    let dead = QueueHarness::on(short());
    let alive = QueueHarness { queue: short(), topic: dead.topic.clone() };
    let pushed = many(2);
    dead.push(&pushed[..1]).await;
    let lost = dead.pull_all().await;
    alive.push(&pushed[1..]).await;
    let held = alive.pull_all().await;
    drop(dead);
    assert_eq!(alive.pull(2, LONG).await, lost, "nobody vouches for it");
    assert_eq!(alive.pull(2, 3 * lease).await, [], "these are vouched for");
    alive.acknowledge(&[lost, held].concat()).await;
    assert_eq!(alive.depth().await, Depth::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_by_another_clock_is_due_here_at_the_same_moment() {
    let url = blocking(shared_server).await;
    for (apart, name) in [(20_000, "ahead"), (-20_000, "behind")] {
        let theirs = Arc::new(ManualClock::at(Timestamp(now().0 + apart)));
        let queue = RedisQueue::open(&url).unwrap().with_clock(theirs.clone());
        let harness = QueueHarness::on(Arc::new(queue));
        let (due, later) = (delivery(5, theirs.now()), delivery(5, theirs.now().after(LONG)));
        harness.push(&[due.clone(), later]).await;
        assert_eq!(harness.pull_all().await, [due.delivery], "a clock that is {name}");
        assert_eq!(harness.depth().await.scheduled, 1, "a clock that is {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_says_its_version_and_its_time() {
    let url = blocking(shared_server).await;
    let before = now();
    let server = RedisQueue::open(&url).unwrap().server().await.unwrap().unwrap();
    assert!(server.version.starts_with(|first: char| first.is_ascii_digit()), "{server:?}");
    assert!(before <= server.now && server.now <= now(), "{server:?}");
}

/// Pushes until it is answered again; a server that just started may think, on a
/// busy disk, for longer than is waited.
async fn pushes_again(harness: &QueueHarness, pushed: &[Scheduled]) -> Duration {
    let began = now();
    while harness.queue.push(&harness.topic, pushed).await.is_err() {
        tokio::task::yield_now().await;
    }
    now().since(began)
}

async fn push_and_pull(harness: &QueueHarness) {
    let pushed = many(3);
    harness.push(&pushed).await;
    let pulled = harness.pull(3, LONG).await;
    assert_eq!(pulled, pushed.iter().map(|due| due.delivery).collect::<Vec<_>>());
    harness.acknowledge(&pulled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_again_by_itself_after_whatever_befell_the_server() {
    let mut server = own_server().await;
    let harness = on(&server.url());
    push_and_pull(&harness).await;
    server.ask("CLIENT KILL TYPE normal").unwrap();
    server.ask("CLIENT KILL TYPE pubsub").unwrap();
    push_and_pull(&harness).await;
    server.flush().unwrap();
    push_and_pull(&harness).await;

    harness.push(&many(2)).await;
    let mut server = blocking(move || server.restart().map(|()| server).unwrap()).await;
    pushes_again(&harness, &many(1)).await;
    assert_eq!(harness.depth().await.ready, 3, "it kept the others");
    let pulled = harness.pull(3, LONG).await;
    harness.acknowledge(&pulled).await;

    server.kill().unwrap();
    let began = now();
    let down = harness.queue.pull(&harness.topic, 1, LONG).await;
    assert!(matches!(&down, Err(QueueError::Unavailable(_))), "{down:?}");
    let down = harness.queue.push(&harness.topic, &many(1)).await;
    assert!(down.unwrap_err().to_string().contains("REDIS_URL"), "it names the knob");
    assert!(now().since(began) < Duration::from_secs(5), "and does not take long to say so");
    let server = blocking(move || server.restart().map(|()| server).unwrap()).await;
    let one = delivery(5, now());
    let took = pushes_again(&harness, std::slice::from_ref(&one)).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(harness.pull(1, LONG).await, [one.delivery]);
    blocking(move || drop(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_while_the_server_goes_hears_of_a_push_after_it_is_back() {
    let server = own_server().await;
    let harness = on(&server.url());
    push_and_pull(&harness).await;
    let server = blocking(move || server.flush().map(|()| server).unwrap()).await;
    let one = delivery(5, now());
    let (pulled, ()) = tokio::join!(harness.pull(1, LONG), async {
        server.ask("CLIENT KILL TYPE pubsub").unwrap();
        server.flush().unwrap();
        harness.push(std::slice::from_ref(&one)).await;
    });
    assert_eq!(pulled, [one.delivery]);
    blocking(move || drop(server)).await;
}

/// An address whose new connections may be led to another server, while open
/// ones stay where they are, as with a virtual address or a name.
struct Relay {
    port: u16,
    target: Arc<Mutex<u16>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Relay {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let target = Arc::new(Mutex::new(port));
        let (port, led) = (listener.local_addr().unwrap().port(), Arc::clone(&target));
        let serving = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let port = *led.lock().unwrap_or_else(PoisonError::into_inner);
                tokio::spawn(async move {
                    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                    let _ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { port, target, serving }
    }

    fn lead_to(&self, port: u16) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = port;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn port(server: &Redis) -> u16 {
    let url = server.url();
    url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_followed_though_connections_to_the_demoted_server_stay_open() {
    let (old, new) = (own_server().await, own_server().await);
    for server in [&old, &new] {
        server.ask("ACL SETUSER both on >secret ~* &* +@all").unwrap();
    }
    let relay = Relay::to(port(&old)).await;
    let harness = on(&format!("redis://both:secret@127.0.0.1:{}/0", relay.port));
    push_and_pull(&harness).await;

    old.ask(&format!("REPLICAOF 127.0.0.1 {}", port(&new))).unwrap();
    let demoted = harness.queue.depth(&harness.topic).await.unwrap_err().to_string();
    assert!(demoted.contains("is a replica and takes no writes"), "what is looked at says so: {demoted}");
    assert!(harness.queue.push(&harness.topic, &many(1)).await.is_err());

    relay.lead_to(port(&new));
    let one = delivery(5, now());
    pushes_again(&harness, std::slice::from_ref(&one)).await;
    assert_eq!(harness.pull(1, LONG).await, [one.delivery]);
    assert!(harness.queue.depth(&harness.topic).await.is_ok());
    blocking(move || drop((old, new))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_wants_is_said_once_and_without_a_secret() {
    let url = blocking(shared_server).await;
    let at = url.rsplit_once('@').unwrap().1;
    let told = async |url: String| {
        let queue = RedisQueue::open(&url).unwrap();
        queue.depth("t").await.unwrap_err().to_string()
    };
    let missing = told(format!("redis://{at}")).await;
    assert!(missing.contains("wants a password, and REDIS_URL has none"), "{missing}");
    let wrong = told(format!("redis://:s3cret@{at}")).await;
    assert!(wrong.contains("does not take the user and password"), "{wrong}");
    assert!(!wrong.contains("s3cret"), "{wrong}");
    let refused = told("redis://127.0.0.1:1".to_owned()).await;
    assert_eq!(refused.matches("refuse").count(), 1, "{refused}");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_at_once() {
    let refused = RedisQueue::open("localhost:6379").err().unwrap();
    assert!(matches!(refused, QueueError::Address(_)), "{refused}");
    assert!(refused.to_string().contains("REDIS_URL"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_delivery_is_thrown_out() {
    let url = blocking(shared_server).await;
    let harness = on(&url);
    let one = delivery(5, now());
    harness.push(std::slice::from_ref(&one)).await;
    // Under another id than its own, as only a stranger would write it.
    let client = apalis_redis::connect(url.as_str()).await.unwrap();
    let data = format!("{{untxt:{}}}:data", harness.topic);
    let mut connection = client;
    let record: Vec<u8> = redis::cmd("HGET")
        .arg(&data)
        .arg(&one.delivery.id().as_bytes()[..])
        .query_async(&mut connection)
        .await
        .unwrap();
    let forged = [&record[..17], &[7; 27], b"t"].concat();
    let _: () = redis::cmd("HSET")
        .arg(&data)
        .arg(&one.delivery.id().as_bytes()[..])
        .arg(forged)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(harness.pull(1, NOT_AT_ALL).await, []);
    assert_eq!(harness.depth().await, Depth::default());
}
