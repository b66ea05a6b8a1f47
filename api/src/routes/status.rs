//! `GET /api/tasks/:id/status`: where a task stands, and little else.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};
use untxt_engine::id::RunId;
use uuid::Uuid;

use crate::doors::Doors;
use crate::error::ApiError;
use crate::views;

#[handler]
pub(crate) async fn status(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let doors = Doors::of(depot)?;
    let text = req.param::<String>("id").unwrap_or_default();
    let id = Uuid::parse_str(&text).map_err(|_| ApiError::no_task(&text))?;
    let run = doors.platform.engine().run(RunId(id)).await?.ok_or_else(|| ApiError::no_task(&text))?;
    Ok(Json(views::success(&json!({
        "taskId": id,
        "status": run.status.as_str(),
        "step": Doors::steps().get(usize::from(run.step)),
        "attempt": run.attempts.made,
        "progress": views::progress(run.items.done, run.items.total),
        "source": "database",
    }))))
}
