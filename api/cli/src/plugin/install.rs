//! `untxt plugin install`: fetch or read it, check it, store it.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use untxt_plugins::Check;
use untxt_plugins::package::read_signature;
use untxt_plugins::registry::Installed;
use untxt_plugins::{EngineLimits, Package, PluginError, Trust};
use untxt_settings::Config;

use super::cli::InstallArguments;
use super::{Operator, failed};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(config: &Config, arguments: &InstallArguments) -> Result<ExitCode, Failure> {
    let package = package(&config.settings.plugin_trust, arguments).await?;
    let name = arguments.name.clone().unwrap_or_else(|| package.name.clone());
    // That of an address was that of what came from there, a manifest or a component.
    let sha256 = arguments.sha256.as_deref().filter(|_| !is_address(&arguments.source));
    let operator = Operator::of(config).await?;
    let activate = !arguments.no_activate;
    let installing = async {
        let installed = operator.engines().install(&name, package, sha256, activate).await;
        if let Err(PluginError::Rejected { name, checks }) = &installed {
            show(checks, arguments.json, &json!({ "name": name, "installed": false }));
        }
        installed
    };
    let told = |installed: &Installed| json!({ "digest": installed.digest, "version": installed.version, "active": installed.active });
    let installed =
        operator.does("install", &name, json!({ "activate": activate }), installing, told).await?;
    show(
        &installed.checks,
        arguments.json,
        &json!({
            "name": installed.name,
            "digest": installed.digest,
            "version": installed.version,
            "active": installed.active,
            "installed": true,
        }),
    );
    if !arguments.json {
        let how = if installed.active { "serves the next task" } else { "is kept and does not serve" };
        output::line(&format!(
            "{} {}, sha256:{}, {how}",
            installed.name, installed.version, installed.digest
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn package(trust: &Trust, arguments: &InstallArguments) -> Result<Package, Failure> {
    if arguments.signature.is_some() && !trust.has_keys() {
        let message = "--signature can't be checked: UNTXT_PLUGIN_KEYS names no key";
        return Err(Failure::usage(message));
    }
    let mut package = unsigned(arguments).await?;
    match &arguments.signature {
        Some(path) => package.signature = Some(read_signature(path).map_err(failed)?),
        None if is_address(&arguments.source) && trust.has_keys() => {
            package.signature = Package::fetch_signature(&arguments.source).await.map_err(failed)?;
        }
        None => {}
    }
    Ok(package)
}

async fn unsigned(arguments: &InstallArguments) -> Result<Package, Failure> {
    let source = &arguments.source;
    let bytes_max = EngineLimits::default().component_bytes_max;
    if !is_address(source) {
        return Package::read(Path::new(source), bytes_max).map_err(failed);
    }
    let needed = "--sha256 is needed with an address: what is fetched is believed by nothing else";
    let sha256 = arguments.sha256.as_deref().ok_or_else(|| Failure::usage(needed))?;
    Package::fetch(source, sha256, bytes_max).await.map_err(failed)
}

fn is_address(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// The checks with what came of them, the outcome behind them for machines.
fn show(checks: &[Check], json: bool, outcome: &serde_json::Value) {
    if json {
        let mut shown = outcome.clone();
        shown["checks"] = json!(checks);
        output::json(&shown);
        return;
    }
    show_checks(checks);
}

pub(super) fn show_checks(checks: &[Check]) {
    for check in checks {
        match &check.error {
            None => output::line(&format!("ok    {:<15}  {}", check.name, check.found)),
            Some(error) => output::line(&format!("FAIL  {:<15}  {error}", check.name)),
        }
    }
}
