//! What the service needs goes away while clients upload, ask and listen and a
//! worker works. Meanwhile there are no answers but those that are promised;
//! afterwards nothing is lost and nobody has to restart anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use untxt_stack::postgres::Postgres;
use untxt_stack::redis::Redis;
use uuid::Uuid;

use crate::client::{Answer, Client, Upload};
use crate::home::PATIENCE;
use crate::samples;
use crate::server::Server;
use crate::sockets::{seen, take, whole_story};
use crate::store::Store;

/// Clients that upload, that ask, and that listen.
const UPLOADERS: usize = 3;
const READERS: usize = 2;
const LISTENERS: usize = 2;

/// Between two requests of one client.
const PACE: Duration = Duration::from_millis(40);

/// Requests of each client that have to begin and end in each of the three
/// times: before, while it is away, and after.
const ENOUGH: usize = 4;

/// Which time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Before,
    Away,
    After,
    /// It is about to go, or to come back: whatever is promised may be answered.
    Between,
    /// What was begun is brought to its end.
    Over,
}

/// The times that requests are counted in.
const COUNTED: [Time; 3] = [Time::Before, Time::Away, Time::After];

/// What may go away.
enum Need {
    Database,
    Queue,
    Store,
}

/// All that is needed.
struct Needs {
    postgres: Postgres,
    redis: Redis,
    store: Store,
}

impl Needs {
    async fn start() -> Self {
        let (postgres, redis) =
            tokio::task::spawn_blocking(|| (Postgres::start().unwrap(), Redis::start().unwrap()))
                .await
                .unwrap();
        Self { postgres, redis, store: Store::start().await }
    }

    /// Takes one away, or brings it back.
    async fn set(mut self, need: &Need, there: bool) -> Self {
        match (need, there) {
            (Need::Store, true) => self.store.open(),
            (Need::Store, false) => self.store.close(),
            (Need::Database, _) => {
                self.postgres = blocking(self.postgres, move |postgres| match there {
                    true => postgres.restart().unwrap(),
                    false => postgres.kill().unwrap(),
                })
                .await;
            }
            (Need::Queue, _) => {
                self.redis = blocking(self.redis, move |redis| match there {
                    true => redis.restart().unwrap(),
                    false => redis.kill().unwrap(),
                })
                .await;
            }
        }
        self
    }
}

async fn blocking<T: Send + 'static>(mut server: T, act: impl FnOnce(&mut T) + Send + 'static) -> T {
    let acted = tokio::task::spawn_blocking(move || {
        act(&mut server);
        server
    });
    acted.await.unwrap()
}

/// What clients share: which time it is, and how much each has done in it.
struct Load {
    client: Client,
    user: Uuid,
    time: watch::Sender<Time>,
    /// Requests that began and ended in each time, of each client.
    done: [[AtomicUsize; 3]; UPLOADERS + READERS],
    changed: tokio::sync::Notify,
    /// Statuses that requests of each time were answered with.
    answers: [std::sync::Mutex<BTreeMap<(&'static str, u16), usize>>; 3],
}

impl Load {
    fn new(client: Client, user: Uuid) -> Arc<Self> {
        let (time, _) = watch::channel(Time::Before);
        let (done, changed, answers) = Default::default();
        Arc::new(Self { client, user, time, done, changed, answers })
    }

    fn now(&self) -> Time {
        *self.time.borrow()
    }

    /// Takes note of an answer to a request that began in `began`. It is one of
    /// those that are promised, whenever it came.
    fn note(&self, who: usize, what: &'static str, began: Time, answer: &Answer) {
        match answer.status {
            200 | 201 => {}
            503 => {
                assert_eq!(answer.code(), "SERVICE_UNAVAILABLE", "{what}: {answer:?}");
                assert!(answer.retry_after.is_some(), "{what}: {answer:?}");
            }
            _ => panic!("{what}: {answer:?}"),
        }
        let counted = COUNTED.iter().position(|time| *time == began && self.now() == began);
        let Some(time) = counted else { return };
        *self.answers[time].lock().unwrap().entry((what, answer.status)).or_default() += 1;
        // It may take a moment until all is well again.
        if began != Time::After || answer.status != 503 {
            self.done[who][time].fetch_add(1, Ordering::Relaxed);
            self.changed.notify_waiters();
        }
    }

    /// Until every client has done enough in `time`.
    async fn until_enough(&self, time: Time) {
        let place = COUNTED.iter().position(|counted| *counted == time).unwrap();
        let enough = || self.done.iter().all(|of_client| of_client[place].load(Ordering::Relaxed) >= ENOUGH);
        let all = async {
            loop {
                let changed = self.changed.notified();
                if enough() {
                    return;
                }
                changed.await;
            }
        };
        let waited = timeout(PATIENCE, all).await;
        waited.unwrap_or_else(|_| panic!("{time:?}: only {:?}, answers {:?}", self.done, self.answers));
    }

    /// Uploads until it is over, one file after the other, each until it is taken;
    /// the tasks.
    async fn upload(self: Arc<Self>, who: usize) -> Vec<String> {
        let (mut pace, mut tasks) = (interval(PACE), Vec::new());
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.now() != Time::Over {
            let key = Uuid::new_v4().to_string();
            loop {
                pace.tick().await;
                let began = self.now();
                let upload = Upload::new(self.user, "a.pdf", samples::pdf(1));
                let answer = self.client.upload_once(&key, upload).await;
                self.note(who, "upload", began, &answer);
                if answer.status != 503 {
                    tasks.push(answer.body["data"]["taskId"].as_str().unwrap().to_owned());
                    break;
                }
            }
        }
        tasks
    }

    /// Asks for lists and for where tasks stand until it is over.
    async fn read(self: Arc<Self>, who: usize) {
        let (mut pace, mut path) = (interval(PACE), None);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.now() != Time::Over {
            pace.tick().await;
            let began = self.now();
            let list = format!("/api/tasks?userId={}", self.user);
            let answer = self.client.get(path.as_deref().unwrap_or(&list)).await;
            self.note(who, "read", began, &answer);
            path = match path {
                // Of every other list the newest task.
                None => answer.body["data"]["tasks"][0]["taskId"]
                    .as_str()
                    .map(|task| format!("/api/tasks/{task}/status")),
                Some(_) => None,
            };
        }
    }

    /// Listens, and goes on after each break, until all `expected` tasks have
    /// ended; what it heard of each, and how often the socket broke.
    async fn listen(
        self: Arc<Self>,
        since: String,
        mut expected: watch::Receiver<Option<Vec<String>>>,
    ) -> (BTreeMap<String, Vec<Value>>, usize) {
        let (mut heard, mut breaks) = (BTreeMap::new(), 0);
        let mut pace = interval(PACE);
        loop {
            pace.tick().await;
            let path = format!("/ws?userId={}&resume=true", self.user);
            let mut socket = match self.client.try_socket(&path).await {
                Ok(socket) => socket,
                Err(status) => {
                    assert_eq!(status, 503);
                    continue;
                }
            };
            socket.send(&json!({"type": "resume", "since": since, "seen": seen(&heard)})).await;
            loop {
                if expected.borrow_and_update().as_ref().is_some_and(|tasks| all_ended(&heard, tasks)) {
                    return (heard, breaks);
                }
                let said = tokio::select! {
                    said = socket.next_or_code() => said,
                    _ = expected.changed() => continue,
                };
                match said {
                    Ok(message) if message["type"] == "task_update" => take(&mut heard, message),
                    Ok(_) => {}
                    Err(code) => {
                        assert_eq!(code, 1013);
                        breaks += 1;
                        break;
                    }
                }
            }
        }
    }

    fn of_time(&self, place: usize) -> Vec<(&'static str, u16)> {
        self.answers[place].lock().unwrap().keys().copied().collect()
    }
}

fn all_ended(heard: &BTreeMap<String, Vec<Value>>, tasks: &[String]) -> bool {
    let ended = |story: &Vec<Value>| story.last().unwrap()["data"]["status"] == "completed";
    tasks.iter().all(|task| heard.get(task).is_some_and(ended))
}

/// How clients are answered while `need` is away: only as `expected`, and as in
/// all of these ways.
async fn goes_away(need: Need, expected: &[(&'static str, u16)]) {
    let needs = Needs::start().await;
    let home =
        needs.store.home().with("DATABASE_URL", &needs.postgres.url()).with("REDIS_URL", &needs.redis.url());
    home.run(&["migrate", "up"]).exits(0);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let worker = Server::start_worker(&home);
    let load = Load::new(server.client(), Uuid::new_v4());
    let since = load.client.socket(load.user).await.greeting["timestamp"].as_str().unwrap().to_owned();
    let (all, expected_tasks) = watch::channel(None);
    let uploads: Vec<_> = (0..UPLOADERS).map(|who| tokio::spawn(Arc::clone(&load).upload(who))).collect();
    let reads = (UPLOADERS..UPLOADERS + READERS).map(|who| tokio::spawn(Arc::clone(&load).read(who)));
    let reads: Vec<_> = reads.collect();
    let listening: Vec<JoinHandle<_>> = (0..LISTENERS)
        .map(|_| tokio::spawn(Arc::clone(&load).listen(since.clone(), expected_tasks.clone())))
        .collect();

    load.until_enough(Time::Before).await;
    load.time.send_replace(Time::Between);
    let needs = needs.set(&need, false).await;
    load.time.send_replace(Time::Away);
    load.until_enough(Time::Away).await;
    load.time.send_replace(Time::Between);
    let needs = needs.set(&need, true).await;
    load.time.send_replace(Time::After);
    load.until_enough(Time::After).await;
    load.time.send_replace(Time::Over);

    let mut tasks = Vec::new();
    for uploading in uploads {
        tasks.extend(uploading.await.unwrap());
    }
    for reading in reads {
        reading.await.unwrap();
    }
    assert_eq!(load.of_time(0), [("read", 200), ("upload", 201)]);
    assert_eq!(load.of_time(1), expected);
    all.send_replace(Some(tasks.clone()));
    for listening in listening {
        let (heard, breaks) = timeout(PATIENCE * 2, listening).await.expect("not all has ended").unwrap();
        // Only who writes down what happens can make it that it can't be told.
        assert!(breaks == 0 || matches!(need, Need::Database), "{breaks} breaks");
        for task in &tasks {
            assert_eq!(heard[task], whole_story(&load.client, &json!(task)).await, "{task}");
        }
    }
    for task in &tasks {
        assert!(load.client.result(task).await.contains(&samples::first_line(1)), "{task}");
    }
    let listed = load.client.data(&format!("/api/tasks?userId={}&limit=1", load.user)).await;
    assert_eq!(listed["pagination"]["total"], tasks.len(), "each was taken once");
    // A file that was stored without its task goes, two minutes after the database
    // went away in the midst of it.
    if !matches!(need, Need::Database) {
        let began = std::time::Instant::now();
        while needs.store.objects.keys().unwrap().len() != 2 * tasks.len() {
            assert!(began.elapsed() < PATIENCE, "files without a task stay in the store");
            load.client.data("/health").await;
        }
    }
    assert_eq!(worker.terminate().code(), Some(0));
    assert_eq!(server.terminate().code(), Some(0));
    tokio::task::spawn_blocking(move || drop((needs.postgres, needs.redis))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_goes_away_under_load_and_comes_back() {
    goes_away(Need::Database, &[("read", 503), ("upload", 503)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_goes_away_under_load_and_nobody_notices() {
    goes_away(Need::Queue, &[("read", 200), ("upload", 201)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_goes_away_under_load_and_comes_back() {
    goes_away(Need::Store, &[("read", 200), ("upload", 503)]).await;
}
