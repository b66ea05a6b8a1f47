//! What the pages of a document may take to decode, together: a small file may
//! have many pages that each take as long as one page may. What a page takes
//! beyond what pages usually do is counted in the task's row, over all its
//! attempts and whoever makes them; a page as pages are costs the row nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use untxt_engine::id::RunId;
use untxt_engine::journal::database::Database;

use crate::documents::DocumentError;
use crate::entities::task;

/// What every page may take without being counted: ten times what a full page of
/// a book takes at 300 dpi on a slow core.
pub const PAGE_FREE: Duration = Duration::from_secs(5);

/// Tasks whose count is kept in memory. When there are more, all are read again.
const KNOWN_MAX: usize = 10_000;

/// Why a page is not decoded.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// [`DocumentError::BudgetSpent`].
    #[error(transparent)]
    Spent(DocumentError),
    /// It could not be found out what was spent, or not be written down.
    #[error("the database does not answer: {0}; check DATABASE_URL and the server")]
    Database(#[from] DbErr),
}

/// The budgets of all documents.
pub struct DecodeBudgets {
    database: Database,
    budget: Duration,
    /// What is known to be spent. Other processes may have spent more: it is read
    /// when the first page of a task is decoded here, and whenever one is counted.
    spent: Mutex<HashMap<RunId, Duration>>,
}

impl DecodeBudgets {
    /// Budgets of so much each.
    #[must_use]
    pub fn new(database: Database, budget: Duration) -> Self {
        Self { database, budget, spent: Mutex::default() }
    }

    /// How long the next page of the task may take, at most.
    ///
    /// # Errors
    /// Each [`BudgetError`].
    pub async fn allowance(&self, run: RunId) -> Result<Duration, BudgetError> {
        let known = self.spent().get(&run).copied();
        let spent = match known {
            Some(spent) => spent,
            None => self.read(run).await?,
        };
        match self.budget.checked_sub(spent).filter(|left| !left.is_zero()) {
            Some(left) => Ok(PAGE_FREE + left),
            None => Err(BudgetError::Spent(self.is_spent(spent))),
        }
    }

    /// Counts what a page took, whatever came of it. What ends without coming here
    /// (a killed worker, a cancelled step) is not counted: at most one page a slot.
    ///
    /// # Errors
    /// When the database does not answer; this process counts it all the same.
    pub async fn charge(&self, run: RunId, took: Duration) -> Result<(), DbErr> {
        let excess = took.saturating_sub(PAGE_FREE);
        if excess.is_zero() {
            return Ok(());
        }
        *self.spent().entry(run).or_default() += excess;
        let excess_ms = i64::try_from(excess.as_millis()).unwrap_or(i64::MAX);
        task::Entity::update_many()
            .col_expr(task::Column::DecodeExcessMs, Expr::col(task::Column::DecodeExcessMs).add(excess_ms))
            .filter(task::Column::Id.eq(run.0))
            .exec(&self.database)
            .await?;
        self.read(run).await.map(drop)
    }

    /// A page that was late because less than a page's deadline was left.
    #[must_use]
    pub fn is_spent(&self, spent: Duration) -> DocumentError {
        DocumentError::BudgetSpent { spent, budget: self.budget }
    }

    /// All that a document may take.
    #[must_use]
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// The task is over, or is not worked on here.
    pub fn forget(&self, run: RunId) {
        self.spent().remove(&run);
    }

    async fn read(&self, run: RunId) -> Result<Duration, DbErr> {
        let excess_ms: Option<i64> = task::Entity::find_by_id(run.0)
            .select_only()
            .column(task::Column::DecodeExcessMs)
            .into_tuple()
            .one(&self.database)
            .await?;
        let read = Duration::from_millis(excess_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default());
        let mut spent = self.spent();
        if spent.len() >= KNOWN_MAX {
            spent.clear();
        }
        let known = spent.entry(run).or_default();
        // What could not be written counts here all the same.
        *known = read.max(*known);
        Ok(*known)
    }

    fn spent(&self) -> MutexGuard<'_, HashMap<RunId, Duration>> {
        // No panic leaves it half written.
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
