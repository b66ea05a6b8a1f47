//! `untxt serve`: the API, and a worker unless `--no-worker` is given.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use untxt_api::exporter::Exporter;
use untxt_api::health::HealthState;
use untxt_api::health::checks::ProcessRole;
use untxt_api::meter;
use untxt_api::server::Server;

use crate::failure::Failure;
use crate::{output, start, worker_listener};

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Run the API only; `untxt worker` processes do the work.
    #[arg(long)]
    pub(crate) no_worker: bool,
}

pub(crate) async fn run(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    let config = start::config("info")?;
    open_as_many_files_as_allowed();
    let shutdown = start::until_signalled()?;
    let server = Server::bind(config.listen).await.map_err(|error| {
        Failure::usage(format!("can't listen on UNTXT_LISTEN={}: {error}", config.listen))
    })?;
    let metrics = meter::install().map_err(Failure::work)?;
    let exporter = Exporter::start().map_err(Failure::usage)?;
    let platform = start::platform(&config).await?;
    output::line(&format!("listening on http://{}", server.address()));
    let local = || format!("http://{}", server.address());
    let seen_at = config.server.site.public_url.as_ref().map_or_else(local, ToString::to_string);
    output::line(&format!("console for browsers: {seen_at}/console/"));
    let role = if arguments.no_worker { ProcessRole::Serve } else { ProcessRole::Work };
    let health = HealthState::new(Arc::clone(&platform), role, metrics, shutdown.clone());
    let listener = match config.worker_listen.filter(|_| !arguments.no_worker) {
        Some(address) => worker_listener::listen(address).await?,
        None => None,
    };
    let telling = worker_listener::serve(listener, health.clone(), config.server.clone(), shutdown.clone());
    let serving = server.serve(Arc::clone(&platform), health, config.server.clone(), shutdown.clone());
    let working = async {
        if arguments.no_worker {
            return Ok(());
        }
        let worked = platform.worker.run(shutdown.clone()).await;
        // An API whose worker has ended would accept tasks that nobody works on.
        shutdown.cancel();
        worked
    };
    let looking = start::report_missing(&platform);
    let ((), worked, (), ()) = tokio::join!(serving, working, telling, looking);
    exporter.end().await;
    worked?;
    Ok(ExitCode::SUCCESS)
}

/// Each socket is an open file, and many systems begin with 1,024 for programs
/// that use `select`.
fn open_as_many_files_as_allowed() {
    let allowed = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: allowed.maximum, ..allowed }) {
        tracing::warn!(%error, limit = allowed.current, "can't raise the limit of open files");
    }
}
