//! `untxt plugin`: what authors and operators of engines do. What changes which
//! engine serves is written down in the audit before it is done, so it needs the
//! database; nothing else does. Servers that look into the same directory follow at
//! once.

mod author;
mod bench;
pub(crate) mod cli;
mod conformance;
mod evaluate;
mod install;
mod run;

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use untxt_api::audit::AuditedAction;
use untxt_api::plugins;
use untxt_plugins::{LoadedEngine, PluginError, Reference, Registry};
use untxt_settings::Config;
use untxt_workflows::operations::Operations;

use crate::failure::Failure;
use crate::operator::operator;
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
        PluginCommand::New(kit) => return Err(author::run("new", &kit.arguments)),
        PluginCommand::Build(kit) => return Err(author::run("build", &kit.arguments)),
        PluginCommand::Bindings(kit) => return Err(author::run("bindings", &kit.arguments)),
        PluginCommand::Pack(kit) => return Err(author::run("pack", &kit.arguments)),
        PluginCommand::Check(subject) => return conformance::check(&config, subject).await,
        PluginCommand::Test { subject, junit } => {
            return conformance::test(&config, subject, junit.as_deref()).await;
        }
        PluginCommand::Bench(arguments) => return bench::run(&config, arguments).await,
        PluginCommand::Run(arguments) => return run::run(&config, arguments).await,
        PluginCommand::Evaluate(arguments) => return evaluate::run(&config, arguments).await,
        PluginCommand::Install(arguments) => return install::run(&config, arguments).await,
        PluginCommand::List { json } => return Ok(list(&engines()?, *json).await),
        PluginCommand::Activate { version, json } => {
            let operator = Operator::of(&config).await?;
            let asked = json!({ "digest": version.digest });
            let done =
                operator.does("activate", &version.name, asked, operator.engines.activate(version), now);
            means(&*done.await?, *json);
        }
        PluginCommand::Rollback { name, json } => {
            let operator = Operator::of(&config).await?;
            let done = operator.does("rollback", name, json!({}), operator.engines.rollback(name), now);
            means(&*done.await?, *json);
        }
        PluginCommand::Remove { what, json } => {
            let operator = Operator::of(&config).await?;
            let asked = json!({ "digest": what.digest });
            let done =
                operator.does("remove", &what.name, asked, operator.engines.remove(what), |()| json!({}));
            done.await?;
            removed(what, *json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Who types, with what it takes to do something to engines.
struct Operator {
    operations: Operations,
    engines: Registry,
    by: String,
}

impl Operator {
    /// Opens the database that the audit is in.
    async fn of(config: &Config) -> Result<Self, Failure> {
        let operations = start::operations(config).await?;
        let engines = config.settings.engines().map_err(failed)?;
        Ok(Self { operations, engines, by: operator(None).by })
    }

    /// Does `act` to the engine `name`, and has the audit say so as it does of what
    /// is asked for over HTTP.
    async fn does<T>(
        &self,
        verb: &str,
        name: &str,
        asked: Value,
        act: impl Future<Output = Result<T, PluginError>>,
        told: impl FnOnce(&T) -> Value,
    ) -> Result<T, Failure> {
        let (action, subject) = (format!("{verb}-plugin"), format!("plugin {name}"));
        let act_of = AuditedAction {
            engine: self.operations.records.engine(),
            by: &self.by,
            action: &action,
            subject: &subject,
        };
        act_of.audited(asked, act, told).await?.map_err(failed)
    }
}

/// What the audit says of a version that serves now.
fn now(engine: &Arc<LoadedEngine>) -> Value {
    json!({ "digest": engine.digest() })
}

fn removed(what: &Reference, json: bool) {
    if json {
        output::json(&json!({ "removed": what.to_string() }));
    } else {
        output::line(&format!("{what} is gone"));
    }
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

fn means(engine: &LoadedEngine, json: bool) {
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
