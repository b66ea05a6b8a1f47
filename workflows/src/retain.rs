//! What is there for too long: tasks that ended long ago are erased with their
//! files and results, and uploads that broke off are taken away.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use tokio::time::{MissedTickBehavior, interval};
use untxt_engine::id::RunId;
use uuid::Uuid;

use crate::entities::{file, task};
use crate::erase::EraseError;
use crate::maintenance::{self, LOOK_EVERY};
use crate::tasks::Tasks;

/// The name of the pass that erases.
const ERASING: &str = "erase-old-tasks";

/// The name of the pass over uploads that broke off in the store.
const ABORTING: &str = "abort-stale-uploads";

/// No upload takes longer than this.
const UPLOADS_TAKE: Duration = Duration::from_secs(24 * 60 * 60);

/// Tasks that are read at once.
const PAGE: u64 = 100;

impl Tasks {
    /// Erases tasks that ended longer ago than `keep`; how many. A task with a
    /// dead letter that waits stays, and so does one that goes on meanwhile.
    ///
    /// # Errors
    /// [`EraseError`]; what was not looked at is looked at by the next call.
    pub async fn erase_older(&self, keep: Duration) -> Result<u64, EraseError> {
        let ended_before = self.now() - keep;
        let (mut erased, mut after) = (0, None);
        loop {
            let page = self.ended_before(ended_before, after).await?;
            let Some((last, _)) = page.last() else { return Ok(erased) };
            after = last.completed_at.map(|at| (at, last.id));
            let runs: Vec<RunId> = page.iter().map(|(task, _)| RunId(task.id)).collect();
            let waiting = self.engine().with_dead_letters(&runs).await?;
            for (task, file) in page {
                let Some(file) = file else { continue };
                if !waiting.contains(&RunId(task.id)) && self.erase_ended(&task, &file).await? {
                    erased += 1;
                }
            }
            if after.is_none() {
                return Ok(erased);
            }
        }
    }

    /// A page of tasks that ended before then, the longest ended first, behind
    /// the one that ended at that time and has that id.
    async fn ended_before(
        &self,
        before: DateTime<Utc>,
        after: Option<(DateTime<Utc>, Uuid)>,
    ) -> Result<Vec<(task::Model, Option<file::Model>)>, DbErr> {
        let behind = after.map(|(at, id)| {
            let at_once = task::Column::CompletedAt.eq(at).and(task::Column::Id.gt(id));
            task::Column::CompletedAt.gt(at).or(at_once)
        });
        ended(before)
            .filter(Condition::all().add_option(behind))
            .find_also_related(file::Entity)
            .limit(PAGE)
            .all(self.database())
            .await
    }

    /// Whether this worker is to make the pass now.
    async fn begins_pass(&self, name: &str) -> bool {
        maintenance::try_begin(self.database(), name, self.engine().now()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, pass = name, "can't check whether a retention pass is due; the next check retries");
            false
        })
    }

    /// Takes away what uploads left in the store whose process died, now and
    /// again; never returns.
    pub(crate) async fn keep_aborting(&self) {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if !self.begins_pass(ABORTING).await {
                continue;
            }
            match self.resources().objects.abort_stale(UPLOADS_TAKE).await {
                Ok(0) => {}
                Ok(aborted) => tracing::info!(aborted, "aborted incomplete multipart uploads in the store"),
                // Some stores can't, and some don't let everybody: their own
                // rules for such uploads have to do then.
                Err(error) => {
                    tracing::debug!(%error, "could not look for uploads that broke off in the store")
                }
            }
        }
    }

    /// Erases old tasks, now and again, if they are not kept for ever; never
    /// returns.
    pub(crate) async fn keep_erasing(&self) {
        let Some(keep) = self.settings().retain_tasks else { return std::future::pending().await };
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if !self.begins_pass(ERASING).await {
                continue;
            }
            match self.erase_older(keep).await {
                Ok(0) => {}
                Ok(erased) => tracing::info!(erased, "erased tasks past their retention"),
                Err(error) => {
                    tracing::warn!(%error, "can't erase tasks past their retention; the next pass retries");
                    maintenance::give_up(self.database(), ERASING).await;
                }
            }
        }
    }
}

/// Tasks that ended before then, the longest ended first.
fn ended(before: DateTime<Utc>) -> Select<task::Entity> {
    task::Entity::find()
        .filter(task::Column::CompletedAt.is_not_null())
        .filter(task::Column::CompletedAt.lt(before))
        .order_by_asc(task::Column::CompletedAt)
        .order_by_asc(task::Column::Id)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, QueryTrait, Statement};
    use untxt_engine::journal::database::connect;

    use super::*;
    use crate::task_queries;

    #[tokio::test]
    async fn no_list_reads_the_table_of_tasks_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&format!("sqlite://{}/untxt.db", dir.path().display())).await.unwrap();
        untxt_migrations::up(&db.for_layout()).await.unwrap();
        let backend = db.get_database_backend();
        let now = DateTime::<Utc>::default();
        for (query, index) in [
            (ended(now).build(backend), "tasks_completed_at_idx"),
            (task_queries::newest(task::Entity::find()).build(backend), "tasks_created_at_idx"),
        ] {
            let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", query.sql), ..query };
            let plan = db.query_all_raw(explain).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
            let plan = plan.join("; ");
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("USE TEMP B-TREE"), "{plan}");
        }
    }
}
