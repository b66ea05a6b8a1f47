//! `redrive_rates`: the rate that a bulk redrive has been given since it began.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One rate.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "redrive_rates")]
pub struct Model {
    /// The bulk redrive's run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: Uuid,
    /// Letters a second; as fast as it goes when absent.
    pub per_second: Option<f64>,
    /// When it was set.
    pub changed_at: DateTime<Utc>,
}

/// A rate stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
