//! `passes`: when a pass over all tasks began that one worker at a time makes.

use sea_orm::entity::prelude::*;

/// A row of `passes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "passes")]
pub struct Model {
    /// Which pass.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// When somebody began the last one, in milliseconds.
    pub began_at_ms: i64,
}

/// It belongs to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
