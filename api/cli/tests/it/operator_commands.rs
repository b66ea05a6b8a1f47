//! What operators type.

use uuid::Uuid;

use crate::home::Home;
use crate::samples;

#[test]
fn the_doctor_finds_nothing_wrong_with_the_defaults() {
    let home = Home::new();
    let ended = home.run(&["doctor"]).exits(0);
    assert!(!ended.stdout.is_empty());
    let findings = home.run(&["doctor", "--json"]).exits(0).json_lines();
    for part in ["disk", "database", "objects", "decoder", "engine"] {
        assert!(
            findings.iter().any(|finding| finding["part"] == part && finding["well"] == true),
            "{part}: {findings:?}"
        );
    }
}

#[test]
fn the_doctor_names_the_engine_that_can_not_be_used() {
    let home = Home::new();
    home.install("old-version", "from-long-ago");
    let ended = home.run(&["doctor"]).exits(1);
    let line = ended.stdout.lines().find(|line| line.contains("from-long-ago")).unwrap();
    assert!(line.starts_with("FAIL"), "{line}");
}

#[test]
fn migrations_go_up_down_and_up_again() {
    let home = Home::new();
    let before = home.run(&["migrate", "status"]).exits(0).stdout;
    home.run(&["migrate", "up"]).exits(0);
    let after = home.run(&["migrate", "status"]).exits(0).stdout;
    assert_ne!(before, after);
    home.run(&["migrate", "down"]).exits(0);
    home.run(&["migrate", "up"]).exits(0);
    assert_eq!(home.run(&["migrate", "status"]).exits(0).stdout, after);
}

#[test]
fn tasks_are_listed_and_shown() {
    let home = Home::new();
    home.write("scan.png", &samples::picture(2));
    home.run(&["ocr", "scan.png", "--keep"]).exits(0);
    let list = home.run(&["tasks", "list", "--json"]).exits(0).json();
    let task = list["tasks"][0]["taskId"].as_str().unwrap().to_owned();
    let table = home.run(&["tasks", "list"]).exits(0).stdout;
    assert!(table.contains(&task) && table.contains("completed"), "{table}");
    let page = home.run(&["tasks", "show", &task]).exits(0).stdout;
    assert!(page.contains("scan.png") && page.contains("completed"), "{page}");
    let unknown = Uuid::new_v4().to_string();
    let ended = home.run(&["tasks", "show", &unknown]).exits(1);
    assert!(ended.stderr.contains(&unknown), "{}", ended.stderr);
}

#[test]
fn a_command_whose_output_nobody_reads_on_ends_well() {
    let home = Home::new();
    home.write("scan.png", &samples::picture(2));
    home.run(&["ocr", "scan.png", "--keep"]).exits(0);
    let list = home.run(&["tasks", "list", "--json"]).exits(0).json();
    let task = list["tasks"][0]["taskId"].as_str().unwrap();
    for arguments in [&["doctor"][..], &["tasks", "list"], &["tasks", "watch", task]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = home.command(arguments).stdout(writer).output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_benchmark_says_what_it_measured() {
    let home = Home::new();
    let figures = home.run(&["bench", "--runs", "50", "--json"]).exits(0).json();
    assert_eq!(figures["runs"], 50, "{figures}");
    for name in ["runsPerSecond", "p50Ms", "p99Ms", "cpuSeconds", "peakRssMib"] {
        assert!(figures[name].as_f64().is_some_and(|figure| figure > 0.0), "{name}: {figures}");
    }
}
