//! `untxt worker`: work, with no door but the one that tells about it.

use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use untxt_api::exporter::Exporter;
use untxt_api::vitals::checks::Duty;
use untxt_api::vitals::{Vitals, meter};
use untxt_settings::WORKER_LISTEN;

use crate::failure::Failure;
use crate::{output, start, watched};

pub(crate) async fn run() -> Result<ExitCode, Failure> {
    let config = start::config("info")?;
    let shutdown = start::until_signalled()?;
    let metrics = meter::install().map_err(Failure::work)?;
    let exporter = Exporter::start().map_err(Failure::usage)?;
    let platform = start::platform(&config).await?;
    let server = watched::listen(config.worker_listen.unwrap_or(WORKER_LISTEN)).await?;
    output::line(&format!("working as {}", platform.worker.process()));
    let vitals = Vitals::new(Arc::clone(&platform), Duty::Work, metrics, shutdown.clone());
    // It is told how the drain goes, to its end.
    let drained = CancellationToken::new();
    let telling = tokio::spawn(watched::tell(server, vitals, config.server.clone(), drained.clone()));
    let (worked, ()) = tokio::join!(platform.worker.run(shutdown), start::report_missing(&platform));
    drained.cancel();
    telling.await.map_err(Failure::work)?;
    exporter.end().await;
    worked?;
    Ok(ExitCode::SUCCESS)
}
