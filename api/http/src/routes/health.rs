//! `GET /health`: whether this process and what it depends on are well.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Response, handler};
use serde_json::json;

use crate::boxed::boxed;
use crate::error::ApiError;
use crate::health::HealthState;

#[handler]
#[boxed]
pub(crate) async fn health(depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let process = HealthState::of(depot)?;
    let checks = process.checks().await;
    let problems: Vec<_> = process
        .platform()
        .records
        .engine()
        .health()
        .into_iter()
        .map(|problem| json!({ "part": problem.part.word(), "failures": problem.failures }))
        .collect();
    // Nothing can be taken without these.
    let up = checks.database && checks.writes && checks.objects && checks.disk;
    let well = up && checks.queue && problems.is_empty();
    // Nothing is lost while the queue is away, and uploads are taken: it is named,
    // but no reason to send clients elsewhere.
    res.status_code(if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE });
    res.render(Json(json!({
        "success": true,
        "data": {
            "status": if well { "healthy" } else { "degraded" },
            "version": env!("CARGO_PKG_VERSION"),
            "dependencies": checks.view(),
            "problems": problems,
        },
    })));
    Ok(())
}
