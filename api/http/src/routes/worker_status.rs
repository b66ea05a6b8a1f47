//! `GET /status` of a worker: what it is at, and how much there is to do.

use salvo::prelude::{Depot, Json, handler};
use serde_json::{Value, json};

use crate::boxed::boxed;
use crate::error::ApiError;
use crate::health::HealthState;
use crate::{operator_views, queues, views};

/// Slots that are listed; a worker has far fewer.
const HELD_MAX: u32 = 10_000;

#[handler]
#[boxed]
pub(crate) async fn worker_status(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let health = HealthState::of(depot)?;
    let (platform, engine) = (health.platform(), health.platform().records.engine());
    let process = platform.worker.process();
    let mine = |name: &str| name.strip_prefix(process).is_some_and(|rest| rest.starts_with('-'));
    let rows: Vec<_> = engine.workers().await?.into_iter().filter(|row| mine(row.name.as_str())).collect();
    let held = engine.holdings(HELD_MAX).await?;
    let held: Vec<_> = held.into_iter().filter(|held| mine(held.worker.as_str())).collect();
    let workers =
        operator_views::workers(&rows, &held, platform.records.engine().now(), platform.settings().lease);
    let (_, retries) = engine.retries(1, 0).await?;
    Ok(Json(views::success(&json!({
        "process": process,
        "uptimeSeconds": health.uptime().as_secs(),
        "concurrency": platform.settings().concurrency,
        "draining": health.is_draining(),
        "processing": held.len(),
        "workers": workers,
        "queues": queues::view(engine).await?["queues"],
        "retriesWaiting": retries,
    }))))
}
