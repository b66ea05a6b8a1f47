//! `untxt worker`: a worker without the API.

use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use untxt_api::exporter::Exporter;
use untxt_api::health::HealthState;
use untxt_api::health::checks::ProcessRole;
use untxt_api::meter;
use untxt_settings::WORKER_LISTEN;

use crate::failure::Failure;
use crate::{output, start, worker_listener};

pub(crate) async fn run() -> Result<ExitCode, Failure> {
    let config = start::config("info")?;
    let shutdown = start::until_signalled()?;
    let metrics = meter::install().map_err(Failure::work)?;
    let exporter = Exporter::start().map_err(Failure::usage)?;
    let platform = start::platform(&config).await?;
    let server = worker_listener::listen(config.worker_listen.unwrap_or(WORKER_LISTEN)).await?;
    output::line(&format!("working as {}", platform.worker.process()));
    let health = HealthState::new(Arc::clone(&platform), ProcessRole::Work, metrics, shutdown.clone());
    // It is told how the drain goes, to its end.
    let drained = CancellationToken::new();
    let telling =
        tokio::spawn(worker_listener::serve(server, health, config.server.clone(), drained.clone()));
    let (worked, ()) = tokio::join!(platform.worker.run(shutdown), start::report_missing(&platform));
    drained.cancel();
    telling.await.map_err(Failure::work)?;
    exporter.end().await;
    worked?;
    Ok(ExitCode::SUCCESS)
}
