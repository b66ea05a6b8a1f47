//! The id of a request, and the span in which everything that is logged for it stands.

use salvo::http::header::HeaderName;
use tracing::Span;
use uuid::Uuid;

/// The target of the span of a request. It is kept whatever `UNTXT_LOG` leaves
/// out: without it no line could be told to be a request's.
pub const SPAN: &str = "untxt::request";

/// The header that carries a request's id.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The span of the request that an answer is for: its body is sent after the
/// routes are through with it.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredIn(pub(crate) Span);

/// The span of the request `id`.
pub(crate) fn span(id: &str) -> Span {
    tracing::error_span!(target: SPAN, "request", id)
}

/// An id that no other request has.
pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}
