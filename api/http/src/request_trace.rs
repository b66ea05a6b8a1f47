//! Middleware that gives each request a trace span, a child of the caller's own if
//! `traceparent` names one.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use opentelemetry::trace::{FutureExt, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use salvo::http::StatusCode;
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};
use untxt_workflows::trace::{self, SCOPE};

use crate::{request_id, request_tracker};

/// What is asked every few seconds and is nobody's work.
const UNTRACED: [&str; 3] = ["health", "ready", "metrics"];

/// Whether anything collects spans.
static COLLECTED: AtomicBool = AtomicBool::new(false);

/// Says that something collects spans from here on.
pub(crate) fn collect() {
    COLLECTED.store(true, Ordering::Relaxed);
}

/// The middleware.
pub(crate) struct RequestTrace;

#[async_trait]
impl Handler for RequestTrace {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let caller = req.header::<String>("traceparent").as_deref().and_then(trace::read);
        let caller = caller.map_or_else(Context::new, |span| Context::new().with_remote_span_context(span));
        let collected = COLLECTED.load(Ordering::Relaxed) && !UNTRACED.contains(&req.matched_path());
        let here = if collected {
            caller.with_span(global::tracer(SCOPE).build_with_context(span(req, res), &caller))
        } else {
            // A worker may collect what this process does not.
            caller
        };
        if here.span().span_context().is_valid() {
            request_id::set_trace(here.span().span_context().trace_id());
        }
        ctrl.call_next(req, depot, res).with_context(here.clone()).await;
        if !collected {
            return;
        }
        let status = res.status_code.unwrap_or(StatusCode::OK);
        here.span().set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if status.is_server_error() {
            here.span().set_status(Status::error(status.as_u16().to_string()));
        }
        here.span().end();
    }
}

/// Named by method and route, with names for ids.
fn span(req: &Request, res: &Response) -> SpanBuilder {
    let (method, route) = (request_tracker::method(req).to_string(), format!("/{}", req.matched_path()));
    let id = res.headers().get(request_id::HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
    SpanBuilder::from_name(format!("{method} {route}")).with_kind(SpanKind::Server).with_attributes([
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route),
        // By which the lines of the log are found that belong to it.
        KeyValue::new("untxt.request_id", id.to_owned()),
    ])
}
