//! Rust: uses rustup's target, or a compiler that comes with the sources of its
//! standard library.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{component, is_installed, missing, output_of, read};
use crate::failure::Failure;

const TARGET: &str = "wasm32-unknown-unknown";

pub(super) fn component(folder: &Path) -> Result<Vec<u8>, Failure> {
    if !is_installed("cargo", &["--version"]) {
        return Err(missing("Rust is not installed", "curl https://sh.rustup.rs -sSf | sh"));
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    let libdir = output_of("rustc", &["--print", "target-libdir", "--target", TARGET]);
    if !libdir.is_some_and(|dir| Path::new(&dir).is_dir()) {
        let (rustc, linker) = with_sources().ok_or_else(|| {
            missing(
                "Rust's standard library for WebAssembly is not installed",
                "rustup target add wasm32-unknown-unknown",
            )
        })?;
        cargo
            .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="])
            .env("RUSTC", rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    let output = cargo.current_dir(folder).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Failure::work(format!("cargo: {error}")))?;
    if !output.status.success() {
        return Err(Failure::work("cargo build failed"));
    }
    let module = module(&output.stdout).ok_or_else(|| {
        Failure::work("cargo built no module; Cargo.toml needs crate-type = [\"cdylib\"] under [lib]")
    })?;
    component::encoded(&read(&module)?)
}

/// A distribution's compiler with the sources of the standard library, and rustup's
/// linker.
fn with_sources() -> Option<(String, PathBuf)> {
    let named = std::env::var("UNTXT_WASM_RUSTC").ok();
    let candidates = named.into_iter().chain(["/usr/bin/rustc".to_owned()]);
    let rustc = candidates.into_iter().find(|rustc| {
        let sysroot = output_of(rustc, &["--print", "sysroot"]).unwrap_or_default();
        Path::new(&sysroot).join("lib/rustlib/src/rust/library").is_dir()
    })?;
    let (sysroot, about) = (output_of("rustc", &["--print", "sysroot"])?, output_of("rustc", &["-vV"])?);
    let host = about.lines().find_map(|line| line.strip_prefix("host: "))?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    linker.is_file().then_some((rustc, linker))
}

/// The module among the files that cargo reports; the package's own is the last.
fn module(messages: &[u8]) -> Option<PathBuf> {
    let messages = String::from_utf8_lossy(messages);
    let files = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let files = files.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let mut modules =
        files.filter_map(|file| file.as_str().filter(|file| file.ends_with(".wasm")).map(PathBuf::from));
    modules.next_back()
}
