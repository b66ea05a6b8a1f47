//! The step that goes through many letters. What it did stands in the letters
//! themselves: begun again, it finds those that still wait.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};
use untxt_engine::engine::{Engine, WeakEngine};
use untxt_engine::error::{Budget, StepError};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::letters::{DeadLetter, LetterFilter};
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::Asker;
use super::bulk::{Action, Bulk};
use super::one::{self, RedriveError};

/// Letters that are read at once.
const PAGE: u32 = 128;

/// Letters under way at once: their commits share transactions.
const AT_ONCE: usize = 16;

/// The code of the step. The engine it works on is known once it is built.
#[derive(Default)]
pub(crate) struct Letters(OnceLock<WeakEngine>);

impl Letters {
    /// Says which engine has the runs of the letters. The first counts.
    pub(crate) fn work_on(&self, engine: &Engine) {
        let _ = self.0.set(engine.downgrade());
    }
}

#[async_trait]
impl Step for Letters {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let bulk = Bulk::of(&context.run).ok_or_else(|| {
            StepError::permanent("INPUT_UNREADABLE", "this program can't read what was asked")
        })?;
        let engine = self.0.get().and_then(WeakEngine::upgrade).ok_or_else(leaving)?;
        let round = Round { engine, bulk, id: context.run.id };
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
    bulk: Bulk,
    id: RunId,
}

impl Round {
    /// How many letters were passed over, because their runs can't go on like
    /// that or somebody else was faster.
    async fn go_through(&self) -> Result<u64, StepError> {
        let (mut filter, mut passed_over) = (self.bulk.filter.clone(), 0);
        let mut pace = self.bulk.rate.map(pace);
        loop {
            let page = self.engine.dead_letters(&filter, PAGE, 0).await;
            let (letters, _) = page.map_err(|error| error.to_step_error())?;
            let Some(last) = letters.last() else { return Ok(passed_over) };
            filter = LetterFilter { after: Some((last.at, last.id)), ..filter };
            passed_over += self.settle(letters, &mut pace).await?;
        }
    }

    async fn settle(&self, letters: Vec<DeadLetter>, pace: &mut Option<Interval>) -> Result<u64, StepError> {
        let (mut under_way, mut passed_over) = (FuturesUnordered::new(), 0);
        for letter in letters {
            let mut due = pace.is_none();
            while !due || under_way.len() >= AT_ONCE {
                // What is under way goes on only while it is asked.
                tokio::select! {
                    () = tick(pace), if !due => due = true,
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
        let asker = Asker { by: self.bulk.by.clone(), reason: self.bulk.reason.clone() };
        match &self.bulk.action {
            Action::Redrive(how) => {
                let slot = Some((letter.step, letter.item));
                let pin = self.bulk.pin.as_ref();
                one::redrive(&self.engine, letter.run, slot, how, pin, &asker, Some(self.id)).await?;
            }
            Action::Discard => {
                one::discard(&self.engine, &letter, &asker, Some(self.id)).await?;
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

async fn tick(pace: &mut Option<Interval>) {
    if let Some(pace) = pace {
        pace.tick().await;
    }
}

/// `rate` ticks a second, none of them made up for.
fn pace(rate: f64) -> Interval {
    let mut pace = interval(Duration::from_secs_f64(1.0 / rate));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}
