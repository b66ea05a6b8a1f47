//! `untxt plugin build`: builds a project with the installed toolchain. The error
//! for a missing tool names the command that installs it.

mod c;
mod component;
mod js;
mod py;
mod rust;

use std::path::Path;
use std::process::{Command, Stdio};

use untxt_plugins::manifest::Manifest;
use untxt_plugins::package::MANIFEST_FILE;

use crate::failure::Failure;

pub(crate) fn run(folder: &Path) -> Result<(), Failure> {
    let path = folder.join(MANIFEST_FILE);
    let wrong = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(&path)
        .map_err(|error| wrong(format!("{error}; `untxt plugin new NAME` creates a project with one")))?;
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
        let message =
            format!("{} contains none of Cargo.toml, engine.c, engine.js and app.py", folder.display());
        return Err(Failure::usage(message));
    };
    write(&folder.join(manifest.component_file()), &component)
}

/// Writes the contract's C header and sources into `folder`.
pub(crate) fn bindings(folder: &Path, world: &str) -> Result<(), Failure> {
    for path in c::generate(folder, world)? {
        println!("{}", path.display());
    }
    Ok(())
}

/// Turns a core module into a component.
pub(crate) fn pack(module: &Path, component: &Path) -> Result<(), Failure> {
    write(component, &component::encoded(&read(module)?)?)
}

fn write(path: &Path, component: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, component).map_err(|error| Failure::file(path, &error))?;
    println!("{}, {} bytes", path.display(), component.len());
    Ok(())
}

/// Whether a program can be started.
fn is_installed(program: &str, arguments: &[&str]) -> bool {
    let started = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok_and(|status| status.success())
}

/// Runs a tool, whose output goes to that of this program.
fn succeeds(command: &mut Command) -> Result<(), Failure> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| Failure::work(format!("{shown}: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::work(format!("{shown} failed: {status}"))) }
}

/// The output of a tool, if it succeeds.
fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::file(path, &error))
}

fn missing(what: &str, command: &str) -> Failure {
    Failure::usage(format!("{what}; run `{command}`"))
}
