//! A journal and a queue that fail now and then.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use untxt_engine::controls::{ControlChange, Controls};
use untxt_engine::decide::{Claim, Command, Scheduled};
use untxt_engine::engine::Engine;
use untxt_engine::event::Event;
use untxt_engine::health::Part;
use untxt_engine::id::{Delivery, RunId, Slot, WorkerName};
use untxt_engine::journal::audit::{AuditEntry, AuditLine};
use untxt_engine::journal::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterGroup};
use untxt_engine::journal::inspect::{Backlog, Holding, Retry};
use untxt_engine::journal::retention::{Pruned, Retention};
use untxt_engine::journal::{
    CommandRequest, Committed, Found, Journal, JournalError, Orphan, RunFilter, Tail, WorkerInfo,
};
use untxt_engine::new_run::NewRun;
use untxt_engine::queue::{Pulled, Queue, QueueError};
use untxt_engine::rows::RowChange;
use untxt_engine::state::ItemOutput;
use untxt_engine::state::{RunState, RunStatus};
use untxt_engine::time::{Clock, SystemClock, Timestamp};
use untxt_engine::workflow::Workflows;
use uuid::Uuid;

use crate::stage::{
    Around, Otherwise, Working, config, easy_page, history, in_time, memory_journal, memory_queue, names,
    new_run, paper, policy,
};

/// How an order fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Nothing is written.
    Refused,
    /// It is written, but the answer is lost.
    AnswerLost,
}

/// Fails the next orders to claim or to finish as it was told.
struct FaultyJournal {
    inner: Arc<dyn Journal>,
    claims: Mutex<VecDeque<Fault>>,
    finishes: Mutex<VecDeque<Fault>>,
}

fn unavailable() -> JournalError {
    JournalError::Unavailable("the test wants it so".to_owned())
}

#[async_trait]
impl Journal for FaultyJournal {
    fn workflows(&self) -> &Workflows {
        self.inner.workflows()
    }
    async fn apply(&self, order: CommandRequest) -> Result<Committed, JournalError> {
        let faults = match &order.command {
            Command::Claim { .. } => &self.claims,
            _ => &self.finishes,
        };
        let fault = faults.lock().unwrap().pop_front();
        if fault == Some(Fault::Refused) {
            return Err(unavailable());
        }
        let applied = self.inner.apply(order).await?;
        fault.map_or(Ok(applied), |_| Err(unavailable()))
    }
    async fn submit(&self, runs: Vec<NewRun>) -> Result<Vec<Committed>, JournalError> {
        self.inner.submit(runs).await
    }
    async fn run(&self, run: RunId) -> Result<Option<RunState>, JournalError> {
        self.inner.run(run).await
    }
    async fn runs(
        &self,
        filter: &RunFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<RunState>, u64), JournalError> {
        self.inner.runs(filter, limit, offset).await
    }
    async fn items(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemOutput>, JournalError> {
        self.inner.items(run, step, from, limit).await
    }
    async fn history(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, JournalError> {
        self.inner.history(run, after_seq, limit).await
    }
    async fn tail(&self, cursor: Option<u64>, limit: u32) -> Result<Tail, JournalError> {
        self.inner.tail(cursor, limit).await
    }
    async fn due(
        &self,
        workflow: &str,
        until: Timestamp,
        after: Option<&Scheduled>,
        limit: u32,
    ) -> Result<Found<Scheduled>, JournalError> {
        self.inner.due(workflow, until, after, limit).await
    }
    async fn heartbeat(&self, worker: &WorkerName, now: Timestamp) -> Result<bool, JournalError> {
        self.inner.heartbeat(worker, now).await
    }
    async fn drain(
        &self,
        worker: &WorkerName,
        draining: bool,
        entry: AuditEntry,
    ) -> Result<bool, JournalError> {
        self.inner.drain(worker, draining, entry).await
    }
    async fn retire(&self, workers: &[WorkerName]) -> Result<(), JournalError> {
        self.inner.retire(workers).await
    }
    async fn workers(&self) -> Result<Vec<WorkerInfo>, JournalError> {
        self.inner.workers().await
    }
    async fn orphans(&self, silent_since: Timestamp, limit: u32) -> Result<Found<Orphan>, JournalError> {
        self.inner.orphans(silent_since, limit).await
    }
    async fn held(&self, worker: &WorkerName) -> Result<Found<Claim>, JournalError> {
        self.inner.held(worker).await
    }
    async fn last_seqs(&self, runs: &[RunId]) -> Result<Vec<(RunId, u64)>, JournalError> {
        self.inner.last_seqs(runs).await
    }
    async fn controls(&self, known: u64) -> Result<Option<Controls>, JournalError> {
        self.inner.controls(known).await
    }
    async fn control(
        &self,
        change: ControlChange,
        by: &str,
        at: Timestamp,
    ) -> Result<Controls, JournalError> {
        self.inner.control(change, by, at).await
    }
    async fn ended(&self, runs: &[RunId]) -> Result<Vec<RunId>, JournalError> {
        self.inner.ended(runs).await
    }
    async fn holdings(&self, limit: u32) -> Result<Vec<Holding>, JournalError> {
        self.inner.holdings(limit).await
    }
    async fn retries(&self, limit: u32, offset: u64) -> Result<(Vec<Retry>, u64), JournalError> {
        self.inner.retries(limit, offset).await
    }
    async fn backlog(&self, workflow: &str, now: Timestamp) -> Result<Backlog, JournalError> {
        self.inner.backlog(workflow, now).await
    }
    async fn prune(&self, retention: Retention, now: Timestamp) -> Result<Pruned, JournalError> {
        self.inner.prune(retention, now).await
    }
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<DeadLetter>, u64), JournalError> {
        self.inner.dead_letters(filter, limit, offset).await
    }
    async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>, JournalError> {
        self.inner.dead_letter(id).await
    }
    async fn with_dead_letters(&self, runs: &[RunId]) -> Result<BTreeSet<RunId>, JournalError> {
        self.inner.with_dead_letters(runs).await
    }
    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, JournalError> {
        self.inner.dead_letter_groups(filter, limit).await
    }
    async fn audit(&self, entry: AuditEntry) -> Result<(), JournalError> {
        self.inner.audit(entry).await
    }

    async fn change(&self, row: RowChange, entry: AuditEntry) -> Result<bool, JournalError> {
        self.inner.change(row, entry).await
    }
    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditLine>, JournalError> {
        self.inner.audited(before, limit).await
    }
    async fn erase(&self, run: RunId, rows: Vec<RowChange>) -> Result<(), JournalError> {
        self.inner.erase(run, rows).await
    }
}

/// Fails every second call of each kind; `acknowledge` then forgets what it
/// was told.
struct FaultyQueue {
    inner: Arc<dyn Queue>,
    calls: AtomicU64,
}

#[async_trait]
impl Otherwise for FaultyQueue {
    fn inner(&self) -> &dyn Queue {
        &*self.inner
    }

    fn before(&self) -> Result<(), QueueError> {
        let odd = self.calls.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        odd.then_some(()).ok_or_else(|| QueueError::Unavailable("the test wants it so".to_owned()))
    }

    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError> {
        self.inner.pull(topic, max, patience.min(Duration::from_millis(20))).await
    }
}

async fn runs_through(claims: &[Fault], finishes: &[Fault]) {
    let workflow = paper(policy(), easy_page());
    let journal = FaultyJournal {
        inner: memory_journal(&workflow),
        claims: Mutex::new(claims.iter().copied().collect()),
        finishes: Mutex::new(finishes.iter().copied().collect()),
    };
    let engine = Engine::builder(Arc::new(journal), memory_queue()).build();
    let _working = Working::begin(&engine, config(2));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    let run = in_time(engine.wait(run)).await.unwrap();
    assert_eq!(run.status, RunStatus::Completed, "{claims:?} {finishes:?}");
    let names = names(&history(&engine, run.id).await);
    assert_eq!(
        names.iter().filter(|name| *name == "started").count(),
        5,
        "no attempt was lost or made twice"
    );
    assert_eq!(engine.health(), [], "all is well again");
}

#[tokio::test]
async fn outcomes_and_claims_survive_a_journal_that_fails() {
    use Fault::{AnswerLost, Refused};
    for claims in [&[] as &[_], &[Refused], &[AnswerLost], &[Refused, AnswerLost, AnswerLost, Refused]] {
        for finishes in [&[] as &[_], &[Refused, Refused], &[AnswerLost], &[AnswerLost, Refused, AnswerLost]]
        {
            runs_through(claims, finishes).await;
        }
    }
}

#[tokio::test]
async fn a_queue_that_fails_costs_time_and_nothing_else() {
    let workflow = paper(policy(), easy_page());
    let queue = Around(FaultyQueue { inner: memory_queue(), calls: AtomicU64::new(0) });
    let journal = memory_journal(&workflow);
    let engine = Engine::builder(journal, Arc::new(queue)).build();
    let _working = Working::begin(&engine, config(2));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
}

#[tokio::test]
async fn deliveries_at_nothing_are_refused_where_one_can_see_it() {
    let workflow = paper(policy(), easy_page());
    let queue = memory_queue();
    let journal = memory_journal(&workflow);
    let engine = Engine::builder(journal, Arc::clone(&queue)).build();
    let forged = |step, item| Scheduled {
        delivery: Delivery { slot: Slot { run: RunId::new(), step, item }, attempt: 1 },
        due_at: SystemClock.now(),
        priority: 10,
        tenant: "nobody".to_owned(),
    };
    queue.push("paper", &[forged(999, None), forged(0, None), forged(1, Some(7))]).await.unwrap();
    let _working = Working::begin(&engine, config(1));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    let problems = engine.health();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].part, Part::Delivery);
    assert!(problems[0].message.contains("step 999: workflow `paper` has no such step"), "{problems:?}");
    let depth = engine.depth("paper").await.unwrap();
    assert_eq!((depth.ready, depth.scheduled), (0, 0));
    assert_eq!(json!(problems)[0]["part"], "delivery");
}
