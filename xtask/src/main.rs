//! Development tasks: `cargo xtask TASK`. It needs nothing but cargo, and each
//! task runs the script or cargo command that does the work, with whatever
//! arguments follow.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line program")]

mod fuzz;
mod release;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const HELP: &str = "\
Usage: cargo xtask TASK [ARGUMENT…]

  build                   build the release binary
  test [--long] [JOB…]    run the checks of CI, or some of them; `test --list` names them
  guests [--check]        build the WebAssembly engines in plugins/guests, or compare them with their sources
  bench engine            measure the workflow engine on the configured services
  bench sandbox           measure the plugin host
  bench load              measure a running server
  campaign                attack a whole service with injected faults
  fuzz [--seconds N] [TARGET…]
                          fuzz every reader of untrusted bytes for N seconds each (60), or those named
  release [--check]       check that CHANGELOG.md describes the version, and print its release notes

Arguments after the task go to the program that it runs.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match task {
        "build" => cargo(&["build", "--release", "--locked"], rest),
        "test" => run(Command::new(root().join(".ci/test")).args(rest)),
        "guests" => run(Command::new(root().join("plugins/guests/build.sh")).args(rest)),
        "bench" => bench(rest),
        "campaign" => campaign(rest),
        "fuzz" => fuzz::run(rest),
        "release" => release::run(rest),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no task `{other}`\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &[String]) -> Result<(), String> {
    match arguments.split_first().map(|(what, rest)| (what.as_str(), rest)) {
        Some(("engine", rest)) => cargo(&["run", "--release", "--locked", "--", "bench"], rest),
        Some(("sandbox", rest)) => {
            cargo(&["bench", "--workspace", "--locked", "--bench", "sandbox", "--"], rest)
        }
        Some(("load", rest)) => {
            cargo(&["run", "--release", "--locked", "-p", "untxt-examples", "--bin", "load", "--"], rest)
        }
        _ => Err("bench what? `engine`, `sandbox` or `load`".to_owned()),
    }
}

/// The campaign runs the binary of the product, so both are built.
fn campaign(arguments: &[String]) -> Result<(), String> {
    cargo(&["build", "--release", "--workspace", "--locked"], &[])?;
    run(Command::new(target_dir().join("release/untxt-chaos")).args(arguments))
}

fn cargo(arguments: &[&str], rest: &[String]) -> Result<(), String> {
    run(Command::new(env!("CARGO")).current_dir(root()).args(arguments).args(rest))
}

/// Runs `command` to its end.
///
/// # Errors
/// What was run, and how it ended, unless it succeeded.
fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{} {}", command.get_program().display(), shown(command));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown}: {status}")),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

fn shown(command: &Command) -> String {
    command.get_args().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The folder of the repository.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Where cargo puts what it builds.
fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
