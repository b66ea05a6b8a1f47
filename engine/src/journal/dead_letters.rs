//! Dead letters: work that can't be done and waits for a person, and what
//! became of it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decide::DeadSlot;
use crate::error::{Budget, StepError};
use crate::id::RunId;
use crate::retry::DeadReason;
use crate::time::Timestamp;

/// Work that can't be done.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Derived from run and event, so that it can't come twice.
    pub id: Uuid,
    /// The run.
    pub run: RunId,
    /// Name of its workflow.
    pub definition: String,
    /// Whose it is.
    pub tenant: String,
    /// Position of the step.
    pub step: u16,
    /// Its name.
    pub step_name: String,
    /// Position of the item, when the step has items.
    pub item: Option<u32>,
    /// Why it is the end.
    pub reason: DeadReason,
    /// Number of the last attempt.
    pub attempts: u32,
    /// Digest of what the run was pinned to, if it was.
    pub digest: Option<String>,
    /// The same for failures of one cause; see
    /// [`fingerprint`](crate::fingerprint::fingerprint).
    pub fingerprint: String,
    /// The last failure.
    pub error: StepError,
    /// When it died.
    pub at: Timestamp,
    /// Whether it still waits.
    pub status: DeadLetterStatus,
    /// What ended its waiting; `None` while it waits.
    pub settled: Option<Settlement>,
}

/// What became of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterStatus {
    /// Nothing yet.
    Waiting,
    /// Its run went on. Should it die again, that is a letter of its own.
    Redriven,
    /// It was given up.
    Discarded,
}

impl DeadLetterStatus {
    /// The word for it in SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Redriven => "redriven",
            Self::Discarded => "discarded",
        }
    }

    /// The status that `word` stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Redriven, Self::Discarded].into_iter().find(|status| status.as_str() == word)
    }
}

/// What ended the waiting of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// Why.
    pub why: String,
    /// The run that did it, when it was one of many.
    pub bulk: Option<RunId>,
}

/// The reasons by which letters are looked for, whatever the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// [`DeadReason::Permanent`].
    Permanent,
    /// [`DeadReason::BudgetSpent`].
    BudgetSpent,
    /// [`DeadReason::ElapsedLimit`].
    ElapsedLimit,
    /// [`DeadReason::Unreadable`].
    Unreadable,
}

impl ReasonKind {
    /// The kind that `word` stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "permanent" => Some(Self::Permanent),
            "budget_spent" => Some(Self::BudgetSpent),
            "elapsed_limit" => Some(Self::ElapsedLimit),
            "unreadable" => Some(Self::Unreadable),
            _ => None,
        }
    }

    /// All reasons of this kind.
    #[must_use]
    pub fn reasons(self) -> Vec<DeadReason> {
        let budgets = [Budget::Transport, Budget::Throttle, Budget::Content, Budget::LostWorker];
        match self {
            Self::Permanent => vec![DeadReason::Permanent],
            Self::BudgetSpent => budgets.map(|budget| DeadReason::BudgetSpent { budget }).to_vec(),
            Self::ElapsedLimit => vec![DeadReason::ElapsedLimit],
            Self::Unreadable => vec![DeadReason::Unreadable],
        }
    }
}

/// Which dead letters are meant; all of them when nothing is set. Its serde
/// form is stored with the runs that go through many of them, and only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeadLetterFilter {
    /// Only this tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Only of this workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Only with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Only of the step with this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Only of runs pinned to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Only of this cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Only for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonKind>,
    /// Only those this became of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<DeadLetterStatus>,
    /// Only those that died then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only those that died before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only this run's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Only those that this run settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk: Option<RunId>,
    /// Only those listed after the letter that died then and has this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<(Timestamp, Uuid)>,
}

impl DeadLetterFilter {
    /// All letters of one run.
    #[must_use]
    pub fn of_run(run: RunId) -> Self {
        Self { run: Some(run), ..Self::default() }
    }

    /// Whether it lets the letter through.
    #[must_use]
    pub fn admits(&self, letter: &DeadLetter) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        let bulk = letter.settled.as_ref().and_then(|settled| settled.bulk);
        is(self.tenant.as_ref(), &letter.tenant)
            && is(self.workflow.as_ref(), &letter.definition)
            && is(self.code.as_ref(), &letter.error.code)
            && is(self.step.as_ref(), &letter.step_name)
            && (self.digest.is_none() || self.digest == letter.digest)
            && is(self.fingerprint.as_ref(), &letter.fingerprint)
            && self.reason.is_none_or(|reason| reason.reasons().contains(&letter.reason))
            && is(self.state.as_ref(), &letter.status)
            && self.from.is_none_or(|from| letter.at >= from)
            && self.until.is_none_or(|until| letter.at < until)
            && is(self.run.as_ref(), &letter.run)
            && (self.bulk.is_none() || self.bulk == bulk)
            && self.after.is_none_or(|after| (letter.at, letter.id) < after)
    }
}

/// Dead letters that have this in common: workflow, code, step, cause and digest.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterGroup {
    /// Workflow.
    pub definition: String,
    /// Code of the failure.
    pub code: String,
    /// Name of the step.
    pub step_name: String,
    /// Cause.
    pub fingerprint: String,
    /// Digest of what their runs were pinned to, if they were.
    pub digest: Option<String>,
    /// The last failure of one of them.
    pub error: StepError,
    /// How many.
    pub count: u64,
    /// Of how many tenants.
    pub tenants: u64,
    /// When the first died.
    pub first_at: Timestamp,
    /// When the last died.
    pub last_at: Timestamp,
}

/// What becomes of letters that wait, with a commit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settling {
    /// Of this run,
    pub(super) run: RunId,
    /// about this slot, or all of them:
    pub(super) slot: Option<DeadSlot>,
    /// they become this,
    pub(super) status: DeadLetterStatus,
    /// for this reason.
    pub(super) settlement: Settlement,
}

impl Settling {
    /// Settles the letter, if it is meant and still waits.
    pub(super) fn settle(&self, letter: &mut DeadLetter) {
        let meant = self.slot.is_none_or(|slot| slot == (letter.step, letter.item));
        if letter.run == self.run && meant && letter.status == DeadLetterStatus::Waiting {
            letter.status = self.status;
            letter.settled = Some(self.settlement.clone());
        }
    }
}
