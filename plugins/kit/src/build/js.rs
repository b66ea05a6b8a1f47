//! JavaScript: uses componentize-js from the project's node_modules as a library.

use std::path::Path;
use std::process::Command;

use untxt_plugins::manifest::Manifest;

use super::{is_installed, missing, read, succeeds};
use crate::failure::Failure;

/// The command of componentize-js can't read its paths on current versions of Node;
/// the library can.
const SCRIPT: &str = r#"
import { componentize } from '@bytecodealliance/componentize-js';
import { writeFile } from 'node:fs/promises';
const [world, out] = process.argv.slice(-2);
const { component } = await componentize({
  sourcePath: 'engine.js',
  witPath: 'wit/untxt-ocr@0.1.0',
  worldName: world,
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
await writeFile(out, component);
"#;

pub(super) fn component(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>, Failure> {
    if !is_installed("node", &["--version"]) {
        return Err(missing("Node is not installed", "apt-get install nodejs npm"));
    }
    if !folder.join("node_modules/@bytecodealliance/componentize-js").is_dir() {
        return Err(missing("componentize-js is not installed", "npm install"));
    }
    let built = "node_modules/.engine.wasm";
    let mut node = Command::new("node");
    node.args(["--input-type=module", "-e", SCRIPT, "--", &manifest.world, built]).current_dir(folder);
    succeeds(&mut node)?;
    read(&folder.join(built))
}
