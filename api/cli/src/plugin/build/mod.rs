//! `untxt plugin build`: the engine in a folder, with the toolchain that is
//! there. What is missing is named by the one command that brings it.

mod c;
mod component;
mod js;
mod py;
mod rust;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use untxt_plugins::manifest::Manifest;
use untxt_plugins::package::MANIFEST_FILE;

use crate::failure::Failure;
use crate::output;

pub(super) fn run(folder: &Path) -> Result<ExitCode, Failure> {
    let path = folder.join(MANIFEST_FILE);
    let wrong = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(&path)
        .map_err(|error| wrong(format!("{error}; `untxt plugin new NAME` makes a folder with one")))?;
    let manifest = Manifest::parse(&text).map_err(wrong)?;
    let component = if folder.join("Cargo.toml").is_file() {
        rust::component(folder)?
    } else if folder.join("engine.c").is_file() {
        c::component(folder, &manifest)?
    } else if folder.join("engine.js").is_file() {
        js::component(folder, &manifest)?
    } else if folder.join("app.py").is_file() {
        py::component(folder, &manifest)?
    } else {
        let message = format!(
            "{} has nothing to build: a Cargo.toml, an engine.c, an engine.js or an app.py",
            folder.display()
        );
        return Err(Failure::usage(message));
    };
    write(&folder.join(manifest.component_file()), &component)
}

/// The contract's C header, and what of it has to be compiled.
pub(super) fn bindings(folder: &Path, world: &str) -> Result<ExitCode, Failure> {
    for path in c::generate(folder, world)? {
        output::line(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// A component of a module, however that was made.
pub(super) fn pack(module: &Path, component: &Path) -> Result<ExitCode, Failure> {
    write(component, &component::encoded(&read(module)?)?)
}

fn write(path: &Path, component: &[u8]) -> Result<ExitCode, Failure> {
    std::fs::write(path, component).map_err(|error| Failure::file(path, &error))?;
    output::line(&format!("{}, {} bytes", path.display(), component.len()));
    Ok(ExitCode::SUCCESS)
}

/// Whether a program can be started at all.
fn is_there(program: &str, arguments: &[&str]) -> bool {
    let started = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok_and(|status| status.success())
}

/// Runs a tool whose own words go where ours go.
fn succeeds(command: &mut Command) -> Result<(), Failure> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| Failure::work(format!("{shown}: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::work(format!("{shown} failed: {status}"))) }
}

/// The text that a tool prints.
fn says(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::file(path, &error))
}

fn missing(what: &str, command: &str) -> Failure {
    Failure::usage(format!("{what}; run `{command}`"))
}
