//! What is counted and timed, for whoever collects it: the one place that names
//! metrics. Labels are names from definitions, words of enums, and codes of
//! failures, of which no more than [`CODES_MAX`] are told apart; never an id, a
//! tenant or a text.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{counter, histogram};

use crate::definition::Definition;
use crate::event::{Attempt, Event, EventKind};
use crate::retry::DeadReason;
use crate::state::RunState;
use crate::time::Timestamp;

/// Codes of failures that are told apart. An engine makes up its own, and each
/// is a series of its own in whatever collects them.
const CODES_MAX: usize = 100;

/// What stands for every code beyond those.
const OTHER_CODE: &str = "OTHER";

/// Counts what a commit made happen to a run of `definition`.
pub(crate) fn committed(definition: &Definition, run: &RunState, events: &[Event]) {
    let workflow = definition.name();
    for event in events {
        match &event.kind {
            EventKind::Submitted { .. } => {
                counter!("untxt_runs_submitted_total", "workflow" => workflow).increment(1);
            }
            EventKind::Succeeded { attempt, .. } => attempt_is(definition, attempt, "succeeded", ""),
            EventKind::Failed { attempt, error } => {
                attempt_is(definition, attempt, "failed", &error.code);
            }
            EventKind::HandedBack(attempt) => attempt_is(definition, attempt, "handed_back", ""),
            EventKind::Lost(attempt) => {
                attempt_is(definition, attempt, "lost", "WORKER_LOST");
                let step = definition.step_name(attempt.step);
                counter!("untxt_lease_rescues_total", "workflow" => workflow, "step" => step).increment(1);
            }
            EventKind::RetryScheduled { step, .. } => {
                let step = definition.step_name(*step);
                counter!("untxt_retries_total", "workflow" => workflow, "step" => step).increment(1);
            }
            EventKind::DeadLettered { step, reason, error, .. } => counter!(
                "untxt_dead_letters_total",
                "workflow" => workflow,
                "step" => definition.step_name(*step),
                "reason" => reason_word(*reason),
                "code" => code(&error.code),
            )
            .increment(1),
            EventKind::Redriven { .. } => {
                counter!("untxt_redrives_total", "workflow" => workflow).increment(1);
            }
            EventKind::Cancelled
            | EventKind::Completed
            | EventKind::CompletedPartially { .. }
            | EventKind::RunFailed { .. } => ended(workflow, run, event.at),
            EventKind::Opened { .. } | EventKind::Started(_) => {}
        }
    }
}

fn attempt_is(definition: &Definition, attempt: &Attempt, outcome: &'static str, failure: &str) {
    counter!(
        "untxt_attempts_total",
        "workflow" => definition.name(),
        "step" => definition.step_name(attempt.step),
        "outcome" => outcome,
        "code" => code(failure),
    )
    .increment(1);
}

fn ended(workflow: &'static str, run: &RunState, at: Timestamp) {
    let status = run.status.as_str();
    counter!("untxt_runs_ended_total", "workflow" => workflow, "status" => status).increment(1);
    histogram!("untxt_run_duration_seconds", "workflow" => workflow, "status" => status)
        .record(at.since(run.created_at));
}

/// Times the code of a step, from its claim to its return.
pub(crate) fn ran(definition: &Definition, step: u16, took: Duration) {
    let (workflow, step) = (definition.name(), definition.step_name(step));
    histogram!("untxt_step_duration_seconds", "workflow" => workflow, "step" => step).record(took);
}

/// Times one transaction of the journal, and counts the requests it carried.
pub(crate) fn wrote(requests: usize, outcome: &'static str, took: Duration) {
    counter!("untxt_journal_commits_total", "outcome" => outcome).increment(1);
    histogram!("untxt_journal_commit_seconds").record(took);
    // No batch is so large that a float would not hold it.
    histogram!("untxt_journal_batch_requests").record(u32::try_from(requests).unwrap_or(u32::MAX));
}

/// Counts a failure of what runs in the background.
pub(crate) fn failed_in_background(part: &'static str) {
    counter!("untxt_background_failures_total", "part" => part).increment(1);
}

fn reason_word(reason: DeadReason) -> &'static str {
    match reason {
        DeadReason::Permanent => "permanent",
        DeadReason::BudgetSpent { .. } => "budget_spent",
        DeadReason::ElapsedLimit => "elapsed_limit",
        DeadReason::Unreadable => "unreadable",
    }
}

/// The code, or what stands for it when too many are known already.
fn code(code: &str) -> String {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    told_apart(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner), code)
}

fn told_apart(known: &mut BTreeSet<String>, code: &str) -> String {
    if !known.contains(code) {
        if known.len() >= CODES_MAX {
            return OTHER_CODE.to_owned();
        }
        known.insert(code.to_owned());
    }
    code.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_codes_are_told_apart_than_can_be_kept() {
        let mut known = BTreeSet::new();
        let first = told_apart(&mut known, "ENGINE_0");
        for number in 1..10_000 {
            told_apart(&mut known, &format!("ENGINE_{number}"));
        }
        assert_eq!(first, "ENGINE_0");
        assert_eq!(known.len(), CODES_MAX);
        assert_eq!(told_apart(&mut known, "ENGINE_9999"), "OTHER");
        assert_eq!(told_apart(&mut known, "ENGINE_1"), "ENGINE_1", "what is known stays");
    }
}
