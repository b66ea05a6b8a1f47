//! What is there for too long: tasks that ended long ago are erased with their
//! files and results, and uploads that broke off are taken away.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::time::{MissedTickBehavior, interval};
use untxt_engine::id::RunId;
use untxt_engine::journal::letters::{LetterFilter, LetterStatus};
use uuid::Uuid;

use crate::erase::EraseError;
use crate::platform::Platform;
use crate::tables::{file, task};

/// Ages are counted in days, and each look reads all tasks.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// No upload takes longer than this.
const UPLOADS_TAKE: Duration = Duration::from_secs(24 * 60 * 60);

/// Tasks that are read at once.
const PAGE: u64 = 100;

impl Platform {
    /// Erases tasks that ended longer ago than `keep`; how many. A task with a
    /// dead letter that waits stays, and so does one that goes on meanwhile.
    ///
    /// # Errors
    /// [`EraseError`]; what was not looked at is looked at by the next call.
    pub async fn erase_older(&self, keep: Duration) -> Result<u64, EraseError> {
        let ended_before = self.now() - keep;
        let (mut erased, mut after) = (0, Uuid::nil());
        loop {
            let page = task::Entity::find()
                .filter(task::Column::Id.gt(after))
                .filter(task::Column::CompletedAt.lt(ended_before))
                .find_also_related(file::Entity)
                .order_by_asc(task::Column::Id)
                .limit(PAGE)
                .all(self.database())
                .await?;
            let Some((last, _)) = page.last() else { return Ok(erased) };
            after = last.id;
            for (task, file) in page {
                let Some(file) = file else { continue };
                if !self.waits_for_somebody(task.id).await? && self.erase_ended(&task, &file).await? {
                    erased += 1;
                }
            }
        }
    }

    /// Takes away what uploads left in the store whose process died, now and
    /// again; never returns.
    pub(crate) async fn keep_aborting(&self) {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.bench().objects.abort_stale(UPLOADS_TAKE).await {
                Ok(0) => {}
                Ok(aborted) => tracing::info!(aborted, "took away uploads that broke off in the store"),
                // Some stores can't, and some don't let everybody: their own
                // rules for such uploads have to do then.
                Err(error) => {
                    tracing::debug!(%error, "could not look for uploads that broke off in the store")
                }
            }
        }
    }

    async fn waits_for_somebody(&self, task: Uuid) -> Result<bool, EraseError> {
        let waiting =
            LetterFilter { state: Some(LetterStatus::Waiting), ..LetterFilter::of_run(RunId(task)) };
        let (_, total) = self.engine().dead_letters(&waiting, 0, 0).await?;
        Ok(total > 0)
    }

    /// Erases old tasks, now and again, if they are not kept for ever; never
    /// returns.
    pub(crate) async fn keep_erasing(&self) {
        let Some(keep) = self.settings().retain_tasks else { return std::future::pending().await };
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.erase_older(keep).await {
                Ok(0) => {}
                Ok(erased) => tracing::info!(erased, "erased tasks that ended long ago"),
                Err(error) => tracing::warn!(%error, "could not erase old tasks; the next look does"),
            }
        }
    }
}
