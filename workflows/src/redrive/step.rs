//! The step that goes through many letters. What it did stands in the letters
//! themselves: begun again, it finds those that still wait.

use std::sync::OnceLock;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use untxt_engine::engine::{Engine, WeakEngine};
use untxt_engine::error::{Budget, StepError};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::database::Database;
use untxt_engine::journal::dead_letters::{DeadLetter, DeadLetterFilter};
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::actor::Actor;
use super::bulk::{Action, Bulk};
use super::one::{self, RedriveError};
use super::rate::Pace;

/// Letters that are read at once.
const PAGE: u32 = 128;

/// Letters under way at once: their commits share transactions.
const AT_ONCE: usize = 16;

/// The code of the step. The engine it works on is known once it is built.
#[derive(Default)]
pub(crate) struct Letters(OnceLock<(WeakEngine, Database)>);

impl Letters {
    /// Says which engine has the runs of the letters, and where their rates stand. The
    /// first counts.
    pub(crate) fn work_on(&self, engine: &Engine, database: &Database) {
        let _ = self.0.set((engine.downgrade(), database.clone()));
    }
}

#[async_trait]
impl Step for Letters {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let bulk = Bulk::of(&context.run).ok_or_else(|| {
            StepError::permanent("INPUT_UNREADABLE", "this program can't read what was asked")
        })?;
        let (engine, database) = self.0.get().ok_or_else(leaving)?;
        let engine = engine.upgrade().ok_or_else(leaving)?;
        let round = Round { engine, database: database.clone(), bulk, id: context.run.id };
        let went = context.cancel.run_until_cancelled(round.go_through()).await;
        let passed_over = went.ok_or_else(leaving)??;
        let output = json!({ "passedOver": passed_over });
        Ok(StepOutput::new(output))
    }
}

/// Not recorded: the attempt is handed back.
fn leaving() -> StepError {
    StepError::retry(Budget::Transport, "LEAVING", "the worker leaves")
}

struct Round {
    engine: Engine,
    database: Database,
    bulk: Bulk,
    id: RunId,
}

impl Round {
    /// How many letters were passed over, because their runs can't go on like
    /// that or somebody else was faster.
    async fn go_through(&self) -> Result<u64, StepError> {
        let (mut filter, mut passed_over) = (self.bulk.filter.clone(), 0);
        let mut pace = Pace::new(self.id, self.database.clone(), self.bulk.rate);
        loop {
            let page = self.engine.dead_letters(&filter, PAGE, 0).await;
            let (letters, _) = page.map_err(|error| error.to_step_error())?;
            let Some(last) = letters.last() else { return Ok(passed_over) };
            filter = DeadLetterFilter { after: Some((last.at, last.id)), ..filter };
            passed_over += self.settle(letters, &mut pace).await?;
        }
    }

    async fn settle(&self, letters: Vec<DeadLetter>, pace: &mut Pace) -> Result<u64, StepError> {
        let (mut under_way, mut passed_over) = (FuturesUnordered::new(), 0);
        for letter in letters {
            let mut due = false;
            while !due || under_way.len() >= AT_ONCE {
                // What is under way goes on only while it is asked.
                tokio::select! {
                    () = pace.due(), if !due => due = true,
                    Some(settled) = under_way.next() => passed_over += count(settled)?,
                }
            }
            under_way.push(self.one(letter));
        }
        while let Some(settled) = under_way.next().await {
            passed_over += count(settled)?;
        }
        Ok(passed_over)
    }

    async fn one(&self, letter: DeadLetter) -> Result<(), RedriveError> {
        let actor = Actor { by: self.bulk.by.clone(), reason: self.bulk.reason.clone() };
        match &self.bulk.action {
            Action::Redrive(options) => {
                let slot = Some((letter.step, letter.item));
                let pin = self.bulk.pin.as_ref();
                one::redrive(&self.engine, letter.run, slot, options, pin, &actor, Some(self.id)).await?;
            }
            Action::Discard => {
                one::discard(&self.engine, &letter, &actor, Some(self.id)).await?;
            }
        }
        Ok(())
    }
}

/// 1 for a letter that was passed over. A journal that does not answer ends the
/// attempt; the next one goes on.
fn count(settled: Result<(), RedriveError>) -> Result<u64, StepError> {
    match settled {
        Ok(()) => Ok(0),
        Err(RedriveError::Journal(error @ (JournalError::Unavailable(_) | JournalError::Full(_)))) => {
            Err(error.to_step_error())
        }
        Err(_) => Ok(1),
    }
}
