//! `untxt-kit`: the tools of engine authors. `untxt plugin new`, `build`,
//! `bindings` and `pack` run this program with the same arguments, so that the
//! compilers of bindings and components are not part of `untxt`.
//!
//! In reading order: `failure`, `cli`, `new` (a project from the templates) and
//! `build` (a component from a project or a core module).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod failure;

mod cli;

mod new;

mod build;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::New(arguments) => new::run(&arguments),
        Command::Build { folder } => build::run(&folder),
        Command::Bindings { folder, world } => build::bindings(&folder, &world),
        Command::Pack { module, component } => build::pack(&module, &component),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("untxt: {failure}");
            failure.exit_code()
        }
    }
}

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;
