//! Group commit: one task writes for the whole process, and takes everything
//! that waits into one transaction. A commit costs a sync of the disk however
//! many requests it carries.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::sync::{mpsc, oneshot};

use super::batch::{Answer, Batch, Request};
use super::fault::Fault;
use super::transaction::{Ending, writing};
use crate::journal::follow::Rules;
use crate::journal::{Applied, JournalError};

/// Requests in one transaction. More would not commit faster (the sync is paid
/// once by then), but hold more runs for longer.
const BATCH_MAX: usize = 64;
/// Requests that wait for the next transactions; further callers wait outside.
const WAITING_MAX: usize = 1_024;
/// How often a request that stood in another transaction's way is sent alone.
const CONTENDED_TRIES: usize = 3;

/// The way to the task that writes. The task ends with the last of these.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Waiting>);

struct Waiting {
    request: Request,
    reply: oneshot::Sender<Answer>,
}

impl Writer {
    pub(super) fn spawn(db: DatabaseConnection, rules: Arc<Rules>) -> Self {
        let (sender, inbox) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write_on(db, rules, inbox));
        Self(sender)
    }

    /// Has `request` written. Once it waits, it is written even if the caller
    /// does not wait for the answer.
    pub(super) async fn ask(&self, request: Request) -> Result<Vec<Applied>, JournalError> {
        let (reply, answer) = oneshot::channel();
        let gone = || JournalError::Unavailable("the journal's writer has ended with its runtime".to_owned());
        self.0.send(Waiting { request, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn write_on(db: DatabaseConnection, rules: Arc<Rules>, mut inbox: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    while inbox.recv_many(&mut waiting, BATCH_MAX).await > 0 {
        let (requests, replies): (Vec<_>, Vec<_>) =
            waiting.drain(..).map(|waiting| (waiting.request, waiting.reply)).unzip();
        let answers = answer(&db, &rules, requests.into()).await;
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away does not undo what is committed.
            let _: Result<(), Answer> = reply.send(answer);
        }
    }
}

/// Commits `requests` together; when one of them makes that impossible, each on
/// its own, so that only the guilty one fails.
async fn answer(db: &DatabaseConnection, rules: &Arc<Rules>, requests: Arc<[Request]>) -> Vec<Answer> {
    let count = requests.len();
    match commit(db, rules, requests.clone(), 0..count).await {
        Ok(answers) => answers,
        Err(Fault::Down(text)) => (0..count).map(|_| Err(JournalError::Unavailable(text.clone()))).collect(),
        Err(Fault::Guilty(error)) if count == 1 => vec![Err(error)],
        Err(Fault::Guilty(_) | Fault::Contended(_)) => each_alone(db, rules, requests).await,
    }
}

async fn each_alone(db: &DatabaseConnection, rules: &Arc<Rules>, requests: Arc<[Request]>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(requests.len());
    let mut down = None;
    for at in 0..requests.len() {
        let answer = match &down {
            None => alone(db, rules, requests.clone(), at).await,
            Some(text) => Err(Fault::Down(String::clone(text))),
        };
        if let Err(Fault::Down(text)) = &answer {
            // The others would only wait for the same silence.
            down = Some(text.clone());
        }
        answers.push(answer.map_err(Fault::into_error));
    }
    answers
}

async fn alone(
    db: &DatabaseConnection,
    rules: &Arc<Rules>,
    requests: Arc<[Request]>,
    at: usize,
) -> Result<Vec<Applied>, Fault> {
    let mut tries = 1;
    loop {
        match commit(db, rules, requests.clone(), at..at + 1).await {
            Ok(mut answers) => return answers.pop().unwrap_or_else(|| Ok(Vec::new())).map_err(Fault::Guilty),
            Err(Fault::Contended(_)) if tries < CONTENDED_TRIES => tries += 1,
            Err(fault) => return Err(fault),
        }
    }
}

async fn commit(
    db: &DatabaseConnection,
    rules: &Arc<Rules>,
    requests: Arc<[Request]>,
    range: std::ops::Range<usize>,
) -> Result<Vec<Answer>, Fault> {
    let rules = rules.clone();
    writing(db, |tx| {
        Box::pin(async move {
            let requests = &requests[range];
            let mut batch = Batch::load(tx, requests).await?;
            let answers = requests.iter().map(|request| batch.follow(&rules, request)).collect();
            if batch.is_empty() {
                return Ok((answers, Ending::Nothing));
            }
            batch.write(tx, &rules).await?;
            Ok((answers, Ending::Commit))
        })
    })
    .await
}
