//! Lists of a user's tasks that may be long: read from a cursor on, and counted no
//! further than anybody reads. No list reads more of the tables than its bounds say.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, JoinType, QueryFilter, QuerySelect, QueryTrait,
    RelationTrait, Select, SelectTwo,
};
use untxt_engine::state::RunStatus;
use uuid::Uuid;

use crate::boxed;
use crate::catch_up::{ChangeCursor, InvalidCursor};
use crate::entities::{file, task};
use crate::records::Records;
use crate::task_queries::{TaskFilter, newest, read};

/// Tasks that are counted: more is said to be more.
pub const LISTED_COUNT_MAX: u64 = 10_000;

/// Tasks that one answer looks at for a name or an engine, by which no index finds them:
/// some ten milliseconds. The next answer goes on behind them.
const LOOKED_AT_MAX: u64 = 10_000;

/// Where a task stands in a list, newest first. As text, it can be given back to go on
/// behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    /// When the task was created.
    pub created_at: DateTime<Utc>,
    /// The task.
    pub task: Uuid,
}

impl ListCursor {
    /// That of a task in a list.
    #[must_use]
    pub fn of(task: &task::Model) -> Self {
        Self { created_at: task.created_at.unwrap_or_default(), task: task.id }
    }
}

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ChangeCursor { changed_at: self.created_at, task: self.task }.fmt(f)
    }
}

impl FromStr for ListCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let ChangeCursor { changed_at, task } = text.parse()?;
        Ok(Self { created_at: changed_at, task })
    }
}

/// A task with its file.
pub type Listed = (task::Model, file::Model);

/// Some tasks of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskList<C> {
    /// In the order of the list.
    pub rows: Vec<Listed>,
    /// Where to go on; `None` when this was all.
    pub next: Option<C>,
}

/// A count that may end at its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedCount {
    /// How many were counted.
    pub count: u64,
    /// Whether there may be more.
    pub is_lower_bound: bool,
}

/// What one query of a list found.
struct Part {
    rows: Vec<Listed>,
    /// The last row that was looked at, if there are others behind it.
    looked_to: Option<ListCursor>,
}

impl Records {
    /// At most `limit` tasks behind `after`, newest first. With a name or an engine there
    /// may be fewer, also none, although there is a cursor to go on from.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn task_list(
        &self,
        filter: &TaskFilter,
        after: Option<ListCursor>,
        limit: u64,
    ) -> Result<TaskList<ListCursor>, DbErr> {
        let mut rows = Vec::new();
        let mut looked_to: Option<ListCursor> = None;
        // The index has the tasks of each status in order, and of no other set of them.
        for part in parts(filter) {
            let part = self.part(&part, after, limit + 1).await?;
            rows.extend(part.rows);
            looked_to = looked_to.max(part.looked_to);
        }
        rows.sort_by_key(|(task, _)| Reverse(ListCursor::of(task)));
        if let Some(end) = looked_to {
            // Behind it there may be others before these.
            rows.retain(|(task, _)| ListCursor::of(task) >= end);
        }
        let is_more = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let last = rows.last().map(|(task, _)| ListCursor::of(task));
        Ok(TaskList { next: if is_more { last } else { looked_to }, rows })
    }

    async fn part(&self, filter: &TaskFilter, after: Option<ListCursor>, limit: u64) -> Result<Part, DbErr> {
        let end = if is_looked_for(filter) { self.end(filter, after).await? } else { None };
        let query = between(filter, after, end).limit(limit);
        let found =
            self.database().query_all_raw(query.build(self.database().get_database_backend())).await?;
        let is_full = found.len() as u64 >= limit;
        Ok(Part { rows: found.iter().filter_map(read).collect(), looked_to: end.filter(|_| !is_full) })
    }

    /// The last of the tasks that are looked at, if there may be others behind it.
    async fn end(&self, filter: &TaskFilter, after: Option<ListCursor>) -> Result<Option<ListCursor>, DbErr> {
        let by_index = TaskFilter { engine: None, name: None, ..filter.clone() };
        let last: Option<(DateTime<Utc>, Uuid)> = newest(behind(by_index.tasks(), after))
            .select_only()
            .columns([task::Column::CreatedAt, task::Column::Id])
            .offset(LOOKED_AT_MAX - 1)
            .limit(1)
            .into_tuple()
            .one(self.database())
            .await?;
        Ok(last.map(|(created_at, task)| ListCursor { created_at, task }))
    }

    /// At most `limit` tasks behind `after` that have not ended or were changed since
    /// `since` or in the minute before: those whose last change is the oldest. Of these
    /// the ones that `filter` lets through, which may be none although there is a cursor
    /// to go on from.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn changed_tasks(
        &self,
        user: Uuid,
        filter: &TaskFilter,
        since: DateTime<Utc>,
        after: ChangeCursor,
        limit: u64,
    ) -> Result<TaskList<ChangeCursor>, DbErr> {
        let changed = self.changed_since(user, since, after, limit).await?;
        let next = changed.last().copied().filter(|_| changed.len() as u64 >= limit);
        let ids: Vec<Uuid> = changed.iter().map(|cursor| cursor.task).collect();
        let mut rows = self.tasks_among(filter, &ids).await?;
        rows.sort_by_key(|(task, _)| (task.updated_at, task.id));
        Ok(TaskList { rows, next })
    }

    /// Those of `ids` that `filter` lets through, in no order.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn tasks_among(&self, filter: &TaskFilter, ids: &[Uuid]) -> Result<Vec<Listed>, DbErr> {
        let ids = ids.iter().copied();
        let mut query = filter.tasks().filter(task::Column::Id.is_in(ids)).find_also_related(file::Entity);
        if let Some(named) = filter.named() {
            query = query.filter(named);
        }
        let found =
            self.database().query_all_raw(query.build(self.database().get_database_backend())).await?;
        Ok(found.iter().filter_map(read).collect())
    }

    /// How many tasks `filter` lets through, up to [`LISTED_COUNT_MAX`], and of those
    /// that are found by a name or an engine only such that the first answers look at.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn task_count(&self, filter: &TaskFilter) -> Result<BoundedCount, DbErr> {
        let mut all = BoundedCount { count: 0, is_lower_bound: false };
        for part in parts(filter) {
            let mut query = part.tasks();
            let end = if is_looked_for(&part) { self.end(&part, None).await? } else { None };
            if let Some(end) = end {
                query = query.filter(position().gte(tuple(end)));
            }
            if let Some(named) = part.named() {
                query = query.join(JoinType::InnerJoin, task::Relation::File.def()).filter(named);
            }
            all.count += self.counted(&query, LISTED_COUNT_MAX).await?;
            all.is_lower_bound |= end.is_some();
        }
        all.is_lower_bound |= all.count >= LISTED_COUNT_MAX;
        all.count = Ord::min(all.count, LISTED_COUNT_MAX);
        Ok(all)
    }

    /// How many tasks of each status there are that `filter` lets through, whatever
    /// statuses it names; each as [`Records::task_count`].
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn status_counts(&self, filter: &TaskFilter) -> Result<Vec<(RunStatus, BoundedCount)>, DbErr> {
        let mut counts = Vec::with_capacity(RunStatus::ALL.len());
        for status in RunStatus::ALL {
            let one = TaskFilter { statuses: vec![status.as_str().to_owned()], ..filter.clone() };
            counts.push((status, self.task_count(&one).await?));
        }
        Ok(counts)
    }
}

/// Filters of at most one status that let through the same together.
fn parts(filter: &TaskFilter) -> Vec<TaskFilter> {
    let mut statuses = filter.statuses.clone();
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.is_empty() {
        return vec![filter.clone()];
    }
    statuses.into_iter().map(|status| TaskFilter { statuses: vec![status], ..filter.clone() }).collect()
}

/// Whether no index finds them.
fn is_looked_for(filter: &TaskFilter) -> bool {
    filter.name.is_some() || filter.engine.is_some()
}

/// Tasks with their files that `filter` lets through, behind `after` and up to `end`, newest
/// first.
fn between(
    filter: &TaskFilter,
    after: Option<ListCursor>,
    end: Option<ListCursor>,
) -> SelectTwo<task::Entity, file::Entity> {
    let until_end = end.map(|end| position().gte(tuple(end)));
    newest(behind(filter.tasks(), after))
        .find_also_related(file::Entity)
        .filter(Condition::all().add_option(until_end).add_option(filter.named()))
}

fn behind(query: Select<task::Entity>, after: Option<ListCursor>) -> Select<task::Entity> {
    match after {
        Some(after) => query.filter(position().lt(tuple(after))),
        None => query,
    }
}

fn position() -> Expr {
    let columns = [task::Column::CreatedAt, task::Column::Id];
    Expr::tuple(columns.map(|column| Expr::col((task::Entity, column).into_column_ref())))
}

fn tuple(cursor: ListCursor) -> Expr {
    Expr::tuple([Expr::val(cursor.created_at), Expr::val(cursor.task)])
}

#[cfg(test)]
mod tests {
    use sea_orm::Statement;
    use untxt_engine::journal::database::connect;
    use untxt_stack::postgres::Postgres;

    use super::*;

    #[tokio::test]
    async fn every_list_is_read_in_the_order_of_an_index() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&format!("sqlite://{}/untxt.db", dir.path().display())).await.unwrap();
        untxt_migrations::up(&db.for_layout()).await.unwrap();
        let user = Some(Uuid::from_u128(1));
        let after = Some(ListCursor { created_at: DateTime::UNIX_EPOCH, task: Uuid::from_u128(2) });
        let all = TaskFilter { user, ..TaskFilter::default() };
        let failed = TaskFilter { statuses: vec!["failed".to_owned()], ..all.clone() };
        let named = TaskFilter { name: Some("a".to_owned()), ..all.clone() };
        for (filter, index) in [
            (all, "tasks_user_id_created_at_idx"),
            (failed, "tasks_user_id_"),
            (named, "tasks_user_id_created_at_idx"),
        ] {
            let query = between(&filter, after, None).limit(200).build(db.get_database_backend());
            let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", query.sql), ..query };
            let plan = db.query_all_raw(explain).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
            let plan = plan.join("; ");
            assert!(plan.contains(index), "{plan}");
            // Tasks that were created in the same microsecond may be sorted by their ids.
            assert!(!plan.contains("USE TEMP B-TREE FOR ORDER BY"), "{plan}");
        }
    }

    #[tokio::test]
    async fn postgresql_finds_names_with_what_stands_for_others_in_patterns() {
        let server = tokio::task::spawn_blocking(Postgres::start).await.unwrap().unwrap();
        let db = connect(&server.url()).await.unwrap();
        untxt_migrations::up(&db.for_layout()).await.unwrap();
        let fill = "INSERT INTO files (id, user_id, filename, s3_key) SELECT gen_random_uuid(), \
                    '00000000-0000-0000-0000-000000000001', name, name \
                    FROM unnest(ARRAY['50% AM.pdf', '50 x.pdf', 'a\\b.pdf', 'a_b.pdf']) name; \
                    INSERT INTO tasks (id, user_id, file_id, created_at) SELECT gen_random_uuid(), user_id, id, \
                    timestamptz '2026-11-26 08:00:00Z' FROM files";
        db.execute_unprepared(fill).await.unwrap();
        let end = Some(ListCursor { created_at: DateTime::UNIX_EPOCH, task: Uuid::nil() });
        for (name, expected) in
            [("50%", "50% AM.pdf"), ("am", "50% AM.pdf"), ("a\\", "a\\b.pdf"), ("A_", "a_b.pdf")]
        {
            let filter = TaskFilter {
                user: Some(Uuid::from_u128(1)),
                name: Some(name.to_owned()),
                ..TaskFilter::default()
            };
            let query = between(&filter, None, end).limit(10).build(db.get_database_backend());
            let rows = db.query_all_raw(query).await.unwrap();
            let found: Vec<String> = rows.iter().filter_map(read).map(|(_, file)| file.filename).collect();
            assert_eq!(found, [expected], "{name}");
        }
        db.close().await.unwrap();
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let created_at = "2026-11-26T08:09:10.123456Z".parse().unwrap();
        let cursor = ListCursor { created_at, task: Uuid::from_u128(7) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("yesterday".parse::<ListCursor>(), Err(InvalidCursor));
    }
}
