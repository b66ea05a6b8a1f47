//! What operators do about dead letters: one at once, or many by a durable run.

use serde_json::{json, to_value};
use untxt_engine::event::OnItemFailure;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::letters::{DeadLetter, LetterFilter, LetterStatus};
use untxt_engine::new_run::NewRun;
use untxt_engine::state::RunState;
use untxt_engine::time::Timestamp;
use uuid::Uuid;

use crate::ocr::input::EnginePin;
use crate::platform::Platform;
use crate::redrive::bulk::{Action, Bulk, RATES};
use crate::redrive::{self, Asker, How, RedriveError};

/// How far such a run is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The run.
    pub run: RunState,
    /// What it was asked.
    pub bulk: Bulk,
    /// Letters it has settled.
    pub settled: u64,
    /// Letters that still wait. Those it passed over are among them: their runs
    /// could not go on like that.
    pub waiting: u64,
}

impl Platform {
    /// Has a task go on that failed, ended partially or waits for an operator.
    ///
    /// # Errors
    /// Each [`RedriveError`].
    pub async fn redrive_task(&self, task: Uuid, how: &How, asker: &Asker) -> Result<RunState, RedriveError> {
        let pin = self.pin_for(how).await?;
        redrive::redrive(self.engine(), RunId(task), None, how, pin.as_ref(), asker, None).await
    }

    /// Has the run of a letter that still waits go on.
    ///
    /// # Errors
    /// Each [`RedriveError`].
    pub async fn redrive_letter(&self, id: Uuid, how: &How, asker: &Asker) -> Result<RunState, RedriveError> {
        let (letter, pin) = (self.letter(id).await?, self.pin_for(how).await?);
        let slot = Some((letter.step, letter.item));
        redrive::redrive(self.engine(), letter.run, slot, how, pin.as_ref(), asker, None).await
    }

    /// Gives a letter up that still waits, and a run that waits because of it.
    ///
    /// # Errors
    /// [`RedriveError::NoLetter`], [`RedriveError::Refused`],
    /// [`RedriveError::Journal`].
    pub async fn discard_letter(&self, id: Uuid, asker: &Asker) -> Result<RunState, RedriveError> {
        let letter = self.letter(id).await?;
        redrive::discard(self.engine(), &letter, asker, None).await
    }

    async fn letter(&self, id: Uuid) -> Result<DeadLetter, RedriveError> {
        let letter = self.engine().dead_letter(id).await.map_err(RedriveError::Journal)?;
        letter.ok_or(RedriveError::NoLetter(id))
    }

    /// The component that has the wanted engine's name now.
    async fn pin_for(&self, how: &How) -> Result<Option<EnginePin>, RedriveError> {
        let Some(name) = &how.engine else { return Ok(None) };
        let engine = self.bench().engines.resolve(name).await?;
        Ok(Some(EnginePin { name: engine.name().to_owned(), digest: engine.digest().to_owned() }))
    }
}

impl Platform {
    /// Begins to go through the letters that the filter lets through and that
    /// wait now. When this returns `Ok`, all of them are gone through, whatever
    /// crashes in between.
    ///
    /// # Errors
    /// [`RedriveError::Field`], [`RedriveError::Engine`] and
    /// [`RedriveError::Journal`]; nothing is done then.
    pub async fn begin_bulk(
        &self,
        action: Action,
        filter: &LetterFilter,
        rate: Option<f64>,
        asker: &Asker,
    ) -> Result<RunState, RedriveError> {
        let pin = match &action {
            Action::Redrive(how) => {
                redrive::check_step(how)?;
                self.pin_for(how).await?
            }
            Action::Discard => None,
        };
        check_rate(rate)?;
        let filter = waiting_now(filter, self.engine().now());
        let (_, total) = self.engine().dead_letters(&filter, 0, 0).await.map_err(RedriveError::Journal)?;
        let (by, reason) = (asker.by.clone(), asker.reason.clone());
        let bulk = Bulk { action, filter, rate, pin, total, by, reason };
        self.submit_bulk(&bulk).await.map_err(RedriveError::Journal)
    }

    async fn submit_bulk(&self, bulk: &Bulk) -> Result<RunState, JournalError> {
        let id = RunId::new();
        let input = to_value(bulk).unwrap_or_default();
        let action = match bulk.action {
            Action::Redrive(_) => "redrive-many",
            Action::Discard => "discard-many",
        };
        let detail = json!({ "filter": bulk.filter, "total": bulk.total, "reason": bulk.reason });
        self.engine().audit(&bulk.by, action, &format!("run {id}"), detail).await?;
        let run = NewRun {
            id,
            definition: redrive::WORKFLOW,
            tenant: redrive::TENANT.to_owned(),
            priority: 5,
            on_item_failure: OnItemFailure::Fail,
            input,
            rows: Vec::new(),
        };
        self.engine().submit(run).await
    }

    /// How far the run is that goes through many letters; `None` if there is no
    /// such run.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    pub async fn bulk(&self, id: Uuid) -> Result<Option<Progress>, JournalError> {
        let Some(run) = self.engine().run(RunId(id)).await? else { return Ok(None) };
        let Some(bulk) = Bulk::of(&run) else { return Ok(None) };
        let settled = LetterFilter { bulk: Some(run.id), ..LetterFilter::default() };
        let (_, settled) = self.engine().dead_letters(&settled, 0, 0).await?;
        let (_, waiting) = self.engine().dead_letters(&bulk.filter, 0, 0).await?;
        Ok(Some(Progress { run, bulk, settled, waiting }))
    }
}

/// The letters that wait now.
fn waiting_now(filter: &LetterFilter, now: Timestamp) -> LetterFilter {
    let until = filter.until.map_or(now, |until| until.min(now));
    LetterFilter { state: Some(LetterStatus::Waiting), until: Some(until), ..filter.clone() }
}

fn check_rate(rate: Option<f64>) -> Result<(), RedriveError> {
    match rate {
        Some(rate) if !RATES.contains(&rate) => {
            Err(RedriveError::Field { field: "rate", reason: format!("{rate} a second is not in {RATES:?}") })
        }
        _ => Ok(()),
    }
}
