//! Makes the calls.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use wasmtime::component::Linker;
use wasmtime::{Store, UpdateDeadline};

use crate::cache::Cache;
use crate::call::{self, Call};
use crate::config::HostConfig;
use crate::contract::untxt::ocr::types;
use crate::contract::{OcrEngine, OcrEnginePre};
use crate::engine::Engine;
use crate::error::PluginError;
use crate::limits::Limits;
use crate::meter;
use crate::page::{Page, PageText};
use crate::record::Stop;
use crate::sandbox::Sandbox;
use crate::verdict;

/// How long after its deadline or its cancellation a call is given up that has
/// not ended by itself: it sits in work of the host's own that can't be
/// interrupted, or others are before it. A tick of the guests' clock and half of one.
const GRACE: Duration = Duration::from_millis(15);

/// How far guests step back: a third of what others get, where it is short.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Runs engines, on threads of its own: a guest that spins delays nobody else.
pub struct Host {
    pub(crate) sandbox: Sandbox,
    pub(crate) linker: Linker<Call>,
    pub(crate) cache: Cache,
    pub(crate) limits: Limits,
    /// `Some` until the host is dropped.
    guests: Option<Runtime>,
}

/// What an engine is told besides the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// BCP 47, most likely first; empty: detect.
    pub languages: Vec<String>,
    /// A JSON object, for the engine to read.
    pub settings: Value,
    /// From 1. An engine may try harder on a later one.
    pub attempt: u32,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognized {
    /// The page's text, checked.
    pub text: PageText,
    /// What it took.
    pub usage: Usage,
}

/// What a call took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Most linear memory it had.
    pub memory_bytes_peak: usize,
    /// Wall clock.
    pub wall: Duration,
    /// What it logged.
    pub logs: Vec<String>,
    /// Units of work, about one an instruction; `None` when they are not counted.
    pub fuel: Option<u64>,
}

impl Host {
    /// A host with threads for guests, a clock for them and a cache.
    ///
    /// # Errors
    /// [`PluginError::Sandbox`] when the machine does not allow for it.
    pub fn new(config: &HostConfig) -> Result<Self, PluginError> {
        let sandbox = Sandbox::new(config)?;
        let mut linker = Linker::new(&sandbox.engine);
        call::link(&mut linker).map_err(|error| PluginError::Sandbox(format!("{error:#}")))?;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let guests = Builder::new_multi_thread()
            .worker_threads(config.concurrency.clamp(1, cores))
            .thread_name("engine")
            .on_thread_start(step_back)
            .enable_all()
            .build()
            .map_err(|error| PluginError::Sandbox(format!("no threads for engines: {error}")))?;
        let cache = Cache::open(&config.cache_dir);
        tracing::debug!(pooled = sandbox.pooled, "the sandbox is ready");
        Ok(Self { sandbox, linker, cache, limits: config.limits, guests: Some(guests) })
    }

    /// Gives `page` to `engine`.
    ///
    /// When `cancel` fires, or the engine's time is over, this returns within 25
    /// ms, whatever the guest does; the guest is stopped at its next tick of 10
    /// ms, or when the host's own work for it is done. The same when the returned
    /// future is dropped.
    ///
    /// # Errors
    /// Any [`PluginError`] but those about finding and loading.
    pub async fn recognize(
        &self,
        engine: &Arc<Engine>,
        page: Arc<Page>,
        options: Options,
        cancel: CancellationToken,
    ) -> Result<Recognized, PluginError> {
        let began = Instant::now();
        let stop = cancel.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        let call = Call::new(&engine.limits, Arc::clone(&engine.granted), engine.limits.wall, stop);
        let record = call.record();
        let judged = self.judged(call, engine, page, options, cancel).await;
        let mut record = record.read();
        meter::called(engine, began.elapsed(), record.peak_bytes, judged.as_ref().err());
        let (memory_bytes_peak, logs) = (record.peak_bytes, record.log.take_lines());
        let usage = Usage { memory_bytes_peak, wall: began.elapsed(), logs, fuel: record.fuel };
        Ok(Recognized { text: judged?, usage })
    }

    async fn judged(
        &self,
        call: Call,
        engine: &Arc<Engine>,
        page: Arc<Page>,
        options: Options,
        cancel: CancellationToken,
    ) -> Result<PageText, PluginError> {
        let (wall, record) = (engine.limits.wall, call.record());
        let (store, pre, asked) = (self.store(call), engine.pre.clone(), Arc::clone(&page));
        let guest = self.spawn(async move { ask(store, pre, asked, options).await });
        let answered = tokio::select! {
            ended = guest => Some(ended.map_err(|error| {
                PluginError::Sandbox(format!("the call's thread failed: {error}"))
            })?),
            why = overdue(wall, &cancel) => {
                record.stop(why);
                None
            }
        };
        if cancel.is_cancelled() {
            record.stop(Stop::Cancelled);
        }
        verdict::judge(engine, &mut record.read(), answered, &page)
    }

    pub(crate) fn store(&self, mut call: Call) -> Store<Call> {
        call.keep_ticking(self.sandbox.ticking());
        let mut store = Store::new(&self.sandbox.engine, call);
        store.limiter(|call| &mut call.bounds);
        store.set_epoch_deadline(1);
        // An error where it is not counted.
        let _ = store.set_fuel(u64::MAX);
        store.epoch_deadline_callback(|mut context| match context.data_mut().check() {
            Some(_) => Ok(UpdateDeadline::Interrupt),
            None => Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))),
        });
        store
    }

    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        guest: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, String>> {
        let task = self.guests.as_ref().map(|guests| guests.spawn(guest));
        async move {
            match task {
                Some(task) => task.await.map_err(|error| error.to_string()),
                None => Err("the host is going down".to_owned()),
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Waiting is not allowed where hosts are dropped; guests end at their
        // next tick, as nobody holds their cancellation any more.
        if let Some(guests) = self.guests.take() {
            guests.shutdown_background();
        }
    }
}

async fn ask(
    mut store: Store<Call>,
    pre: OcrEnginePre<Call>,
    page: Arc<Page>,
    options: Options,
) -> wasmtime::Result<Result<types::PageText, types::Error>> {
    let instance: OcrEngine = pre.instantiate_async(&mut store).await?;
    let page = store.data_mut().lend(page)?;
    let answered = instance.untxt_ocr_engine().call_recognize(&mut store, page, &lowered(options)).await;
    // An error where it is not counted.
    let fuel = store.get_fuel().ok().map(|left| u64::MAX - left);
    store.data().record().read().fuel = fuel;
    answered
}

/// Has this thread give way to others: guests take all of the processor, and
/// heartbeats and sockets little of it, but at once.
#[cfg(target_os = "linux")]
fn step_back() {
    // Of this thread alone, as Linux does it.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "engines run with the same priority as all else");
    }
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

/// Options as the contract has them.
pub(crate) fn lowered(options: Options) -> types::Options {
    types::Options {
        languages: options.languages,
        settings: options.settings.to_string(),
        attributes: vec![("attempt".to_owned(), options.attempt.to_string())],
    }
}

/// Ends when a guest that should have stopped by itself is waited for no
/// longer: a little after its deadline or its cancellation.
async fn overdue(wall: Duration, cancel: &CancellationToken) -> Stop {
    let why = tokio::select! {
        () = cancel.cancelled() => Stop::Cancelled,
        () = tokio::time::sleep(wall) => Stop::Deadline,
    };
    tokio::time::sleep(GRACE).await;
    why
}
