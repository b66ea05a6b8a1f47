//! `GET /health`: whether this process and what it depends on are well.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Response, handler};
use serde_json::json;
use untxt_workflows::ocr::WORKFLOW;

use crate::doors::Doors;
use crate::error::ApiError;

#[handler]
pub(crate) async fn health(depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let doors = Doors::of(depot)?;
    let database = doors.platform.database().ping().await.is_ok();
    let objects = doors.platform.bench().objects.check().await.is_ok();
    // Nothing is lost while the queue is away, and uploads are taken: it is named,
    // but no reason to send clients elsewhere.
    let queue = doors.platform.engine().depth(WORKFLOW).await.is_ok();
    let problems: Vec<_> = doors
        .platform
        .engine()
        .health()
        .into_iter()
        .map(|problem| json!({ "part": format!("{:?}", problem.part).to_lowercase(), "failures": problem.failures }))
        .collect();
    let well = database && objects && queue && problems.is_empty();
    let word = |up: bool| if up { "up" } else { "down" };
    res.status_code(if database && objects { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE });
    res.render(Json(json!({
        "success": true,
        "data": {
            "status": if well { "healthy" } else { "degraded" },
            "version": env!("CARGO_PKG_VERSION"),
            "dependencies": { "database": word(database), "objects": word(objects), "queue": word(queue) },
            "problems": problems,
        },
    })));
    Ok(())
}
