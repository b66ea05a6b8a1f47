//! The definition's steps as a `SteppedFlow`, run by an apalis worker.

use std::sync::Arc;

use apalis::layers::WorkerBuilderExt;
use apalis_core::error::{BoxDynError, WorkerError};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_workflow::SteppedFlow;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::backend::TopicBackend;
use super::scope::settle;
use super::{Attempts, Source};
use crate::id::Delivery;

/// Chains as many links as there are tokens. The chain is typed, link by link,
/// so its length must be known when this is compiled.
macro_rules! chain {
    ($flow:expr, $attempts:expr,) => { $flow };
    ($flow:expr, $attempts:expr, $head:tt $($tail:tt)*) => {
        chain!($flow.and_then(link(Arc::clone($attempts))), $attempts, $($tail)*)
    };
}

/// Builds and runs the worker of a chain.
macro_rules! run_chain {
    ($name:expr, $source:expr, $attempts:expr, $shutdown:expr, $($links:tt)*) => {{
        let flow = chain!(SteppedFlow::new($source.topic()), &$attempts, $($links)*);
        let backend = TopicBackend::new(Arc::clone(&$source));
        let worker = WorkerBuilder::new($name).backend(backend).enable_tracing().build(flow);
        Box::pin(worker.run_until(async move {
            $shutdown.cancelled().await;
            Ok::<(), WorkerError>(())
        }))
    }};
}

/// Works on one topic until `shutdown`, then until what was begun is over.
///
/// # Errors
/// What apalis says when its worker ends for another reason.
pub(crate) async fn run(
    name: &str,
    source: Arc<Source>,
    attempts: Arc<dyn Attempts>,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let worker: BoxFuture<'static, Result<(), WorkerError>> = match source.workflow.steps.len() {
        1 => run_chain!(name, source, attempts, shutdown, 1),
        2 => run_chain!(name, source, attempts, shutdown, 1 2),
        3 => run_chain!(name, source, attempts, shutdown, 1 2 3),
        4 => run_chain!(name, source, attempts, shutdown, 1 2 3 4),
        5 => run_chain!(name, source, attempts, shutdown, 1 2 3 4 5),
        6 => run_chain!(name, source, attempts, shutdown, 1 2 3 4 5 6),
        7 => run_chain!(name, source, attempts, shutdown, 1 2 3 4 5 6 7),
        // A definition has no more; see `definition::STEPS_MAX`.
        _ => run_chain!(name, source, attempts, shutdown, 1 2 3 4 5 6 7 8),
    };
    worker.await
}

/// One step of the chain. All links do the same: which step it is stands in
/// the delivery. The attempt has a task of its own, so that one that computes
/// without a pause holds up no other.
fn link(
    attempts: Arc<dyn Attempts>,
) -> impl Fn(Delivery) -> BoxFuture<'static, Result<Delivery, BoxDynError>> + Clone + Send + Sync + 'static {
    move |delivery| {
        let attempts = Arc::clone(&attempts);
        Box::pin(async move {
            let attempt = tokio::spawn(async move { attempts.attempt(delivery).await });
            settle(AbortOnDropHandle::new(attempt).await?);
            Ok(delivery)
        })
    }
}
