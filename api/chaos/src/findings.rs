//! What clients were promised and what is wrong with it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use crate::documents::Document;
use crate::output;

/// A task that was promised to end.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) task: Uuid,
    pub(crate) number: usize,
    pub(crate) document: Arc<Document>,
}

/// What the clients saw.
#[derive(Debug, Default)]
pub(crate) struct ClientRecord {
    pub(crate) accepted: Vec<Accepted>,
    /// How often each status was answered; 0 for no answer at all.
    pub(crate) answers: BTreeMap<u16, u64>,
    /// Uploads that were sent again under their key, and were the same task.
    pub(crate) repeated: u64,
    /// What may never be answered.
    pub(crate) wrong: Vec<String>,
}

impl ClientRecord {
    /// Requests whose outcome no client knows: each may have left an upload or
    /// a task behind.
    pub(crate) fn unanswered(&self) -> u64 {
        self.answers.iter().filter(|(status, _)| **status == 0 || **status >= 500).map(|(_, n)| n).sum()
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Violation {
    /// Which.
    pub(crate) rule: &'static str,
    /// What was found instead.
    pub(crate) found: String,
}

/// All that is wrong.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) violations: Vec<Violation>,
    /// Uploads in the store that belong to no task.
    pub(crate) ownerless_uploads: u64,
    /// Tasks that no client was told of: the answer got lost.
    pub(crate) untold: u64,
    /// Results that were fetched and compared with their hash.
    pub(crate) results: u64,
}

impl Findings {
    /// Notes each of `found` under `rule`.
    pub(crate) fn add(&mut self, rule: &'static str, found: impl IntoIterator<Item = String>) {
        self.violations.extend(found.into_iter().map(|found| Violation { rule, found }));
    }
}

/// Prints the promises that were not kept; exit code 1 when there are any.
pub(crate) fn verdict(violations: &[Violation]) -> ExitCode {
    /// Of one promise.
    const SHOWN_MAX: usize = 10;
    let mut promises: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for violation in violations {
        promises.entry(violation.rule).or_default().push(&violation.found);
    }
    for (rule, found) in &promises {
        output::problem(&format!("NOT KEPT, {} times: {rule}", found.len()));
        for text in found.iter().take(SHOWN_MAX) {
            output::problem(&format!("    {text}"));
        }
    }
    output::problem(if promises.is_empty() {
        "nothing lost, nothing done twice"
    } else {
        "to look closer: the same seed with --keep leaves database, objects and logs behind"
    });
    ExitCode::from(u8::from(!promises.is_empty()))
}
