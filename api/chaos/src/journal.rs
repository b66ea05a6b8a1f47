//! The whole journal, read event by event from the table itself.

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use untxt_engine::event::{Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::journal::database::Database;
use untxt_engine::time::Timestamp;
use uuid::Uuid;

use crate::findings::Findings;
use crate::history::{self, Counts};
use crate::timeline::Timeline;

/// Events that are read at once.
const ROWS: i64 = 10_000;

/// What the journal says in sum.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) runs: u64,
    pub(crate) events: u64,
    pub(crate) counts: Counts,
    pub(crate) timeline: Timeline,
    /// When a worker's claims were taken from it, last.
    pub(crate) last_lost: HashMap<String, Timestamp>,
    /// When a claim that was lost was claimed again, last.
    pub(crate) last_begun_again: Option<Timestamp>,
    /// Runs that failed because a budget was spent, and rightly so.
    pub(crate) exhausted: HashSet<Uuid>,
}

#[derive(FromQueryResult)]
struct Row {
    run_id: Uuid,
    seq: i64,
    at_ms: i64,
    event: String,
}

/// Reads all of it and judges each run's history.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn read(database: &Database, findings: &mut Findings) -> anyhow::Result<Journal> {
    let mut reader = Reader::default();
    let (mut run, mut seq) = (Uuid::nil(), 0_i64);
    loop {
        let page = Statement::from_sql_and_values(
            database.get_database_backend(),
            "SELECT run_id, seq, at_ms, event FROM events WHERE (run_id, seq) > ($1, $2) \
             ORDER BY run_id, seq LIMIT $3",
            [run.into(), seq.into(), ROWS.into()],
        );
        let rows = Row::find_by_statement(page).all(database).await?;
        let Some(last) = rows.last() else { break };
        (run, seq) = (last.run_id, last.seq);
        for row in &rows {
            reader.take(row, findings);
        }
    }
    reader.judge(findings);
    reader.journal.timeline = Timeline::new(reader.commits_ms);
    Ok(reader.journal)
}

#[derive(Default)]
struct Reader {
    journal: Journal,
    commits_ms: Vec<i64>,
    /// Of the run that is being read.
    history: Vec<Event>,
}

impl Reader {
    fn take(&mut self, row: &Row, findings: &mut Findings) {
        if self.history.first().is_some_and(|event| event.run.0 != row.run_id) {
            self.judge(findings);
        }
        let kinds: Vec<EventKind> = match kinds(&row.event) {
            Ok(kinds) => kinds,
            Err(error) => {
                let found = format!("run {} event {}: {error}", row.run_id, row.seq);
                findings.add("every event can be read", [found]);
                return;
            }
        };
        // A row's sequence is its last event's.
        let last = u64::try_from(row.seq).unwrap_or_default();
        let first = (last + 1).saturating_sub(kinds.len() as u64);
        for (seq, kind) in (first..).zip(kinds) {
            let (run, at) = (RunId(row.run_id), Timestamp(row.at_ms));
            self.count(&kind, at);
            self.history.push(Event { run, seq, at, kind });
        }
    }

    fn count(&mut self, kind: &EventKind, at: Timestamp) {
        self.journal.events += 1;
        self.journal.counts.add(kind);
        if matches!(kind, EventKind::Succeeded { .. }) {
            self.commits_ms.push(at.0);
        }
        if let EventKind::Lost(attempt) = kind {
            let last = self.journal.last_lost.entry(attempt.worker.as_str().to_owned()).or_default();
            *last = at.max(*last);
        }
    }

    /// Judges the history that was read and begins the next.
    fn judge(&mut self, findings: &mut Findings) {
        let history = std::mem::take(&mut self.history);
        let Some(first) = history.first() else { return };
        self.journal.runs += 1;
        let faults = history::faults(&history);
        let found = faults.into_iter().map(|fault| format!("run {}: {fault}", first.run));
        findings.add("nothing is done or ended twice", found);
        self.journal.last_begun_again = self.journal.last_begun_again.max(history::begun_again(&history));
        if history::spent_a_budget(&history) {
            self.journal.exhausted.insert(first.run.0);
        }
    }
}

/// A row holds one event, or a list of those that were decided together.
fn kinds(text: &str) -> Result<Vec<EventKind>, serde_json::Error> {
    if text.starts_with('[') { serde_json::from_str(text) } else { Ok(vec![serde_json::from_str(text)?]) }
}
