//! kill -9 in the middle of a document, and the same command again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::children::children;
use crate::history::History;
use crate::home::{Home, built};
use crate::samples;
use crate::server::signal;

const PAGES: usize = 110;

/// Pages of the document for an engine that takes longer.
const SCANNED: usize = 20;

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
    let history = assert_is_whole(&home, PAGES);
    // What was under way when the blow fell is all that was begun twice: a page
    // for each of two places, none when the blow fell between two pages.
    let lost = history.count("lost");
    assert!(lost <= 2, "{lost} attempts were lost");
    assert_eq!(history.page_attempts(), PAGES + lost);
    assert_two_processes_did_it(&history);
}

#[test]
fn kill_9_leaves_no_process_that_computes_models_and_no_page_is_done_twice() {
    let home = Home::new();
    install_with_models(&home);
    home.write("book.pdf", &samples::pdf(SCANNED));
    let command = ["ocr", "book.pdf", "--engine", "ppocr"];
    let command: Vec<&str> = command.into_iter().chain(COMMAND.into_iter().skip(6)).collect();
    let mut child = home.command(&command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_pages(&mut child, 3);
    let own = processes_below(child.id());
    let computes = |id: &&u32| command_line(**id).contains("compute-models");
    assert!(own.iter().any(|id| computes(&id)), "the host computed no model");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!home.path("out/book.html").exists(), "the blow came too late to show anything");
    // They notice that nobody waits for them any more.
    let begun = Instant::now();
    while own.iter().any(|id| !command_line(*id).is_empty()) {
        assert!(begun.elapsed() < Duration::from_secs(30), "a child outlived the worker");
        std::thread::yield_now();
    }

    home.run(&command).exits(0);
    let history = assert_is_whole(&home, SCANNED);
    let lost = history.count("lost");
    assert!(lost <= 2, "{lost} attempts were lost");
    assert_eq!(history.page_attempts(), SCANNED + lost);
}

/// The engine `ppocr`, with small networks in the places of PP-OCR's.
fn install_with_models(home: &Home) {
    let folder = home.path("ppocr");
    fs::create_dir(&folder).unwrap();
    fs::copy(built("ppocr"), folder.join("ppocr.wasm")).unwrap();
    let networks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/host/tests/ppocr");
    let network = |name: &str| fs::read(networks.join(name).with_extension("onnx")).unwrap();
    let mut manifest = "id = \"ppocr\"\nversion = \"0.1.0\"\nworld = \"ocr-engine-models\"\n".to_owned();
    for (name, bytes) in [
        ("detect", network("detect")),
        ("orient", network("orient")),
        ("recognise", network("recognise")),
        ("characters", b"A\nB\n".to_vec()),
    ] {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        manifest += &format!("[[assets]]\nname = \"{name}\"\nfile = \"{name}\"\nsha256 = \"{sha256}\"\n");
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(folder.join("plugin.toml"), manifest).unwrap();
    home.run(&["plugin", "install", folder.to_str().unwrap()]).exits(0);
}

/// Its arguments; empty when it has ended, also where its status was not taken yet.
fn command_line(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
}

/// The children of `process`, and theirs.
fn processes_below(process: u32) -> Vec<u32> {
    let mut found = children(process);
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(children(parent));
        at += 1;
    }
    found
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
    let history = assert_is_whole(&home, PAGES);
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
fn assert_is_whole(home: &Home, pages: usize) -> History {
    let list = home.run(&["tasks", "list", "--json"]).exits(0).json();
    let tasks = list["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 1, "the second start made another task: {list}");
    let history = History::of(home, tasks[0]["taskId"].as_str().unwrap());
    history.assert_each_page_was_finished_once(pages as u64);
    assert_eq!(history.count("completed"), 1);
    let json: Value = serde_json::from_slice(&fs::read(home.path("out/book.json")).unwrap()).unwrap();
    assert_eq!(json["pages"].as_array().unwrap().len(), pages);
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
