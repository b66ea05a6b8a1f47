//! What a redrive and a discard read and write beside the run's own row.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{Expr, ExprTrait, Order as Direction, Query};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};

use super::audit;
use super::codec::{encode, number, stored};
use super::commit_error::CommitError;
use super::dead_letter::{self, DeadLetters};
use super::item::{self, ItemRow, Items};
use super::run::Runs;
use super::transaction::fenced;
use crate::decide::{Command, Dead};
use crate::event::{Event, EventKind, RedrivenItems};
use crate::id::RunId;
use crate::journal::CommandRequest;
use crate::journal::audit::AuditEntry;
use crate::journal::database::Transaction;
use crate::journal::letters::{LetterStatus, Settling};
use crate::journal::transition::Transition;
use crate::state::{Attempts, ItemState, ItemStatus};

/// Items in one statement, within SQLite's 32,766 parameters.
const ITEMS_MAX: usize = 10_000;

/// The dead that the orders of one transaction ask for, and what comes of them.
#[derive(Default)]
pub(super) struct Redrives {
    to_go_on: Vec<RunId>,
    dead: BTreeMap<RunId, Dead>,
    redriven: Vec<Event>,
    settling: Vec<Settling>,
    audit: Vec<AuditEntry>,
}

impl Redrives {
    /// Loads what is dead of the runs that are redriven or discarded from; they
    /// are held already.
    ///
    /// Such an order has its run for itself: what it reads of the items, and
    /// writes to them, goes past the items that the others of the transaction
    /// work on. Sent again alone, it passes.
    pub(super) async fn load<'a>(
        tx: &Transaction,
        requests: impl Iterator<Item = &'a CommandRequest> + Clone,
    ) -> Result<Self, CommitError> {
        let about_dead =
            |request: &&CommandRequest| matches!(request.command, Command::Redrive(_) | Command::Discard(_));
        let runs: BTreeSet<RunId> = requests.clone().filter(about_dead).map(|request| request.run).collect();
        if runs.is_empty() {
            return Ok(Self::default());
        }
        let redriven = |request: &&CommandRequest| matches!(request.command, Command::Redrive(_));
        let to_go_on = requests.clone().filter(redriven).map(|request| request.run).collect();
        if requests.filter(|request| runs.contains(&request.run)).count() > runs.len() {
            return Err(CommitError::Contended("a redrive shares its run with another request".to_owned()));
        }
        let mut redrives = Self {
            to_go_on,
            dead: runs.iter().map(|run| (*run, Dead::default())).collect(),
            ..Self::default()
        };
        redrives.load_letters(tx, &runs).await?;
        redrives.load_items(tx, &runs).await?;
        Ok(redrives)
    }

    async fn load_letters(&mut self, tx: &Transaction, runs: &BTreeSet<RunId>) -> Result<(), CommitError> {
        let select = Query::select()
            .columns([DeadLetters::RunId, DeadLetters::Step, DeadLetters::Item])
            .from(DeadLetters::Table)
            .and_where(Expr::col(DeadLetters::RunId).is_in(runs.iter().map(|run| run.0)))
            .and_where(Expr::col(DeadLetters::State).eq(LetterStatus::Waiting.as_str()))
            .to_owned();
        for row in tx.query_all(&select).await? {
            let (run, step, item): (_, i32, Option<i64>) =
                (RunId(row.try_get_by_index(0)?), row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            let item = item.map(|item| number("dead_letters.item", item)).transpose()?;
            self.dead.entry(run).or_default().waiting.push((number("dead_letters.step", step)?, item));
        }
        Ok(())
    }

    async fn load_items(&mut self, tx: &Transaction, runs: &BTreeSet<RunId>) -> Result<(), CommitError> {
        let select = Query::select()
            .columns(item::COLUMNS)
            .from(Items::Table)
            .and_where(Expr::col(Items::RunId).is_in(runs.iter().map(|run| run.0)))
            .and_where(Expr::col(Items::Status).ne(ItemStatus::Done.as_str()))
            .order_by(Items::Item, Direction::Asc)
            .to_owned();
        for row in tx.query_all(&select).await? {
            let read =
                ItemRow::from_query_result(&row, "").map_err(|error| CommitError::from(error).into_error());
            let (run, state) = match read.and_then(ItemRow::state) {
                Ok(read) => read,
                Err(_) => unreadable(&row)?,
            };
            self.dead.entry(run).or_default().not_done.push(state);
        }
        Ok(())
    }

    /// The runs that are to go on.
    pub(super) fn to_go_on(&self) -> Vec<RunId> {
        self.to_go_on.clone()
    }

    /// The run was set aside, and what was set aside can't be read.
    pub(super) fn is_unreadable(&mut self, run: RunId) {
        self.dead.entry(run).or_default().unreadable = true;
    }

    /// What of the run is dead, if anybody asked for it.
    pub(super) fn dead(&self, run: RunId) -> &Dead {
        self.dead.get(&run).unwrap_or(Dead::NONE)
    }

    pub(super) fn record(&mut self, transition: &mut Transition) {
        let redriven =
            transition.events.iter().filter(|event| matches!(event.kind, EventKind::Redriven { .. }));
        self.redriven.extend(redriven.cloned());
        self.settling.extend(transition.settling.take());
        self.audit.extend(transition.audit.take());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.redriven.is_empty() && self.settling.is_empty() && self.audit.is_empty()
    }

    /// Writes what followed. Letters that died in the same transaction are
    /// there already.
    pub(super) async fn write(&self, tx: &Transaction) -> Result<(), CommitError> {
        for event in &self.redriven {
            go_on(tx, event).await?;
        }
        for settling in &self.settling {
            tx.execute(&dead_letter::settle(settling)).await?;
        }
        if !self.audit.is_empty() {
            tx.execute(&audit::insert(&self.audit)?).await?;
        }
        Ok(())
    }
}

/// An item that is not done and can't be read: reopened, it is as good as new.
fn unreadable(row: &QueryResult) -> Result<(RunId, ItemState), CommitError> {
    let (run, step, index) = item::key(row)?;
    let status = ItemStatus::Failed;
    Ok((run, ItemState { step, index, status, attempts: Attempts::default(), error: None }))
}

async fn go_on(tx: &Transaction, event: &Event) -> Result<(), CommitError> {
    let EventKind::Redriven { step, items, input, attempts_before, .. } = &event.kind else { return Ok(()) };
    if let Some(input) = input {
        let update = Query::update()
            .table(Runs::Table)
            .value(Runs::Input, encode(input)?)
            .and_where(Expr::col(Runs::Id).eq(event.run.0))
            .to_owned();
        tx.execute(&update).await?;
    }
    match items {
        RedrivenItems::Kept => Ok(()),
        RedrivenItems::Dropped => drop_items(tx, event.run, *step).await,
        RedrivenItems::Reopened(items) => {
            drop_items(tx, event.run, step + 1).await?;
            reopen(tx, event, *step, items, *attempts_before).await
        }
    }
}

/// Items of later steps are named anew when the run comes there.
async fn drop_items(tx: &Transaction, run: RunId, from_step: u16) -> Result<(), CommitError> {
    let delete = Query::delete()
        .from_table(Items::Table)
        .and_where(Expr::col(Items::RunId).eq(run.0))
        .and_where(Expr::col(Items::Step).gte(i32::from(from_step)))
        .to_owned();
    tx.execute(&delete).await?;
    Ok(())
}

/// All reopened items are alike but for their place, so one statement does.
async fn reopen(
    tx: &Transaction,
    event: &Event,
    step: u16,
    items: &[u32],
    made: u32,
) -> Result<(), CommitError> {
    let open = ItemState::open(step, 0, made, event);
    for items in items.chunks(ITEMS_MAX) {
        let update = Query::update()
            .table(Items::Table)
            .value(Items::Status, open.status.as_str())
            .value(Items::Epoch, stored(open.attempts.epoch))
            .value(Items::Attempts, encode(&open.attempts)?)
            .value(Items::Error, None::<String>)
            .value(Items::Output, None::<String>)
            .value(Items::DueAtMs, open.attempts.due_at.0)
            .value(Items::HeldBy, None::<String>)
            .and_where(Expr::col(Items::RunId).eq(event.run.0))
            .and_where(Expr::col(Items::Step).eq(i32::from(step)))
            .and_where(Expr::col(Items::Item).is_in(items.iter().map(|item| i64::from(*item))))
            .to_owned();
        fenced(tx, &update, items.len()).await?;
    }
    Ok(())
}
