//! `removals`: objects that are to go. Written in the commit that takes away
//! what named them, and gone once the store has confirmed it.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One object that is to go.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "removals")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Where the object lies.
    pub object_key: String,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// How often the store did not take it.
    pub attempts: i32,
}

/// A removal stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
