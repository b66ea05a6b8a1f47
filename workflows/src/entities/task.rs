//! `tasks`: what a user asked for, and how far it is. A task's id is the id of
//! its run; the run's history is the truth, this row is its summary.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One task.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    /// Which; also the run's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The file it is about.
    pub file_id: Option<Uuid>,
    /// Whose.
    pub user_id: Uuid,
    /// `ocr`.
    pub task_type: Option<String>,
    /// 1 to 10, 10 most urgent.
    pub priority: Option<i32>,
    /// A run's status.
    pub status: Option<String>,
    /// Length of the text, confidence and what else the result's summary says.
    pub result: Option<Json>,
    /// Why it failed, for people.
    pub error_message: Option<String>,
    /// Why it failed, for machines.
    pub error_code: Option<String>,
    /// Name of the engine that was asked for.
    pub engine: String,
    /// SHA-256 of the component it is pinned to.
    pub engine_digest: Option<String>,
    /// Formats of the result, comma-separated.
    pub formats: String,
    /// The engine's settings and the page images' resolution.
    pub options: Option<Json>,
    /// The range of pages that was asked for.
    pub pages: Option<String>,
    /// `fail` or `partial`.
    pub on_page_failure: String,
    /// Pages to be recognised, once known.
    pub pages_total: Option<i32>,
    /// Name of the step it is at.
    pub step: Option<String>,
    /// Attempts at that step.
    pub attempt: i32,
    /// How much longer its pages took to decode than pages usually do,
    /// milliseconds; over all attempts.
    pub decode_excess_ms: i64,
    /// The client's key that makes a repeated request the same task.
    pub idempotency_key: Option<String>,
    /// What the request with that key asked for, hashed.
    pub request_hash: Option<String>,
    /// When it was accepted.
    pub created_at: Option<DateTime<Utc>>,
    /// When its first step began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// When last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A task is about a file.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The file it is about.
    #[sea_orm(belongs_to = "super::file::Entity", from = "Column::FileId", to = "super::file::Column::Id")]
    File,
}

impl Related<super::file::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::File.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
