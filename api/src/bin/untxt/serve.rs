//! `untxt serve`: the doors, and a worker behind them.

use std::process::ExitCode;
use std::sync::Arc;

use untxt_api::server::Server;

use crate::cli::ServeArguments;
use crate::failure::Failure;
use crate::{output, start};

pub(crate) async fn run(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    let config = start::config("info")?;
    let shutdown = start::until_signalled()?;
    let server = Server::bind(config.listen).await.map_err(|error| {
        Failure::usage(format!("can't listen on UNTXT_LISTEN={}: {error}", config.listen))
    })?;
    let platform = start::platform(&config).await?;
    output::line(&format!("listening on http://{}", server.address()));
    let serving = server.serve(Arc::clone(&platform), config.server.clone(), shutdown.clone());
    let working = async {
        if arguments.no_worker {
            return Ok(());
        }
        let worked = platform.work(shutdown.clone()).await;
        // Doors without the worker behind them would only look open.
        shutdown.cancel();
        worked
    };
    let (served, worked) = tokio::join!(serving, working);
    worked?;
    served.map_err(Failure::work)?;
    Ok(ExitCode::SUCCESS)
}
