//! The queue as an apalis backend. It never reports an error: apalis ends a
//! worker at the first, and drops what it was doing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use apalis_codec::json::JsonCodec;
use apalis_core::backend::finalize::Durable;
use apalis_core::backend::{Backend, BackendConfig, WireFormatBackend};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::metadata::MetadataStore;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use apalis_workflow::sequential::WorkflowContext;
use futures_util::Sink;
use futures_util::future::BoxFuture;
use tower::layer::util::Identity;
use uuid::Uuid;

use super::source::{Pulled, Source};
use crate::definition::Definition;
use crate::id::Delivery;

/// A future in progress. Behind a lock that is never contended, because apalis
/// requires its backends to be `Sync`.
type InProgress<T> = Mutex<Option<BoxFuture<'static, T>>>;

/// One topic, for one worker. A clone shares the topic, not what is in progress.
pub(super) struct TopicBackend {
    source: Arc<Source>,
    codec: JsonCodec,
    pulling: InProgress<Vec<Pulled>>,
    /// At most as many as there were free slots.
    pulled: VecDeque<Pulled>,
    releasing: InProgress<()>,
}

impl TopicBackend {
    pub(super) fn new(source: Arc<Source>) -> Self {
        let (pulling, releasing) = (Mutex::default(), Mutex::default());
        Self { source, codec: JsonCodec::default(), pulling, pulled: VecDeque::new(), releasing }
    }

    fn task(&self, pulled: Pulled) -> Task<Vec<u8>> {
        let delivery = pulled.delivery;
        // A delivery is plain numbers and always has a JSON form.
        let wire = serde_json::to_vec(&delivery).unwrap_or_default();
        TaskBuilder::new(wire)
            .task_id(TaskId::from_uuid(delivery.id()))
            .with_metadata(metadata(&self.source.workflow.definition(), &delivery, &pulled.tenant))
            .metadata(&WorkflowContext { step_index: usize::from(delivery.slot.step) })
            .data(pulled)
            .build()
    }
}

/// What layers and logs may want to know. The keys have a prefix, because apalis's
/// own are in the same map. A run is one trace, and its id is the trace's: the 16
/// bytes of a UUID are what W3C calls a trace id.
fn metadata(definition: &Definition, delivery: &Delivery, tenant: &str) -> MetadataStore {
    let entries = [
        ("untxt.run", delivery.slot.run.to_string()),
        ("untxt.tenant", tenant.to_owned()),
        ("untxt.trace", delivery.slot.run.0.simple().to_string()),
        ("untxt.workflow", definition.name().to_owned()),
        ("untxt.version", definition.version().to_string()),
        ("untxt.step", definition.step_name(delivery.slot.step).to_owned()),
        ("untxt.attempt", delivery.attempt.to_string()),
    ];
    let mut metadata = MetadataStore::new();
    for (key, value) in entries {
        // Fails only for a key that is there already; these are seven.
        let _ = metadata.insert(key, value);
    }
    metadata
}

impl Clone for TopicBackend {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.source))
    }
}

fn poll_in_progress<T>(future: &mut InProgress<T>, cx: &mut Context<'_>) -> Poll<Option<T>> {
    let in_progress = future.get_mut().unwrap_or_else(PoisonError::into_inner);
    let Some(future) = in_progress.as_mut() else { return Poll::Ready(None) };
    let done = ready!(future.as_mut().poll(cx));
    *in_progress = None;
    Poll::Ready(Some(done))
}

fn begin<T>(in_progress: &mut InProgress<T>, future: BoxFuture<'static, T>) {
    *in_progress.get_mut().unwrap_or_else(PoisonError::into_inner) = Some(future);
}

impl Backend for TopicBackend {
    type Task = Task<Vec<u8>>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        loop {
            if let Some(pulled) = self.pulled.pop_front() {
                return Poll::Ready(Some(Ok(self.task(pulled))));
            }
            match ready!(poll_in_progress(&mut self.pulling, cx)) {
                Some(pulled) => self.pulled = pulled.into(),
                None => begin(&mut self.pulling, Box::pin(Arc::clone(&self.source).pull())),
            }
        }
    }

    /// Returns what was pulled and not begun to the queue.
    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        *self.pulling.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
        if !self.pulled.is_empty() {
            let unbegun: Vec<Delivery> = self.pulled.drain(..).map(|pulled| pulled.delivery).collect();
            let source = Arc::clone(&self.source);
            begin(&mut self.releasing, Box::pin(async move { source.release(&unbegun).await }));
        }
        poll_in_progress(&mut self.releasing, cx).map(|_| Ok(()))
    }
}

impl BackendConfig for TopicBackend {
    type Args = Delivery;
    /// Of tasks that a flow would send, which are dropped.
    type Id = Uuid;
    type Kind = Durable;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}

impl WireFormatBackend for TopicBackend {
    type Codec = JsonCodec;
    type Compact = Vec<u8>;

    fn codec(&self) -> &JsonCodec {
        &self.codec
    }
}

/// Drops the next task of a flow: what follows a step comes from the journal's
/// commit, and was pushed before the step returned.
impl Sink<Task<Vec<u8>>> for TopicBackend {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, _: Task<Vec<u8>>) -> Result<(), Infallible> {
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{RunId, Slot};
    use crate::retry::RetryPolicy;
    use crate::step::Step;
    use crate::workflow::Workflow;

    #[test]
    fn run_tenant_and_trace_stand_on_every_steps_task() {
        let (policy, none) = (RetryPolicy::default(), None::<Arc<dyn Step>>);
        let workflow = Workflow::new("w", 3).step("one", policy, none.clone()).step("two", policy, none);
        let slot = Slot { run: RunId(Uuid::from_u128(7)), step: 1, item: None };
        let metadata = metadata(workflow.definition(), &Delivery { slot, attempt: 2 }, "größer");
        let of = |key: &str| metadata.get(key).map(ToString::to_string);
        let expected = [
            ("untxt.run", "00000000-0000-0000-0000-000000000007"),
            ("untxt.tenant", "größer"),
            ("untxt.trace", "00000000000000000000000000000007"),
            ("untxt.workflow", "w"),
            ("untxt.version", "3"),
            ("untxt.step", "two"),
            ("untxt.attempt", "2"),
        ];
        for (key, value) in expected {
            assert_eq!(of(key).as_deref(), Some(value), "{key}");
        }
    }
}
