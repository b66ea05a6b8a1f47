//! `untxt plugin`: what authors and operators of engines do. None of it needs
//! the database; servers that look into the same directory follow at once.

mod bench;
mod build;
pub(crate) mod cli;
mod install;
mod kit;
mod new;
mod run;

use std::process::ExitCode;

use serde_json::json;
use untxt_api::plugins;
use untxt_plugins::{Engine, PluginError, Reference, Registry};

use crate::failure::Failure;
use crate::{data_dir, output, start};
use cli::{PluginArguments, PluginCommand};

pub(crate) async fn run(arguments: &PluginArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    // What authors do has nothing to do with what is installed.
    let engines = || {
        data_dir::prepare(&config)?;
        config.settings.engines().map_err(failed)
    };
    match &arguments.command {
        PluginCommand::New(arguments) => return new::run(arguments),
        PluginCommand::Build { folder } => return build::run(folder),
        PluginCommand::Bindings { folder, world } => return build::bindings(folder, world),
        PluginCommand::Pack { module, component } => return build::pack(module, component),
        PluginCommand::Check(subject) => return kit::check(&config, subject).await,
        PluginCommand::Test { subject, junit } => return kit::test(&config, subject, junit.as_deref()).await,
        PluginCommand::Bench(arguments) => return bench::run(&config, arguments).await,
        PluginCommand::Run(arguments) => return run::run(&config, arguments).await,
        PluginCommand::Install(arguments) => return install::run(&config, arguments).await,
        PluginCommand::List { json } => return Ok(list(&engines()?, *json).await),
        PluginCommand::Activate { version, json } => {
            means(&*engines()?.activate(version).await.map_err(failed)?, *json);
        }
        PluginCommand::Rollback { name, json } => {
            means(&*engines()?.rollback(name).await.map_err(failed)?, *json);
        }
        PluginCommand::Remove { what, json } => remove(&engines()?, what, *json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(engines: &Registry, what: &Reference, json: bool) -> Result<(), Failure> {
    engines.remove(what).await.map_err(failed)?;
    if json {
        output::json(&json!({ "removed": what.to_string() }));
    } else {
        output::line(&format!("{what} is gone"));
    }
    Ok(())
}

async fn list(engines: &Registry, json: bool) -> ExitCode {
    let listed = engines.list().await;
    if json {
        output::json(&plugins::view(&listed));
        return ExitCode::SUCCESS;
    }
    for engine in &listed {
        let state = engine.error.as_deref().unwrap_or(if engine.built_in { "built in" } else { "serves" });
        output::line(&format!("{} {}  {state}", engine.name, engine.version));
        for version in &engine.versions {
            let mark = if version.active { '*' } else { ' ' };
            let why = version.quarantined.as_ref().map(|why| format!("  quarantined: {why}"));
            let signed = version.signed.as_ref();
            let by = signed.map(|signed| format!("  signed by {}: {}", signed.key, signed.comment));
            let (why, by) = (why.unwrap_or_default(), by.unwrap_or_default());
            output::line(&format!("  {mark} sha256:{}{by}{why}", version.digest));
        }
    }
    ExitCode::SUCCESS
}

fn means(engine: &Engine, json: bool) {
    let (name, digest, version) = (engine.name(), engine.digest(), engine.version());
    if json {
        output::json(&json!({ "name": name, "digest": digest, "version": version }));
    } else {
        output::line(&format!("{name} is now version {version}, sha256:{digest}"));
    }
}

/// Names and versions that do not exist are bad usage; the rest is failed work.
fn failed(error: PluginError) -> Failure {
    match error {
        PluginError::NotFound { .. }
        | PluginError::Gone { .. }
        | PluginError::Serving { .. }
        | PluginError::NothingEarlier { .. }
        | PluginError::Package { .. } => Failure::usage(error),
        error => Failure::work(error),
    }
}
