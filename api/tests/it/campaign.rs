//! The fault campaign, shorter than an operator would run it: the whole service
//! under kills, restarts, flushes and a bad network.

use serde_json::Value;

use crate::home::Home;

/// More are uploaded until each fault has happened.
const TASKS: u64 = 120;

/// Tasks whose budgets faults may spend: it takes four workers killed under one
/// page, which happens about once in a thousand tasks.
const EXHAUSTED_MAX: u64 = 2;

#[test]
fn whatever_is_killed_cut_off_or_restarted_nothing_is_lost_and_nothing_done_twice() {
    let home = Home::new();
    let tasks = TASKS.to_string();
    let ended = home.run(&["campaign", "--tasks", &tasks, "--seed", "1", "--json"]).exits(0);
    let report = ended.json();
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
fn a_campaign_that_can_not_be_meant_is_refused() {
    let home = Home::new();
    for (arguments, named) in [
        (["campaign", "--faults", "locusts"], "--faults: there is no fault `locusts`"),
        (["bench", "--faults", "locusts"], "--faults: there is no fault `locusts`"),
        (["campaign", "--workers", "0"], "--workers is 1 to"),
        (["campaign", "--tasks", "0"], "--tasks"),
    ] {
        let ended = home.run(&arguments).exits(2);
        assert!(ended.stderr.contains(named), "{}", ended.stderr);
    }
}

fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report}"))
}
