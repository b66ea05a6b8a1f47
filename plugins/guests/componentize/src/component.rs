//! One guest: a core module becomes a component that can be committed.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

/// Artefacts live in the repository.
const SIZE_MAX_BYTES: usize = 192 * 1024;

/// `reader` has its network inside.
const READER_SIZE_MAX_BYTES: usize = 6 << 20;

/// Writes `built/NAME.wasm` for each of `names`.
///
/// # Errors
/// When a module is missing or no component, when a component is over its size,
/// or when it names a folder of the machine it was built on.
pub(crate) fn write_all(guests: &Path, modules: &Path, built: &Path, names: &[&str]) -> Result<()> {
    fs::create_dir_all(built).with_context(|| format!("create {}", built.display()))?;
    let folders = machine_folders(guests)?;
    for name in names {
        let module = modules.join(name.replace('-', "_")).with_extension("wasm");
        let component =
            encoded(&module).with_context(|| format!("make a component of {}", module.display()))?;
        let size_max = if *name == "reader" { READER_SIZE_MAX_BYTES } else { SIZE_MAX_BYTES };
        ensure!(
            component.len() <= size_max,
            "{name} has {} bytes, over the {size_max} an artefact may have",
            component.len()
        );
        for folder in &folders {
            ensure!(!contains(&component, folder.as_bytes()), "{name} names the folder {folder}");
        }
        println!("{:>7} {name}", component.len());
        let path = built.join(name).with_extension("wasm");
        fs::write(&path, component).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn encoded(module: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(module)?;
    ComponentEncoder::default().validate(true).module(&bytes)?.encode()
}

/// Folders that are another's on another machine.
fn machine_folders(guests: &Path) -> Result<Vec<String>> {
    let root = guests.join("../..").canonicalize().context("find the repository")?;
    let homes = ["HOME", "CARGO_HOME", "RUSTUP_HOME"].into_iter().filter_map(|name| env::var(name).ok());
    let folders = homes.chain([root.display().to_string(), "/usr/".to_owned(), "/home/".to_owned()]);
    Ok(folders.filter(|folder| folder.len() > 1).collect())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
