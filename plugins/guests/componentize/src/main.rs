//! Makes components of the guests' core modules and writes down what they were
//! made of. `build.sh` is what people run.
//!
//! ```text
//! componentize write GUESTS_DIR MODULES_DIR RUSTC LINKER NAME…
//! componentize check GUESTS_DIR
//! ```
//!
//! `write` fills `GUESTS_DIR/built`: `NAME.wasm` from `MODULES_DIR/N_A_M_E.wasm`,
//! and `guests.lock`. RUSTC and LINKER are the texts by which the two programs
//! name themselves. `check` fails when an artefact or a source has changed since.
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
            component::write_all(Path::new(guests), Path::new(modules), names)?;
            lock::write(Path::new(guests), names, rustc, linker)
        }
        ["check", guests] => lock::check(Path::new(guests)),
        _ => bail!("usage: componentize write GUESTS_DIR MODULES_DIR RUSTC LINKER NAME… | check GUESTS_DIR"),
    }
}
