//! `uploads`: files that clients put into the store themselves, until they are
//! tasks. Those that never become one are gone after a day.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One upload.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    /// Which; also the id of the removal of its object.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub user_id: Uuid,
    /// The client's name for the file.
    pub filename: String,
    /// Bytes that are to come.
    pub file_size: i64,
    /// SHA-256 that they are to have, hexadecimal, if the client said.
    pub file_hash: Option<String>,
    /// Where the client puts it.
    pub object_key: String,
    /// The task it became.
    pub task_id: Option<Uuid>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it can't become a task any more.
    pub expires_at: DateTime<Utc>,
}

/// Uploads have no relations that are followed in queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
