//! The rate of a bulk redrive. An operator may change it while it runs: it stands in a
//! table, where whichever worker goes through the letters looks once a second.

use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::{DbErr, EntityTrait, IntoActiveModel, QueryTrait};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use untxt_engine::id::RunId;
use untxt_engine::journal::database::Database;
use untxt_engine::rows::RowChange;

use crate::entities::redrive_rate;

/// How often it is looked whether the rate was changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The rate that the redrive has been given since it began; `None` if it was given none.
///
/// # Errors
/// What the database says.
pub(crate) async fn changed_rate(db: &Database, run: RunId) -> Result<Option<redrive_rate::Model>, DbErr> {
    redrive_rate::Entity::find_by_id(run.0).one(db).await
}

/// The row that changes the rate.
pub(crate) fn rate_row(rate: redrive_rate::Model) -> RowChange {
    let columns = [redrive_rate::Column::PerSecond, redrive_rate::Column::ChangedAt];
    let again = OnConflict::column(redrive_rate::Column::RunId).update_columns(columns).to_owned();
    redrive_rate::Entity::insert(rate.into_active_model()).on_conflict(again).into_query().into()
}

/// When the next letter is due.
pub(super) struct Pace {
    run: RunId,
    db: Database,
    per_second: Option<f64>,
    ticks: Option<Interval>,
    look_at: Instant,
}

impl Pace {
    /// The pace of a redrive that was begun with so many letters a second.
    pub(super) fn new(run: RunId, db: Database, per_second: Option<f64>) -> Self {
        Self { run, db, per_second, ticks: per_second.map(ticks), look_at: Instant::now() }
    }

    /// Waits until the next letter is due. Dropping the future loses no letter.
    pub(super) async fn due(&mut self) {
        loop {
            if Instant::now() >= self.look_at {
                self.look().await;
                self.look_at = Instant::now() + LOOK_EVERY;
            }
            let Some(ticks) = &mut self.ticks else { return };
            tokio::select! {
                _ = ticks.tick() => return,
                () = sleep_until(self.look_at) => {}
            }
        }
    }

    async fn look(&mut self) {
        // A database that does not answer changes no rate; the letters' own commits fail
        // with it and say so.
        let Ok(Some(changed)) = changed_rate(&self.db, self.run).await else { return };
        if changed.per_second != self.per_second {
            (self.per_second, self.ticks) = (changed.per_second, changed.per_second.map(ticks));
        }
    }
}

/// `rate` ticks a second, none of them made up for.
fn ticks(rate: f64) -> Interval {
    let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
