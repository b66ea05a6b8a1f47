//! `untxt plugin new`: a folder with everything an engine needs, in the language
//! of one's choice. It builds as it is and passes `untxt plugin test`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::cli::{Language, NewArguments};
use crate::failure::Failure;
use crate::output;

/// Files by their place in the folder; `NAME` in them is the engine's name.
type Files = &'static [(&'static str, &'static str)];

macro_rules! plugins {
    ($path:literal) => {
        include_str!(concat!("../../../../../plugins/", $path))
    };
}

const ALL: Files = &[
    ("plugin.toml", plugins!("templates/plugin.toml")),
    (".gitignore", plugins!("templates/gitignore")),
    ("wit/untxt-ocr@0.1.0/ocr.wit", plugins!("wit/untxt-ocr@0.1.0/ocr.wit")),
];

const RUST: Files = &[
    ("Cargo.toml", plugins!("templates/rust/Cargo.toml")),
    ("src/lib.rs", plugins!("templates/rust/src/lib.rs")),
    ("sdk/Cargo.toml", plugins!("templates/rust/sdk.toml")),
    ("sdk/src/lib.rs", plugins!("sdk/src/lib.rs")),
    ("sdk/src/answer.rs", plugins!("sdk/src/answer.rs")),
    ("sdk/src/assets.rs", plugins!("sdk/src/assets.rs")),
    ("sdk/src/engine.rs", plugins!("sdk/src/engine.rs")),
    ("sdk/src/error.rs", plugins!("sdk/src/error.rs")),
    ("sdk/src/http.rs", plugins!("sdk/src/http.rs")),
    ("sdk/src/pixels.rs", plugins!("sdk/src/pixels.rs")),
    ("sdk/src/settings.rs", plugins!("sdk/src/settings.rs")),
];

const C: Files = &[("engine.c", plugins!("templates/c/engine.c"))];

const JS: Files = &[
    ("package.json", plugins!("templates/js/package.json")),
    ("engine.js", plugins!("templates/js/engine.js")),
];

const PY: Files = &[("app.py", plugins!("templates/py/app.py"))];

pub(super) fn run(arguments: &NewArguments) -> Result<ExitCode, Failure> {
    let name = &arguments.name;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.len() > 64 || !name.chars().all(plain) {
        let message = "a name is a letter and up to 63 lower-case letters, digits and hyphens";
        return Err(Failure::usage(message));
    }
    let folder = Path::new(name);
    if folder.exists() {
        return Err(Failure::usage(format!("{} is there already", folder.display())));
    }
    let (files, first) = match arguments.lang {
        Language::Rust => (RUST, None),
        Language::C => (C, None),
        Language::Js => (JS, Some("npm install")),
        Language::Py => (PY, None),
    };
    for (place, text) in ALL.iter().chain(files) {
        write(&folder.join(place), &text.replace("NAME", name))?;
    }
    output::line(&format!("{name} is there. Next:"));
    output::line(&format!("  cd {name}"));
    first.into_iter().for_each(|command| output::line(&format!("  {command}")));
    for command in ["build", "test", "install ."] {
        output::line(&format!("  untxt plugin {command}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}
