//! Which trace a task belongs to, and a span for each attempt at one of its
//! steps. Where nothing collects spans, none of this does anything.

use async_trait::async_trait;
use opentelemetry::trace::{
    FutureExt, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue, global};
use tracing::{Instrument, Span};
use untxt_engine::error::StepError;
use untxt_engine::state::RunState;
use untxt_engine::step::{Step, StepContext, StepOutput};

/// What spans of this program are told apart by from other programs' in one
/// trace.
pub const SCOPE: &str = "untxt";

/// Whatever is under way here, as the W3C's `traceparent` writes it; `None` when
/// that is part of no trace.
#[must_use]
pub fn current() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    written(span.span_context())
}

/// A span as the W3C's `traceparent` writes it.
fn written(span: &SpanContext) -> Option<String> {
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    span.is_valid().then(|| format!("00-{trace}-{id}-{flags:02x}"))
}

/// The span that `traceparent` writes, in another process; `None` when it is
/// none. What a newer version adds is passed over, as the W3C wants it.
#[must_use]
pub fn read(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let sound = hex(version, 2) && hex(trace, 32) && hex(id, 16) && hex(flags, 2);
    if !sound || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let (trace, id) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(id).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let span = SpanContext::new(trace, id, flags, true, TraceState::default());
    span.is_valid().then_some(span)
}

/// A run that was begun outside of any trace is one itself: its id is the
/// trace's.
fn own(run: &RunState) -> SpanContext {
    let bytes = run.id.0.into_bytes();
    let mut last = [0; 8];
    last.copy_from_slice(&bytes[8..]);
    let (trace, id) = (TraceId::from_bytes(bytes), SpanId::from_bytes(last));
    SpanContext::new(trace, id, TraceFlags::SAMPLED, true, TraceState::default())
}

/// A step whose attempts are spans of its run's trace, below the request that began
/// the run. They are named after the workflow and the step.
pub(crate) struct Traced<S> {
    /// The request that began the run, as its input has it.
    pub(crate) parent: fn(&RunState) -> Option<String>,
    /// The step.
    pub(crate) step: S,
}

#[async_trait]
impl<S: Step> Step for Traced<S> {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let begun_by = (self.parent)(&context.run).as_deref().and_then(read);
        let is_traced = begun_by.is_some();
        let parent = begun_by.unwrap_or_else(|| own(&context.run));
        let trace = parent.trace_id();
        let parent = Context::new().with_remote_span_context(parent);
        let span = format!("{}.{}", context.run.definition, context.step_name());
        let span = SpanBuilder::from_name(span).with_kind(SpanKind::Internal);
        let span = span.with_attributes(attributes(&context));
        let here = parent.with_span(global::tracer(SCOPE).build_with_context(span, &parent));
        // What is logged is found from the trace, and the trace from there.
        let logged = match is_traced || here.span().is_recording() {
            true => tracing::info_span!("trace", trace_id = %trace),
            false => Span::none(),
        };
        // One that is dropped on the way ends its span with it.
        let done = self.step.run(context).with_context(here.clone()).instrument(logged).await;
        if let Err(error) = &done {
            here.span().set_attribute(KeyValue::new("error.type", error.code.clone()));
            here.span().set_status(Status::error(error.code.clone()));
        }
        here.span().end();
        done
    }
}

fn attributes(context: &StepContext) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("untxt.run", context.run.id.to_string()),
        KeyValue::new("untxt.attempt", i64::from(context.attempt)),
        KeyValue::new("untxt.worker", context.worker.as_str().to_owned()),
    ];
    attributes.extend(context.slot.item.map(|item| KeyValue::new("untxt.item", i64::from(item))));
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let span = read(text).unwrap();
        assert_eq!(written(&span).as_deref(), Some(text));
        assert!(span.is_sampled() && span.is_remote());
        assert!(!read(&text.replace("-01", "-00")).unwrap().is_sampled());
        // A newer version, with more behind what is known.
        assert!(read(&format!("{}-more", text.replacen("00", "cc", 1))).is_some());
        let broken = [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01",
        ];
        for text in broken {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
