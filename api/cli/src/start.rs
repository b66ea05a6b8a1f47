//! What most commands begin with: settings, the log, the database, the
//! platform, and the signals that end it.

use std::backtrace::BacktraceStatus;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use untxt_api::request_id::SPAN;
use untxt_engine::journal::database::{self, Database};
use untxt_plugins::PluginError;
use untxt_settings::Config;
use untxt_workflows::operations::Operations;
use untxt_workflows::platform::Platform;

use crate::data_dir;
use crate::failure::{Failure, chain};

/// How long the first look at the store may take. A process that is told to end
/// meanwhile waits for it.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Settings from the environment and the file; the log as they say, or
/// `log_default`.
pub(crate) fn config(log_default: &str) -> Result<Config, Failure> {
    let config = Config::load()?;
    let wanted = config.log.as_deref().unwrap_or(log_default);
    let filter =
        EnvFilter::try_new(wanted).map_err(|e| Failure::usage(format!("UNTXT_LOG={wanted:?}: {e}")))?;
    // Whatever is left out: a line that is a request's says which.
    let requests = format!("{SPAN}=error").parse().map_err(Failure::work)?;
    let mut filter = filter.add_directive(requests);
    // The library of the embedded store calls every refusal an error, such as that
    // of an address which a client changed. What fails in the store itself is logged
    // there.
    if !wanted.contains("s3s") {
        filter = filter.add_directive("s3s=off".parse().map_err(Failure::work)?);
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people, not for files.
    let log = log.with_ansi(std::io::stderr().is_terminal());
    let set = if config.log_json { log.json().try_init() } else { log.try_init() };
    set.map_err(Failure::work)?;
    log_panics();
    Ok(config)
}

/// Has panics logged like all else: in the form that is set, and in the span of
/// the request that they happen in. They go to stderr as they are where errors are
/// not logged.
fn log_panics() {
    let unlogged = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !tracing::enabled!(tracing::Level::ERROR) {
            return unlogged(panic);
        }
        let place = panic.location().map(ToString::to_string);
        // Empty unless RUST_BACKTRACE asks for one.
        let backtrace = std::backtrace::Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(place, backtrace, "panicked: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
}

/// The database, laid out. The embedded one lays itself out; another's owner
/// decides when.
pub(crate) async fn database(config: &Config) -> Result<Database, Failure> {
    let database = connect(config).await?;
    if config.embedded_database {
        database.while_it_answers(untxt_migrations::up(&database.for_layout())).await?;
        return Ok(database);
    }
    match untxt_migrations::pending(&database).await {
        Ok(0) => Ok(database),
        Ok(_) => Err(Failure::usage("the database is not laid out for this version; run `untxt migrate up`")),
        Err(error) => {
            Err(Failure::usage(format!("the database is not laid out; run `untxt migrate up`: {error}")))
        }
    }
}

/// The database as it is.
pub(crate) async fn connect(config: &Config) -> Result<Database, Failure> {
    data_dir::prepare(config)?;
    Ok(database::connect(&config.database_url).await?)
}

/// The journal and the tables, for commands that look or operate: nothing is started,
/// and nothing of other processes is taken over.
pub(crate) async fn operations(config: &Config) -> Result<Operations, Failure> {
    let database = database(config).await?;
    Ok(Operations::open(config.settings.clone(), database).await?)
}

/// Everything that a server or a worker needs.
pub(crate) async fn platform(config: &Config) -> Result<Arc<Platform>, Failure> {
    let database = database(config).await?;
    Ok(Arc::new(Platform::open(config.settings.clone(), database).await?))
}

/// What tasks need and can't be used now: the engine `engine`, the store. The
/// failure says whether the store may come back by itself.
pub(crate) async fn missing(platform: &Platform, engine: &str) -> (Option<PluginError>, Option<Failure>) {
    let engine = platform.engines().resolve(engine).await.err();
    let store = match timeout(STORE_ANSWERS_WITHIN, platform.objects().check()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) if error.is_retryable() => Some(Failure::service(chain(&error))),
        Ok(Err(error)) => Some(Failure::usage(chain(&error))),
        Err(_) => Some(Failure::service(format!(
            "the object store did not answer within {STORE_ANSWERS_WITHIN:?}; check S3_ENDPOINT"
        ))),
    };
    (engine, store)
}

/// Logs what is [`missing`]. Nothing of it keeps a server or a worker from starting,
/// since an engine may be installed and a store may come back while it runs.
pub(crate) async fn report_missing(platform: &Platform) {
    let name = platform.default_engine();
    let (engine, store) = missing(platform, name).await;
    if let Some(error) = engine {
        tracing::error!(%error, "UNTXT_ENGINE={name} can't be used; tasks that name no engine are refused");
    }
    if let Some(error) = store {
        tracing::error!(%error, "the object store is unavailable; uploads are refused until it is back");
    }
}

/// Fires at the first SIGINT or SIGTERM. At the second the process ends at
/// once; what it held is taken over like any dead process's.
pub(crate) fn until_signalled() -> Result<CancellationToken, Failure> {
    let shutdown = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::work)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::work)?;
    let asked = shutdown.clone();
    tokio::spawn(async move {
        for time in 0.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if time > 0 {
                std::process::abort();
            }
            tracing::info!(
                "shutting down: running steps finish or return to the queue; a second signal ends the process at once"
            );
            asked.cancel();
        }
    });
    Ok(shutdown)
}
