//! Journals to be tried, and short words for what is done to them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use untxt_migrations::Migrator;
use untxt_migrations::sea_orm_migration::MigratorTrait;
use uuid::Uuid;

use crate::decide::{Claim, Command, Done, Outcome, Refusal};
use crate::error::StepError;
use crate::event::{Event, EventKind, OnItemFailure};
use crate::id::{Delivery, RunId, Slot, WorkerName};
use crate::journal::database::{Database, connect};
use crate::journal::memory::MemoryJournal;
use crate::journal::sql::SqlJournal;
use crate::journal::{CommandRequest, Committed, Journal, JournalError};
use crate::new_run::NewRun;
use crate::projection::Projection;
use crate::retry::{Budgets, RetryPolicy, WhenSpent};
use crate::rows::RowChange;
use crate::state::RunState;
use crate::step::Step;
use crate::time::{ManualClock, Timestamp};
use crate::workflow::{Workflow, Workflows};
use untxt_stack::postgres::Postgres;

pub(super) const START: Timestamp = Timestamp(1_000_000);

/// A journal, and a second one on the same store as another process has it.
pub(super) struct JournalHarness {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) other: Arc<dyn Journal>,
    pub(super) clock: Arc<ManualClock>,
    db: Option<(Database, String)>,
    _file: Option<TempDir>,
}

/// A row in `users` for each run that ends; panics over the tenant `poison`.
struct Users;

impl Projection for Users {
    fn rows(&self, run: &RunState, events: &[Event]) -> Vec<RowChange> {
        assert!(run.tenant != "poison", "poisoned");
        let ended = events.iter().any(|event| event.kind == EventKind::Cancelled);
        ended.then(|| user(run.id.0)).into_iter().collect()
    }

    /// A plain run for each of the tenant `herald` that ends; of no known
    /// workflow for `liar`.
    fn follow_ups(&self, run: &RunState, events: &[Event]) -> Vec<NewRun> {
        let definition = match run.tenant.as_str() {
            "herald" => "plain",
            "liar" => "nobody's",
            _ => return Vec::new(),
        };
        let ended = events.iter().filter(|event| event.kind == EventKind::Cancelled);
        ended.map(|event| NewRun { id: heralded(run.id, event.seq), definition, ..new_run() }).collect()
    }

    fn digest(&self, run: &RunState) -> Option<String> {
        run.input["file"].as_str().map(|file| format!("digest of {file}"))
    }
}

/// The run that begins with that event of `run`.
pub(super) fn heralded(run: RunId, seq: u64) -> RunId {
    RunId(Uuid::new_v5(&run.0, &seq.to_be_bytes()))
}

/// A row in `users`.
pub(super) fn user(id: Uuid) -> RowChange {
    let id: sea_orm::Value = id.into();
    let mut insert = sea_orm::sea_query::Query::insert();
    insert.into_table("users").columns(["id"]).values_panic([id.into()]);
    RowChange::Insert(insert)
}

fn workflows() -> Workflows {
    let budgets = Budgets { transport: 1, throttle: 1, content: 1, lost_worker: 1 };
    let policy = RetryPolicy { budgets, ..RetryPolicy::default() };
    let none = || None::<Arc<dyn Step>>;
    let pages = Workflow::new("w", 1).step("open", policy, none()).step_per_item("page", policy, none());
    let pages = pages.step("close", policy, none()).projection(Users);
    let plain = Workflow::new("plain", 1).step("only", policy, none());
    let pausing = RetryPolicy { when_spent: WhenSpent::Pause, ..policy };
    let patient = Workflow::new("patient", 1).step("only", pausing, none());
    Workflows::new([pages, plain, patient]).unwrap()
}

/// No spread at all: what is to be retried is due at once.
fn no_jitter() -> f64 {
    0.0
}

pub(super) async fn memory() -> JournalHarness {
    let clock = Arc::new(ManualClock::at(START));
    let journal = Arc::new(MemoryJournal::new(workflows(), clock.clone(), no_jitter));
    JournalHarness { other: journal.clone(), journal, clock, db: None, _file: None }
}

pub(super) async fn sqlite() -> JournalHarness {
    let file = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/journal.db", file.path().display());
    Migrator::up(&connect(&url).await.unwrap().for_layout(), None).await.unwrap();
    JournalHarness { _file: Some(file), ..on_database(&url).await }
}

pub(super) async fn postgres() -> JournalHarness {
    on_database(&empty_database().await).await
}

pub(super) async fn on_database(url: &str) -> JournalHarness {
    let clock = Arc::new(ManualClock::at(START));
    let db = connect(url).await.unwrap();
    let journal = Arc::new(SqlJournal::new(db.clone(), workflows(), clock.clone(), no_jitter));
    let other = connect(url).await.unwrap();
    let other = Arc::new(SqlJournal::new(other, workflows(), clock.clone(), no_jitter));
    JournalHarness { journal, other, clock, db: Some((db, url.to_owned())), _file: None }
}

/// One server for all tests; it ends with this process.
fn server() -> &'static Mutex<Postgres> {
    static SERVER: OnceLock<Mutex<Postgres>> = OnceLock::new();
    SERVER.get_or_init(|| Mutex::new(Postgres::start().unwrap()))
}

/// URL of a new database with all tables, copied from one that was migrated.
pub(super) async fn empty_database() -> String {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    let url_of = |name: &str| server().lock().unwrap_or_else(PoisonError::into_inner).url_of(name);
    let admin = connect(&url_of("postgres")).await.unwrap();
    let create = async || {
        admin.execute_unprepared("CREATE DATABASE migrated").await.unwrap();
        let template = connect(&url_of("migrated")).await.unwrap();
        Migrator::up(&template.for_layout(), None).await.unwrap();
        template.close().await.unwrap();
    };
    TEMPLATE.get_or_init(create).await;
    let name = format!("test_{}", Uuid::new_v4().simple());
    admin.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE migrated")).await.unwrap();
    admin.close().await.unwrap();
    url_of(&name)
}

pub(super) fn worker(name: &str) -> WorkerName {
    WorkerName::from(name.to_owned())
}

/// A run of the workflow with pages.
pub(super) fn new_run() -> NewRun {
    NewRun {
        id: RunId::new(),
        definition: "w",
        tenant: "t".to_owned(),
        priority: 5,
        on_item_failure: OnItemFailure::Fail,
        input: json!({"file": "a.pdf", "odd": "\u{0}"}),
        rows: Vec::new(),
    }
}

pub(super) fn delivery(run: RunId, step: u16, item: Option<u32>, attempt: u32) -> Delivery {
    Delivery { slot: Slot { run, step, item }, attempt }
}

pub(super) fn order(run: RunId, command: Command) -> CommandRequest {
    CommandRequest { run, command, rows: Vec::new() }
}

pub(super) async fn claim(
    journal: &dyn Journal,
    delivery: Delivery,
    who: &str,
) -> Result<Claim, JournalError> {
    let run = delivery.slot.run;
    let committed = journal.apply(order(run, Command::Claim { delivery, worker: worker(who) })).await?;
    let attempts = committed.item.map_or(committed.run.attempts, |item| item.attempts);
    Ok(Claim { slot: delivery.slot, epoch: attempts.epoch })
}

pub(super) async fn finish(
    journal: &dyn Journal,
    claim: &Claim,
    output: Value,
    items: Option<u32>,
) -> Result<Committed, JournalError> {
    let outcome = Outcome::Done(Done { output, items });
    journal.apply(order(claim.slot.run, Command::Finish { claim: claim.clone(), outcome, keep: false })).await
}

pub(super) fn refusal<T: std::fmt::Debug>(result: Result<T, JournalError>) -> Refusal {
    match result {
        Err(JournalError::Refused(refusal)) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

impl JournalHarness {
    pub(super) fn db(&self) -> &Database {
        &self.db.as_ref().unwrap().0
    }

    /// The same database as another process has it.
    pub(super) async fn other_db(&self) -> Database {
        connect(&self.db.as_ref().unwrap().1).await.unwrap()
    }

    pub(super) async fn submit(&self) -> RunId {
        self.journal.submit(vec![new_run()]).await.unwrap()[0].run.id
    }

    /// A run whose pages can be claimed.
    pub(super) async fn submit_pages(&self, pages: u32, on_item_failure: OnItemFailure) -> RunId {
        let new = NewRun { on_item_failure, ..new_run() };
        let run = self.journal.submit(vec![new]).await.unwrap()[0].run.id;
        let claim = self.claim(run, 0, None, 1).await;
        finish(&*self.journal, &claim, json!("opened"), Some(pages)).await.unwrap();
        run
    }

    pub(super) async fn claim(&self, run: RunId, step: u16, item: Option<u32>, attempt: u32) -> Claim {
        claim(&*self.journal, delivery(run, step, item, attempt), "w-1").await.unwrap()
    }

    pub(super) async fn done(&self, claim: &Claim) -> Committed {
        finish(&*self.journal, claim, json!(claim.slot.item), None).await.unwrap()
    }

    pub(super) async fn fail(&self, claim: &Claim, error: StepError) -> Committed {
        let command = Command::Finish { claim: claim.clone(), outcome: Outcome::Failed(error), keep: false };
        self.journal.apply(order(claim.slot.run, command)).await.unwrap()
    }

    pub(super) async fn cancel(&self, run: RunId) -> Committed {
        self.journal.apply(order(run, Command::Cancel)).await.unwrap()
    }

    pub(super) async fn run(&self, run: RunId) -> RunState {
        self.journal.run(run).await.unwrap().unwrap()
    }

    /// The whole history, which has no gap and adds up to what the journal says.
    pub(super) async fn history(&self, run: RunId) -> Vec<Event> {
        let history = self.journal.history(run, 0, u32::MAX).await.unwrap();
        assert!(history.iter().zip(1..).all(|(event, seq)| event.seq == seq), "{history:?}");
        assert_eq!(RunState::replay(&history), self.journal.run(run).await.unwrap());
        history
    }

    pub(super) async fn due(&self) -> Vec<Delivery> {
        let until = START.after(Duration::from_secs(60));
        let due = self.journal.due("w", until, None, 1_000).await.unwrap().rows;
        due.into_iter().map(|scheduled| scheduled.delivery).collect()
    }
}
