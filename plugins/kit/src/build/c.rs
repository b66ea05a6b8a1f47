//! C: generates the contract's header and compiles the sources with zig or clang
//! against a WASI library, whose imports are answered inside of the module.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use untxt_plugins::manifest::Manifest;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

use super::{component, is_installed, missing, read, succeeds};
use crate::failure::Failure;

/// Replaces the system calls of the C library, so that nothing is imported.
const NO_WASI: &str = include_str!("../../../templates/c/no_wasi.c");

pub(super) fn component(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>, Failure> {
    let generated = generate(&folder.join("gen"), &manifest.world)?;
    let mut compiler = compiler()
        .ok_or_else(|| missing("no C compiler for WebAssembly is installed", "pip install ziglang"))?;
    let module = folder.join("gen/core.wasm");
    compiler.args(["-mexec-model=reactor", "-O2", "-s", "-I"]).arg(folder.join("gen"));
    let sources = fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))?.filter_map(Result::ok);
    let sources =
        sources.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|kind| kind == "c"));
    compiler.args(sources).args(generated).arg("-o").arg(&module);
    succeeds(&mut compiler)?;
    component::encoded(&read(&module)?)
}

/// Writes the contract's header and sources into `folder`; returns the files to
/// compile and link.
pub(super) fn generate(folder: &Path, world: &str) -> Result<Vec<PathBuf>, Failure> {
    let wrong = |error: &dyn Display| Failure::work(format!("the contract: {error:#}"));
    let mut resolve = Resolve::default();
    let package = resolve.push_str("ocr.wit", component::WIT).map_err(|error| wrong(&error))?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|error| wrong(&error))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| wrong(&error))?;
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    files.push("no_wasi.c", NO_WASI.as_bytes());
    let mut compiled = Vec::new();
    for (name, bytes) in files.iter() {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| Failure::file(&path, &error))?;
        if !name.ends_with(".h") {
            compiled.push(path);
        }
    }
    Ok(compiled)
}

fn compiler() -> Option<Command> {
    let target = ["-target", "wasm32-wasi"];
    if is_installed("zig", &["version"]) {
        let mut zig = Command::new("zig");
        zig.arg("cc").args(target);
        return Some(zig);
    }
    if is_installed("python3", &["-m", "ziglang", "version"]) {
        let mut zig = Command::new("python3");
        zig.args(["-m", "ziglang", "cc"]).args(target);
        return Some(zig);
    }
    // A distribution's clang looks for its library here.
    if !Path::new("/usr/include/wasm32-wasi").is_dir() {
        return None;
    }
    let name = (14..=30).rev().map(|version| format!("clang-{version}")).chain(["clang".to_owned()]);
    let clang = name.into_iter().find(|name| is_installed(name, &["--target=wasm32-wasi", "--version"]))?;
    let mut clang = Command::new(clang);
    clang.args(target);
    Some(clang)
}
