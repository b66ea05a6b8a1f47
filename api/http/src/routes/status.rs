//! `GET /api/tasks/:id/status`: where a task stands, and little else.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};
use untxt_engine::id::RunId;
use untxt_engine::state::RunState;
use untxt_workflows::ocr::WORKFLOW;
use uuid::Uuid;

use super::{asked_user, named_id};
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn status(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let (id, asked, caller) = (named_id(req)?, asked_user(req)?, Principal::of(depot)?);
    let found = state.platform.records.engine().run(RunId(id)).await?;
    // The run alone says whose it is: this is asked too often to read the task.
    let owner = |run: &RunState| Uuid::parse_str(&run.tenant).ok().filter(|_| run.definition == WORKFLOW);
    let theirs = |user: Uuid| caller.sees(user) && asked.is_none_or(|asked| asked == user);
    let run = found.filter(|run| owner(run).is_some_and(theirs));
    let run = run.ok_or_else(|| ApiError::no_task(&id.to_string()))?;
    Ok(Json(views::success(&json!({
        "taskId": id,
        "status": run.status.as_str(),
        "step": AppState::steps().get(usize::from(run.step)),
        "attempt": run.attempts.made,
        "progress": views::progress(run.items.done, run.items.total),
        "source": "database",
    }))))
}
