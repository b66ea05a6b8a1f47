//! A workflow's steps as a `SteppedFlow`, run by an apalis worker.

use std::sync::Arc;
use std::task::{Context, Poll};

use apalis::layers::WorkerBuilderExt;
use apalis_core::error::{BoxDynError, WorkerError};
use apalis_core::task::Task;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_workflow::SteppedFlow;
use apalis_workflow::sequential::router::WorkflowRouter;
use apalis_workflow::sequential::workflow::RootStep;
use apalis_workflow::sequential::{AndThen, Layer, Step};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tower::Service;

use super::backend::TopicBackend;
use super::source::{Pulled, Source};
use super::{AckDecision, HandleDelivery};
use crate::health::Part;
use crate::id::Delivery;

/// Works on one topic until `shutdown`, then until the attempts in progress end.
///
/// # Errors
/// Why apalis's worker ended otherwise.
pub(crate) async fn run(
    name: &str,
    source: Arc<Source>,
    handler: Arc<dyn HandleDelivery>,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let count = source.workflow.definition().steps().len();
    let links = Links { link: Link { source: Arc::clone(&source), handler }, count };
    let flow = SteppedFlow::<Delivery, Delivery, TopicBackend>::new(source.topic());
    let flow = flow.add_step::<Links, Delivery>(links);
    let worker = WorkerBuilder::new(name).backend(TopicBackend::new(source)).enable_tracing().build(flow);
    let stop = async move {
        shutdown.cancelled().await;
        Ok::<(), WorkerError>(())
    };
    Box::pin(worker.run_until(stop)).await
}

/// One link for each step of the workflow.
///
/// `SteppedFlow::and_then` adds one link and makes it part of the flow's type, so a
/// flow built with it has a length known when the program is compiled. This adds as
/// many links as the definition has steps.
struct Links {
    link: Link,
    count: usize,
}

impl<Next> Layer<Next> for Links {
    type Step = RegisterLinks<Next>;

    fn layer(&self, next: Next) -> RegisterLinks<Next> {
        RegisterLinks { link: self.link.clone(), count: self.count, next }
    }
}

/// Registers the links, then the step after them.
struct RegisterLinks<Next> {
    link: Link,
    count: usize,
    next: Next,
}

impl<Next: Step<Delivery, TopicBackend>> Step<Delivery, TopicBackend> for RegisterLinks<Next> {
    type Response = Delivery;
    type Error = BoxDynError;

    fn register(&mut self, router: &mut WorkflowRouter<TopicBackend>) -> Result<(), BoxDynError> {
        for _ in 0..self.count {
            let mut step = AndThen::new(self.link.clone()).layer(RootStep::<Delivery>::default());
            Step::<Delivery, TopicBackend>::register(&mut step, router)?;
        }
        self.next.register(router)
    }
}

/// One step of the flow. All are alike: the delivery says which step it is for.
#[derive(Clone)]
struct Link {
    source: Arc<Source>,
    handler: Arc<dyn HandleDelivery>,
}

impl Service<Task<Delivery>> for Link {
    type Response = Delivery;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<Delivery, BoxDynError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Delivery>) -> Self::Future {
        let (link, pulled) = (self.clone(), task.data().get::<Pulled>().cloned());
        Box::pin(async move {
            // It occupies its slot until it is acknowledged.
            let pulled = pulled.ok_or("the task does not come from this backend")?;
            link.deliver(pulled.delivery).await;
            Ok(pulled.delivery)
        })
    }
}

impl Link {
    /// Has the attempt made, then acknowledges the delivery. apalis always hears of a
    /// success: what is to be remembered is in the journal by then.
    async fn deliver(self, delivery: Delivery) {
        // In a task of its own, so that an attempt that computes without a pause
        // holds up no other.
        let handler = self.handler;
        let attempt = tokio::spawn(async move { handler.handle(delivery).await });
        match AbortOnDropHandle::new(attempt).await {
            Ok(AckDecision::Acknowledge(next)) => self.source.acknowledge(delivery, next).await,
            Ok(AckDecision::Release) => self.source.release(&[delivery]).await,
            Err(error) => {
                self.source.shared.failed(Part::Worker, &format!("{}: {error}", delivery.slot));
                self.source.drop_delivery(delivery).await;
            }
        }
    }
}
