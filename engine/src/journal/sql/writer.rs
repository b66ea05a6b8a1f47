//! Group commit: one task writes for the whole process, and takes everything
//! that waits into one transaction. A commit costs a sync of the disk however
//! many requests it carries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::{Notify, mpsc, oneshot};

use super::batch::{Answer, Batch, Missing, Request};
use super::commit_error::CommitError;
use super::run_cache::RunCache;
use super::transaction::{TransactionEnd, begin, end};
use crate::journal::database::Database;
use crate::journal::transition::Rules;
use crate::journal::{Committed, JournalError};
use crate::meter;

/// Requests in one transaction. More would not commit faster (the sync is paid
/// once by then), but hold more runs for longer.
const BATCH_MAX: usize = 64;
/// Requests that wait for the next transactions; further callers wait outside.
const WAITING_MAX: usize = 1_024;
/// How often requests of which one stood in another transaction's way are sent
/// together before each is sent alone.
const TOGETHER_TRIES: usize = 2;
/// How often a request that stood in another transaction's way is sent alone.
const CONTENDED_TRIES: usize = 3;

/// How long a request waits to be written. While the database is silent each
/// transaction takes as long as one may; who waited for a whole one is told,
/// instead of being led through the next.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// The way to the task that writes. The task ends with the last of these.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Waiting>);

struct Waiting {
    request: Request,
    since: Instant,
    reply: oneshot::Sender<Answer>,
}

impl Writer {
    /// Rings `committed` after each commit.
    pub(super) fn spawn(db: Database, rules: Arc<Rules>, committed: Arc<Notify>) -> Self {
        let (sender, inbox) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write_on(db, rules, inbox, committed));
        Self(sender)
    }

    /// Has `request` written. Once it waits, it is written even if the caller
    /// does not wait for the answer.
    pub(super) async fn ask(&self, request: Request) -> Result<Vec<Committed>, JournalError> {
        let (reply, answer) = oneshot::channel();
        let gone = || JournalError::Unavailable("the journal's writer has ended with its runtime".to_owned());
        let waiting = Waiting { request, since: Instant::now(), reply };
        self.0.send(waiting).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn write_on(
    db: Database,
    rules: Arc<Rules>,
    mut inbox: mpsc::Receiver<Waiting>,
    committed: Arc<Notify>,
) {
    let mut committer = Committer { db, rules, cache: RunCache::default() };
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    while inbox.recv_many(&mut waiting, BATCH_MAX).await > 0 {
        refuse_late(&mut waiting);
        if waiting.is_empty() {
            continue;
        }
        let (requests, replies): (Vec<_>, Vec<_>) =
            waiting.drain(..).map(|waiting| (waiting.request, waiting.reply)).unzip();
        let answers = committer.answer(&requests).await;
        if answers.iter().any(Result::is_ok) {
            committed.notify_one();
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away does not undo what is committed.
            let _: Result<(), Answer> = reply.send(answer);
        }
    }
}

/// Answers those who have waited for too long, and forgets what they wanted.
fn refuse_late(waiting: &mut Vec<Waiting>) {
    for late in waiting.extract_if(.., |waiting| waiting.since.elapsed() >= WAIT_MAX) {
        let text = format!("it accepted no write for {} s; this request was not written", WAIT_MAX.as_secs());
        let _: Result<(), Answer> = late.reply.send(Err(JournalError::Unavailable(text)));
    }
}

/// The same for each: the database is away, or its disk is full.
fn for_all(requests: &[Request], fault: CommitError) -> Vec<Answer> {
    let of: fn(String) -> JournalError = match fault {
        CommitError::Full(_) => JournalError::Full,
        _ => JournalError::Unavailable,
    };
    let text = fault.into_text();
    requests.iter().map(|_| Err(of(text.clone()))).collect()
}

/// Where requests are decided and written down.
struct Committer {
    db: Database,
    rules: Arc<Rules>,
    cache: RunCache,
}

impl Committer {
    /// Commits `requests` together; when one of them makes that impossible, each
    /// on its own, so that only the guilty one fails.
    async fn answer(&mut self, requests: &[Request]) -> Vec<Answer> {
        for _ in 0..TOGETHER_TRIES {
            match self.commit(requests).await {
                Ok(answers) => return answers,
                Err(fault @ (CommitError::Unavailable(_) | CommitError::Full(_))) => {
                    return for_all(requests, fault);
                }
                Err(CommitError::Rejected(error)) if requests.len() == 1 => return vec![Err(error)],
                Err(CommitError::Rejected(_)) => break,
                // What was remembered is forgotten by now, so that this time all
                // is read.
                Err(CommitError::Contended(_)) => {}
            }
        }
        self.each_alone(requests).await
    }

    async fn each_alone(&mut self, requests: &[Request]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            match self.alone(request).await {
                Err(fault @ (CommitError::Unavailable(_) | CommitError::Full(_))) => {
                    // The others would only wait for the same silence.
                    answers.extend(for_all(&requests[answers.len()..], fault));
                    break;
                }
                answer => answers.push(answer.map_err(CommitError::into_error)),
            }
        }
        answers
    }

    async fn alone(&mut self, request: &Request) -> Result<Vec<Committed>, CommitError> {
        let mut tries = 1;
        loop {
            match self.commit(std::slice::from_ref(request)).await {
                Ok(mut answers) => {
                    return answers.pop().unwrap_or_else(|| Ok(Vec::new())).map_err(CommitError::Rejected);
                }
                Err(CommitError::Contended(_)) if tries < CONTENDED_TRIES => tries += 1,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Decides and writes. What was remembered for it is forgotten unless it is
    /// written.
    async fn commit(&mut self, requests: &[Request]) -> Result<Vec<Answer>, CommitError> {
        let began = Instant::now();
        let committed = self.try_commit(requests).await;
        let outcome = match &committed {
            Ok(_) => "committed",
            Err(CommitError::Contended(_)) => "contended",
            Err(CommitError::Rejected(_)) => "refused",
            Err(CommitError::Unavailable(_) | CommitError::Full(_)) => "unavailable",
        };
        meter::wrote(requests.len(), outcome, began.elapsed());
        committed
    }

    async fn try_commit(&mut self, requests: &[Request]) -> Result<Vec<Answer>, CommitError> {
        let (batch, missing) = Batch::recall(requests, &mut self.cache);
        let (batch, answers) = match self.db.get_database_backend() {
            DbBackend::Postgres if !missing.contended => {
                self.commit_by_versions(batch, &missing, requests).await?
            }
            _ => self.commit_under_locks(batch, missing, requests).await?,
        };
        batch.remember(&self.rules, &mut self.cache);
        Ok(answers)
    }

    /// Reads without holding anything, and writes in as few ways as can be:
    /// should somebody have moved a run meanwhile, its version tells.
    async fn commit_by_versions(
        &self,
        mut batch: Batch,
        missing: &Missing,
        requests: &[Request],
    ) -> Result<(Batch, Vec<Answer>), CommitError> {
        batch.load(&self.db, missing, false).await?;
        let answers = requests.iter().map(|request| batch.apply(&self.rules, request)).collect();
        if batch.is_empty() {
            return Ok((batch, answers));
        }
        if batch.is_plain() {
            batch.write_at_once(&self.db, &self.rules).await?;
            return Ok((batch, answers));
        }
        let tx = begin(&self.db).await?;
        let written = batch.write(&tx, &self.rules).await.map(|()| (answers, TransactionEnd::Commit));
        Ok((batch, end(tx, written).await?))
    }

    async fn commit_under_locks(
        &self,
        mut batch: Batch,
        missing: Missing,
        requests: &[Request],
    ) -> Result<(Batch, Vec<Answer>), CommitError> {
        let (tx, rules) = (begin(&self.db).await?, &self.rules);
        let work = async {
            batch.load(&tx, &missing, true).await?;
            batch.load_dead(&tx, requests).await?;
            batch.load_aside(&tx, requests).await?;
            let answers: Vec<Answer> = requests.iter().map(|request| batch.apply(rules, request)).collect();
            if batch.is_empty() {
                return Ok((answers, TransactionEnd::Nothing));
            }
            batch.write(&tx, rules).await?;
            Ok((answers, TransactionEnd::Commit))
        };
        let result = work.await;
        Ok((batch, end(tx, result).await?))
    }
}
