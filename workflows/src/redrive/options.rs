//! How a task is to go on.

use serde::{Deserialize, Serialize};
use untxt_engine::decide::RedriveItems;

/// From where, with which engine, with which pages. As JSON it is what the
/// admin routes take, and it is stored with runs that go through many letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RedriveOptions {
    /// Name of the step to go on from; where the task died when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_step: Option<String>,
    /// Name of the engine to pin the task to from here on: the component that
    /// has this name now. The one it is pinned to already when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Leave finished pages as they are also where a step is named: without it,
    /// a named step does all of its pages again.
    pub only_failed_pages: bool,
}

impl RedriveOptions {
    /// Which pages are recognised again.
    pub(super) fn items(&self) -> RedriveItems {
        match self.from_step.is_some() && !self.only_failed_pages {
            true => RedriveItems::All,
            false => RedriveItems::NotDone,
        }
    }
}
