//! The table `dead_letters`.

use sea_orm::sea_query::{InsertStatement, Query};
use sea_orm::{DeriveIden, FromQueryResult};
use uuid::Uuid;

use super::codec::{decode, encode, number};
use crate::id::RunId;
use crate::journal::{DeadLetter, JournalError};
use crate::time::Timestamp;

#[derive(Clone, Copy, DeriveIden)]
pub(super) enum DeadLetters {
    Table,
    Id,
    RunId,
    Definition,
    Tenant,
    Step,
    Item,
    Reason,
    Attempts,
    Error,
    AtMs,
}

/// Every column.
pub(super) const COLUMNS: [DeadLetters; 10] = [
    DeadLetters::Id,
    DeadLetters::RunId,
    DeadLetters::Definition,
    DeadLetters::Tenant,
    DeadLetters::Step,
    DeadLetters::Item,
    DeadLetters::Reason,
    DeadLetters::Attempts,
    DeadLetters::Error,
    DeadLetters::AtMs,
];

#[derive(FromQueryResult)]
pub(super) struct DeadLetterRow {
    id: Uuid,
    run_id: Uuid,
    definition: String,
    tenant: String,
    step: i32,
    item: Option<i64>,
    reason: String,
    attempts: i64,
    error: String,
    at_ms: i64,
}

impl DeadLetterRow {
    pub(super) fn letter(self) -> Result<DeadLetter, JournalError> {
        Ok(DeadLetter {
            id: self.id,
            run: RunId(self.run_id),
            definition: self.definition,
            tenant: self.tenant,
            step: number("dead_letters.step", self.step)?,
            item: self.item.map(|item| number("dead_letters.item", item)).transpose()?,
            reason: decode("dead_letters.reason", &self.reason)?,
            attempts: number("dead_letters.attempts", self.attempts)?,
            error: decode("dead_letters.error", &self.error)?,
            at: Timestamp(self.at_ms),
        })
    }
}

/// New rows; `letters` is not empty.
pub(super) fn insert(letters: &[DeadLetter]) -> Result<InsertStatement, JournalError> {
    let mut statement = Query::insert();
    statement.into_table(DeadLetters::Table).columns(COLUMNS);
    for letter in letters {
        statement.values_panic([
            letter.id.into(),
            letter.run.0.into(),
            letter.definition.clone().into(),
            letter.tenant.clone().into(),
            i32::from(letter.step).into(),
            letter.item.map(i64::from).into(),
            encode(&letter.reason)?.into(),
            i64::from(letter.attempts).into(),
            encode(&letter.error)?.into(),
            letter.at.0.into(),
        ]);
    }
    Ok(statement)
}
