//! One transaction for many requests: the runs are loaded and held in one
//! statement, each request is decided on its own on top of the ones before it,
//! and what changed is written once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use sea_orm::sea_query::{Expr, ExprTrait, Iden, Order as Direction, Query};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult};
use serde_json::Value;

use super::aside::{self, Restored};
use super::codec::encode;
use super::commit_error::CommitError;
use super::cte::CteBuilder;
use super::event::Events;
use super::item::{ItemRow, Items, Key};
use super::redrive::Redrives;
use super::run::{RunRow, RunSnapshot, Runs};
use super::run_cache::RunCache;
use super::transaction::{POSITIONS_LOCK, execute_row, fenced};
use super::values::{ColumnValues, RowUpdate, insert_values};
use super::{dead_letter, event, item, run};
use crate::decide::Command;
use crate::event::{Event, EventKind};
use crate::id::RunId;
use crate::journal::database::Transaction;
use crate::journal::letters::DeadLetter;
use crate::journal::transition::{Rules, Transition, alone_with_it, item_of, run_due_at};
use crate::journal::{CommandRequest, Committed, JournalError};
use crate::new_run::NewRun;
use crate::rows::RowChange;
use crate::state::{ItemState, RunState, RunStatus};

/// Rows in one INSERT: at 21 parameters a row within SQLite's 32,766.
const ROWS_MAX: usize = 1_000;

/// What a caller waits for.
#[derive(Debug)]
pub(super) enum Request {
    /// New runs, all or none.
    Submit(Vec<NewRun>),
    /// A command to one run.
    Apply(Box<CommandRequest>),
}

/// What became of a request.
pub(super) type Answer = Result<Vec<Committed>, JournalError>;

/// The runs and items that the requests of one transaction are about, and what
/// is to be written.
#[derive(Default)]
pub(super) struct Batch {
    runs: BTreeMap<RunId, LoadedRun>,
    items: BTreeMap<Key, LoadedItem>,
    rows: Vec<RowChange>,
    /// What each decision made.
    events: Vec<Vec<Event>>,
    dead_letters: Vec<DeadLetter>,
    redrives: Redrives,
    /// What can't be read of the runs and items that were to be loaded.
    unreadable_runs: BTreeMap<RunId, JournalError>,
    unreadable_items: BTreeMap<Key, JournalError>,
    /// The row that is set aside, as it was.
    aside: Option<String>,
}

/// What has to be loaded before the requests can be decided.
#[derive(Debug, Default)]
pub(super) struct Missing {
    runs: BTreeSet<RunId>,
    items: Vec<Key>,
    /// Whether others are expected to move these runs meanwhile, so that they
    /// have to be held.
    pub(super) contended: bool,
}

struct LoadedRun {
    state: RunState,
    /// Its last event in the database; `None` if the run is new.
    last_seq: Option<u64>,
    /// What of it is in the database, if somebody holds it there.
    snapshot: Option<RunSnapshot>,
    /// Whether its outputs are other than in the database.
    outputs: bool,
}

struct LoadedItem {
    state: ItemState,
    /// Its epoch in the database; `None` if the item is new.
    last_epoch: Option<u64>,
    output: Option<Value>,
    changed: bool,
}

impl Batch {
    /// What `requests` are about, as far as it is remembered, and what of it has
    /// to be loaded.
    pub(super) fn recall(requests: &[Request], cache: &mut RunCache) -> (Self, Missing) {
        let (mut batch, mut missing) = (Self::default(), Missing::default());
        for request in requests.iter().filter_map(Request::command) {
            if matches!(request.command, Command::SetAside { .. }) {
                // It is loaded in another way, and what is remembered of it is over.
                missing.contended = true;
                drop(cache.take(request.run));
                continue;
            }
            if let Some((step, item)) = item_of(&request.command) {
                missing.items.push((request.run, step, item));
            }
            if !alone_with_it(&request.command) {
                missing.contended = true;
                missing.runs.insert(request.run);
            } else if let Entry::Vacant(vacant) = batch.runs.entry(request.run) {
                match cache.take(request.run) {
                    Some(state) => drop(vacant.insert(LoadedRun::of(state))),
                    None => drop(missing.runs.insert(request.run)),
                }
            }
        }
        (batch, missing)
    }

    /// Loads what is missing. In a transaction of PostgreSQL's the runs are held
    /// until it ends, in the order of their ids, so that two journals can't
    /// deadlock.
    pub(super) async fn load(
        &mut self,
        db: &impl ConnectionTrait,
        missing: &Missing,
        hold: bool,
    ) -> Result<(), CommitError> {
        if !missing.runs.is_empty() {
            self.load_runs(db, missing, hold && db.get_database_backend() == DbBackend::Postgres).await?;
        }
        self.load_items(db, &missing.items).await
    }

    /// Loads what is dead of the runs that are redriven or discarded from; they
    /// are held already.
    pub(super) async fn load_dead(
        &mut self,
        tx: &Transaction,
        requests: &[Request],
    ) -> Result<(), CommitError> {
        self.redrives = Redrives::load(tx, requests.iter().filter_map(Request::command)).await?;
        for run in self.redrives.to_go_on() {
            let Some(held) = self.runs.get_mut(&run) else { continue };
            match aside::restore(tx, &held.state).await? {
                Restored::Never => {}
                Restored::Readable(state) => *held = LoadedRun::of(*state),
                Restored::Unreadable => self.redrives.is_unreadable(run),
            }
        }
        Ok(())
    }

    /// Loads what is to be set aside, if that is asked for. Such an order goes
    /// alone: should it be refused, what was done to the row is taken back.
    pub(super) async fn load_aside(
        &mut self,
        tx: &Transaction,
        requests: &[Request],
    ) -> Result<(), CommitError> {
        let slot = |request: &CommandRequest| match request.command {
            Command::SetAside { slot, .. } => Some(slot),
            _ => None,
        };
        let Some(slot) = requests.iter().filter_map(Request::command).find_map(slot) else { return Ok(()) };
        if requests.len() > 1 {
            return Err(CommitError::Contended("what is set aside goes alone".to_owned()));
        }
        let Some(aside) = aside::load(tx, slot).await? else { return Ok(()) };
        if let Some(state) = aside.item {
            self.items.insert((slot.run, state.step, state.index), LoadedItem::of(state));
        }
        self.runs.insert(slot.run, LoadedRun::of(aside.run));
        self.aside = Some(aside.raw);
        Ok(())
    }

    async fn load_runs(
        &mut self,
        db: &impl ConnectionTrait,
        missing: &Missing,
        hold: bool,
    ) -> Result<(), CommitError> {
        let mut select = Query::select();
        select.columns(run::COLUMNS).from(Runs::Table).order_by(Runs::Id, Direction::Asc);
        let ids: Vec<sea_orm::Value> = missing.runs.iter().map(|run| run.0.into()).collect();
        match db.get_database_backend() {
            // One parameter, so that the statement is the same for any number.
            DbBackend::Postgres => select.and_where(any_of(Runs::Id, ids)),
            _ => select.and_where(Expr::col(Runs::Id).is_in(ids)),
        };
        if hold {
            select.lock_exclusive();
        }
        for row in db.query_all(&select).await? {
            match RunRow::from_query_result(&row, "").map_err(corrupt).and_then(RunRow::state) {
                Ok(state) => drop(self.runs.insert(state.id, LoadedRun::of(state))),
                Err(error) => drop(self.unreadable_runs.insert(RunId(row.try_get("", "id")?), error)),
            }
        }
        Ok(())
    }

    async fn load_items(&mut self, db: &impl ConnectionTrait, keys: &[Key]) -> Result<(), CommitError> {
        if keys.is_empty() {
            return Ok(());
        }
        let select = Query::select()
            .columns(item::COLUMNS)
            .from(Items::Table)
            .cond_where(item::among(keys.iter().copied()))
            .to_owned();
        for row in db.query_all(&select).await? {
            match ItemRow::from_query_result(&row, "").map_err(corrupt).and_then(ItemRow::state) {
                Ok((run, state)) => {
                    drop(self.items.insert((run, state.step, state.index), LoadedItem::of(state)))
                }
                Err(error) => drop(self.unreadable_items.insert(item::key(&row)?, error)),
            }
        }
        Ok(())
    }

    /// Decides one request. A refused one, or one whose projection panics,
    /// leaves nothing behind.
    pub(super) fn apply(&mut self, rules: &Rules, request: &Request) -> Answer {
        let decided = catch_unwind(AssertUnwindSafe(|| match request {
            Request::Submit(runs) => self.begin(rules, runs),
            Request::Apply(request) => self.decide(rules, request).map(|transition| vec![transition]),
        }));
        let panicked = |_| Err(JournalError::Corrupt("a projection panicked over this request".to_owned()));
        let transition = decided.unwrap_or_else(panicked)?;
        Ok(transition.into_iter().map(|transition| self.record(transition)).collect())
    }

    fn begin(&self, rules: &Rules, new: &[NewRun]) -> Result<Vec<Transition>, JournalError> {
        let twice = |at: usize, id: RunId| new[..at].iter().any(|earlier| earlier.id == id);
        new.iter()
            .enumerate()
            .map(|(at, new)| match self.runs.contains_key(&new.id) || twice(at, new.id) {
                true => Err(JournalError::Conflict(format!("run {}", new.id))),
                false => rules.begin(new),
            })
            .collect()
    }

    fn decide(&self, rules: &Rules, request: &CommandRequest) -> Result<Transition, JournalError> {
        let about = item_of(&request.command).map(|(step, item)| (request.run, step, item));
        let unreadable = about.and_then(|key| self.unreadable_items.get(&key));
        if let Some(error) = self.unreadable_runs.get(&request.run).or(unreadable) {
            return Err(JournalError::Corrupt(format!("run {}: {error}", request.run)));
        }
        let run = self.runs.get(&request.run).ok_or(JournalError::UnknownRun(request.run))?;
        let item = about.and_then(|key| self.items.get(&key));
        rules.transition(&run.state, item.map(|item| &item.state), self.redrives.dead(request.run), request)
    }

    fn record(&mut self, mut transition: Transition) -> Committed {
        self.rows.append(&mut transition.rows);
        self.events.push(transition.events.clone());
        self.dead_letters.append(&mut transition.dead_letters);
        self.redrives.record(&mut transition);
        let begun = std::mem::take(&mut transition.begun);
        let run = transition.run.id;
        for state in transition.opened.drain(..) {
            let held = LoadedItem { state, last_epoch: None, output: None, changed: true };
            self.items.insert((run, held.state.step, held.state.index), held);
        }
        let held =
            transition.item.as_ref().and_then(|item| self.items.get_mut(&(run, item.step, item.index)));
        if let (Some(held), Some(state)) = (held, &transition.item) {
            held.changed |= held.state != *state;
            held.state = state.clone();
            held.output = transition.output.take().or_else(|| held.output.take());
        }
        let outputs = transition.events.iter().any(|event| changes_outputs(&event.kind));
        match self.runs.entry(run) {
            Entry::Occupied(mut held) => {
                let held = held.get_mut();
                held.outputs |= outputs;
                held.state.clone_from(&transition.run);
            }
            Entry::Vacant(vacant) => {
                let state = transition.run.clone();
                vacant.insert(LoadedRun { state, last_seq: None, snapshot: None, outputs });
            }
        }
        let begun = begun.into_iter().map(|begun| self.record(begun)).collect();
        Committed { begun, ..transition.committed() }
    }

    /// Whether anything is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.redrives.is_empty()
    }

    /// Whether one statement can write it.
    pub(super) fn is_plain(&self) -> bool {
        self.rows.is_empty()
            && self.dead_letters.is_empty()
            && self.redrives.is_empty()
            && self.cut_short().next().is_none()
    }

    /// Writes everything in one statement, which is a transaction of its own;
    /// for PostgreSQL and a plain batch.
    pub(super) async fn write_at_once(
        &self,
        db: &impl ConnectionTrait,
        rules: &Rules,
    ) -> Result<(), CommitError> {
        let mut ctes = self.states(rules)?;
        ctes.append(Events::Table.unquoted(), self.event_rows()?, POSITIONS_LOCK);
        db.execute_raw(ctes.statement()).await?;
        Ok(())
    }

    /// Writes what the followed requests left behind. The runs come first: whoever
    /// holds a run may write the rows that go with it. The events come last, so
    /// that the lock over their positions is held as shortly as can be.
    pub(super) async fn write(&self, tx: &Transaction, rules: &Rules) -> Result<(), CommitError> {
        let postgres = tx.get_database_backend() == DbBackend::Postgres;
        match postgres {
            true => self.write_states_at_once(tx, rules).await?,
            false => self.write_states(tx, rules).await?,
        }
        for row in &self.rows {
            execute_row(tx, row).await?;
        }
        let ended: Vec<RunId> = self.cut_short().collect();
        if !ended.is_empty() {
            tx.execute(&item::close(&ended)).await?;
        }
        for letters in self.dead_letters.chunks(ROWS_MAX) {
            tx.execute(&dead_letter::insert(letters)?).await?;
        }
        if let Some((raw, letter)) = self.aside.as_ref().zip(self.dead_letters.first()) {
            tx.execute(&dead_letter::keep_raw(letter.id, raw)).await?;
        }
        self.redrives.write(tx).await?;
        self.write_events(tx, postgres).await
    }

    async fn write_states_at_once(&self, tx: &Transaction, rules: &Rules) -> Result<(), CommitError> {
        let ctes = self.states(rules)?;
        if !ctes.is_empty() {
            tx.execute_raw(ctes.statement()).await?;
        }
        Ok(())
    }

    async fn write_events(&self, tx: &Transaction, postgres: bool) -> Result<(), CommitError> {
        let rows = self.event_rows()?;
        if rows.is_empty() {
            return Ok(());
        }
        if postgres {
            let mut ctes = CteBuilder::default();
            ctes.append(Events::Table.unquoted(), rows, POSITIONS_LOCK);
            tx.execute_raw(ctes.statement()).await?;
            return Ok(());
        }
        for rows in rows.chunks(ROWS_MAX) {
            tx.execute(&insert_values(Events::Table, rows)).await?;
        }
        Ok(())
    }

    /// What PostgreSQL is to write of runs and items.
    fn states(&self, rules: &Rules) -> Result<CteBuilder, JournalError> {
        let (runs, items) = (self.changed_runs(rules)?, self.changed_items()?);
        let mut ctes = CteBuilder::default();
        let (run_table, item_table) = (Runs::Table, Items::Table);
        let pending = format!(" AND items.status = '{}'", crate::state::ItemStatus::Pending.as_str());
        let kept: Vec<&str> = run::KEPT.iter().map(Iden::unquoted).collect();
        ctes.update("moved_runs", run_table.unquoted(), runs.changed, &kept, "");
        ctes.update("runs_that_step_on", run_table.unquoted(), runs.step_on, &kept, "");
        ctes.insert("new_runs", run_table.unquoted(), runs.new);
        ctes.update("moved_items", item_table.unquoted(), items.changed, &[], &pending);
        ctes.insert("new_items", item_table.unquoted(), items.new);
        Ok(ctes)
    }

    async fn write_states(&self, tx: &Transaction, rules: &Rules) -> Result<(), CommitError> {
        let (runs, items) = (self.changed_runs(rules)?, self.changed_items()?);
        let moved_items = items.changed.len();
        for changed in [runs.changed, runs.step_on] {
            let moved_runs = changed.len();
            if moved_runs > 0 {
                fenced(tx, &run::update(changed), moved_runs).await?;
            }
        }
        if moved_items > 0 {
            fenced(tx, &item::update(items.changed), moved_items).await?;
        }
        for rows in runs.new.chunks(ROWS_MAX) {
            tx.execute(&insert_values(Runs::Table, rows)).await?;
        }
        for rows in items.new.chunks(ROWS_MAX) {
            tx.execute(&insert_values(Items::Table, rows)).await?;
        }
        Ok(())
    }

    fn changed_runs(&self, rules: &Rules) -> Result<WrittenRuns, JournalError> {
        let mut written = WrittenRuns::default();
        for held in self.runs.values() {
            let due_at = run_due_at(rules.workflows.definition(&held.state.definition), &held.state);
            let run = run::ToWrite { run: &held.state, due_at, outputs: held.outputs };
            match held.last_seq {
                None => written.new.push(run.row()?),
                Some(last_seq) if last_seq == held.state.seq => {}
                Some(last_seq) if held.stands() => written.step_on.push(run.step_on(last_seq)?),
                Some(last_seq) => written.changed.push(run.change(last_seq)?),
            }
        }
        Ok(written)
    }

    fn changed_items(&self) -> Result<WrittenItems, JournalError> {
        let mut written = WrittenItems::default();
        for ((run, _, _), held) in self.items.iter().filter(|(_, held)| held.changed) {
            let Some(LoadedRun { state: run, .. }) = self.runs.get(run) else { continue };
            let output = held.output.as_ref().map(encode).transpose()?;
            let item = item::ToWrite { run, item: &held.state, output };
            match held.last_epoch {
                None => written.new.push(item.row()?),
                Some(epoch) => written.changed.push(item.change(epoch)?),
            }
        }
        Ok(written)
    }

    fn event_rows(&self) -> Result<Vec<ColumnValues<Events>>, JournalError> {
        self.events.iter().filter_map(|decided| event::row(decided).transpose()).collect()
    }

    /// Runs that ended by this while items of theirs were open.
    fn cut_short(&self) -> impl Iterator<Item = RunId> {
        // How many items a run has that was set aside may not be known.
        let cut_short = |held: &&LoadedRun| {
            matches!(held.state.status, RunStatus::Failed | RunStatus::Cancelled)
                && held.last_seq != Some(held.state.seq)
                && (held.state.items.total > 0 || self.aside.is_some())
        };
        self.runs.values().filter(cut_short).map(|held| held.state.id)
    }

    /// Remembers the runs that nobody else is expected to move next.
    pub(super) fn remember(self, rules: &Rules, cache: &mut RunCache) {
        for held in self.runs.into_values() {
            let definition = rules.workflows.definition(&held.state.definition);
            let due_at = run_due_at(definition, &held.state);
            if due_at.is_some() || held.state.attempts.holder.is_some() {
                cache.keep(held.state);
            }
        }
    }
}

/// What is to be written of runs.
#[derive(Default)]
struct WrittenRuns {
    new: Vec<ColumnValues<Runs>>,
    changed: Vec<RowUpdate<Runs>>,
    /// Those of which only how far they are changes.
    step_on: Vec<RowUpdate<Runs>>,
}

/// What is to be written of items.
#[derive(Default)]
struct WrittenItems {
    new: Vec<ColumnValues<Items>>,
    changed: Vec<RowUpdate<Items>>,
}

impl LoadedItem {
    /// As it is in the database.
    fn of(state: ItemState) -> Self {
        Self { last_epoch: Some(state.attempts.epoch), output: None, changed: false, state }
    }
}

impl LoadedRun {
    /// As it is in the database.
    fn of(state: RunState) -> Self {
        let snapshot = RunSnapshot::of(&state);
        Self { last_seq: Some(state.seq), snapshot, outputs: false, state }
    }

    /// Whether all that changed of it is how far it is.
    fn stands(&self) -> bool {
        self.snapshot.is_some() && self.snapshot == RunSnapshot::of(&self.state)
    }
}

/// What can't be read as what it should be.
fn corrupt(error: DbErr) -> JournalError {
    CommitError::from(error).into_error()
}

/// Whether what the steps returned is other after such an event.
fn changes_outputs(kind: &EventKind) -> bool {
    match kind {
        EventKind::Succeeded { attempt, output } => attempt.item.is_none() && !output.is_null(),
        EventKind::Redriven { .. } => true,
        EventKind::Submitted { .. }
        | EventKind::Opened { .. }
        | EventKind::Started(_)
        | EventKind::Failed { .. }
        | EventKind::Lost(_)
        | EventKind::HandedBack(_)
        | EventKind::RetryScheduled { .. }
        | EventKind::DeadLettered { .. }
        | EventKind::Cancelled
        | EventKind::Completed
        | EventKind::CompletedPartially { .. }
        | EventKind::RunFailed { .. } => false,
    }
}

/// `column = ANY (ids)`, for PostgreSQL.
fn any_of(column: Runs, ids: Vec<sea_orm::Value>) -> Expr {
    let ids = sea_orm::Value::Array(sea_orm::sea_query::ArrayType::Uuid, Some(Box::new(ids)));
    Expr::cust_with_exprs("$1 = ANY ($2)", [Expr::col(column), Expr::val(ids)])
}

impl Request {
    fn command(&self) -> Option<&CommandRequest> {
        match self {
            Self::Apply(request) => Some(request),
            Self::Submit(_) => None,
        }
    }
}
