//! Going on after a death: what was given up is attempted again, or given up
//! for good.

use serde_json::Value;

use super::{Decision, Refusal, Situation};
use crate::definition::Spread;
use crate::event::{EventKind, RedrivenItems};
use crate::id::RunId;
use crate::state::{ItemState, ItemStatus, RunStatus};

/// A step, or one item of it: position of the step, position of the item.
pub type DeadSlot = (u16, Option<u32>);

/// Which items of a step that fans out are attempted again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedriveItems {
    /// Those that are not done; what is done stays as it is.
    #[default]
    NotDone,
    /// All of them, also those that are done.
    All,
}

/// How a run is to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redrive {
    /// The dead letter that is answered by it. Must still wait; `None` redrives
    /// the run whatever its letters say.
    pub letter: Option<DeadSlot>,
    /// From which step; where it died when absent.
    pub from: Option<u16>,
    /// Which items.
    pub items: RedriveItems,
    /// What the steps are given from here on; what they were given before when
    /// absent.
    pub input: Option<Value>,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The run that asks for it, when it is one of many.
    pub bulk: Option<RunId>,
}

/// Which dead letter is given up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discard {
    /// What it is about.
    pub letter: DeadSlot,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The run that asks for it, when it is one of many.
    pub bulk: Option<RunId>,
}

/// Why a run can't go on, or not like that. Nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedriveRefusal {
    /// Only what failed, ended partially or waits for a person is redriven.
    #[error("the task is {}; only failed, partial or waiting tasks can be retried", .0.as_str())]
    Status(RunStatus),
    /// The dead letter was redriven or discarded already, or there is none.
    #[error("the dead letter was already redriven or discarded")]
    Settled,
    /// The run never came that far, or the step's items are not known any more.
    #[error("can't resume at step {from}: the task failed at step {died_at}")]
    NotFromThere {
        /// What was asked for.
        from: u16,
        /// Where it died.
        died_at: u16,
    },
    /// What was set aside can't be read by this program either.
    #[error(
        "this version still can't read its row; use a newer version, \
         or discard the dead letter, which contains the row"
    )]
    Unreadable,
    /// It would have to name its items anew, and some of them are done.
    #[error(
        "resuming at step {from} would repeat {done} finished item(s); \
         request all items, or resume at a later step"
    )]
    ItemsDone {
        /// What was asked for.
        from: u16,
        /// Items that are done.
        done: u32,
    },
}

/// What of a run is dead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dead {
    /// Its items that are not done, in order.
    pub not_done: Vec<ItemState>,
    /// What its waiting dead letters are about.
    pub waiting: Vec<DeadSlot>,
    /// Whether the run was set aside and its row still can't be read.
    pub unreadable: bool,
}

impl Dead {
    /// For whatever does not look at it.
    pub const NONE: &'static Self = &Self { not_done: Vec::new(), waiting: Vec::new(), unreadable: false };
}

impl Situation<'_> {
    pub(super) fn redrive(&self, redrive: &Redrive) -> Result<Decision, Refusal> {
        let run = self.run;
        if !run.is_paused() && !matches!(run.status, RunStatus::Failed | RunStatus::Partial) {
            return Err(RedriveRefusal::Status(run.status).into());
        }
        if run.version != self.definition.version() {
            return Err(Refusal::OtherVersion { needed: run.version, known: self.definition.version() });
        }
        if redrive.letter.is_some_and(|letter| !self.dead.waiting.contains(&letter)) {
            return Err(RedriveRefusal::Settled.into());
        }
        if self.dead.unreadable {
            return Err(RedriveRefusal::Unreadable.into());
        }
        let (step, items) = self.where_to_go_on(redrive)?;
        Ok(vec![EventKind::Redriven {
            step,
            items,
            // The first attempt at anything is 1, whether it counts as high or not.
            attempts_before: run.attempts.highest.max(1),
            input: redrive.input.clone(),
            by: redrive.by.clone(),
            reason: redrive.reason.clone(),
        }])
    }

    fn where_to_go_on(&self, redrive: &Redrive) -> Result<(u16, RedrivenItems), RedriveRefusal> {
        let fan_out = self.fan_out();
        let died_at = match self.run.status {
            RunStatus::Partial => fan_out.unwrap_or(self.run.step),
            _ => self.run.step,
        };
        let from = redrive.from.unwrap_or(died_at);
        let spread = self.definition.step(from).is_some_and(|step| step.spread == Spread::PerItem);
        if from > died_at || (spread && fan_out != Some(from)) {
            return Err(RedriveRefusal::NotFromThere { from, died_at });
        }
        match fan_out {
            Some(fan_out) if from == fan_out => match self.reopened(from, redrive.items) {
                // All of them are done: there is nothing to wait for here.
                none if none.is_empty() && from < died_at => Ok((from + 1, RedrivenItems::Kept)),
                none if none.is_empty() => Err(RedriveRefusal::Settled),
                items => Ok((from, RedrivenItems::Reopened(items))),
            },
            Some(fan_out) if from < fan_out => match (redrive.items, self.run.items.done) {
                (RedriveItems::NotDone, done @ 1..) => Err(RedriveRefusal::ItemsDone { from, done }),
                _ => Ok((from, RedrivenItems::Dropped)),
            },
            _ => Ok((from, RedrivenItems::Kept)),
        }
    }

    /// The step with items that the run came to last.
    fn fan_out(&self) -> Option<u16> {
        let reached = self.definition.steps().iter().zip(0..=self.run.step);
        reached.filter(|(step, _)| step.spread == Spread::PerItem).map(|(_, position)| position).next_back()
    }

    /// The items that are attempted again. While a run waits for a person, its
    /// other items go on: those are left alone.
    fn reopened(&self, step: u16, items: RedriveItems) -> Vec<u32> {
        if items == RedriveItems::All {
            return (0..self.run.items.total).collect();
        }
        let dead = |item: &&ItemState| {
            !self.run.is_paused() || item.status == ItemStatus::Failed || item.attempts.paused > 0
        };
        let of_step = self.dead.not_done.iter().filter(|item| item.step == step);
        of_step.filter(dead).map(|item| item.index).collect()
    }

    /// Gives a letter up. What of the run waited for it will not be: the run
    /// fails. One that has ended, or goes on without the item, is not changed.
    pub(super) fn discard(&self, discard: &Discard) -> Result<Decision, Refusal> {
        if !self.dead.waiting.contains(&discard.letter) {
            return Err(RedriveRefusal::Settled.into());
        }
        let (step, item) = discard.letter;
        let waits = match item {
            None => self.run.step == step && self.run.is_paused(),
            Some(_) => self.item.is_some_and(|item| item.attempts.paused > 0),
        };
        if self.run.status.is_terminal() || !waits {
            return Ok(Vec::new());
        }
        let error = self.item.and_then(|item| item.error.as_ref()).or(self.run.error.as_ref());
        let (code, message) = error.map(|e| (e.code.clone(), e.message.clone())).unwrap_or_default();
        Ok(vec![EventKind::RunFailed { code, message }])
    }
}
