//! Calls engines.

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
use crate::call_metrics;
use crate::call_record::Stop;
use crate::config::HostConfig;
use crate::contract::untxt::ocr::types;
use crate::engine::LoadedEngine;
use crate::error::PluginError;
use crate::guest::GuestPre;
use crate::guest::layout_engine::Layout;
use crate::inference::{ModelLease, ModelUsage, Owner, Pool};
use crate::limits::EngineLimits;
use crate::outcome;
use crate::page::{Page, PageText};
use crate::sandbox::Sandbox;

/// How long after its deadline or its cancellation a call is abandoned that has not
/// ended by itself: it is in work of the host that can't be interrupted, or others
/// run before it. One and a half ticks of the guests' clock.
const GRACE: Duration = Duration::from_millis(15);

/// Priority of guests: they get a third of the processor time of other threads when
/// it is short.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Runs engines on threads of its own: a guest that spins delays no other task.
pub struct Host {
    pub(crate) sandbox: Sandbox,
    pub(crate) linker: Linker<Call>,
    pub(crate) cache: Cache,
    pub(crate) limits: EngineLimits,
    models: Arc<Pool>,
    /// `Some` until the host is dropped.
    guests: Option<Runtime>,
}

/// Options of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// BCP 47, most likely first; empty: detect.
    pub languages: Vec<String>,
    /// A JSON object, for the engine to read.
    pub settings: Value,
    /// From 1. An engine may work harder on later attempts.
    pub attempt: u32,
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognized {
    /// The validated text of the page.
    pub text: PageText,
    /// Resources it used.
    pub usage: Usage,
}

/// Resources that a call used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Peak of linear memory.
    pub memory_bytes_peak: usize,
    /// Wall clock.
    pub wall: Duration,
    /// Its log.
    pub logs: Vec<String>,
    /// Units of work, about one an instruction; `None` if not counted.
    pub fuel: Option<u64>,
    /// Models that the host computed for it.
    pub models: ModelUsage,
}

impl Host {
    /// Creates a host with threads for guests, their clock and a cache.
    ///
    /// # Errors
    /// [`PluginError::Sandbox`] when the sandbox can't be set up on this machine.
    pub fn new(config: &HostConfig) -> Result<Self, PluginError> {
        let sandbox = Sandbox::new(config)?;
        let mut linker = Linker::new(&sandbox.engine);
        call::link(&mut linker).map_err(|error| PluginError::Sandbox(format!("{error:#}")))?;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let guests = Builder::new_multi_thread()
            .worker_threads(config.concurrency.clamp(1, cores))
            .thread_name("engine")
            .on_thread_start(lower_priority)
            .enable_all()
            .build()
            .map_err(|error| PluginError::Sandbox(format!("can't start threads for engines: {error}")))?;
        let cache = Cache::open(&config.cache_dir);
        tracing::debug!(pooled = sandbox.pooled, "the sandbox is ready");
        let models = Pool::new(config.models.clone(), config.concurrency, guests.handle().clone());
        Ok(Self { sandbox, linker, cache, limits: config.limits, models, guests: Some(guests) })
    }

    /// Lets `engine` recognise `page`.
    ///
    /// When `cancel` fires or the time limit is reached, this returns within 25 ms,
    /// whatever the guest does; the guest is stopped at the next tick of 10 ms, or
    /// when the host's own work for it is done. The same happens when the returned
    /// future is dropped.
    ///
    /// # Errors
    /// Any [`PluginError`] but those about finding and loading.
    pub async fn recognize(
        &self,
        engine: &Arc<LoadedEngine>,
        page: Arc<Page>,
        options: Options,
        cancel: CancellationToken,
    ) -> Result<Recognized, PluginError> {
        let began = Instant::now();
        let stop = cancel.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        let call = self.new_call(engine, engine.limits.wall, stop);
        let record = call.record();
        let result = self.call(call, engine, page, options, cancel).await;
        let mut record = record.lock();
        call_metrics::record_call(engine, began.elapsed(), &record, result.as_ref().err());
        let (memory_bytes_peak, logs) = (record.peak_bytes, record.log.take_lines());
        let (fuel, models) = (record.fuel, record.models);
        let usage = Usage { memory_bytes_peak, wall: began.elapsed(), logs, fuel, models };
        Ok(Recognized { text: result?, usage })
    }

    async fn call(
        &self,
        call: Call,
        engine: &Arc<LoadedEngine>,
        page: Arc<Page>,
        options: Options,
        cancel: CancellationToken,
    ) -> Result<PageText, PluginError> {
        let (wall, record) = (engine.limits.wall, call.record());
        let (store, pre, asked) = (self.store(call), engine.pre.clone(), Arc::clone(&page));
        let guest = self.spawn(async move { call_guest(store, pre, asked, options).await });
        let answered = tokio::select! {
            ended = guest => Some(ended.map_err(|error| {
                PluginError::Sandbox(format!("the thread of the call failed: {error}"))
            })?),
            why = overdue(wall, &cancel) => {
                record.stop(why);
                None
            }
        };
        if cancel.is_cancelled() {
            record.stop(Stop::Cancelled);
        }
        outcome::classify(engine, &mut record.lock(), answered, &page)
    }

    /// A call of `engine` that ends after `wall` or when `cancel` fires.
    pub(crate) fn new_call(&self, engine: &LoadedEngine, wall: Duration, cancel: CancellationToken) -> Call {
        let LoadedEngine { name, digest, limits, capabilities, .. } = engine;
        let memory_bytes_max = limits.model_memory_bytes_max as u64;
        let owner = Owner { engine: name.clone(), digest: digest.clone(), memory_bytes_max };
        let models = ModelLease::new(Arc::clone(&self.models), owner, Instant::now() + wall);
        Call::new(limits, Arc::clone(capabilities), models, wall, cancel)
    }

    pub(crate) fn store(&self, mut call: Call) -> Store<Call> {
        call.hold_clock(self.sandbox.ticking());
        let mut store = Store::new(&self.sandbox.engine, call);
        store.limiter(|call| &mut call.memory);
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
                None => Err("the host is shutting down".to_owned()),
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Hosts are dropped where blocking is not allowed. Guests end at their next
        // tick, as their cancellation tokens are dropped.
        if let Some(guests) = self.guests.take() {
            guests.shutdown_background();
        }
    }
}

async fn call_guest(
    mut store: Store<Call>,
    pre: GuestPre,
    page: Arc<Page>,
    options: Options,
) -> wasmtime::Result<Result<Layout, types::Error>> {
    let guest = pre.instantiate(&mut store).await?;
    let page = store.data_mut().lend(page)?;
    let answered = guest.recognize(&mut store, page, &wit_options(options)).await;
    // An error where it is not counted.
    let fuel = store.get_fuel().ok().map(|left| u64::MAX - left);
    store.data().record().lock().fuel = fuel;
    answered
}

/// Lowers the priority of this thread: guests use the processor fully, while
/// heartbeats and sockets need little of it, but at once.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // Of this thread alone, as Linux does it.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "can't lower the priority of engine threads");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

/// Options as types of the contract.
pub(crate) fn wit_options(options: Options) -> types::Options {
    types::Options {
        languages: options.languages,
        settings: options.settings.to_string(),
        attributes: vec![("attempt".to_owned(), options.attempt.to_string())],
    }
}

/// Returns when a guest has to be abandoned that should have stopped by itself: a
/// little after its deadline or its cancellation.
async fn overdue(wall: Duration, cancel: &CancellationToken) -> Stop {
    let why = tokio::select! {
        () = cancel.cancelled() => Stop::Cancelled,
        () = tokio::time::sleep(wall) => Stop::Deadline,
    };
    tokio::time::sleep(GRACE).await;
    why
}
