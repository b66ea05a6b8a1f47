//! The table `events`: append-only, read by run or by position. A row is what
//! one decision made: one event, or several that were decided together.

use sea_orm::{DeriveIden, FromQueryResult};
use uuid::Uuid;

use super::codec::{decode, encode, number, stored};
use super::values::ColumnValues;
use crate::event::{Event, EventKind};
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
    /// The run of which it tells.
    pub(super) fn run(&self) -> RunId {
        RunId(self.run_id)
    }

    /// Where it stands among the rows of all runs' histories.
    pub(super) fn place(&self) -> Result<(RunId, u64), JournalError> {
        Ok((self.run(), number("events.seq", self.seq)?))
    }

    /// The events of the row, in order. `seq` is the last one's.
    pub(super) fn events(&self) -> Result<impl Iterator<Item = Event>, JournalError> {
        let kinds: Vec<EventKind> = match self.event.starts_with('[') {
            true => decode("events.event", &self.event)?,
            false => vec![decode("events.event", &self.event)?],
        };
        let last: u64 = number("events.seq", self.seq)?;
        let before = (last + 1).checked_sub(kinds.len() as u64).ok_or_else(|| {
            JournalError::Corrupt(format!("events.seq is {last} in a row with {} events", kinds.len()))
        })?;
        let (run, at) = (RunId(self.run_id), Timestamp(self.at_ms));
        Ok(kinds.into_iter().zip(before..).map(move |(kind, seq)| Event { run, seq, at, kind }))
    }
}

/// The row of what one decision made; `None` if it made nothing.
pub(super) fn row(decided: &[Event]) -> Result<Option<ColumnValues<Events>>, JournalError> {
    let Some(last) = decided.last() else { return Ok(None) };
    let kinds: Vec<&EventKind> = decided.iter().map(|event| &event.kind).collect();
    let text = if let [kind] = kinds[..] { encode(kind)? } else { encode(&kinds)? };
    Ok(Some(vec![
        (Events::RunId, last.run.0.into()),
        (Events::Seq, stored(last.seq).into()),
        (Events::AtMs, last.at.0.into()),
        (Events::Event, text.into()),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(seq: i64, event: &str) -> Result<Vec<Event>, JournalError> {
        let row = EventRow { position: 1, run_id: Uuid::nil(), seq, at_ms: 5, event: event.to_owned() };
        row.events().map(Iterator::collect)
    }

    #[test]
    fn a_row_holds_one_event_or_those_of_one_decision() {
        let one = read(4, r#"{"event":"cancelled"}"#).unwrap();
        assert_eq!((one.len(), one[0].seq, &one[0].kind), (1, 4, &EventKind::Cancelled));
        let two = read(4, r#"[{"event":"opened","data":{"step":1}},{"event":"completed"}]"#).unwrap();
        assert_eq!(two.iter().map(|event| event.seq).collect::<Vec<_>>(), [3, 4]);
        assert!(read(1, r#"[{"event":"cancelled"},{"event":"completed"}]"#).is_ok_and(|e| e[0].seq == 0));
        assert!(read(0, r#"[{"event":"cancelled"},{"event":"completed"}]"#).is_err());
        assert!(read(1, "{}").is_err());
    }
}
