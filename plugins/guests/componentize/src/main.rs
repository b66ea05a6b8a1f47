//! Makes components of the guests' core modules and writes down what they were
//! made of. `build.sh` is what people run.
//!
//! ```text
//! componentize write GUESTS_DIR MODULES_DIR RUSTC LINKER NAME…
//! componentize compare GUESTS_DIR MODULES_DIR FOLDER RUSTC LINKER NAME…
//! componentize check GUESTS_DIR
//! ```
//!
//! `write` fills `GUESTS_DIR/built`: `NAME.wasm` from `MODULES_DIR/N_A_M_E.wasm`,
//! and `guests.lock`. RUSTC and LINKER are the texts by which the two programs
//! name themselves. `compare` fills FOLDER instead, and fails when tools of these
//! names made other bytes before. `check` fails when an artefact or a source has
//! changed since.
//!
//! The map: `digest` (of a file, of all sources), `component` (one guest),
//! `lock` (what is written down).

#![allow(clippy::print_stdout, reason = "a program that people run by hand")]

mod component;
mod digest;
mod lock;

use std::path::Path;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["write", guests, modules, rustc, linker, names @ ..] if !names.is_empty() => {
            let guests = Path::new(guests);
            component::write_all(guests, Path::new(modules), &guests.join("built"), names)?;
            lock::write(guests, names, rustc, linker)
        }
        ["compare", guests, modules, folder, rustc, linker, names @ ..] if !names.is_empty() => {
            let (guests, folder) = (Path::new(guests), Path::new(folder));
            component::write_all(guests, Path::new(modules), folder, names)?;
            lock::compare(guests, folder, rustc, linker)
        }
        ["check", guests] => lock::check(Path::new(guests)),
        _ => bail!("usage: componentize write|compare|check …, as said at the top of main.rs"),
    }
}
