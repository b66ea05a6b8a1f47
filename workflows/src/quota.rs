//! How much a user may ask for: so many tasks a minute, so many at once. Both
//! are counted where the tasks are, so they hold over all processes; uploads at
//! the very same moment may pass together. What was begun within the minute
//! counts also when it is erased by now.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use untxt_engine::rows::RowChange;
use uuid::Uuid;

use crate::platform::Platform;
use crate::tables::{admission, task};

/// What a rate is counted over.
const MINUTE: chrono::Duration = chrono::Duration::minutes(1);

/// When a user whose tasks are all under way may try again. It depends on the
/// tasks; this is as often as it is worth a look.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// What a user may ask for; without limits when nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// New tasks within a minute.
    pub uploads_per_minute: Option<NonZeroU32>,
    /// Tasks that have not ended.
    pub in_flight_max: Option<NonZeroU32>,
}

/// Why a user has to wait.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    /// Too many tasks within a minute.
    #[error("this user may create {per_minute} tasks per minute")]
    Rate {
        /// The limit.
        per_minute: NonZeroU32,
        /// After which there is room for one more.
        retry_after: Duration,
    },
    /// Too many tasks that have not ended.
    #[error("this user has {in_flight_max} unfinished tasks, the maximum; wait for one to end or cancel one")]
    InFlight {
        /// The limit.
        in_flight_max: NonZeroU32,
        /// When to look again.
        retry_after: Duration,
    },
    /// The tasks could not be counted.
    #[error("the database does not answer: {0}; check DATABASE_URL and the server")]
    Database(#[from] DbErr),
}

impl Platform {
    /// Whether the user may begin one more task now.
    ///
    /// # Errors
    /// Each [`QuotaError`].
    pub async fn admit(&self, user: Uuid) -> Result<(), QuotaError> {
        let quota = self.settings().quota;
        if let Some(per_minute) = quota.uploads_per_minute {
            self.admit_by_rate(user, per_minute, self.now()).await?;
        }
        let Some(in_flight_max) = quota.in_flight_max else { return Ok(()) };
        let open = task::Entity::find()
            .filter(task::Column::UserId.eq(user))
            .filter(task::Column::Status.is_in(["queued", "processing", "retrying"]))
            .count(self.database())
            .await?;
        if open < u64::from(in_flight_max.get()) {
            return Ok(());
        }
        Err(QuotaError::InFlight { in_flight_max, retry_after: LOOK_AGAIN })
    }

    /// What keeps count of a task that `user` begins now: rows of its commit.
    pub(crate) fn admission(&self, task: Uuid, user: Uuid, now: DateTime<Utc>) -> Vec<RowChange> {
        if self.settings().quota.uploads_per_minute.is_none() {
            return Vec::new();
        }
        use admission::Column as C;
        let over = Query::delete()
            .from_table(admission::Entity)
            .and_where(Expr::col(C::UserId).eq(user))
            .and_where(Expr::col(C::AdmittedAt).lt(now - MINUTE))
            .to_owned();
        let one = Query::insert()
            .into_table(admission::Entity)
            .columns([C::Id, C::UserId, C::AdmittedAt])
            .values_panic([task.into(), user.into(), now.into()])
            .to_owned();
        vec![over.into(), one.into()]
    }

    /// Removes what does not count any more of users who have not come back.
    pub(crate) async fn forget_admissions(&self) -> Result<(), DbErr> {
        let over = admission::Column::AdmittedAt.lt(self.now() - MINUTE);
        admission::Entity::delete_many().filter(over).exec(self.database()).await.map(drop)
    }

    /// There is room as soon as the oldest of the last so many is a minute old.
    async fn admit_by_rate(
        &self,
        user: Uuid,
        per_minute: NonZeroU32,
        now: DateTime<Utc>,
    ) -> Result<(), QuotaError> {
        let oldest: Option<DateTime<Utc>> = admission::Entity::find()
            .select_only()
            .column(admission::Column::AdmittedAt)
            .filter(admission::Column::UserId.eq(user))
            .order_by_desc(admission::Column::AdmittedAt)
            .offset(u64::from(per_minute.get() - 1))
            .limit(1)
            .into_tuple()
            .one(self.database())
            .await?;
        let Some(oldest) = oldest else { return Ok(()) };
        match (oldest + MINUTE - now).to_std() {
            Ok(retry_after) if !retry_after.is_zero() => Err(QuotaError::Rate { per_minute, retry_after }),
            _ => Ok(()),
        }
    }
}
