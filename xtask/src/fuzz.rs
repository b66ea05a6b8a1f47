//! Fuzzing: libFuzzer on the targets of the crate in `fuzz`.
//!
//! Only the product's own crates are instrumented, by `fuzz/instrument` in the
//! place of rustc. What they depend on is that of an ordinary debug build, so
//! there is nothing of it to compile anew, and no other toolchain is needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{root, run as run_command, target_dir};

/// Seconds for each target, if no other number is asked for.
const SECONDS: u64 = 60;

/// Bytes of an input. No reader makes a difference for the sake of more.
const INPUT_BYTES_MAX: u64 = 64 << 10;

/// Seconds that one input may take. It is some thousand times what one takes.
const INPUT_SECONDS_MAX: u64 = 20;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (mut seconds, mut targets) = (SECONDS, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let value = rest.next().and_then(|value| value.parse().ok());
            seconds = value.ok_or("--seconds needs a number")?;
        } else {
            targets.push(argument.clone());
        }
    }
    let known = names(&root().join("fuzz/corpus"))?;
    if let Some(unknown) = targets.iter().find(|target| !known.contains(*target)) {
        let known: Vec<String> = known.into_iter().collect();
        return Err(format!("there is no target `{unknown}`; there are {}", known.join(", ")));
    }
    let targets = if targets.is_empty() { known.into_iter().collect() } else { targets };
    build()?;
    let mut failed = Vec::new();
    for target in targets {
        println!("== {target}, for {seconds} s");
        if let Err(reason) = fuzz(&target, seconds) {
            failed.push(format!("{target}: {reason}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn build() -> Result<(), String> {
    let arguments =
        ["build", "--workspace", "--locked", "--features", "untxt-fuzz/libfuzzer", "--bin", "untxt-fuzz"];
    let instrument = root().join("fuzz/instrument");
    run_command(
        Command::new(env!("CARGO"))
            .current_dir(root())
            .args(arguments)
            .env("RUSTC_WORKSPACE_WRAPPER", instrument),
    )
}

/// Inputs that are found go to a folder of the build; a crash is written beside
/// them, to be fixed and kept in the corpus.
fn fuzz(target: &str, seconds: u64) -> Result<(), String> {
    let found = target_dir().join("fuzz").join(target);
    fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
    let crashes = target_dir().join("fuzz").join(format!("{target}-"));
    run_command(
        Command::new(target_dir().join("debug/untxt-fuzz"))
            .env("UNTXT_FUZZ_TARGET", target)
            .arg(&found)
            .arg(root().join("fuzz/corpus").join(target))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={INPUT_BYTES_MAX}"))
            .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
            .arg(format!("-artifact_prefix={}", crashes.display()))
            .args(["-print_final_stats=0", "-verbosity=1"]),
    )
}

fn names(folder: &Path) -> Result<BTreeSet<String>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::read_dir(folder)
        .map_err(wrong)?
        .map(|entry| Ok(entry.map_err(wrong)?.file_name().to_string_lossy().into_owned()))
        .collect()
}
