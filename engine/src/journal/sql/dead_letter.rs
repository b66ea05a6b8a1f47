//! The table `dead_letters`.

use sea_orm::sea_query::{
    Condition, Expr, ExprTrait, InsertStatement, Order as Direction, Query, SelectStatement, UpdateStatement,
};
use sea_orm::{DeriveIden, FromQueryResult};
use uuid::Uuid;

use super::codec::{bounded, decode, encode, number};
use crate::error::StepError;
use crate::id::RunId;
use crate::journal::JournalError;
use crate::journal::letters::{DeadLetter, LetterFilter, LetterStatus, Settlement, Settling};
use crate::retry::DeadReason;
use crate::time::Timestamp;

#[derive(Clone, Copy, DeriveIden)]
pub(super) enum DeadLetters {
    Table,
    Id,
    RunId,
    Definition,
    Tenant,
    Step,
    StepName,
    Item,
    Reason,
    Attempts,
    Code,
    Digest,
    Fingerprint,
    Error,
    AtMs,
    State,
    SettledAtMs,
    SettledBy,
    SettledWhy,
    Bulk,
    /// The row that can't be read, if that is what it is about. May be large, so
    /// that no list reads it.
    Raw,
}

/// What a new row has.
const WRITTEN: [DeadLetters; 15] = [
    DeadLetters::Id,
    DeadLetters::RunId,
    DeadLetters::Definition,
    DeadLetters::Tenant,
    DeadLetters::Step,
    DeadLetters::StepName,
    DeadLetters::Item,
    DeadLetters::Reason,
    DeadLetters::Attempts,
    DeadLetters::Code,
    DeadLetters::Digest,
    DeadLetters::Fingerprint,
    DeadLetters::Error,
    DeadLetters::AtMs,
    DeadLetters::State,
];

/// What a settled one has besides.
const SETTLED: [DeadLetters; 4] =
    [DeadLetters::SettledAtMs, DeadLetters::SettledBy, DeadLetters::SettledWhy, DeadLetters::Bulk];

/// What the columns take. A code is a step's word, and none is so important
/// that a failure could not be recorded for it.
const CODE_CHARS_MAX: usize = 128;
const DIGEST_CHARS_MAX: usize = 64;
const BY_CHARS_MAX: usize = 128;
const WHY_CHARS_MAX: usize = 2_000;

#[derive(FromQueryResult)]
pub(super) struct DeadLetterRow {
    id: Uuid,
    run_id: Uuid,
    definition: String,
    tenant: String,
    step: i32,
    step_name: String,
    item: Option<i64>,
    reason: String,
    attempts: i64,
    code: String,
    digest: Option<String>,
    fingerprint: String,
    error: String,
    at_ms: i64,
    state: String,
    settled_at_ms: Option<i64>,
    settled_by: Option<String>,
    settled_why: Option<String>,
    bulk: Option<Uuid>,
}

impl DeadLetterRow {
    /// The letter, as far as it can be read: one that waits for a person must not
    /// hide itself, or the others in its list.
    pub(super) fn letter(self) -> DeadLetter {
        let mut unreadable = Vec::new();
        let reason = keep(decode("reason", &self.reason), DeadReason::Unreadable, &mut unreadable);
        let step = keep(number("step", self.step), 0, &mut unreadable);
        let attempts = keep(number("attempts", self.attempts), 0, &mut unreadable);
        let item = keep(self.item.map(|item| number("item", item)).transpose(), None, &mut unreadable);
        let unknown = || JournalError::Corrupt(format!("dead_letters.state is `{}`", self.state));
        let status = LetterStatus::parse(&self.state).ok_or_else(unknown);
        let status = keep(status, LetterStatus::Waiting, &mut unreadable);
        let unsaid = StepError::permanent(self.code, "what failed can't be read");
        let mut error = keep(decode("error", &self.error), unsaid, &mut unreadable);
        error.chain.append(&mut unreadable);
        let settled = self.settled_at_ms.map(|at| Settlement {
            at: Timestamp(at),
            by: self.settled_by.unwrap_or_default(),
            why: self.settled_why.unwrap_or_default(),
            bulk: self.bulk.map(RunId),
        });
        DeadLetter {
            id: self.id,
            run: RunId(self.run_id),
            definition: self.definition,
            tenant: self.tenant,
            step,
            step_name: self.step_name,
            item,
            reason,
            attempts,
            digest: self.digest,
            fingerprint: self.fingerprint,
            error,
            at: Timestamp(self.at_ms),
            status,
            settled,
        }
    }
}

/// What was read, or `otherwise` and why.
fn keep<T>(read: Result<T, JournalError>, otherwise: T, unreadable: &mut Vec<String>) -> T {
    read.unwrap_or_else(|error| {
        unreadable.push(error.to_string());
        otherwise
    })
}

/// New rows; `letters` is not empty.
pub(super) fn insert(letters: &[DeadLetter]) -> Result<InsertStatement, JournalError> {
    let mut statement = Query::insert();
    statement.into_table(DeadLetters::Table).columns(WRITTEN);
    for letter in letters {
        statement.values_panic([
            letter.id.into(),
            letter.run.0.into(),
            letter.definition.clone().into(),
            letter.tenant.clone().into(),
            i32::from(letter.step).into(),
            letter.step_name.clone().into(),
            letter.item.map(i64::from).into(),
            encode(&letter.reason)?.into(),
            i64::from(letter.attempts).into(),
            bounded(&letter.error.code, CODE_CHARS_MAX).into(),
            letter.digest.as_deref().map(|digest| bounded(digest, DIGEST_CHARS_MAX)).into(),
            letter.fingerprint.clone().into(),
            encode(&letter.error)?.into(),
            letter.at.0.into(),
            letter.status.as_str().into(),
        ]);
    }
    Ok(statement)
}

/// Has the letter keep the row that it was made of.
pub(super) fn keep_raw(letter: Uuid, raw: &str) -> UpdateStatement {
    Query::update()
        .table(DeadLetters::Table)
        .value(DeadLetters::Raw, raw)
        .and_where(Expr::col(DeadLetters::Id).eq(letter))
        .to_owned()
}

/// The rows that the filter lets through, newest first.
pub(super) fn select(filter: &LetterFilter) -> Result<SelectStatement, JournalError> {
    Ok(Query::select()
        .columns(WRITTEN)
        .columns(SETTLED)
        .from(DeadLetters::Table)
        .cond_where(admitted(filter)?)
        .order_by(DeadLetters::AtMs, Direction::Desc)
        .order_by(DeadLetters::Id, Direction::Desc)
        .to_owned())
}

/// What the filter lets through.
pub(super) fn admitted(filter: &LetterFilter) -> Result<Condition, JournalError> {
    let texts = [
        (DeadLetters::Tenant, filter.tenant.as_deref()),
        (DeadLetters::Definition, filter.workflow.as_deref()),
        (DeadLetters::Code, filter.code.as_deref()),
        (DeadLetters::StepName, filter.step.as_deref()),
        (DeadLetters::Digest, filter.digest.as_deref()),
        (DeadLetters::Fingerprint, filter.fingerprint.as_deref()),
        (DeadLetters::State, filter.state.map(LetterStatus::as_str)),
    ];
    let ids = [(DeadLetters::RunId, filter.run), (DeadLetters::Bulk, filter.bulk)];
    let mut all = Condition::all();
    for (column, wanted) in texts {
        all = all.add_option(wanted.map(|wanted| Expr::col(column).eq(wanted)));
    }
    for (column, wanted) in ids {
        all = all.add_option(wanted.map(|wanted| Expr::col(column).eq(wanted.0)));
    }
    if let Some(reason) = filter.reason {
        let reasons: Result<Vec<String>, _> = reason.reasons().iter().map(encode).collect();
        all = all.add(Expr::col(DeadLetters::Reason).is_in(reasons?));
    }
    let from = filter.from.map(|from| Expr::col(DeadLetters::AtMs).gte(from.0));
    let until = filter.until.map(|until| Expr::col(DeadLetters::AtMs).lt(until.0));
    let after = filter.after.map(|(at, id)| {
        let at_once = Expr::col(DeadLetters::AtMs).eq(at.0).and(Expr::col(DeadLetters::Id).lt(id));
        Expr::col(DeadLetters::AtMs).lt(at.0).or(at_once)
    });
    Ok(all.add_option(from).add_option(until).add_option(after))
}

/// Settles what waits.
pub(super) fn settle(settling: &Settling) -> UpdateStatement {
    let settlement = &settling.settlement;
    let mut statement = Query::update();
    statement
        .table(DeadLetters::Table)
        .value(DeadLetters::State, settling.status.as_str())
        .value(DeadLetters::SettledAtMs, settlement.at.0)
        .value(DeadLetters::SettledBy, bounded(&settlement.by, BY_CHARS_MAX))
        .value(DeadLetters::SettledWhy, bounded(&settlement.why, WHY_CHARS_MAX))
        .value(DeadLetters::Bulk, settlement.bulk.map(|bulk| bulk.0))
        .and_where(Expr::col(DeadLetters::RunId).eq(settling.run.0))
        .and_where(Expr::col(DeadLetters::State).eq(LetterStatus::Waiting.as_str()));
    if let Some((step, item)) = settling.slot {
        statement.and_where(Expr::col(DeadLetters::Step).eq(i32::from(step)));
        match item {
            Some(item) => statement.and_where(Expr::col(DeadLetters::Item).eq(i64::from(item))),
            None => statement.and_where(Expr::col(DeadLetters::Item).is_null()),
        };
    }
    statement
}
