//! One transaction for many requests: the runs are loaded and held in one
//! statement, each request is decided on its own on top of the ones before it,
//! and what changed is written once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sea_orm::sea_query::{Expr, ExprTrait, Order as Direction, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use serde_json::Value;

use super::codec::encode;
use super::fault::Fault;
use super::item::{ItemRow, Items, Key};
use super::redrive::Redrives;
use super::run::{RunRow, Runs};
use super::transaction::{execute_row, hold_positions};
use super::{dead_letter, event, item, run};
use crate::event::Event;
use crate::id::RunId;
use crate::journal::follow::{Followed, Rules, item_of, run_due_at};
use crate::journal::letters::DeadLetter;
use crate::journal::rows::RowChange;
use crate::journal::{Applied, JournalError, NewRun, Order};
use crate::state::{ItemState, RunState, RunStatus};

/// Rows in one INSERT: at 21 parameters a row within SQLite's 32,766.
const ROWS_MAX: usize = 1_000;

/// What a caller waits for.
#[derive(Debug)]
pub(super) enum Request {
    /// New runs, all or none.
    Submit(Vec<NewRun>),
    /// A command to one run.
    Apply(Box<Order>),
}

/// What became of a request.
pub(super) type Answer = Result<Vec<Applied>, JournalError>;

/// The runs and items that the requests of one transaction are about, and what
/// is to be written.
#[derive(Default)]
pub(super) struct Batch {
    runs: BTreeMap<RunId, HeldRun>,
    items: BTreeMap<Key, HeldItem>,
    rows: Vec<RowChange>,
    events: Vec<Event>,
    dead_letters: Vec<DeadLetter>,
    redrives: Redrives,
}

struct HeldRun {
    state: RunState,
    /// Its last event in the database; `None` if the run is new.
    last_seq: Option<u64>,
}

struct HeldItem {
    state: ItemState,
    /// Its epoch in the database; `None` if the item is new.
    last_epoch: Option<u64>,
    output: Option<Value>,
    changed: bool,
}

impl Batch {
    /// Loads what `requests` are about, and holds the runs until the transaction
    /// ends: in the order of their ids, so that two journals can't deadlock.
    pub(super) async fn load(tx: &DatabaseTransaction, requests: &[Request]) -> Result<Self, Fault> {
        let orders = || requests.iter().filter_map(Request::order);
        let mut batch = Self::default();
        if orders().next().is_some() {
            batch.load_runs(tx, orders().map(|order| order.run)).await?;
            let keys = orders()
                .filter_map(|order| item_of(&order.command).map(|(step, item)| (order.run, step, item)));
            batch.load_items(tx, keys.collect()).await?;
            batch.redrives = Redrives::load(tx, orders()).await?;
        }
        Ok(batch)
    }

    async fn load_runs(
        &mut self,
        tx: &DatabaseTransaction,
        ids: impl Iterator<Item = RunId>,
    ) -> Result<(), Fault> {
        let mut select = Query::select();
        select
            .columns(run::COLUMNS)
            .from(Runs::Table)
            .and_where(Expr::col(Runs::Id).is_in(ids.map(|id| id.0)))
            .order_by(Runs::Id, Direction::Asc);
        if tx.get_database_backend() == DbBackend::Postgres {
            select.lock_exclusive();
        }
        for row in tx.query_all(&select).await? {
            let state = RunRow::from_query_result(&row, "")?.state()?;
            self.runs.insert(state.id, HeldRun { last_seq: Some(state.seq), state });
        }
        Ok(())
    }

    async fn load_items(&mut self, tx: &DatabaseTransaction, keys: Vec<Key>) -> Result<(), Fault> {
        if keys.is_empty() {
            return Ok(());
        }
        let select = Query::select()
            .columns(item::COLUMNS)
            .from(Items::Table)
            .cond_where(item::among(keys.into_iter()))
            .to_owned();
        for row in tx.query_all(&select).await? {
            let (run, state) = ItemRow::from_query_result(&row, "")?.state()?;
            let last_epoch = Some(state.attempts.epoch);
            let held = HeldItem { last_epoch, output: None, changed: false, state };
            self.items.insert((run, held.state.step, held.state.index), held);
        }
        Ok(())
    }

    /// Decides one request. A refused one, or one whose projection panics,
    /// leaves nothing behind.
    pub(super) fn follow(&mut self, rules: &Rules, request: &Request) -> Answer {
        let decided = catch_unwind(AssertUnwindSafe(|| match request {
            Request::Submit(runs) => self.begin(rules, runs),
            Request::Apply(order) => self.order(rules, order).map(|followed| vec![followed]),
        }));
        let panicked = |_| Err(JournalError::Corrupt("a projection panicked over this request".to_owned()));
        let followed = decided.unwrap_or_else(panicked)?;
        Ok(followed.into_iter().map(|followed| self.take_in(followed)).collect())
    }

    fn begin(&self, rules: &Rules, new: &[NewRun]) -> Result<Vec<Followed>, JournalError> {
        let twice = |at: usize, id: RunId| new[..at].iter().any(|earlier| earlier.id == id);
        new.iter()
            .enumerate()
            .map(|(at, new)| match self.runs.contains_key(&new.id) || twice(at, new.id) {
                true => Err(JournalError::Conflict(format!("run {}", new.id))),
                false => rules.begin(new),
            })
            .collect()
    }

    fn order(&self, rules: &Rules, order: &Order) -> Result<Followed, JournalError> {
        let run = self.runs.get(&order.run).ok_or(JournalError::UnknownRun(order.run))?;
        let item = item_of(&order.command).and_then(|(step, item)| self.items.get(&(order.run, step, item)));
        rules.follow(&run.state, item.map(|item| &item.state), self.redrives.dead(order.run), order)
    }

    fn take_in(&mut self, mut followed: Followed) -> Applied {
        self.rows.append(&mut followed.rows);
        self.events.extend(followed.events.iter().cloned());
        self.dead_letters.append(&mut followed.dead_letters);
        self.redrives.take_in(&mut followed);
        let run = followed.run.id;
        for state in followed.opened.drain(..) {
            let held = HeldItem { state, last_epoch: None, output: None, changed: true };
            self.items.insert((run, held.state.step, held.state.index), held);
        }
        let held = followed.item.as_ref().and_then(|item| self.items.get_mut(&(run, item.step, item.index)));
        if let (Some(held), Some(state)) = (held, &followed.item) {
            held.changed |= held.state != *state;
            held.state = state.clone();
            held.output = followed.output.take().or_else(|| held.output.take());
        }
        let last_seq = self.runs.get(&run).and_then(|held| held.last_seq);
        self.runs.insert(run, HeldRun { state: followed.run.clone(), last_seq });
        followed.applied()
    }

    /// Whether anything is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.redrives.is_empty()
    }

    /// Writes what the followed requests left behind. The events come last, so
    /// that the lock over their positions is held as shortly as can be.
    pub(super) async fn write(self, tx: &DatabaseTransaction, rules: &Rules) -> Result<(), Fault> {
        for row in &self.rows {
            execute_row(tx, row).await?;
        }
        self.write_runs(tx, rules).await?;
        self.write_items(tx).await?;
        for letters in self.dead_letters.chunks(ROWS_MAX) {
            tx.execute(&dead_letter::insert(letters)?).await?;
        }
        self.redrives.write(tx).await?;
        hold_positions(tx).await?;
        for events in self.events.chunks(ROWS_MAX) {
            tx.execute(&event::insert(events)?).await?;
        }
        Ok(())
    }

    async fn write_runs(&self, tx: &DatabaseTransaction, rules: &Rules) -> Result<(), Fault> {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for held in self.runs.values() {
            let due_at = run_due_at(rules.workflows.definition(&held.state.definition), &held.state);
            match held.last_seq {
                None => new.push((&held.state, due_at)),
                Some(last_seq) if last_seq == held.state.seq => {}
                Some(last_seq) => changed.push((&held.state, due_at, last_seq)),
            }
        }
        if !changed.is_empty() {
            fenced(tx, &run::update(&changed)?, changed.len()).await?;
        }
        for runs in new.chunks(ROWS_MAX) {
            tx.execute(&run::insert(runs)?).await?;
        }
        Ok(())
    }

    async fn write_items(&self, tx: &DatabaseTransaction) -> Result<(), Fault> {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for ((run, _, _), held) in self.items.iter().filter(|(_, held)| held.changed) {
            let Some(HeldRun { state: run, .. }) = self.runs.get(run) else { continue };
            let output = held.output.as_ref().map(encode).transpose()?;
            match held.last_epoch {
                None => new.push((run, &held.state, output)),
                Some(epoch) => changed.push((run, &held.state, output, epoch)),
            }
        }
        if !changed.is_empty() {
            fenced(tx, &item::update(&changed)?, changed.len()).await?;
        }
        for items in new.chunks(ROWS_MAX) {
            tx.execute(&item::insert(items)?).await?;
        }
        let cut_short = |held: &&HeldRun| {
            matches!(held.state.status, RunStatus::Failed | RunStatus::Cancelled)
                && held.last_seq != Some(held.state.seq)
                && held.state.items.total > 0
        };
        let ended: Vec<RunId> = self.runs.values().filter(cut_short).map(|held| held.state.id).collect();
        if !ended.is_empty() {
            tx.execute(&item::close(&ended)).await?;
        }
        Ok(())
    }
}

/// Executes an update whose condition names the versions it was decided on. A
/// row less means that another writer was faster in spite of the lock.
pub(super) async fn fenced(
    tx: &DatabaseTransaction,
    update: &UpdateStatement,
    rows: usize,
) -> Result<(), Fault> {
    match tx.execute(update).await?.rows_affected() {
        updated if updated == rows as u64 => Ok(()),
        _ => Err(Fault::Contended("another writer moved the run meanwhile".to_owned())),
    }
}

impl Request {
    fn order(&self) -> Option<&Order> {
        match self {
            Self::Apply(order) => Some(order),
            Self::Submit(_) => None,
        }
    }
}
