//! How many tasks ended, for operators.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use untxt_engine::state::RunStatus;

use crate::boxed;
use crate::entities::task;
use crate::records::Records;

/// Tasks of all users that ended within some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedTasks {
    /// With a result, also one that lacks pages.
    pub done: u64,
    /// Without one, for a failure.
    pub failed: u64,
}

impl Records {
    /// Tasks that ended at `from` or later and before `until`, and are not erased.
    ///
    /// # Errors
    /// What the database says.
    #[boxed]
    pub async fn ended_tasks(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<EndedTasks, DbErr> {
        let rows: Vec<(Option<String>, i64)> = task::Entity::find()
            .select_only()
            .column(task::Column::Status)
            .column_as(task::Column::Id.count(), "tasks")
            .filter(task::Column::CompletedAt.gte(from))
            .filter(task::Column::CompletedAt.lt(until))
            .group_by(task::Column::Status)
            .into_tuple()
            .all(self.database())
            .await?;
        let of = |status: RunStatus| {
            let row = rows.iter().find(|(found, _)| found.as_deref() == Some(status.as_str()));
            row.map_or(0, |(_, count)| count.unsigned_abs())
        };
        Ok(EndedTasks {
            done: of(RunStatus::Completed) + of(RunStatus::Partial),
            failed: of(RunStatus::Failed),
        })
    }
}
