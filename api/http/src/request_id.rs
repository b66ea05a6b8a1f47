//! The id of a request, and the span in which everything that is logged for it stands.

use opentelemetry::trace::TraceId;
use salvo::http::header::HeaderName;
use tracing::{Span, field};
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

/// The span of the request `id`. If it belongs to a trace, [`set_trace`] says to which.
pub(crate) fn span(id: &str) -> Span {
    tracing::error_span!(target: SPAN, "request", id, trace_id = field::Empty)
}

/// Has the lines that are logged for the current request say which trace it belongs to.
pub(crate) fn set_trace(trace: TraceId) {
    Span::current().record("trace_id", field::display(trace));
}

/// An id that no other request has.
pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}
