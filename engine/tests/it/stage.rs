//! What the tests play on: a workflow of three steps, `open` - `page` for each
//! of three items - `close`, whose code a test can replace.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use untxt_engine::controls::Controls;
use untxt_engine::decide::Scheduled;
use untxt_engine::engine::Engine;
use untxt_engine::error::StepError;
use untxt_engine::event::Event;
use untxt_engine::id::RunId;
use untxt_engine::journal::Journal;
use untxt_engine::journal::memory::MemoryJournal;
use untxt_engine::new_run::NewRun;
use untxt_engine::queue::memory::MemoryQueue;
use untxt_engine::queue::{Depth, Pulled, Queue, QueueError};
use untxt_engine::retry::RetryPolicy;
use untxt_engine::step::{Step, StepContext, StepOutput};
use untxt_engine::time::SystemClock;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflow;
use untxt_engine::workflow::Workflows;
use uuid::Uuid;

pub(crate) const PAGES: u32 = 3;

/// Longer than any test takes; a test that waits for it has failed.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) type StepResult = Result<StepOutput, StepError>;

pub(crate) fn code<F>(code: impl Fn(StepContext) -> F + Send + Sync + 'static) -> Arc<dyn Step>
where
    F: Future<Output = StepResult> + Send + 'static,
{
    Arc::new(code)
}

/// A step's plain result.
pub(crate) fn returns(output: serde_json::Value) -> StepResult {
    Ok(StepOutput::new(output))
}

pub(crate) fn names_pages(pages: u32) -> StepResult {
    Ok(StepOutput::new(json!({ "pages": pages })).with_items(pages))
}

/// Retries come at once, so that tests need not wait.
pub(crate) fn policy() -> RetryPolicy {
    RetryPolicy { initial: Duration::ZERO, ..RetryPolicy::default() }
}

/// The workflow with the code of each of its steps.
pub(crate) fn paper_of(policy: RetryPolicy, [open, page, close]: [Arc<dyn Step>; 3]) -> Workflow {
    let workflow = Workflow::new("paper", 1).step("open", policy, open);
    workflow.step_per_item("page", policy, page).step("close", policy, close)
}

/// The workflow with `page` as the code of its pages.
pub(crate) fn paper(policy: RetryPolicy, page: Arc<dyn Step>) -> Workflow {
    let open = code(|_| async { names_pages(PAGES) });
    let close =
        code(|context| async move { returns(json!({ "closed": context.output_of("open")?["pages"] })) });
    paper_of(policy, [open, page, close])
}

pub(crate) fn easy_page() -> Arc<dyn Step> {
    code(|context| async move { returns(json!({ "page": context.slot.item })) })
}

pub(crate) fn memory_journal(workflow: &Workflow) -> Arc<dyn Journal> {
    let workflows = Workflows::new([workflow.clone()]).unwrap();
    Arc::new(MemoryJournal::new(workflows, Arc::new(SystemClock), || 0.0))
}

pub(crate) fn memory_queue() -> Arc<dyn Queue> {
    Arc::new(MemoryQueue::new(Arc::new(SystemClock)))
}

/// What a queue does otherwise than the one inside it.
#[async_trait]
pub(crate) trait Otherwise: Send + Sync + 'static {
    fn inner(&self) -> &dyn Queue;

    /// Before each call that changes something.
    fn before(&self) -> Result<(), QueueError> {
        Ok(())
    }

    async fn push(&self, topic: &str, deliveries: &[Scheduled]) -> Result<usize, QueueError> {
        self.inner().push(topic, deliveries).await
    }

    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError> {
        self.inner().pull(topic, max, patience).await
    }
}

/// That queue.
pub(crate) struct Around<T>(pub(crate) T);

#[async_trait]
impl<T: Otherwise> Queue for Around<T> {
    async fn push(&self, topic: &str, deliveries: &[Scheduled]) -> Result<usize, QueueError> {
        self.0.before()?;
        self.0.push(topic, deliveries).await
    }
    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError> {
        self.0.before()?;
        self.0.pull(topic, max, patience).await
    }
    async fn acknowledge(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        self.0.before()?;
        self.0.inner().acknowledge(topic, deliveries).await
    }
    async fn release(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        self.0.before()?;
        self.0.inner().release(topic, deliveries).await
    }
    async fn configure(&self, controls: &Arc<Controls>) -> Result<(), QueueError> {
        self.0.before()?;
        self.0.inner().configure(controls).await
    }
    async fn ahead(&self, topic: &str, priority: u8) -> Result<u64, QueueError> {
        self.0.inner().ahead(topic, priority).await
    }
    async fn depth(&self, topic: &str) -> Result<Depth, QueueError> {
        self.0.inner().depth(topic).await
    }
}

pub(crate) fn engine(workflow: &Workflow) -> Engine {
    let journal = memory_journal(workflow);
    Engine::builder(journal, memory_queue()).build()
}

pub(crate) fn new_run(workflow: &Workflow) -> NewRun {
    NewRun::new(workflow.definition().name(), "t", json!({}))
}

/// Heartbeats and leases that no test lives to see.
pub(crate) fn config(concurrency: usize) -> WorkerConfig {
    let hour = Duration::from_secs(3600);
    WorkerConfig {
        concurrency: NonZeroUsize::new(concurrency).unwrap(),
        heartbeat_every: hour,
        lease: 3 * hour,
        drain_grace: Duration::ZERO,
        ..WorkerConfig::default()
    }
}

/// A worker in the background; dropping it is a crash.
pub(crate) struct Working {
    pub(crate) shutdown: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Working {
    pub(crate) fn begin(engine: &Engine, config: WorkerConfig) -> Self {
        let shutdown = CancellationToken::new();
        let (engine, until) = (engine.clone(), shutdown.clone());
        let run = async move { engine.run_worker(config, until).await.unwrap() };
        Self { shutdown, task: AbortOnDropHandle::new(tokio::spawn(run)) }
    }

    pub(crate) async fn drained(self) {
        self.shutdown.cancel();
        in_time(self.task).await.unwrap();
    }
}

/// Fails instead of hanging.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("this should not take so long")
}

pub(crate) async fn history(engine: &Engine, run: RunId) -> Vec<Event> {
    engine.history(run, 0, 10_000).await.unwrap()
}

/// The names of the events, in order.
pub(crate) fn names(history: &[Event]) -> Vec<String> {
    let name =
        |event: &Event| serde_json::to_value(&event.kind).unwrap()["event"].as_str().unwrap().to_owned();
    history.iter().map(name).collect()
}
