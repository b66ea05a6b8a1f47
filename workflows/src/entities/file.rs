//! `files`: an upload and, once it is processed, its result.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "files")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub user_id: Uuid,
    /// The client's name for it, made safe.
    pub filename: String,
    /// By its first bytes.
    pub mime_type: Option<String>,
    /// Bytes.
    pub file_size: Option<i64>,
    /// Where the upload lies.
    pub s3_key: String,
    /// Where the first of its results lies.
    pub s3_result_key: Option<String>,
    /// SHA-256 of the upload, hexadecimal.
    pub file_hash: Option<String>,
    /// `uploaded`, `processed` or `failed`.
    pub status: Option<String>,
    /// When it came.
    pub uploaded_at: Option<DateTime<Utc>>,
    /// When last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Files have no relations that are followed in queries: a task leads to its file.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
