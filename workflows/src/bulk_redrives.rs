//! What operators do about many dead letters at once: a durable run goes through them.

use std::num::NonZeroUsize;

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use serde_json::{json, to_value};
use tokio_util::sync::CancellationToken;
use untxt_engine::decide::Refusal;
use untxt_engine::engine::EngineError;
use untxt_engine::event::OnItemFailure;
use untxt_engine::id::{RunId, WorkerName};
use untxt_engine::journal::dead_letters::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use untxt_engine::journal::{JournalError, RunFilter};
use untxt_engine::new_run::NewRun;
use untxt_engine::state::RunState;
use untxt_engine::time::Timestamp;
use untxt_engine::worker::WorkerConfig;
use uuid::Uuid;

use crate::boxed;
use crate::entities::redrive_rate;
use crate::operations::Operations;
use crate::records::Records;
use crate::redrive::bulk::{Action, Bulk, RATES};
use crate::redrive::{self, Actor, RedriveError, changed_rate, rate_row};

/// How long a rate that was changed is kept: as long as a redrive may take.
const RATES_KEPT: chrono::Duration = chrono::Duration::days(31);

/// Groups that a plan has at most.
const GROUPS_MAX: u32 = 100;

/// What a bulk redrive that began now would go through.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Letters.
    pub total: u64,
    /// The same letters by their cause, the largest groups first, at most 100.
    pub groups: Vec<DeadLetterGroup>,
    /// Letters that died until then.
    pub as_of: Timestamp,
}

/// How far a bulk redrive is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Its run.
    pub run: RunState,
    /// What was asked.
    pub bulk: Bulk,
    /// Letters a second that it may settle now; as fast as it goes when absent.
    pub rate: Option<f64>,
    /// Letters it has settled.
    pub settled: u64,
    /// Letters that still wait. Those it passed over are among them: their runs
    /// could not go on like that.
    pub waiting: u64,
}

/// Why a bulk redrive was not changed.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// No bulk redrive has that id.
    #[error("there is no bulk redrive {0}")]
    NoRedrive(Uuid),
    /// It can be neither stopped nor given another rate any more.
    #[error("bulk redrive {id} has ended ({status}); resume it to go on with what still waits")]
    Ended {
        /// Which.
        id: Uuid,
        /// How it ended.
        status: &'static str,
    },
    /// It runs already.
    #[error("bulk redrive {0} is still running; change its rate, or stop it first")]
    Running(Uuid),
    /// The rate can't be kept.
    #[error("rate: {0}")]
    Rate(String),
    /// The journal could not do it.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Operations {
    /// What [`Operations::begin_bulk`] would go through; nothing is changed.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn plan_bulk(&self, filter: &DeadLetterFilter) -> Result<Plan, JournalError> {
        let as_of = until_now(filter, self.engine().now());
        let filter = waiting(filter, as_of);
        let (_, total) = self.engine().dead_letters(&filter, 0, 0).await?;
        let groups = self.engine().dead_letter_groups(&filter, GROUPS_MAX).await?;
        Ok(Plan { total, groups, as_of })
    }

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
        check_rate(rate).map_err(|reason| RedriveError::Field { field: "rate", reason })?;
        let filter = waiting(filter, until_now(filter, self.engine().now()));
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

    /// How far the bulk redrive is; `None` if there is none with this id.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn bulk(&self, id: Uuid) -> Result<Option<Progress>, JournalError> {
        let Some(run) = self.engine().run(RunId(id)).await? else { return Ok(None) };
        self.progress(run).await
    }

    /// Bulk redrives, newest first, and how many there are in all.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn bulks(&self, limit: u32, offset: u64) -> Result<(Vec<Progress>, u64), JournalError> {
        let filter = RunFilter { tenant: Some(redrive::TENANT.to_owned()), ..RunFilter::default() };
        let (runs, total) = self.engine().runs(&filter, limit, offset).await?;
        let mut found = Vec::with_capacity(runs.len());
        for run in runs {
            found.extend(self.progress(run).await?);
        }
        Ok((found, total))
    }

    /// Stops a bulk redrive: letters that still wait go on waiting. What was redriven stays
    /// so.
    ///
    /// # Errors
    /// [`BulkError::NoRedrive`], [`BulkError::Ended`], [`BulkError::Journal`].
    #[boxed]
    pub async fn stop_bulk(&self, id: Uuid, actor: &Actor) -> Result<Progress, BulkError> {
        self.running(id).await?;
        let detail = json!({ "reason": actor.reason });
        self.engine().audit(&actor.by, "stop-redrive", &format!("run {id}"), detail).await?;
        match self.engine().cancel(RunId(id)).await {
            Ok(_) => {}
            Err(JournalError::Refused(Refusal::Ended(status))) => {
                return Err(BulkError::Ended { id, status: status.as_str() });
            }
            Err(error) => return Err(error.into()),
        }
        self.bulk(id).await?.ok_or(BulkError::NoRedrive(id))
    }

    /// Changes the rate of a bulk redrive that runs, in letters a second; without one it
    /// goes as fast as it can. Its worker goes by it within some seconds.
    ///
    /// # Errors
    /// [`BulkError::Rate`], [`BulkError::NoRedrive`], [`BulkError::Ended`],
    /// [`BulkError::Journal`].
    #[boxed]
    pub async fn set_bulk_rate(
        &self,
        id: Uuid,
        rate: Option<f64>,
        actor: &Actor,
    ) -> Result<Progress, BulkError> {
        check_rate(rate).map_err(BulkError::Rate)?;
        self.running(id).await?;
        let row = redrive_rate::Model { run_id: id, per_second: rate, changed_at: self.records.now() };
        let detail = json!({ "rate": rate, "reason": actor.reason });
        self.engine()
            .change(rate_row(row), &actor.by, "set-redrive-rate", &format!("run {id}"), detail)
            .await?;
        self.bulk(id).await?.ok_or(BulkError::NoRedrive(id))
    }

    /// Goes on with a bulk redrive that was stopped or failed: another one, about those of
    /// its letters that still wait, at `rate` or else at its last rate.
    ///
    /// # Errors
    /// [`BulkError::Rate`], [`BulkError::NoRedrive`], [`BulkError::Running`],
    /// [`BulkError::Journal`].
    #[boxed]
    pub async fn resume_bulk(
        &self,
        id: Uuid,
        rate: Option<f64>,
        actor: &Actor,
    ) -> Result<Progress, BulkError> {
        check_rate(rate).map_err(BulkError::Rate)?;
        let stopped = self.bulk(id).await?.ok_or(BulkError::NoRedrive(id))?;
        if !stopped.run.status.is_terminal() {
            return Err(BulkError::Running(id));
        }
        let (by, reason) = (actor.by.clone(), actor.reason.clone());
        let rate = rate.or(stopped.rate);
        let bulk = Bulk { rate, total: stopped.waiting, by, reason, ..stopped.bulk };
        let run = self.submit_bulk(&bulk).await?;
        self.progress(run).await?.ok_or(BulkError::NoRedrive(id))
    }

    async fn running(&self, id: Uuid) -> Result<RunState, BulkError> {
        let run = self.engine().run(RunId(id)).await?.filter(|run| Bulk::of(run).is_some());
        let run = run.ok_or(BulkError::NoRedrive(id))?;
        match run.status.is_terminal() {
            true => Err(BulkError::Ended { id, status: run.status.as_str() }),
            false => Ok(run),
        }
    }

    async fn progress(&self, run: RunState) -> Result<Option<Progress>, JournalError> {
        let Some(bulk) = Bulk::of(&run) else { return Ok(None) };
        let changed = changed_rate(self.records.database(), run.id).await;
        let changed = changed.map_err(|error| JournalError::Unavailable(error.to_string()))?;
        let rate = changed.map_or(bulk.rate, |changed| changed.per_second);
        let settled = DeadLetterFilter { bulk: Some(run.id), ..DeadLetterFilter::default() };
        let (_, settled) = self.engine().dead_letters(&settled, 0, 0).await?;
        let (_, waiting) = self.engine().dead_letters(&bulk.filter, 0, 0).await?;
        Ok(Some(Progress { run, bulk, rate, settled, waiting }))
    }
}

impl Records {
    /// Deletes the rates of redrives that can't run any more.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn forget_redrive_rates(&self) -> Result<(), DbErr> {
        let over = self.now() - RATES_KEPT;
        let old = redrive_rate::Entity::delete_many().filter(redrive_rate::Column::ChangedAt.lte(over));
        old.exec(self.database()).await.map(drop)
    }
}

/// Letters that die after now are not meant, whatever the filter lets through.
fn until_now(filter: &DeadLetterFilter, now: Timestamp) -> Timestamp {
    filter.until.map_or(now, |until| until.min(now))
}

fn waiting(filter: &DeadLetterFilter, until: Timestamp) -> DeadLetterFilter {
    DeadLetterFilter { state: Some(DeadLetterStatus::Waiting), until: Some(until), ..filter.clone() }
}

fn check_rate(rate: Option<f64>) -> Result<(), String> {
    match rate {
        Some(rate) if !RATES.contains(&rate) => Err(format!("{rate} a second is not in {RATES:?}")),
        _ => Ok(()),
    }
}
