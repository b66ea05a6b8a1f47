//! What operators do about dead letters: one at once, or many by a durable run.

use std::num::NonZeroUsize;

use serde_json::{json, to_value};
use tokio_util::sync::CancellationToken;
use untxt_engine::engine::EngineError;
use untxt_engine::event::OnItemFailure;
use untxt_engine::id::{RunId, WorkerName};
use untxt_engine::journal::JournalError;
use untxt_engine::journal::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterStatus};
use untxt_engine::new_run::NewRun;
use untxt_engine::state::RunState;
use untxt_engine::time::Timestamp;
use untxt_engine::worker::WorkerConfig;
use uuid::Uuid;

use crate::boxed;
use crate::operations::Operations;
use crate::redrive::bulk::{Action, Bulk, RATES};
use crate::redrive::{self, Actor, RedriveError, RedriveOptions};
use crate::task_input::EnginePin;

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

impl Operations {
    /// Has a task go on that failed, ended partially or waits for an operator.
    ///
    /// # Errors
    /// Each [`RedriveError`].
    #[boxed]
    pub async fn redrive_task(
        &self,
        task: Uuid,
        options: &RedriveOptions,
        actor: &Actor,
    ) -> Result<RunState, RedriveError> {
        let pin = self.pin_for(options).await?;
        redrive::redrive(self.engine(), RunId(task), None, options, pin.as_ref(), actor, None).await
    }

    /// Has the run of a letter that still waits go on.
    ///
    /// # Errors
    /// Each [`RedriveError`].
    #[boxed]
    pub async fn redrive_letter(
        &self,
        id: Uuid,
        options: &RedriveOptions,
        actor: &Actor,
    ) -> Result<RunState, RedriveError> {
        let (letter, pin) = (self.letter(id).await?, self.pin_for(options).await?);
        let slot = Some((letter.step, letter.item));
        redrive::redrive(self.engine(), letter.run, slot, options, pin.as_ref(), actor, None).await
    }

    /// Gives a letter up that still waits, and a run that waits because of it.
    ///
    /// # Errors
    /// [`RedriveError::NoLetter`], [`RedriveError::Refused`],
    /// [`RedriveError::Journal`].
    #[boxed]
    pub async fn discard_letter(&self, id: Uuid, actor: &Actor) -> Result<RunState, RedriveError> {
        let letter = self.letter(id).await?;
        redrive::discard(self.engine(), &letter, actor, None).await
    }

    async fn letter(&self, id: Uuid) -> Result<DeadLetter, RedriveError> {
        let letter = self.engine().dead_letter(id).await.map_err(RedriveError::Journal)?;
        letter.ok_or(RedriveError::NoLetter(id))
    }

    /// The component that has the wanted engine's name now.
    async fn pin_for(&self, options: &RedriveOptions) -> Result<Option<EnginePin>, RedriveError> {
        let Some(name) = &options.engine else { return Ok(None) };
        let engine = self.engines().await?.resolve(name).await?;
        Ok(Some(EnginePin { name: engine.name().to_owned(), digest: engine.digest().to_owned() }))
    }
}

impl Operations {
    /// Begins to go through the letters that the filter lets through and that
    /// wait now. When this returns `Ok`, all of them are gone through, whatever
    /// crashes in between.
    ///
    /// # Errors
    /// [`RedriveError::Field`], [`RedriveError::Engine`] and
    /// [`RedriveError::Journal`]; nothing is done then.
    #[boxed]
    pub async fn begin_bulk(
        &self,
        action: Action,
        filter: &DeadLetterFilter,
        rate: Option<f64>,
        actor: &Actor,
    ) -> Result<RunState, RedriveError> {
        let pin = match &action {
            Action::Redrive(options) => {
                redrive::check_step(options)?;
                self.pin_for(options).await?
            }
            Action::Discard => None,
        };
        check_rate(rate)?;
        let filter = waiting_now(filter, self.engine().now());
        let (_, total) = self.engine().dead_letters(&filter, 0, 0).await.map_err(RedriveError::Journal)?;
        let (by, reason) = (actor.by.clone(), actor.reason.clone());
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

    /// Runs bulk redrives, and nothing else, until `shutdown`. The claims of a process
    /// that dies meanwhile are taken over once their lease expires.
    ///
    /// # Errors
    /// When the settings are invalid.
    #[boxed]
    pub async fn run_bulk(&self, shutdown: CancellationToken) -> Result<(), EngineError> {
        let config = WorkerConfig {
            concurrency: NonZeroUsize::MIN,
            name_prefix: WorkerName::unique("untxt").as_str().to_owned(),
            workflows: Some(vec![redrive::WORKFLOW]),
            ..WorkerConfig::default()
        };
        self.engine().run_worker(config, shutdown).await
    }

    /// How far the run is that goes through many letters; `None` if there is no
    /// such run.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn bulk(&self, id: Uuid) -> Result<Option<Progress>, JournalError> {
        let Some(run) = self.engine().run(RunId(id)).await? else { return Ok(None) };
        let Some(bulk) = Bulk::of(&run) else { return Ok(None) };
        let settled = DeadLetterFilter { bulk: Some(run.id), ..DeadLetterFilter::default() };
        let (_, settled) = self.engine().dead_letters(&settled, 0, 0).await?;
        let (_, waiting) = self.engine().dead_letters(&bulk.filter, 0, 0).await?;
        Ok(Some(Progress { run, bulk, settled, waiting }))
    }
}

/// The letters that wait now.
fn waiting_now(filter: &DeadLetterFilter, now: Timestamp) -> DeadLetterFilter {
    let until = filter.until.map_or(now, |until| until.min(now));
    DeadLetterFilter { state: Some(DeadLetterStatus::Waiting), until: Some(until), ..filter.clone() }
}

fn check_rate(rate: Option<f64>) -> Result<(), RedriveError> {
    match rate {
        Some(rate) if !RATES.contains(&rate) => {
            Err(RedriveError::Field { field: "rate", reason: format!("{rate} a second is not in {RATES:?}") })
        }
        _ => Ok(()),
    }
}
