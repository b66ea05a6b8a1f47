//! Makes the calls.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use wasmtime::component::Linker;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

use crate::answer;
use crate::cache::Cache;
use crate::call::{self, Call, Stop};
use crate::contract::untxt::ocr::types;
use crate::contract::{OcrEngine, OcrEnginePre};
use crate::error::{Class, PluginError, refusal_code};
use crate::limits::Limits;
use crate::meter;
use crate::page::{Page, PageText};
use crate::sandbox::Sandbox;

/// What a refusal's own words may take.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// How long an engine may take to describe itself.
const DESCRIBE_WALL: Duration = Duration::from_secs(1);

/// How long after its deadline a call that sits in the host is given up.
const GRACE: Duration = Duration::from_secs(2);

/// What a host needs to know.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Where compiled engines are kept; made if it isn't there.
    pub cache_dir: PathBuf,
    /// Calls at once.
    pub concurrency: usize,
    /// Bounds of every call.
    pub limits: Limits,
}

/// Runs engines, on threads of its own: a guest that spins delays nobody else.
pub struct Host {
    sandbox: Sandbox,
    linker: Linker<Call>,
    cache: Cache,
    pub(crate) limits: Limits,
    /// `Some` until the host is dropped.
    guests: Option<Runtime>,
}

/// An engine that passed the gate and can be called.
pub struct Engine {
    name: String,
    digest: String,
    version: String,
    pre: OcrEnginePre<Call>,
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
}

impl Engine {
    /// The name it is asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its component, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The version it says it is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl Host {
    /// A host with threads for guests, a clock for them and a cache.
    ///
    /// # Errors
    /// [`PluginError::Sandbox`] when the machine does not allow for it.
    pub fn new(config: &HostConfig) -> Result<Self, PluginError> {
        let sandbox = Sandbox::new(config.concurrency, &config.limits)?;
        let mut linker = Linker::new(&sandbox.engine);
        call::link(&mut linker).map_err(|error| PluginError::Sandbox(format!("{error:#}")))?;
        let guests = Builder::new_multi_thread()
            .worker_threads(config.concurrency.max(1))
            .thread_name("engine")
            .enable_time()
            .build()
            .map_err(|error| PluginError::Sandbox(format!("no threads for engines: {error}")))?;
        let cache = Cache::open(&config.cache_dir);
        tracing::debug!(pooled = sandbox.pooled, "the sandbox is ready");
        Ok(Self { sandbox, linker, cache, limits: config.limits, guests: Some(guests) })
    }

    /// Gives `page` to `engine`.
    ///
    /// When `cancel` fires, or the returned future is dropped, the guest is
    /// stopped within a few ticks of 10 ms.
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
        let answered = self.call(engine, page, options, cancel).await;
        meter::called(&engine.name, began.elapsed(), answered.as_ref().err());
        answered
    }

    async fn call(
        &self,
        engine: &Arc<Engine>,
        page: Arc<Page>,
        options: Options,
        cancel: CancellationToken,
    ) -> Result<Recognized, PluginError> {
        let began = Instant::now();
        let stop = cancel.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        let call = Call::new(&self.limits, self.limits.wall, stop);
        let (name, limits) = (engine.name.clone(), self.limits);
        let (called, asked) = (Arc::clone(engine), Arc::clone(&page));
        let store = self.store(call);
        let guest = self.spawn(async move { recognize(store, &called, asked, options).await });
        let (call, answered) = match tokio::time::timeout(limits.wall + GRACE, guest).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => return Err(PluginError::Sandbox(format!("the call's thread failed: {error}"))),
            Err(_) => return Err(PluginError::Timeout { name, after: limits.wall, logs: Vec::new() }),
        };
        let memory_bytes_peak = call.bounds.peak_bytes;
        let verdict = Verdict { name, limits, call };
        let (text, logs) = verdict.judge(answered, &page)?;
        Ok(Recognized { text, usage: Usage { memory_bytes_peak, wall: began.elapsed(), logs } })
    }

    /// Compiles `wasm`, links it, runs it once. What comes back can be called.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        name: &str,
        digest: String,
        wasm: Vec<u8>,
    ) -> Result<Engine, PluginError> {
        let incompatible = |reason: String| PluginError::Incompatible { name: name.to_owned(), reason };
        let (host, key) = (Arc::clone(self), digest.clone());
        let component =
            tokio::task::spawn_blocking(move || host.cache.load(&host.sandbox.engine, &wasm, &key))
                .await
                .map_err(|error| PluginError::Sandbox(format!("the compiler failed: {error}")))?
                .map_err(|error| {
                    incompatible(format!("it is no component that can be compiled: {error:#}"))
                })?;
        let pre = self.linker.instantiate_pre(&component).and_then(OcrEnginePre::new).map_err(|error| {
            incompatible(format!("it was not built for untxt:ocr@0.1.0, which this host offers: {error:#}"))
        })?;
        let mut engine = Engine { name: name.to_owned(), digest, version: String::new(), pre };
        let described = self.describe(&engine).await?;
        engine.version = described.version.chars().filter(|c| !c.is_control()).take(64).collect();
        Ok(engine)
    }

    async fn describe(&self, engine: &Engine) -> Result<types::Description, PluginError> {
        let name = || engine.name.clone();
        let incompatible = |reason: String| PluginError::Incompatible {
            name: name(),
            reason: format!("describe: {reason}"),
        };
        let mut store = self.store(Call::new(&self.limits, DESCRIBE_WALL, CancellationToken::new()));
        let pre = engine.pre.clone();
        let guest = self.spawn(async move {
            let instance = pre.instantiate_async(&mut store).await?;
            instance.untxt_ocr_engine().call_describe(&mut store).await
        });
        let described = tokio::time::timeout(DESCRIBE_WALL + GRACE, guest).await;
        match described {
            Err(_) => Err(incompatible("no answer in time".to_owned())),
            Ok(Err(error)) => Err(PluginError::Sandbox(format!("the thread of describe failed: {error}"))),
            // A full sandbox says nothing about the engine.
            Ok(Ok(Err(error))) if error.is::<PoolConcurrencyLimitError>() => {
                Err(PluginError::Busy { name: name() })
            }
            Ok(Ok(described)) => described.map_err(|error| incompatible(format!("{error:#}"))),
        }
    }

    fn store(&self, call: Call) -> Store<Call> {
        let mut store = Store::new(&self.sandbox.engine, call);
        store.limiter(|call| &mut call.bounds);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| match context.data_mut().check() {
            Some(_) => Ok(UpdateDeadline::Interrupt),
            None => Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))),
        });
        store
    }

    fn spawn<T: Send + 'static>(
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

type Answered = wasmtime::Result<Result<types::PageText, types::Error>>;

async fn recognize(
    mut store: Store<Call>,
    engine: &Engine,
    page: Arc<Page>,
    options: Options,
) -> (Call, Answered) {
    let answered = ask(&mut store, engine, page, options).await;
    (store.into_data(), answered)
}

async fn ask(store: &mut Store<Call>, engine: &Engine, page: Arc<Page>, options: Options) -> Answered {
    let instance: OcrEngine = engine.pre.instantiate_async(&mut *store).await?;
    let page = store.data_mut().lend(page)?;
    let options = types::Options {
        languages: options.languages,
        settings: options.settings.to_string(),
        attributes: vec![("attempt".to_owned(), options.attempt.to_string())],
    };
    instance.untxt_ocr_engine().call_recognize(store, page, &options).await
}

/// A call that is over.
struct Verdict {
    name: String,
    limits: Limits,
    call: Call,
}

impl Verdict {
    /// From the top: what the host saw for itself, the trap, the answer.
    fn judge(self, answered: Answered, page: &Page) -> Result<(PageText, Vec<String>), PluginError> {
        let Self { name, limits, call } = self;
        let failed = !matches!(answered, Ok(Ok(_)));
        if call.cancel.is_cancelled() {
            return Err(PluginError::Cancelled { name });
        }
        if let (true, Some(wanted_bytes)) = (failed, call.bounds.denied_bytes) {
            let (memory_bytes_max, logs) = (limits.memory_bytes_max, call.log.into_lines());
            return Err(PluginError::MemoryLimit { name, wanted_bytes, memory_bytes_max, logs });
        }
        if call.stop == Some(Stop::Deadline) {
            return Err(PluginError::Timeout { name, after: limits.wall, logs: call.log.into_lines() });
        }
        match answered {
            Err(error) if error.is::<PoolConcurrencyLimitError>() => Err(PluginError::Busy { name }),
            Err(error) => {
                let reason = trap_text(&error, call.log.panic());
                Err(PluginError::Trapped { name, reason, logs: call.log.into_lines() })
            }
            Ok(Ok(answer)) => {
                let logs = call.log.into_lines();
                match answer::admit(answer, page, &limits) {
                    Ok(text) => Ok((text, logs)),
                    Err(reason) => Err(PluginError::InvalidOutput { name, reason, logs }),
                }
            }
            Ok(Err(refusal)) => Err(refused(name, refusal, call.log.into_lines())),
        }
    }
}

fn trap_text(error: &wasmtime::Error, panic: Option<&str>) -> String {
    let trap = error.downcast_ref::<Trap>().map_or_else(|| format!("{error:#}"), ToString::to_string);
    panic.map_or_else(|| trap.clone(), |panic| format!("{trap}; {panic}"))
}

fn refused(name: String, refusal: types::Error, logs: Vec<String>) -> PluginError {
    let (failure, class) = match refusal {
        types::Error::Retryable(types::Retry { failure, after_ms }) => {
            (failure, Class::Retry { after: after_ms.map(Duration::from_millis) })
        }
        types::Error::Permanent(failure) => (failure, Class::Permanent),
        types::Error::Cancelled => {
            let reason = "it says it was cancelled, but nobody did that".to_owned();
            return PluginError::InvalidOutput { name, reason, logs };
        }
    };
    let message = failure.message.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect();
    PluginError::Refused { name, code: refusal_code(&failure.code), message, class, logs }
}
