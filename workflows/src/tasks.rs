//! What users may know of their tasks.

use sea_orm::{ColumnTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::platform::Platform;
use crate::tables::{file, task};

/// Which tasks a list shows.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only this user's.
    pub user: Option<Uuid>,
    /// Only those with this status.
    pub status: Option<String>,
}

impl Platform {
    /// The task with its file, if there is one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn task(&self, id: Uuid) -> Result<Option<(task::Model, file::Model)>, DbErr> {
        let found = task::Entity::find_by_id(id).find_also_related(file::Entity).one(self.database()).await?;
        Ok(found.and_then(|(task, file)| Some((task, file?))))
    }

    /// Tasks with their files, newest first, and how many there are in all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tasks(
        &self,
        filter: &TaskFilter,
        limit: u64,
        offset: u64,
    ) -> Result<(Vec<(task::Model, file::Model)>, u64), DbErr> {
        let mut query = task::Entity::find();
        if let Some(user) = filter.user {
            query = query.filter(task::Column::UserId.eq(user));
        }
        if let Some(status) = &filter.status {
            query = query.filter(task::Column::Status.eq(status));
        }
        let total = query.clone().count(self.database()).await?;
        let rows = query
            .find_also_related(file::Entity)
            .order_by_desc(task::Column::CreatedAt)
            .order_by_desc(task::Column::Id)
            .limit(limit)
            .offset(offset)
            .all(self.database())
            .await?;
        Ok((rows.into_iter().filter_map(|(task, file)| Some((task, file?))).collect(), total))
    }
}
