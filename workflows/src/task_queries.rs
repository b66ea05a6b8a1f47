//! What users may know of their tasks.

use std::collections::HashMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, LikeExpr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, RelationTrait, Select,
};
use untxt_engine::event::{Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterStatus};
use untxt_engine::state::{ItemCount, RunError, RunState};
use uuid::Uuid;

use crate::boxed;
use crate::entities::{file, task};
use crate::ocr::{self, Downloaded};
use crate::records::Records;
use crate::task_input::TaskInput;

/// Which tasks a list shows.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only this user's.
    pub user: Option<Uuid>,
    /// Only those with one of these statuses; with any when empty.
    pub statuses: Vec<String>,
    /// Only those that asked for this engine by its name.
    pub engine: Option<String>,
    /// Only those whose file has this in its name, in capitals or not; letters
    /// beyond ASCII are compared as the database does.
    pub name: Option<String>,
}

impl TaskFilter {
    /// The query for tasks that it lets through, without the name of the file.
    pub(crate) fn tasks(&self) -> Select<task::Entity> {
        let mut query = task::Entity::find();
        if let Some(user) = self.user {
            query = query.filter(task::Column::UserId.eq(user));
        }
        query = match self.statuses.as_slice() {
            [] => query,
            [status] => query.filter(task::Column::Status.eq(status)),
            statuses => query.filter(task::Column::Status.is_in(statuses)),
        };
        match &self.engine {
            Some(engine) => query.filter(task::Column::Engine.eq(engine)),
            None => query,
        }
    }

    /// The condition on the name of the file, if there is one.
    pub(crate) fn named(&self) -> Option<Expr> {
        let name = self.name.as_ref()?.to_lowercase();
        let escaped: String = name
            .chars()
            .flat_map(|c| ['\\'].into_iter().filter(move |_| matches!(c, '%' | '_' | '\\')).chain([c]))
            .collect();
        let pattern = LikeExpr::new(format!("%{escaped}%")).escape('\\');
        Some(Expr::expr(Func::lower(Expr::col((file::Entity, file::Column::Filename)))).like(pattern))
    }
}

/// A page that could not be recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedPage {
    /// Its number in the document, from 1.
    pub page: u32,
    /// Stable code of what happened.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Failed pages that an answer names; a task with more of them has failed for
/// another reason than its pages.
const FAILED_PAGES_MAX: u32 = 1_000;

/// Tasks of all users that are counted; counting more would read as many rows as
/// there are, for a number that nobody reads to its last digit.
pub const COUNTED_MAX: u64 = 100_000;

/// Events of a task that are read at once.
const HISTORY_AT_ONCE: u32 = 1_000;

/// Events among which a delivery's last failure is: an attempt has three, and some
/// more are there where its workers had to go.
const LATELY: u32 = 100;

/// How far it is told how a task ended.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookState {
    /// Where.
    pub url: String,
    /// The delivery, once the task has ended; its id is the event's.
    pub delivery: Option<RunState>,
    /// How its last attempt failed, until one succeeds.
    pub error: Option<RunError>,
}

impl Records {
    /// How far it is told how the task ended, if anybody is to be told.
    ///
    /// # Errors
    /// When the journal does not answer.
    #[boxed]
    pub async fn webhook(&self, run: &RunState) -> Result<Option<WebhookState>, JournalError> {
        let url = TaskInput::of(run).ok().and_then(|input| input.options.webhook);
        let Some(url) = url else { return Ok(None) };
        let delivery = match ocr::delivery_of(run) {
            Some(id) => self.engine().run(id).await?,
            None => None,
        };
        let error = match &delivery {
            Some(delivery) => self.last_failure(delivery).await?,
            None => None,
        };
        Ok(Some(WebhookState { url, delivery, error }))
    }

    /// How the last attempt at a run of one step failed; `None` before its first
    /// failure and once it is done.
    async fn last_failure(&self, run: &RunState) -> Result<Option<RunError>, JournalError> {
        if run.status.is_terminal() || run.error.is_some() || run.attempts.made == 0 {
            return Ok(run.error.clone());
        }
        let lately = run.seq.saturating_sub(u64::from(LATELY));
        let events = self.engine().history(run.id, lately, LATELY).await?;
        let failure = |event: &Event| match &event.kind {
            EventKind::Failed { error, .. } => Some(error.clone()),
            EventKind::Lost(attempt) => Some(attempt.lost(run.id)),
            _ => None,
        };
        let last = events.iter().rev().find_map(failure);
        Ok(last.map(|error| RunError { code: error.code, message: error.message }))
    }

    /// How many pages each of the tasks has, and how many are done: of all of
    /// them with one question.
    ///
    /// # Errors
    /// When the journal does not answer.
    #[boxed]
    pub async fn page_counts(
        &self,
        tasks: &[(task::Model, file::Model)],
    ) -> Result<HashMap<Uuid, ItemCount>, JournalError> {
        let runs: Vec<RunId> = tasks.iter().map(|(task, _)| RunId(task.id)).collect();
        let counts = self.engine().item_counts(&runs).await?;
        Ok(counts.into_iter().map(|(run, items)| (run.0, items)).collect())
    }

    /// The runs that tell, or told, of each end that the run came to, if anybody
    /// is to be told.
    pub(crate) async fn deliveries(&self, run: RunId) -> Result<Vec<RunId>, JournalError> {
        let Some(state) = self.engine().run(run).await? else { return Ok(Vec::new()) };
        if self.webhook(&state).await?.is_none() {
            return Ok(Vec::new());
        }
        let (mut deliveries, mut seq) = (Vec::new(), 0);
        loop {
            match self.engine().history(run, seq, HISTORY_AT_ONCE).await {
                Ok(events) => {
                    deliveries.extend(events.iter().filter_map(ocr::delivery_after));
                    let Some(last) = events.last() else { return Ok(deliveries) };
                    seq = last.seq;
                }
                // Only how it ended is known; the others ended with it.
                Err(JournalError::Pruned(_)) => return Ok(ocr::delivery_of(&state).into_iter().collect()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The pages of a task that are dead now, in order: given up, or waiting for
    /// an operator.
    ///
    /// # Errors
    /// When the journal does not answer.
    #[boxed]
    pub async fn failed_pages(&self, run: &RunState) -> Result<Vec<FailedPage>, JournalError> {
        if run.items.failed == 0 && !run.is_paused() {
            return Ok(Vec::new());
        }
        let of_run = DeadLetterFilter::of_run(run.id);
        let (letters, _) = self.engine().dead_letters(&of_run, FAILED_PAGES_MAX, 0).await?;
        let downloaded = Downloaded::in_run(run);
        // A letter that was redriven says nothing about the page as it is now.
        let dead = letters.into_iter().filter(|letter| letter.status != DeadLetterStatus::Redriven);
        let page = |letter: DeadLetter| {
            let page = downloaded.page(letter.item?) + 1;
            Some(FailedPage { page, code: letter.error.code, message: letter.error.message })
        };
        let mut pages: Vec<FailedPage> = dead.filter_map(page).collect();
        pages.sort_by_key(|page| page.page);
        pages.dedup_by_key(|page| page.page);
        Ok(pages)
    }

    /// The task with its file, if there is one.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn task(&self, id: Uuid) -> Result<Option<(task::Model, file::Model)>, DbErr> {
        let found = task::Entity::find_by_id(id).find_also_related(file::Entity).one(self.database()).await?;
        Ok(found.and_then(|(task, file)| Some((task, file?))))
    }

    /// How many rows `query` finds, up to `most`.
    pub(crate) async fn counted(&self, query: &Select<task::Entity>, most: u64) -> Result<u64, DbErr> {
        let some = query.clone().select_only().column(task::Column::Id).limit(most).into_query();
        let count = Query::select()
            .expr(Func::count(Expr::val(1)))
            .from_subquery(some, Alias::new("some"))
            .to_owned();
        let row = self.database().query_one(&count).await?;
        let count: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        Ok(count.unsigned_abs())
    }

    /// Tasks with their files, newest first, and how many there are in all: of one
    /// user exactly, of all users at most [`COUNTED_MAX`]. A task whose row can't
    /// be read is left out, and hides no other.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn tasks(
        &self,
        filter: &TaskFilter,
        limit: u64,
        offset: u64,
    ) -> Result<(Vec<(task::Model, file::Model)>, u64), DbErr> {
        let named = filter.named();
        let all = match &named {
            Some(named) => {
                let with_file = filter.tasks().join(JoinType::InnerJoin, task::Relation::File.def());
                with_file.filter(named.clone())
            }
            None => filter.tasks(),
        };
        let total = match filter.user {
            Some(_) => all.count(self.database()).await?,
            None => self.counted(&all, COUNTED_MAX).await?,
        };
        let page = newest(filter.tasks())
            .find_also_related(file::Entity)
            .filter(Condition::all().add_option(named))
            .limit(limit)
            .offset(offset)
            .build(self.database().get_database_backend());
        let rows = self.database().query_all_raw(page).await?;
        Ok((rows.iter().filter_map(read).collect(), total))
    }
}

/// The newest first.
pub(crate) fn newest(query: Select<task::Entity>) -> Select<task::Entity> {
    query.order_by_desc(task::Column::CreatedAt).order_by_desc(task::Column::Id)
}

/// A row of tasks with their files; `None` if it can't be read.
pub(crate) fn read(row: &QueryResult) -> Option<(task::Model, file::Model)> {
    let read = task::Model::from_query_result(row, "A_")
        .and_then(|task| Ok((task, file::Model::from_query_result(row, "B_")?)));
    read.inspect_err(|error| tracing::warn!(%error, "skipping an unreadable task in a list")).ok()
}
