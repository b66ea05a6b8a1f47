//! Which tasks were erased lately, by whichever process.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use untxt_engine::rows::RowChange;

use crate::catch_up::COMMITTED_WITHIN;
use crate::entities::{erasure, task};
use crate::records::Records;

/// How long an erasure is known: whoever follows looks twice a second, and comes
/// back within minutes after its database was away.
const KEPT: Duration = Duration::from_secs(10 * 60);

/// Erasures of one look; a process that erases old tasks by the thousand is
/// followed in several.
const AT_ONCE: u64 = 2_000;

impl Records {
    /// The tasks that were erased from `since` on, the earliest first, and from
    /// when on to look the next time. Some are found again by the next look: a
    /// commit may show later than it says.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn erased_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<(Vec<erasure::Model>, DateTime<Utc>), DbErr> {
        let next = self.now() - COMMITTED_WITHIN;
        let found = erasure::Entity::find()
            .filter(erasure::Column::ErasedAt.gte(since))
            .order_by_asc(erasure::Column::ErasedAt)
            .order_by_asc(erasure::Column::TaskId)
            .limit(AT_ONCE)
            .all(self.database())
            .await?;
        let next = match found.last() {
            Some(last) if found.len() as u64 == AT_ONCE => last.erased_at,
            _ => Ord::max(since, next),
        };
        Ok((found, next))
    }

    /// From when on somebody who begins to listen now has to look.
    #[must_use]
    pub fn erasures_begin(&self) -> DateTime<Utc> {
        self.now() - COMMITTED_WITHIN
    }

    pub(crate) async fn forget_erasures(&self) -> Result<(), DbErr> {
        let old = erasure::Entity::delete_many().filter(erasure::Column::ErasedAt.lt(self.now() - KEPT));
        old.exec(self.database()).await.map(drop)
    }
}

/// The row that tells of the task's erasure.
pub(crate) fn of(task: &task::Model, at: DateTime<Utc>) -> RowChange {
    let row = erasure::Model { task_id: task.id, user_id: task.user_id, erased_at: at };
    erasure::Entity::insert(row.into_active_model()).into_query().into()
}
