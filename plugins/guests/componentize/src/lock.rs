//! `guests.lock`: what the committed artefacts were made of, and with what.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use crate::digest;

const PATH: &str = "built/guests.lock";

/// Writes the lock of the artefacts `names` as they now lie in `built`.
pub(crate) fn write(guests: &Path, names: &[&str], rustc: &str, linker: &str) -> Result<()> {
    let (built, mut artefacts) = (guests.join("built"), Map::new());
    for name in names {
        artefacts.insert((*name).to_owned(), Value::String(artefact(&built, name)?));
    }
    let lock = json!({
        "sources": digest::sources(guests)?,
        "rustc": rustc.lines().collect::<Vec<_>>(),
        "linker": linker,
        "artefacts": artefacts,
    });
    let path = guests.join(PATH);
    fs::write(&path, format!("{lock:#}\n")).with_context(|| format!("write {}", path.display()))
}

/// Succeeds when sources and artefacts are those of the lock.
pub(crate) fn check(guests: &Path) -> Result<()> {
    let lock = read(guests)?;
    ensure!(
        lock["sources"] == digest::sources(guests)?,
        "sources have changed since the artefacts were built: run plugins/guests/build.sh"
    );
    let count = locked(&lock, &guests.join("built"))?;
    println!("{count} artefacts are those of the lock, and their sources too");
    Ok(())
}

/// Succeeds when what was built again has the bytes of the lock, or was built by
/// other tools than those of the lock, which make other bytes.
pub(crate) fn compare(guests: &Path, again: &Path, rustc: &str, linker: &str) -> Result<()> {
    let lock = read(guests)?;
    if lock["rustc"] != json!(rustc.lines().collect::<Vec<_>>()) || lock["linker"] != json!(linker) {
        println!("built by other tools than those of the lock: their bytes say nothing");
        return Ok(());
    }
    let count = locked(&lock, again)?;
    println!("{count} artefacts came out the same, byte for byte");
    Ok(())
}

fn read(guests: &Path) -> Result<Value> {
    let path = guests.join(PATH);
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))
}

/// How many artefacts of the lock lie in `built`, which is all of them.
fn locked(lock: &Value, built: &Path) -> Result<usize> {
    let artefacts = lock["artefacts"].as_object().context("the lock lists no artefacts")?;
    for (name, sha256) in artefacts {
        ensure!(
            *sha256 == artefact(built, name)?,
            "{}/{name}.wasm is not the one that was locked: run plugins/guests/build.sh",
            built.display()
        );
    }
    Ok(artefacts.len())
}

fn artefact(built: &Path, name: &str) -> Result<String> {
    digest::file(&built.join(name).with_extension("wasm"))
}
