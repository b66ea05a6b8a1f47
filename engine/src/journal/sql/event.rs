//! The table `events`: append-only, read by run or by position.

use sea_orm::sea_query::{InsertStatement, Query};
use sea_orm::{DeriveIden, FromQueryResult};
use uuid::Uuid;

use super::codec::{decode, encode, number, stored};
use crate::event::Event;
use crate::id::RunId;
use crate::journal::JournalError;
use crate::time::Timestamp;

#[derive(Clone, Copy, DeriveIden)]
pub(super) enum Events {
    Table,
    Position,
    RunId,
    Seq,
    AtMs,
    Event,
}

/// What an event is read from.
pub(super) const COLUMNS: [Events; 5] =
    [Events::Position, Events::RunId, Events::Seq, Events::AtMs, Events::Event];

#[derive(FromQueryResult)]
pub(super) struct EventRow {
    pub(super) position: i64,
    run_id: Uuid,
    seq: i64,
    at_ms: i64,
    event: String,
}

impl EventRow {
    pub(super) fn event(self) -> Result<Event, JournalError> {
        Ok(Event {
            run: RunId(self.run_id),
            seq: number("events.seq", self.seq)?,
            at: Timestamp(self.at_ms),
            kind: decode("events.event", &self.event)?,
        })
    }
}

/// New rows, whose positions rise in this order; `events` is not empty.
pub(super) fn insert(events: &[Event]) -> Result<InsertStatement, JournalError> {
    let mut statement = Query::insert();
    statement.into_table(Events::Table).columns([Events::RunId, Events::Seq, Events::AtMs, Events::Event]);
    for event in events {
        statement.values_panic([
            event.run.0.into(),
            stored(event.seq).into(),
            event.at.0.into(),
            encode(&event.kind)?.into(),
        ]);
    }
    Ok(statement)
}
