//! What an engine has to show before it may serve. Each check has a name; the
//! first that fails ends it, as the later ones need what it looked for.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::check::Check;
use crate::engine::Engine;
use crate::error::PluginError;
use crate::golden;
use crate::grants::Grants;
use crate::host::{Host, Options};
use crate::manifest::Manifest;
use crate::package::Package;
use crate::signature::Trust;

/// What came of it.
pub struct Report {
    /// Everything that was looked at, in order.
    pub checks: Vec<Check>,
    /// The engine, if all of them passed.
    pub engine: Option<Arc<Engine>>,
}

/// What the operator holds an engine to.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What the SHA-256 of its component has to be.
    pub sha256: Option<&'a str>,
    /// Whose signature counts.
    pub trust: &'a Trust,
    /// What it is allowed.
    pub grants: &'a Grants,
}

/// Looks `package` over as an engine of that name.
pub async fn examine(host: &Arc<Host>, name: &str, package: &Package, terms: Terms<'_>) -> Report {
    let mut checks = Vec::new();
    let engine = passed(host, name, package, terms, &mut checks).await;
    Report { engine: engine.ok(), checks }
}

/// It failed; the last check says how.
struct Failed;

async fn passed(
    host: &Arc<Host>,
    name: &str,
    package: &Package,
    terms: Terms<'_>,
    checks: &mut Vec<Check>,
) -> Result<Arc<Engine>, Failed> {
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
    note("digest", digest(package, terms.sha256))?;
    note("signature", signature(package, terms.trust))?;
    let manifest = package.manifest.as_ref();
    let admitted = host.admit(name, package, terms.grants).await;
    let engine = match admitted {
        Ok(engine) => Arc::new(engine),
        Err(error) => {
            note("component", Err(error.to_string()))?;
            return Err(Failed);
        }
    };
    let component = "it imports nothing but the contract, can be started and describes itself";
    note("component", Ok(component.to_owned()))?;
    note("description", description(&engine, manifest))?;
    note("settings schema", schema(&engine))?;
    note("check", checked(host, &engine).await)?;
    if manifest.is_some_and(Manifest::asks_servers) {
        note("servers", Ok(servers(&engine)))?;
        note("golden page", Ok("not read: that would ask a server".to_owned()))?;
    } else {
        note("golden page", golden_page(host, &engine).await)?;
    }
    Ok(engine)
}

fn size(host: &Host, package: &Package) -> Result<String, String> {
    let (bytes, bytes_max) = (package.wasm.len() as u64, host.limits.component_bytes_max);
    if bytes > bytes_max {
        return Err(format!("{bytes} bytes; {bytes_max} are allowed"));
    }
    Ok(format!("{bytes} bytes"))
}

fn digest(package: &Package, sha256: Option<&str>) -> Result<String, String> {
    let digest = package.digest();
    let stated = package.manifest.as_ref().and_then(|manifest| manifest.sha256.as_deref());
    for (who, wanted) in [("you", sha256), ("its manifest", stated)] {
        if let Some(wanted) = wanted
            && !wanted.trim_start_matches("sha256:").eq_ignore_ascii_case(&digest)
        {
            return Err(format!("the component has SHA-256 {digest}, and {who} said {wanted}"));
        }
    }
    Ok(format!("sha256:{digest}"))
}

fn signature(package: &Package, trust: &Trust) -> Result<String, String> {
    Ok(match package.verify(trust)? {
        Some(signed) => format!("by {}: {}", signed.key, signed.comment),
        None if package.signature.is_some() => {
            "there is one, and UNTXT_PLUGIN_KEYS names no key to check it with".to_owned()
        }
        None => "none, and none is required".to_owned(),
    })
}

fn description(engine: &Engine, manifest: Option<&Manifest>) -> Result<String, String> {
    let described = engine.described();
    if described.id.is_empty() || described.version.is_empty() {
        return Err("it names no id or no version".to_owned());
    }
    if let Some(manifest) = manifest
        && (described.id != manifest.id || described.version != manifest.version)
    {
        return Err(format!(
            "it says it is {} {}; its manifest says {} {}",
            described.id, described.version, manifest.id, manifest.version
        ));
    }
    Ok(format!("{} {}", described.id, described.version))
}

fn schema(engine: &Engine) -> Result<String, String> {
    match serde_json::from_str::<Value>(&engine.described().settings_schema) {
        Ok(Value::Object(_)) => Ok("a JSON object".to_owned()),
        Ok(_) => Err("it is no JSON object".to_owned()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

async fn checked(host: &Host, engine: &Engine) -> Result<String, String> {
    match host.check(engine, no_settings()).await {
        Ok(()) => Ok("it works without settings".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn golden_page(host: &Host, engine: &Arc<Engine>) -> Result<String, String> {
    let page = Arc::new(golden::page());
    let read = host.recognize(engine, page, no_settings(), CancellationToken::new()).await;
    match read {
        Ok(read) => {
            let words: usize =
                read.text.blocks.iter().flat_map(|block| &block.lines).map(|line| line.words.len()).sum();
            Ok(format!("{words} words in {:.1} ms", read.usage.wall.as_secs_f64() * 1_000.0))
        }
        // What may pass says nothing about the engine.
        Err(error @ (PluginError::Busy { .. } | PluginError::Sandbox(_))) => {
            Err(format!("try again: {error}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn servers(engine: &Engine) -> String {
    let servers = engine.granted.servers();
    if servers.is_empty() {
        return format!("none is granted; [http] origins = [\"…\"] in {}.toml grants some", engine.name());
    }
    servers.join(", ")
}

fn no_settings() -> Options {
    Options { languages: Vec::new(), settings: json!({}), attempt: 1 }
}
