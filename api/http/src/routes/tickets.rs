//! `POST /api/tickets`: for clients that can't send a header, one request's worth
//! of being who they are.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Response, handler};
use serde_json::json;

use crate::app_state::AppState;
use crate::auth::TICKET_LIFE;
use crate::auth::principal::Principal;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn create(depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let ticket = AppState::of(depot)?.auth.ticket(Principal::of(depot)?).await?;
    res.status_code(StatusCode::CREATED);
    let data = json!({ "ticket": ticket, "expiresIn": TICKET_LIFE.as_secs() });
    res.render(Json(views::success(&data)));
    Ok(())
}
