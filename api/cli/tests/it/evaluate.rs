//! `untxt plugin evaluate`: an engine's text compared with the true one.

use std::fs;

use crate::home::{Home, built};
use crate::samples;

/// A home with a folder `pages` of two pages: `line-count` reads `lines: 2` and
/// `lines: 3` on them.
fn pages() -> Home {
    let home = Home::new();
    fs::create_dir(home.path("pages")).unwrap();
    home.write("pages/one.png", &samples::picture(2));
    home.write("pages/one.txt", b"lines:  2\n");
    home.write("pages/two.png", &samples::picture(3));
    home.write("pages/two.txt", "fines: 3\u{e9}".as_bytes());
    home
}

#[test]
fn errors_are_counted_per_page_and_in_all() {
    let home = pages();
    let engine = built("line-count").display().to_string();
    let figures = home.run(&["plugin", "evaluate", &engine, "pages", "--json"]).exits(0).json();
    assert_eq!(figures["engine"]["name"], "line-count", "{figures}");
    let [one, two] = figures["pages"].as_array().unwrap().as_slice() else { panic!("{figures}") };
    assert_eq!((&one["page"], &one["cer"], &one["wer"]), (&"one.png".into(), &0.0.into(), &0.0.into()));
    assert_eq!((&two["characters"], &two["characterErrors"]), (&9.into(), &2.into()));
    assert_eq!((&two["words"], &two["wordErrors"]), (&2.into(), &2.into()));
    let all = &figures["all"];
    assert_eq!(
        (&all["characters"], &all["characterErrors"], &all["wer"]),
        (&17.into(), &2.into(), &0.5.into())
    );
    assert!(all["seconds"].as_f64() > Some(0.0) && all["peakMemoryBytes"].as_u64() > Some(1 << 16), "{all}");
    assert!(all["confidence"].is_null(), "it has none: {all}");

    let table = home.run(&["plugin", "evaluate", &engine, "pages"]).exits(0).stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert_eq!(rows[0], ["page", "characters", "CER", "WER", "confidence", "seconds", "memory"]);
    assert_eq!(rows[2][..6], ["two.png", "9", "22.22", "%", "100.00", "%"]);
    assert_eq!(rows[3][..6], ["all", "17", "11.76", "%", "50.00", "%"]);
}

#[test]
fn an_engine_is_named_by_its_place_or_as_it_is_installed_or_built_in() {
    let home = pages();
    home.install("line-count", "mine");
    let figures = home.run(&["plugin", "evaluate", "mine", "pages", "--json"]).exits(0).json();
    assert_eq!(figures["engine"]["name"], "mine", "{figures}");
    assert_eq!(figures["all"]["characterErrors"], 2, "{figures}");
    let built_in = home.run(&["plugin", "evaluate", "simulated-qwen3", "pages", "--json"]).exits(0).json();
    assert!(built_in["all"]["cer"].as_f64() > Some(0.5), "its text is made up: {built_in}");
    let read = home.run(&["plugin", "run", "pages/one.png", "mine"]).exits(0);
    assert!(read.stdout.contains("lines: 2"), "{}", read.stdout);
    let unknown = home.run(&["plugin", "evaluate", "unknown", "pages"]).exits(2);
    assert!(unknown.stderr.contains("simulated-qwen3"), "it says what there is: {}", unknown.stderr);
}

#[test]
fn texts_of_another_program_are_judged_alike() {
    let home = pages();
    fs::create_dir(home.path("theirs")).unwrap();
    home.write("theirs/one.txt", b"lines: 2\n\x0c");
    let missing = home.run(&["plugin", "evaluate", "--texts", "theirs", "pages"]).exits(2);
    assert!(missing.stderr.contains("two.txt"), "{}", missing.stderr);
    home.write("theirs/two.txt", b"lines: 3");
    let figures = home.run(&["plugin", "evaluate", "--texts", "theirs", "pages", "--json"]).exits(0).json();
    assert_eq!(figures["all"]["characterErrors"], 2, "{figures}");
    assert!(figures["engine"].is_null() && figures["all"].get("seconds").is_none(), "{figures}");
}

#[test]
fn folders_that_can_not_be_judged_are_refused() {
    let home = pages();
    let engine = built("line-count").display().to_string();
    let evaluate = |folder: &str| home.run(&["plugin", "evaluate", &engine, folder]).exits(2).stderr;
    fs::create_dir(home.path("empty")).unwrap();
    home.write("empty/notes.txt", b"no picture");
    assert!(evaluate("empty").contains("no PNG"), "{}", evaluate("empty"));
    assert!(evaluate("nowhere").contains("nowhere"), "{}", evaluate("nowhere"));
    home.write("pages/three.png", &samples::picture(1));
    let missing = evaluate("pages");
    assert!(missing.contains("three.txt") && !missing.contains("two.txt"), "{missing}");
    home.write("pages/three.txt", b"\xff");
    assert!(evaluate("pages").contains("UTF-8"), "{}", evaluate("pages"));
    home.write("pages/three.txt", &vec![b'a'; 70 << 10]);
    assert!(evaluate("pages").contains("three.txt: more than"), "{}", evaluate("pages"));
    home.write("pages/three.txt", b"lines: 1");
    home.write("pages/three.png", b"\x89PNG\r\n\x1a\n and no more");
    let broken = home.run(&["plugin", "evaluate", &engine, "pages"]).exits(1);
    assert!(broken.stderr.contains("three.png"), "{}", broken.stderr);
    let trap = built("trap").display().to_string();
    let crashed = home.run(&["plugin", "evaluate", &trap, "pages"]).exits(1);
    assert!(crashed.stderr.contains("one.png"), "{}", crashed.stderr);
}
