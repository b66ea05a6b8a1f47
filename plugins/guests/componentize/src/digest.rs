//! Digests of a file and of all that the guests are made of.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// SHA-256 of a file, in hex.
pub(crate) fn file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}

/// SHA-256 over lines `PATH SPACE SHA256 LF`, sorted by path as bytes, of every
/// file in `guests/*/src`, `sdk/src` and `wit`, and of `guests/*/{Cargo.toml,build.rs}`,
/// `guests/Cargo.{toml,lock}`, `sdk/Cargo.toml` and `reader/model/reader.{onnx,json}`. Paths start with `plugins/`
/// and have forward slashes.
pub(crate) fn sources(guests: &Path) -> Result<String> {
    let plugins = guests.join("..").canonicalize().context("find the plugins folder")?;
    let mut lines: Vec<String> = Vec::new();
    for path in source_files(&plugins)? {
        let name = path.strip_prefix(&plugins)?.to_string_lossy().replace('\\', "/");
        lines.push(format!("plugins/{name} {}\n", file(&path)?));
    }
    lines.sort_unstable();
    Ok(hex::encode(Sha256::digest(lines.concat())))
}

fn source_files(plugins: &Path) -> Result<Vec<PathBuf>> {
    let guests = plugins.join("guests");
    let single = ["guests/Cargo.toml", "guests/Cargo.lock", "sdk/Cargo.toml"];
    let weights = ["reader/model/reader.onnx", "reader/model/reader.json"];
    let mut files: Vec<PathBuf> = single.iter().chain(&weights).map(|file| plugins.join(file)).collect();
    collect(&plugins.join("sdk/src"), &mut files)?;
    collect(&plugins.join("wit"), &mut files)?;
    for guest in entries(&guests)? {
        // `built` and a local `target` have no manifest.
        if guest.join("Cargo.toml").is_file() {
            let manifests = ["Cargo.toml", "build.rs"].map(|name| guest.join(name));
            files.extend(manifests.into_iter().filter(|file| file.is_file()));
            collect(&guest.join("src"), &mut files)?;
        }
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listing = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    listing.map(|entry| Ok(entry?.path())).collect()
}
