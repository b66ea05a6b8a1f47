//! What a user's tasks did while nobody listened, in parts.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use crate::boxed;
use crate::entities::task;
use crate::records::Records;

/// How much later a change may show than it says: all machines go by one clock,
/// and a commit ends within this time.
pub(crate) const COMMITTED_WITHIN: chrono::Duration = chrono::Duration::minutes(1);

/// Where a task stands among those of its user in the order in which they were
/// last changed. As text, it can be given back to go on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    /// When the task was last changed.
    pub changed_at: DateTime<Utc>,
    /// The task.
    pub task: Uuid,
}

impl ChangeCursor {
    /// Before every task.
    pub const START: Self = Self { changed_at: DateTime::UNIX_EPOCH, task: Uuid::nil() };
}

impl fmt::Display for ChangeCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.changed_at.to_rfc3339_opts(SecondsFormat::AutoSi, true), self.task)
    }
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a cursor that this server has given")]
pub struct InvalidCursor;

impl FromStr for ChangeCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (at, task) = text.split_once('_').ok_or(InvalidCursor)?;
        let changed_at = DateTime::parse_from_rfc3339(at).map_err(|_| InvalidCursor)?.to_utc();
        Ok(Self { changed_at, task: Uuid::parse_str(task).map_err(|_| InvalidCursor)? })
    }
}

impl Records {
    /// The user's tasks behind `after` that have not ended, or were changed after
    /// `since`: those whose last change is the oldest, at most `limit`. Those of the
    /// minute before are among them. A task that is changed meanwhile moves to the
    /// end of the order, so that it is not left out.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn changed_since(
        &self,
        user: Uuid,
        since: DateTime<Utc>,
        after: ChangeCursor,
        limit: u64,
    ) -> Result<Vec<ChangeCursor>, DbErr> {
        let since = since.checked_sub_signed(COMMITTED_WITHIN).unwrap_or(since);
        // A page that is done changes the journal and no row: whatever has not
        // ended may have gone on, however long ago its row was changed.
        let mut cursors = self.cursors(open_before(user, since, after).limit(limit)).await?;
        let left = limit.saturating_sub(cursors.len() as u64);
        if left > 0 {
            cursors.extend(self.cursors(changed(user, since, after).limit(left)).await?);
        }
        Ok(cursors)
    }

    async fn cursors(&self, query: Select<task::Entity>) -> Result<Vec<ChangeCursor>, DbErr> {
        let rows: Vec<(DateTime<Utc>, Uuid)> = query.into_tuple().all(self.database()).await?;
        Ok(rows.into_iter().map(|(changed_at, task)| ChangeCursor { changed_at, task }).collect())
    }

    /// Which of `tasks` are there and the user's.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn owned(&self, user: Uuid, tasks: &[Uuid]) -> Result<HashSet<Uuid>, DbErr> {
        if tasks.is_empty() {
            return Ok(HashSet::new());
        }
        let owned: Vec<Uuid> = task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .filter(task::Column::Id.is_in(tasks.iter().copied()))
            .filter(task::Column::UserId.eq(user))
            .into_tuple()
            .all(self.database())
            .await?;
        Ok(owned.into_iter().collect())
    }
}

/// Tasks that were changed since, in order.
fn changed(user: Uuid, since: DateTime<Utc>, after: ChangeCursor) -> Select<task::Entity> {
    in_order(user, after).filter(task::Column::UpdatedAt.gte(since))
}

/// Tasks that have not ended and were changed before that, in order.
fn open_before(user: Uuid, before: DateTime<Utc>, after: ChangeCursor) -> Select<task::Entity> {
    in_order(user, after)
        .filter(task::Column::CompletedAt.is_null())
        .filter(task::Column::UpdatedAt.lt(before))
}

fn in_order(user: Uuid, after: ChangeCursor) -> Select<task::Entity> {
    let position =
        [task::Column::UpdatedAt, task::Column::Id].map(|column| Expr::col(column.into_column_ref()));
    let behind = Expr::tuple(position).gt(Expr::tuple([Expr::val(after.changed_at), Expr::val(after.task)]));
    task::Entity::find()
        .select_only()
        .columns([task::Column::UpdatedAt, task::Column::Id])
        .filter(task::Column::UserId.eq(user))
        .filter(behind)
        .order_by_asc(task::Column::UpdatedAt)
        .order_by_asc(task::Column::Id)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, QueryTrait, Statement};
    use untxt_engine::journal::database::{Database, connect};
    use untxt_stack::postgres::Postgres;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let at: DateTime<Utc> = "2026-11-26T08:09:10.123456Z".parse().unwrap();
        let cursor = ChangeCursor { changed_at: at, task: Uuid::from_u128(7) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "_", "2026-11-26T08:09:10Z", "yesterday_00000000-0000-0000-0000-000000000007"] {
            assert_eq!(text.parse::<ChangeCursor>(), Err(InvalidCursor), "{text}");
        }
    }

    /// The plan, without which rows it would take from where.
    async fn plan(db: &Database, query: &Select<task::Entity>) -> String {
        let query = query.build(db.get_database_backend());
        let (explain, column) = match db.get_database_backend() {
            sea_orm::DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
            _ => ("EXPLAIN", "QUERY PLAN"),
        };
        let statement = Statement { sql: format!("{explain} {}", query.sql), ..query };
        let rows = db.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get::<String>("", column).unwrap()).collect::<Vec<_>>().join("; ")
    }

    fn queries() -> [(Select<task::Entity>, &'static str); 2] {
        let (user, at) = (Uuid::from_u128(1), "2026-11-26T08:09:10Z".parse().unwrap());
        let after = ChangeCursor { changed_at: at, task: Uuid::from_u128(2) };
        [
            (changed(user, at, after).limit(200), "tasks_user_id_updated_at_idx"),
            (open_before(user, at, after).limit(200), "tasks_open_user_id_updated_at_idx"),
        ]
    }

    #[tokio::test]
    async fn sqlite_finds_what_was_missed_by_its_indexes_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&format!("sqlite://{}/untxt.db", dir.path().display())).await.unwrap();
        untxt_migrations::up(&db.for_layout()).await.unwrap();
        for (query, index) in queries() {
            let plan = plan(&db, &query).await;
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("USE TEMP B-TREE"), "{plan}");
        }
    }

    #[tokio::test]
    async fn postgresql_finds_what_was_missed_by_its_indexes_in_order() {
        let server = tokio::task::spawn_blocking(Postgres::start).await.unwrap().unwrap();
        let db = connect(&server.url()).await.unwrap();
        untxt_migrations::up(&db.for_layout()).await.unwrap();
        // Many tasks of many users, one in a hundred of which has not ended.
        let fill = "INSERT INTO tasks (id, user_id, created_at, updated_at, completed_at) \
                    SELECT gen_random_uuid(), lpad(to_hex(n % 20), 32, '0')::uuid, \
                    timestamptz '2026-11-26 08:00:00Z' + n * interval '1 second', \
                    timestamptz '2026-11-26 08:00:00Z' + n * interval '1 second', \
                    CASE WHEN n % 100 > 0 THEN now() END FROM generate_series(1, 20000) n; ANALYZE tasks";
        db.execute_unprepared(fill).await.unwrap();
        for (query, index) in queries() {
            let plan = plan(&db, &query).await;
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("Sort"), "{plan}");
        }
        db.close().await.unwrap();
    }
}
