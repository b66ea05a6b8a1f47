//! The fault campaign, shorter than an operator would run it: the whole service
//! under kills, restarts, flushes and a bad network. It needs the `untxt` binary,
//! which `cargo test --workspace` builds.

use std::process::{Command, Output};

use serde_json::Value;

/// More are uploaded until each fault has happened.
const TASKS: u64 = 120;

/// Tasks whose budgets faults may spend: it takes four workers killed under one
/// page, which happens about once in a thousand tasks.
const EXHAUSTED_MAX: u64 = 2;

#[test]
fn whatever_is_killed_cut_off_or_restarted_nothing_is_lost_and_nothing_done_twice() {
    let tasks = TASKS.to_string();
    let output = chaos(&["--tasks", &tasks, "--seed", "1", "--json"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["violations"], Value::Array(Vec::new()));
    assert!(count(&report, "accepted") >= TASKS, "{report}");
    assert!(count(&report, "exhausted") <= EXHAUSTED_MAX, "{report}");
    // That it was a campaign: everything happened, and left its marks.
    let played: Vec<&str> =
        report["faults"].as_array().unwrap().iter().map(|group| group.as_str().unwrap()).collect();
    assert_eq!(played[..4], ["kill", "redis", "postgres", "s3"]);
    // Small disks are root's to mount; clocks need a library.
    assert_eq!(played.contains(&"disk"), rustix::process::geteuid().is_root());
    for kind in played {
        let strikes = report["strikes"].as_array().unwrap();
        let of_kind = |strike: &&Value| strike["fault"].as_str().unwrap().starts_with(kind);
        assert!(strikes.iter().filter(of_kind).count() >= 2, "{kind}: {strikes:?}");
    }
    for mark in ["rescued", "retries", "repeated", "results"] {
        assert!(count(&report, mark) > 0, "{mark}: {report}");
    }
    assert!(report["rescue"]["n"].as_u64() > Some(0), "no killed worker held anything: {report}");
    assert!(report["answers"].as_object().unwrap().len() > 2, "no client saw a fault: {report}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for (arguments, named) in [
        (["--faults", "locusts"], "invalid value 'locusts' for '--faults <FAULTS>'"),
        (["--workers", "0"], "0 is not in 1..=6"),
        (["--tasks", "0"], "0 is not in 1.."),
        (["--untxt", "/nowhere"], "/nowhere: No such file or directory"),
    ] {
        let output = chaos(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(named), "{stderr}");
    }
}

fn chaos(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_untxt-chaos")).args(arguments).output().unwrap()
}

fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report}"))
}
