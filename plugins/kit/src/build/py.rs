//! Python: uses componentize-py with WASI stubbed out.

use std::path::Path;
use std::process::Command;

use untxt_plugins::manifest::Manifest;

use super::{is_installed, missing, read, succeeds};
use crate::failure::Failure;

pub(super) fn component(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>, Failure> {
    if !is_installed("componentize-py", &["--version"]) {
        return Err(missing("componentize-py is not installed", "pip install componentize-py"));
    }
    let built = ".engine.wasm";
    let mut python = Command::new("componentize-py");
    python
        .args([
            "-d",
            "wit/untxt-ocr@0.1.0",
            "-w",
            &manifest.world,
            "componentize",
            "--stub-wasi",
            "app",
            "-o",
            built,
        ])
        .current_dir(folder);
    succeeds(&mut python)?;
    let component = read(&folder.join(built))?;
    // An intermediate file.
    let _ = std::fs::remove_file(folder.join(built));
    Ok(component)
}
