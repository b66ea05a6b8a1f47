//! `erasures`: tasks that were erased lately. Written in the commit that erases
//! the task, so that every process can tell whoever listens.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One task that was erased.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasures")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: Uuid,
    /// Whose it was.
    pub user_id: Uuid,
    /// When.
    pub erased_at: DateTime<Utc>,
}

/// An erasure stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
