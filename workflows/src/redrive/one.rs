//! One run that goes on, or is given up.

use serde_json::{Value, to_value};
use untxt_engine::decide::{DeadSlot, Discard, Redrive, RedriveRefusal, Refusal};
use untxt_engine::definition::Definition;
use untxt_engine::engine::Engine;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::dead_letters::DeadLetter;
use untxt_engine::state::{RunState, RunStatus};
use untxt_plugins::PluginError;
use uuid::Uuid;

use super::actor::Actor;
use super::options::RedriveOptions;
use crate::ocr::{self, RECOGNIZE};
use crate::task_input::{EnginePin, TaskInput};

/// Why something did not go on. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// No dead letter has that id.
    #[error("there is no dead letter {0}")]
    NoLetter(Uuid),
    /// No run has that id.
    #[error("there is no task {0}")]
    NoTask(Uuid),
    /// A field says what it may not.
    #[error("{field}: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It can't go on, or not like that.
    #[error("{message}")]
    Refused {
        /// Stable, for machines.
        code: &'static str,
        /// For people, with the names of the steps.
        message: String,
    },
    /// The engine can't be had.
    #[error(transparent)]
    Engine(#[from] PluginError),
    /// The journal could not do it.
    #[error(transparent)]
    Journal(JournalError),
}

/// Has the run go on; `letter` is the letter that this answers, `pin` the
/// engine that `options` names.
pub(crate) async fn redrive(
    engine: &Engine,
    run: RunId,
    letter: Option<DeadSlot>,
    options: &RedriveOptions,
    pin: Option<&EnginePin>,
    actor: &Actor,
    bulk: Option<RunId>,
) -> Result<RunState, RedriveError> {
    let state = engine.run(run).await.map_err(RedriveError::Journal)?.ok_or(RedriveError::NoTask(run.0))?;
    let definition = engine.definition(&state.definition);
    let redrive = Redrive {
        letter,
        from: options.from_step.as_deref().map(|name| step_called(definition, name)).transpose()?,
        items: options.items(),
        input: pin.map(|pin| input_with(&state, options, pin)).transpose()?,
        by: actor.by.clone(),
        reason: actor.reason.clone(),
        bulk,
    };
    engine.redrive(run, redrive).await.map_err(|error| refused(error, definition))
}

pub(crate) async fn discard(
    engine: &Engine,
    letter: &DeadLetter,
    actor: &Actor,
    bulk: Option<RunId>,
) -> Result<RunState, RedriveError> {
    let slot = (letter.step, letter.item);
    let discard = Discard { letter: slot, by: actor.by.clone(), reason: actor.reason.clone(), bulk };
    engine.discard(letter.run, discard).await.map_err(|error| refused(error, None))
}

/// Checks the name of a step before anything is looked up.
pub(crate) fn check_step(options: &RedriveOptions) -> Result<(), RedriveError> {
    options.from_step.as_deref().map_or(Ok(0), |name| step_called(Some(ocr::definition()), name)).map(|_| ())
}

fn step_called(definition: Option<&Definition>, name: &str) -> Result<u16, RedriveError> {
    let found = definition.and_then(|definition| definition.position(name));
    let steps = definition.map(Definition::steps).unwrap_or_default();
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    let reason = || format!("there is no step `{name}`; there are {}", names.join(", "));
    found.ok_or_else(|| RedriveError::Field { field: "fromStep", reason: reason() })
}

/// The task's input, pinned to another engine.
fn input_with(run: &RunState, options: &RedriveOptions, pin: &EnginePin) -> Result<Value, RedriveError> {
    let field = |reason: String| RedriveError::Field { field: "engine", reason };
    let input = TaskInput::of(run).map_err(|error| field(error.message))?;
    let past_pages =
        Some(run.step) > ocr::definition().position(RECOGNIZE) && run.status != RunStatus::Partial;
    if past_pages && options.from_step.is_none() {
        return Err(field(
            "every page is recognised already; name a step to go on from, such as ocr".to_owned(),
        ));
    }
    let input = TaskInput { engine: pin.clone(), ..input };
    to_value(input).map_err(|error| field(error.to_string()))
}

/// The journal's answer with the names of the steps.
fn refused(error: JournalError, definition: Option<&Definition>) -> RedriveError {
    let name = |position: u16| {
        let step = definition.and_then(|definition| definition.step(position));
        step.map_or_else(|| position.to_string(), |step| format!("`{}`", step.name))
    };
    let refusal = match error {
        JournalError::Refused(refusal) => refusal,
        JournalError::UnknownRun(run) => return RedriveError::NoTask(run.0),
        other => return RedriveError::Journal(other),
    };
    let (code, message) = match refusal {
        Refusal::Redrive(RedriveRefusal::NotFromThere { from, died_at }) => (
            "STEP_NOT_REACHED",
            format!("the task can't go on from {}: it died at {}", name(from), name(died_at)),
        ),
        Refusal::Redrive(RedriveRefusal::ItemsDone { from, done }) => (
            "PAGES_DONE",
            format!(
                "going on from {} would do {done} finished page(s) again; leave out onlyFailedPages, or go on from a later step",
                name(from)
            ),
        ),
        Refusal::Redrive(refusal @ RedriveRefusal::Unreadable) => ("ROW_UNREADABLE", refusal.to_string()),
        Refusal::Redrive(RedriveRefusal::Settled) => {
            ("DEAD_LETTER_SETTLED", "the dead letter was already redriven or discarded".to_owned())
        }
        Refusal::Redrive(RedriveRefusal::Status(status)) => (
            "NOTHING_TO_RETRY",
            format!(
                "the task is {}; only one that failed, ended partially or waits for an operator can go on",
                status.as_str()
            ),
        ),
        other => ("NOTHING_TO_RETRY", other.to_string()),
    };
    RedriveError::Refused { code, message }
}
