//! Many letters: what is asked, kept as the input of a durable run.

use serde::{Deserialize, Serialize};
use untxt_engine::journal::dead_letters::DeadLetterFilter;
use untxt_engine::state::RunState;

use super::options::RedriveOptions;
use crate::task_input::EnginePin;

/// Name of the workflow that goes through many letters, and of its queue.
pub const WORKFLOW: &str = "redrive";

/// The tenant of the workflow's runs.
pub const TENANT: &str = "operators";

/// Letters a second that a rate may ask for.
pub const RATES: std::ops::RangeInclusive<f64> = 0.001..=1_000.0;

/// What is done about each letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Its run goes on.
    Redrive(RedriveOptions),
    /// It is given up.
    Discard,
}

/// The input of a run that goes through many letters: a stored format that only
/// grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    /// What is done.
    pub action: Action,
    /// About which letters. Those that waited when it was asked: `until` says
    /// when that was, so that what dies again is not redriven again and again.
    pub filter: DeadLetterFilter,
    /// At most so many a second; as fast as it goes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// The engine that `action` names, pinned when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<EnginePin>,
    /// How many letters waited when it was asked.
    pub total: u64,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Bulk {
    /// The input of such a run; `None` for any other.
    #[must_use]
    pub fn of(run: &RunState) -> Option<Self> {
        let input = (run.definition == WORKFLOW).then(|| run.input.clone())?;
        serde_json::from_value(input).ok()
    }
}
