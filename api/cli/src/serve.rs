//! `untxt serve`: the doors, and a worker behind them.

use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use untxt_api::exporter::Exporter;
use untxt_api::server::Server;
use untxt_api::vitals::checks::Duty;
use untxt_api::vitals::{Vitals, meter};

use crate::cli::ServeArguments;
use crate::failure::Failure;
use crate::{output, start, watched};

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
    let duty = if arguments.no_worker { Duty::Serve } else { Duty::Work };
    let vitals = Vitals::new(Arc::clone(&platform), duty, metrics, shutdown.clone());
    let watched = match config.worker_listen.filter(|_| !arguments.no_worker) {
        Some(address) => watched::listen(address).await?,
        None => None,
    };
    let telling = watched::tell(watched, vitals.clone(), config.server.clone(), shutdown.clone());
    let serving = server.serve(Arc::clone(&platform), vitals, config.server.clone(), shutdown.clone());
    let working = async {
        if arguments.no_worker {
            return Ok(());
        }
        let worked = platform.worker.run(shutdown.clone()).await;
        // Doors without the worker behind them would only look open.
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
