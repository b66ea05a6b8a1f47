//! Checks what a component imports and exports before anything of it runs, so that
//! the error says what it was built for.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Interfaces that this host offers to every engine.
const OFFERED: [&str; 5] = ["types", "host", "pages", "assets", "inference"];

/// The interface that it offers to engines of the world `ocr-engine-http`.
const HTTP: &str = "http";

/// Refuses a component that was built for another contract, or that imports
/// `http` without a manifest that says so.
///
/// # Errors
/// What it imports or exports, and what this host offers.
pub(crate) fn check(engine: &Engine, component: &Component, asks_servers: bool) -> Result<(), String> {
    let shape = component.component_type();
    for (name, _) in shape.imports(engine) {
        check_import(name, asks_servers)?;
    }
    let exports: Vec<&str> = shape.exports(engine).map(|(name, _)| name).collect();
    if exports.iter().any(|name| interface(name).is_some_and(|part| part.name == "engine" && part.served())) {
        return Ok(());
    }
    Err(format!(
        "it exports {} but not untxt:ocr/engine@0.1.0, which this host calls",
        if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") }
    ))
}

/// `untxt:ocr/<interface>@<version>`.
struct Interface<'a> {
    name: &'a str,
    version: &'a str,
}

impl Interface<'_> {
    /// Patches of one minor only add functions to the host, so a component of
    /// any of them is linked, and the linker names the function that is missing.
    fn served(&self) -> bool {
        self.version.strip_prefix("0.1.").is_some_and(|patch| patch.parse::<u32>().is_ok())
    }
}

fn interface(name: &str) -> Option<Interface<'_>> {
    let (name, version) = name.strip_prefix("untxt:ocr/")?.split_once('@')?;
    Some(Interface { name, version })
}

fn check_import(name: &str, asks_servers: bool) -> Result<(), String> {
    if let Some(part) = interface(name) {
        if !part.served() {
            return Err(format!(
                "it was built for {name}; this host offers untxt:ocr@0.1.0: build it with the contract in plugins/wit"
            ));
        }
        if part.name == HTTP && asks_servers {
            return Ok(());
        }
        if part.name == HTTP {
            return Err(format!(
                "it imports {name}, but its manifest does not declare that it calls servers: install it with a plugin.toml that has world = \"ocr-engine-http\""
            ));
        }
        if !OFFERED.contains(&part.name) {
            return Err(format!(
                "it imports {name}, which this host does not offer: the host is older than the engine"
            ));
        }
        return Ok(());
    }
    if name.starts_with("wasi:") {
        return Err(format!(
            "it imports {name}, but engines have no WASI: build for a target without it, or stub it (plugins/README.md)"
        ));
    }
    Err(format!("it imports {name}, which this host does not offer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refused_import_is_explained() {
        for served in ["untxt:ocr/host@0.1.0", "untxt:ocr/pages@0.1.7"] {
            assert_eq!(check_import(served, false), Ok(()));
        }
        for (name, says) in [
            ("untxt:ocr/host@0.0.1", "built for untxt:ocr/host@0.0.1; this host offers untxt:ocr@0.1.0"),
            ("untxt:ocr/host@0.2.0", "built for untxt:ocr/host@0.2.0"),
            ("untxt:ocr/http@0.1.0", "ocr-engine-http"),
            ("untxt:ocr/later@0.1.3", "older than the engine"),
            ("wasi:filesystem/types@0.2.6", "have no WASI"),
            ("env", "does not offer"),
        ] {
            let error = check_import(name, false).expect_err("it is not offered");
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(check_import("untxt:ocr/http@0.1.0", true), Ok(()));
    }
}
