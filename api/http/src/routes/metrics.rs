//! `GET /metrics`: what is counted and timed, as Prometheus reads it.

use salvo::http::header::{CONTENT_TYPE, HeaderValue};
use salvo::prelude::{Depot, Response, handler};

use crate::boxed::boxed;
use crate::error::ApiError;
use crate::health::HealthState;

#[handler]
#[boxed]
pub(crate) async fn metrics(depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let text = HealthState::of(depot)?.metrics().await;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    res.headers_mut().insert(CONTENT_TYPE, kind);
    res.body(text);
    Ok(())
}
