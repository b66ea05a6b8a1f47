//! Clients: each uploads a document, tries again whenever it is not answered,
//! as a real one would, and remembers what it was promised.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use untxt_engine::journal::database::Database;
use uuid::Uuid;

use crate::children::{Process, Role};
use crate::documents::{self, Document, Mix};
use crate::findings::{Accepted, ClientRecord};
use crate::http::{self, Answer};
use crate::progress;
use crate::test_bed::TestBed;

/// Clients at once.
const CLIENTS: usize = 12;

/// Between two looks at the backlog, and before a request is sent again.
const PAUSE: Duration = Duration::from_millis(150);

/// A client that is not served for this long gives up: the service is down.
const SERVED_WITHIN: Duration = Duration::from_secs(120);

/// What clients upload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) seed: u64,
    pub(crate) tasks: usize,
    pub(crate) mix: Mix,
    /// Unfinished tasks at which clients hold back.
    pub(crate) backlog_max: u64,
}

/// Uploads the workload, as fast as the service finishes it, and more until
/// `not_before` fires; or until `enough` does.
pub(crate) async fn run(
    workload: Workload,
    bed: &TestBed,
    (not_before, enough): (&CancellationToken, &CancellationToken),
) -> ClientRecord {
    let clients = Arc::new(Clients {
        workload,
        apis: bed.children.with_role(Role::Api).cloned().collect(),
        next: AtomicUsize::new(0),
        backlog: AtomicU64::new(0),
        not_before: not_before.clone(),
        enough: enough.clone(),
        seen: Mutex::default(),
    });
    let running: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&clients).upload_all())).collect();
    let looking = tokio::spawn(Arc::clone(&clients).look(bed.database.clone()));
    for client in running {
        if let Err(error) = client.await {
            clients.note(|seen| seen.wrong.push(format!("a client of the campaign broke: {error}")));
        }
    }
    looking.abort();
    let mut seen = ClientRecord::default();
    clients.note(|all| std::mem::swap(all, &mut seen));
    seen
}

struct Clients {
    workload: Workload,
    apis: Vec<Arc<Process>>,
    next: AtomicUsize,
    backlog: AtomicU64,
    not_before: CancellationToken,
    enough: CancellationToken,
    seen: Mutex<ClientRecord>,
}

impl Clients {
    async fn upload_all(self: Arc<Self>) {
        loop {
            self.hold_back().await;
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let uploaded = number >= self.workload.tasks && self.not_before.is_cancelled();
            if uploaded || self.enough.is_cancelled() {
                return;
            }
            let document = Arc::new(documents::make(self.workload.seed, number, self.workload.mix));
            self.submit(number, &document).await;
        }
    }

    /// Waits while there is more to do than the service can do at once.
    async fn hold_back(&self) {
        while !self.enough.is_cancelled() && self.backlog.load(Ordering::Relaxed) > self.workload.backlog_max
        {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Looks how much there is to do, for ever. While the database is away, it
    /// stays what it was.
    async fn look(self: Arc<Self>, database: Database) {
        loop {
            if let Ok(unfinished) = progress::unfinished(&database).await {
                self.backlog.store(unfinished, Ordering::Relaxed);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Uploads one document; with a key, twice at once and once more.
    async fn submit(&self, number: usize, document: &Arc<Document>) {
        let first = if document.idempotency_key.is_some() {
            let (first, second) =
                tokio::join!(self.insist(number, document), self.insist(number + 1, document));
            let third = self.insist(number, document).await;
            for again in [second, third] {
                self.compare(number, first, again);
            }
            first
        } else {
            self.insist(number, document).await
        };
        if let Some(task) = first {
            let document = Arc::clone(document);
            self.note(|seen| seen.accepted.push(Accepted { task, number, document }));
        }
    }

    fn compare(&self, number: usize, first: Option<Uuid>, again: Option<Uuid>) {
        self.note(|seen| match (first, again) {
            (Some(first), Some(again)) if first == again => seen.repeated += 1,
            (Some(first), Some(again)) => {
                seen.wrong
                    .push(format!("document {number} became two tasks under one key: {first}, {again}"));
            }
            _ => {}
        });
    }

    /// Sends the upload until it is answered; the task's id.
    async fn insist(&self, turn: usize, document: &Document) -> Option<Uuid> {
        let began = Instant::now();
        for turn in turn.. {
            let reason = match self.send(turn, document).await {
                Ok(Answer { status: 500.., body }) => body.to_string(),
                Ok(answer) => return self.promised(document, &answer),
                Err(reason) => reason,
            };
            if began.elapsed() > SERVED_WITHIN {
                let text = format!("{} was not served for {SERVED_WITHIN:?}; last: {reason}", document.name);
                self.note(|seen| seen.wrong.push(text));
                return None;
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    async fn send(&self, turn: usize, document: &Document) -> Result<Answer, String> {
        let api = self.api(turn).ok_or("no server is up")?;
        let answer = http::upload(api, document).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        self.note(|seen| *seen.answers.entry(status).or_default() += 1);
        answer
    }

    /// The task that an answer promises; any other answer is wrong.
    fn promised(&self, document: &Document, answer: &Answer) -> Option<Uuid> {
        let task = answer.task().filter(|_| matches!(answer.status, 200 | 201));
        if task.is_none() {
            let text = format!("{} was answered {} {}", document.name, answer.status, answer.body);
            self.note(|seen| seen.wrong.push(text));
        }
        task
    }

    /// The next server that listens, from `turn` on.
    fn api(&self, turn: usize) -> Option<SocketAddr> {
        (turn..turn + self.apis.len()).find_map(|turn| self.apis[turn % self.apis.len()].address())
    }

    fn note(&self, say: impl FnOnce(&mut ClientRecord)) {
        say(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
