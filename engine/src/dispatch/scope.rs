//! What a task knows about itself while apalis runs it. apalis offers no other
//! way to reach the places where it makes ids and sends tasks on.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use apalis_core::task::task_id::{GenerateId, TaskId};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};
use uuid::Uuid;

use super::source::{Pulled, Source};
use super::{Following, Settled};
use crate::crash::CrashPoint;
use crate::health::Part;
use crate::id::Delivery;

tokio::task_local! {
    static SCOPE: Arc<Scope>;
}

/// One delivery while it is dealt with.
#[derive(Debug)]
pub(super) struct Scope {
    pulled: Pulled,
    outcome: Mutex<Outcome>,
}

#[derive(Debug, Default)]
struct Outcome {
    released: bool,
    /// Pointers at later steps: what the flow sends on.
    onward: Following,
    /// Pointers at the same step. One that was handed back has the id of the
    /// delivery itself, so they are pushed once that is acknowledged.
    again: Following,
}

impl Scope {
    fn lock(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what came of the delivery that the present task deals with.
pub(super) fn settle(settled: Settled) {
    let _ = SCOPE.try_with(|scope| {
        let mut outcome = scope.lock();
        match settled {
            Settled::Released => outcome.released = true,
            Settled::Done(Following { workflow, pointers }) => {
                let step = scope.pulled.delivery.slot.step;
                let (again, onward) =
                    pointers.into_iter().partition(|pointer| pointer.delivery.slot.step == step);
                outcome.onward = Following { workflow: workflow.clone(), pointers: onward };
                outcome.again = Following { workflow, pointers: again };
            }
        }
    });
}

/// What the present task's flow is to send on; empty the second time, and
/// where nothing follows yet.
pub(super) fn take_onward() -> Following {
    SCOPE.try_with(|scope| std::mem::take(&mut scope.lock().onward)).unwrap_or_default()
}

/// Ids of the tasks that a flow sends on: the id of the delivery that follows,
/// the same whenever it is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepId;

impl GenerateId for StepId {
    fn generate() -> TaskId {
        let following = SCOPE.try_with(|scope| {
            let outcome = scope.lock();
            outcome.onward.pointers.first().map(|pointer| pointer.delivery.id())
        });
        // Nothing follows: the task that would bear this id is not sent.
        TaskId::from_uuid(following.ok().flatten().unwrap_or(Uuid::nil()))
    }
}

/// Gives each task its scope, and settles the delivery after it.
#[derive(Clone)]
pub(super) struct ScopeLayer {
    pub(super) source: Arc<Source>,
}

impl<S> Layer<S> for ScopeLayer {
    type Service = ScopeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ScopeService { inner, source: Arc::clone(&self.source) }
    }
}

#[derive(Clone)]
pub(super) struct ScopeService<S> {
    inner: S,
    source: Arc<Source>,
}

impl<S> Service<Task<Vec<u8>>> for ScopeService<S>
where
    S: Service<Task<Vec<u8>>>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Vec<u8>>) -> Self::Future {
        let pulled = task.data().get::<Pulled>().cloned();
        let (dealing, source) = (self.inner.call(task), Arc::clone(&self.source));
        Box::pin(async move {
            let Some(pulled) = pulled else { return Err("the task is not from this backend".into()) };
            deal(source, pulled, async move { dealing.await.map(drop).map_err(Into::into) }).await;
            Ok(())
        })
    }
}

/// Deals with a delivery and acknowledges it, always as done: what was to be
/// remembered of it is in the journal by then.
async fn deal(
    source: Arc<Source>,
    pulled: Pulled,
    dealing: impl Future<Output = Result<(), BoxDynError>> + Send,
) {
    let delivery = pulled.delivery;
    let scope = Arc::new(Scope { pulled, outcome: Mutex::default() });
    if let Err(error) = SCOPE.scope(Arc::clone(&scope), dealing).await {
        source.parts.failed(Part::Worker, &format!("{}: {error}", delivery.slot));
    }
    let outcome = std::mem::take(&mut *scope.lock());
    if outcome.released {
        source.release(&[delivery]).await;
    } else {
        finish(&source, delivery, &outcome).await;
    }
}

async fn finish(source: &Source, delivery: Delivery, outcome: &Outcome) {
    // The last step's flow sends nothing on; neither does one that broke.
    source.push(&outcome.onward).await;
    source.parts.passes(CrashPoint::Pushed).await;
    source.acknowledge(delivery).await;
    source.parts.passes(CrashPoint::Acknowledged).await;
    source.push(&outcome.again).await;
}
