//! Hourly maintenance passes, which one worker at a time makes for all: whoever comes
//! first when one is due.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, Set};
use untxt_engine::journal::database::Database;
use untxt_engine::time::Timestamp;

use crate::entities::pass;

/// How often a pass is made.
pub(crate) const PASS_EVERY: Duration = Duration::from_secs(60 * 60);

/// How often each worker looks whether it is time: should the one that began the
/// last pass be gone, another one makes the next.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);

/// Whether whoever asks is to make the pass at `now`: nobody began it within
/// [`PASS_EVERY`]. Of many that ask, one is told so.
pub(crate) async fn try_begin(db: &Database, name: &str, now: Timestamp) -> Result<bool, DbErr> {
    let first = pass::ActiveModel { name: Set(name.to_owned()), began_at_ms: Set(i64::MIN) };
    pass::Entity::insert(first).on_conflict_do_nothing().exec_without_returning(db).await?;
    let over = now.0.saturating_sub(i64::try_from(PASS_EVERY.as_millis()).unwrap_or(i64::MAX));
    let begun = pass::Entity::update_many()
        .col_expr(pass::Column::BeganAtMs, Expr::value(now.0))
        .filter(pass::Column::Name.eq(name))
        .filter(pass::Column::BeganAtMs.lte(over))
        .exec(db)
        .await?;
    Ok(begun.rows_affected > 0)
}

/// Gives up a pass that was begun, so that the next look of anybody makes it.
pub(crate) async fn give_up(db: &Database, name: &str) {
    let update = pass::Entity::update_many()
        .col_expr(pass::Column::BeganAtMs, Expr::value(i64::MIN))
        .filter(pass::Column::Name.eq(name));
    if let Err(error) = update.exec(db).await {
        tracing::debug!(%error, pass = name, "the pass is made again when its time comes");
    }
}

#[cfg(test)]
mod tests {
    use untxt_engine::journal::database::connect;

    use super::*;

    #[tokio::test]
    async fn one_of_many_workers_makes_a_pass_and_the_next_one_an_hour_later() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/untxt.db", dir.path().display());
        let db = connect(&url).await.unwrap();
        untxt_migrations::up(&db.for_layout()).await.unwrap();
        let at = |minutes: u64| Timestamp(0).after(Duration::from_secs(minutes * 60));
        let asked = async |now| {
            let asked = (0..5).map(|_| try_begin(&db, "erase", now));
            let told = futures_util::future::join_all(asked).await;
            told.into_iter().filter(|told| *told.as_ref().unwrap()).count()
        };
        assert_eq!(asked(at(0)).await, 1);
        assert_eq!(asked(at(59)).await, 0);
        assert!(try_begin(&db, "another", at(59)).await.unwrap(), "each pass has its own time");
        assert_eq!(asked(at(60)).await, 1);
        give_up(&db, "erase").await;
        assert_eq!(asked(at(61)).await, 1, "it broke off");
    }
}
