//! kill -9 in the middle of a document, and the same command again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::history::History;
use crate::home::Home;
use crate::samples;
use crate::server::signal;

const PAGES: usize = 110;

/// Pages that are done when the blow falls.
const DONE_BEFORE: u64 = 25;

const COMMAND: [&str; 12] = [
    "ocr",
    "book.pdf",
    "--engine",
    "slow",
    "--settings",
    r#"{"ms":30}"#,
    "--format",
    "html,json",
    "--out",
    "out",
    "--keep",
    "--json",
];

#[test]
fn finished_pages_are_not_done_again_after_kill_9() {
    let home = home();
    let mut child = start(&home);
    wait_for_pages(&mut child, DONE_BEFORE);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!home.path("out/book.html").exists(), "the blow came too late to show anything");

    home.run(&COMMAND).exits(0);
    let history = assert_is_whole(&home);
    // What was under way when the blow fell is all that was begun twice: a page
    // for each of two places, none when the blow fell between two pages.
    let lost = history.count("lost");
    assert!(lost <= 2, "{lost} attempts were lost");
    assert_eq!(history.page_attempts(), PAGES + lost);
    assert_two_processes_did_it(&history);
}

#[test]
fn ctrl_c_hands_back_what_is_under_way() {
    let home = home();
    let mut child = start(&home);
    wait_for_pages(&mut child, DONE_BEFORE);
    signal(&child, Signal::INT);
    let status = child.wait().unwrap();
    assert!(!status.success(), "it said that it was done: {status:?}");
    assert!(!home.path("out/book.html").exists());
    assert_eq!(home.temporary_files(), [""; 0]);

    home.run(&COMMAND).exits(0);
    let history = assert_is_whole(&home);
    assert_eq!(history.count("lost"), 0);
    assert_two_processes_did_it(&history);
}

fn home() -> Home {
    let home = Home::new();
    home.install("slow", "slow");
    home.write("book.pdf", &samples::pdf(PAGES));
    home
}

fn start(home: &Home) -> Child {
    home.command(&COMMAND).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Reads the progress that the program prints until so many pages are done.
fn wait_for_pages(child: &mut Child, pages: u64) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    for line in lines.map(Result::unwrap) {
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if said["data"]["progress"]["pagesDone"].as_u64().is_some_and(|done| done >= pages) {
            return;
        }
    }
    panic!("it ended before {pages} pages were done");
}

/// One task, complete, its result too, each page finished once, no file left.
fn assert_is_whole(home: &Home) -> History {
    let list = home.run(&["tasks", "list", "--json"]).exits(0).json();
    let tasks = list["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 1, "the second start made another task: {list}");
    let history = History::of(home, tasks[0]["taskId"].as_str().unwrap());
    history.assert_each_page_was_finished_once(PAGES as u64);
    assert_eq!(history.count("completed"), 1);
    let json: Value = serde_json::from_slice(&fs::read(home.path("out/book.json")).unwrap()).unwrap();
    assert_eq!(json["pages"].as_array().unwrap().len(), PAGES);
    assert!(home.path("out/book.html").exists());
    assert_eq!(home.temporary_files(), [""; 0]);
    history
}

fn assert_two_processes_did_it(history: &History) {
    let by_worker = history.finished_by();
    let shares: Vec<usize> = by_worker.values().map(std::collections::BTreeSet::len).collect();
    assert_eq!(shares.len(), 2, "{by_worker:?}");
    assert!(shares.iter().all(|&share| share as u64 >= DONE_BEFORE), "{shares:?}");
}
