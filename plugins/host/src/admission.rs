//! The checks of an engine before it is installed. Each has a name; the first that
//! fails is the last that runs, as later ones depend on it.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::check::Check;
use crate::engine::LoadedEngine;
use crate::error::PluginError;
use crate::golden_page;
use crate::grants::Grants;
use crate::host::{Host, Options};
use crate::manifest::Manifest;
use crate::package::Package;
use crate::signature::Trust;

/// The result of all checks.
pub struct AdmissionReport {
    /// The checks that ran, in order.
    pub checks: Vec<Check>,
    /// The loaded engine, if all of them passed.
    pub engine: Option<Arc<LoadedEngine>>,
}

/// What the operator requires of an engine.
#[derive(Clone, Copy, Debug)]
pub struct Requirements<'a> {
    /// SHA-256 that its component must have.
    pub sha256: Option<&'a str>,
    /// Keys that signatures are verified with.
    pub trust: &'a Trust,
    /// What it is allowed.
    pub grants: &'a Grants,
}

/// Checks `package` as an engine of that name, without installing it.
pub async fn check(
    host: &Arc<Host>,
    name: &str,
    package: &Package,
    requirements: Requirements<'_>,
) -> AdmissionReport {
    let mut checks = Vec::new();
    let engine = run_checks(host, name, package, requirements, &mut checks).await;
    AdmissionReport { engine: engine.ok(), checks }
}

/// A check failed; the last one says why.
struct Failed;

async fn run_checks(
    host: &Arc<Host>,
    name: &str,
    package: &Package,
    requirements: Requirements<'_>,
    checks: &mut Vec<Check>,
) -> Result<Arc<LoadedEngine>, Failed> {
    let mut note = |name, outcome: Result<String, String>| {
        let (found, error) = match outcome {
            Ok(found) => (found, None),
            Err(error) => (String::new(), Some(error)),
        };
        let failed = error.is_some();
        checks.push(Check { name, found, error });
        if failed { Err(Failed) } else { Ok(()) }
    };
    note("size", size(host, package))?;
    note("digest", digest(package, requirements.sha256))?;
    note("signature", signature(package, requirements.trust))?;
    let manifest = package.manifest.as_ref();
    let loaded = host.load(name, package, requirements.grants).await;
    let engine = match loaded {
        Ok(engine) => Arc::new(engine),
        Err(error) => {
            note("component", Err(error.to_string()))?;
            return Err(Failed);
        }
    };
    let component = "it imports only the contract, starts and describes itself";
    note("component", Ok(component.to_owned()))?;
    note("description", description(&engine, manifest))?;
    note("settings schema", schema(&engine))?;
    note("check", checked(host, &engine).await)?;
    if manifest.is_some_and(Manifest::asks_servers) {
        note("servers", Ok(servers(&engine)))?;
        note("golden page", Ok("skipped: it would call a server".to_owned()))?;
    } else {
        note("golden page", golden_page(host, &engine).await)?;
    }
    Ok(engine)
}

fn size(host: &Host, package: &Package) -> Result<String, String> {
    let (bytes, bytes_max) = (package.wasm.len() as u64, host.limits.component_bytes_max);
    if bytes > bytes_max {
        return Err(format!("{bytes} bytes, and {bytes_max} are allowed"));
    }
    Ok(format!("{bytes} bytes"))
}

fn digest(package: &Package, sha256: Option<&str>) -> Result<String, String> {
    let digest = package.digest();
    let stated = package.manifest.as_ref().and_then(|manifest| manifest.sha256.as_deref());
    for (source, wanted) in [("the request", sha256), ("its manifest", stated)] {
        if let Some(wanted) = wanted
            && !wanted.trim_start_matches("sha256:").eq_ignore_ascii_case(&digest)
        {
            return Err(format!("the component has SHA-256 {digest}, but {source} says {wanted}"));
        }
    }
    Ok(format!("sha256:{digest}"))
}

fn signature(package: &Package, trust: &Trust) -> Result<String, String> {
    Ok(match package.verify(trust)? {
        Some(signed) => format!("by {}: {}", signed.key, signed.comment),
        None if package.signature.is_some() => "not verified: UNTXT_PLUGIN_KEYS names no key".to_owned(),
        None => "none, and none is required".to_owned(),
    })
}

fn description(engine: &LoadedEngine, manifest: Option<&Manifest>) -> Result<String, String> {
    let described = engine.described();
    if described.id.is_empty() || described.version.is_empty() {
        return Err("its id or version is empty".to_owned());
    }
    if let Some(manifest) = manifest
        && (described.id != manifest.id || described.version != manifest.version)
    {
        return Err(format!(
            "it describes itself as {} {}, but its manifest says {} {}",
            described.id, described.version, manifest.id, manifest.version
        ));
    }
    Ok(format!("{} {}", described.id, described.version))
}

fn schema(engine: &LoadedEngine) -> Result<String, String> {
    match serde_json::from_str::<Value>(&engine.described().settings_schema) {
        Ok(Value::Object(_)) => Ok("a JSON object".to_owned()),
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

async fn checked(host: &Host, engine: &LoadedEngine) -> Result<String, String> {
    match host.check(engine, no_settings()).await {
        Ok(()) => Ok("it works without settings".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn golden_page(host: &Host, engine: &Arc<LoadedEngine>) -> Result<String, String> {
    let page = Arc::new(golden_page::page());
    let read = host.recognize(engine, page, no_settings(), CancellationToken::new()).await;
    match read {
        Ok(read) => {
            let words: usize =
                read.text.blocks.iter().flat_map(|block| &block.lines).map(|line| line.words.len()).sum();
            Ok(format!("{words} words in {:.1} ms", read.usage.wall.as_secs_f64() * 1_000.0))
        }
        // A temporary failure says nothing about the engine.
        Err(error @ (PluginError::Busy { .. } | PluginError::Sandbox(_))) => {
            Err(format!("try again: {error}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn servers(engine: &LoadedEngine) -> String {
    let servers = engine.capabilities.servers();
    if servers.is_empty() {
        return format!(
            "none is granted; grant some with [http] origins = [\"…\"] in {}.toml",
            engine.name()
        );
    }
    servers.join(", ")
}

fn no_settings() -> Options {
    Options { languages: Vec::new(), settings: json!({}), attempt: 1 }
}
