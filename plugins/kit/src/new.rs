//! `untxt plugin new`: creates a project from the templates. It builds as it is and
//! passes `untxt plugin test`.

use std::fs;
use std::path::Path;

use crate::cli::{Language, NewArguments};
use crate::failure::Failure;

/// Files by their place in the folder; `NAME` in them is the engine's name.
type Files = &'static [(&'static str, &'static str)];

macro_rules! plugins {
    ($path:literal) => {
        include_str!(concat!("../../", $path))
    };
}

const ALL: Files = &[
    (".gitignore", plugins!("templates/gitignore")),
    ("wit/untxt-ocr@0.1.0/ocr.wit", plugins!("wit/untxt-ocr@0.1.0/ocr.wit")),
];

const LOCAL: Files = &[("plugin.toml", plugins!("templates/plugin.toml"))];

const CALLS_SERVER: Files = &[
    ("plugin.toml", plugins!("templates/http/plugin.toml")),
    ("grants.toml", plugins!("templates/http/grants.toml")),
];

const WITH_MODEL: Files = &[
    ("plugin.toml", plugins!("templates/model/plugin.toml")),
    ("make_model.py", plugins!("templates/model/make_model.py")),
];

const MODEL: &[u8] = include_bytes!("../../templates/model/model.onnx");

const SDK: Files = &[
    ("sdk/Cargo.toml", plugins!("templates/rust/sdk.toml")),
    ("sdk/src/lib.rs", plugins!("sdk/src/lib.rs")),
    ("sdk/src/answer.rs", plugins!("sdk/src/answer.rs")),
    ("sdk/src/assets.rs", plugins!("sdk/src/assets.rs")),
    ("sdk/src/engine.rs", plugins!("sdk/src/engine.rs")),
    ("sdk/src/error.rs", plugins!("sdk/src/error.rs")),
    ("sdk/src/http.rs", plugins!("sdk/src/http.rs")),
    ("sdk/src/inference.rs", plugins!("sdk/src/inference.rs")),
    ("sdk/src/layout.rs", plugins!("sdk/src/layout.rs")),
    ("sdk/src/pixels.rs", plugins!("sdk/src/pixels.rs")),
    ("sdk/src/settings.rs", plugins!("sdk/src/settings.rs")),
];

const RUST: Files = &[
    ("Cargo.toml", plugins!("templates/rust/Cargo.toml")),
    ("src/lib.rs", plugins!("templates/rust/src/lib.rs")),
];

const RUST_CALLS_SERVER: Files = &[
    ("Cargo.toml", plugins!("templates/http/rust/Cargo.toml")),
    ("src/lib.rs", plugins!("templates/http/rust/src/lib.rs")),
];

const RUST_WITH_MODEL: Files = &[
    ("Cargo.toml", plugins!("templates/rust/Cargo.toml")),
    ("src/lib.rs", plugins!("templates/model/rust/src/lib.rs")),
];

const C: Files = &[("engine.c", plugins!("templates/c/engine.c"))];

const C_CALLS_SERVER: Files = &[("engine.c", plugins!("templates/http/c/engine.c"))];

const C_WITH_MODEL: Files = &[("engine.c", plugins!("templates/model/c/engine.c"))];

const JS_PACKAGE: Files = &[("package.json", plugins!("templates/js/package.json"))];

const JS: Files = &[("engine.js", plugins!("templates/js/engine.js"))];

const JS_CALLS_SERVER: Files = &[("engine.js", plugins!("templates/http/js/engine.js"))];

const PY: Files = &[("app.py", plugins!("templates/py/app.py"))];

const PY_CALLS_SERVER: Files = &[("app.py", plugins!("templates/http/py/app.py"))];

/// Settings with which the engine calls the test servers of `untxt plugin test`.
const TEST_SETTINGS: &str = r#" --settings '{"url": "{{server}}/ocr"}'"#;

pub(crate) fn run(arguments: &NewArguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.len() > 64 || !name.chars().all(plain) {
        let message =
            "a name is a lower-case letter followed by up to 63 lower-case letters, digits and hyphens";
        return Err(Failure::usage(message));
    }
    let folder = Path::new(name);
    if folder.exists() {
        return Err(Failure::usage(format!("{} already exists", folder.display())));
    }
    for (place, text) in files(arguments)?.into_iter().flatten() {
        write(&folder.join(place), text.replace("NAME", name).as_bytes())?;
    }
    if arguments.model {
        write(&folder.join("model.onnx"), MODEL)?;
    }
    print_next_steps(arguments);
    Ok(())
}

fn files(arguments: &NewArguments) -> Result<[Files; 4], Failure> {
    if arguments.model {
        return match arguments.lang {
            Language::Rust => Ok([ALL, WITH_MODEL, SDK, RUST_WITH_MODEL]),
            Language::C => Ok([ALL, WITH_MODEL, &[], C_WITH_MODEL]),
            Language::Js | Language::Py => {
                Err(Failure::usage("--model has a template for --lang rust and --lang c"))
            }
        };
    }
    let (shared, local, calling): (Files, Files, Files) = match arguments.lang {
        Language::Rust => (SDK, RUST, RUST_CALLS_SERVER),
        Language::C => (&[], C, C_CALLS_SERVER),
        Language::Js => (JS_PACKAGE, JS, JS_CALLS_SERVER),
        Language::Py => (&[], PY, PY_CALLS_SERVER),
    };
    Ok(if arguments.http { [ALL, CALLS_SERVER, shared, calling] } else { [ALL, LOCAL, shared, local] })
}

fn print_next_steps(arguments: &NewArguments) {
    let name = &arguments.name;
    println!("Created {name}. Next:");
    if arguments.lang == Language::Js {
        println!("  npm install --prefix {name}");
    }
    let settings = if arguments.http { TEST_SETTINGS } else { "" };
    println!("  untxt plugin build {name}");
    println!("  untxt plugin test {name}{settings}");
    println!("  untxt plugin install {name}");
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| Failure::file(path, &error))
}
