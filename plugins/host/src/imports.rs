//! What a component asks the host for, in words: the names of its imports and
//! exports say what it was built for before anything of it runs.

use wasmtime::Engine;
use wasmtime::component::Component;

/// What this host offers.
const OFFERED: [&str; 4] = ["types", "host", "pages", "assets"];

/// What it offers besides to engines of the world with servers.
const SERVERS: &str = "http";

/// Refuses a component that was built for something else, or wants what it was
/// not declared to want.
///
/// # Errors
/// What it was built for, and what this host offers.
pub(crate) fn check(engine: &Engine, component: &Component, asks_servers: bool) -> Result<(), String> {
    let shape = component.component_type();
    for (name, _) in shape.imports(engine) {
        verdict(name, asks_servers)?;
    }
    let exports: Vec<&str> = shape.exports(engine).map(|(name, _)| name).collect();
    if exports.iter().any(|name| part(name).is_some_and(|part| part.interface == "engine" && part.served())) {
        return Ok(());
    }
    Err(format!(
        "it exports {}, and no untxt:ocr/engine@0.1.0, by which this host calls an engine",
        if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") }
    ))
}

/// `untxt:ocr/<interface>@<version>`.
struct Part<'a> {
    interface: &'a str,
    version: &'a str,
}

impl Part<'_> {
    /// Patches of one minor only add functions to the host, so a component of
    /// any of them is linked, and the linker names the function that is missing.
    fn served(&self) -> bool {
        self.version.strip_prefix("0.1.").is_some_and(|patch| patch.parse::<u32>().is_ok())
    }
}

fn part(name: &str) -> Option<Part<'_>> {
    let (interface, version) = name.strip_prefix("untxt:ocr/")?.split_once('@')?;
    Some(Part { interface, version })
}

fn verdict(name: &str, asks_servers: bool) -> Result<(), String> {
    if let Some(part) = part(name) {
        if !part.served() {
            return Err(format!(
                "it was built for {name}; this host offers untxt:ocr@0.1.0: build it with the contract in plugins/wit"
            ));
        }
        if part.interface == SERVERS && asks_servers {
            return Ok(());
        }
        if part.interface == SERVERS {
            return Err(format!(
                "it imports {name}, and nothing says that it may ask servers: install it with a plugin.toml of world = \"ocr-engine-http\""
            ));
        }
        if !OFFERED.contains(&part.interface) {
            return Err(format!(
                "it imports {name}, which this host does not know: it is older than the engine"
            ));
        }
        return Ok(());
    }
    if name.starts_with("wasi:") {
        return Err(format!(
            "it imports {name}; engines are given no WASI: build for a target without it, or stub it (plugins/README.md)"
        ));
    }
    Err(format!("it imports {name}, which no engine is given"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_import_is_judged_in_words() {
        for served in ["untxt:ocr/host@0.1.0", "untxt:ocr/pages@0.1.7"] {
            assert_eq!(verdict(served, false), Ok(()));
        }
        for (name, says) in [
            ("untxt:ocr/host@0.0.1", "built for untxt:ocr/host@0.0.1; this host offers untxt:ocr@0.1.0"),
            ("untxt:ocr/host@0.2.0", "built for untxt:ocr/host@0.2.0"),
            ("untxt:ocr/http@0.1.0", "ocr-engine-http"),
            ("untxt:ocr/later@0.1.3", "older than the engine"),
            ("wasi:filesystem/types@0.2.6", "no WASI"),
            ("env", "no engine is given"),
        ] {
            let error = verdict(name, false).expect_err("it is not offered");
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(verdict("untxt:ocr/http@0.1.0", true), Ok(()));
    }
}
