//! `admissions`: when a user began a task, whatever has become of it. Written in
//! the commit that begins it while there is a limit, and gone a minute later.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One task that was begun.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admissions")]
pub struct Model {
    /// The task's id. The task may be erased already.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who began it.
    pub user_id: Uuid,
    /// When.
    pub admitted_at: DateTime<Utc>,
}

/// An admission stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
