//! The text of a PDF as its results give it.

use std::fs;

use serde_json::Value;

use crate::home::Home;
use crate::samples;

#[test]
fn columns_are_blocks_that_follow_each_other() {
    let home = Home::new();
    home.write("two.pdf", include_bytes!("../fixtures/two-columns.pdf"));
    home.run(&["ocr", "two.pdf", "--format", "txt,json"]).exits(0);
    let column = |side: &str| {
        let line = |number| format!("{side} column sentence number {number} goes");
        (0..12).map(line).collect::<Vec<_>>().join("\n")
    };
    let text = fs::read_to_string(home.path("two.txt")).unwrap();
    assert_eq!(text.trim_end(), format!("{}\n\n{}", column("Left"), column("Right")));
    let json: Value = serde_json::from_slice(&fs::read(home.path("two.json")).unwrap()).unwrap();
    let blocks = json["pages"][0]["blocks"].as_array().unwrap().iter();
    let lines: Vec<usize> = blocks.map(|block| block["lines"].as_array().unwrap().len()).collect();
    assert_eq!(lines, [12, 12]);
}

/// Source and text of each page of the result at `name`.
fn pages(home: &Home, name: &str) -> Vec<(String, String)> {
    let result: Value = serde_json::from_slice(&fs::read(home.path(name)).unwrap()).unwrap();
    let pages = result["pages"].as_array().unwrap().iter();
    let words = |page: &Value| {
        let blocks = page["blocks"].as_array().unwrap().iter();
        let lines = blocks.flat_map(|block| block["lines"].as_array().unwrap());
        let words = lines.flat_map(|line| line["words"].as_array().unwrap());
        words.map(|word| word["text"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    pages.map(|page| (page["source"].as_str().unwrap().to_owned(), words(page))).collect()
}

/// The pages of the stamped scan with these arguments beside those for every call.
fn recognised(home: &Home, arguments: &[&str]) -> Vec<(String, String)> {
    let all = [&["ocr", "scan.pdf", "--format", "json", "--engine", "count"], arguments].concat();
    home.run(&all).exits(0);
    pages(home, "scan.json")
}

#[test]
fn a_whole_layer_is_the_result_and_a_stamped_scan_is_recognised() {
    let home = Home::new().with("UNTXT_TEXT_LAYER", "auto");
    home.install("line-count", "count");
    home.write("scan.pdf", &samples::pdf_with_a_stamped_scan());
    let text = format!("{} and tells of run 0 until it ends.", samples::first_line(1));
    let from = |source: &str, text: &str| (source.to_owned(), text.to_owned());

    let auto = recognised(&home, &[]);
    assert_eq!(auto[0], from("text-layer", &text));
    assert_eq!(auto[1].0, "engine");
    assert!(!auto[1].1.contains("Received"), "it counts lines: {auto:?}");
    let used = recognised(&home, &["--text-layer", "use"]);
    assert_eq!(used, [from("text-layer", &text), from("text-layer", "Received")]);
    for mode in ["ignore", "engine"] {
        let asked = recognised(&home, &["--text-layer", mode]);
        assert!(asked.iter().all(|(source, _)| source == "engine"), "{mode}: {asked:?}");
    }
}

#[test]
fn an_engine_that_reads_layers_sees_none_that_is_ignored() {
    let home = Home::new();
    home.write("text.pdf", &samples::pdf(1));
    for (mode, seen) in [("engine", true), ("ignore", false)] {
        home.run(&["ocr", "text.pdf", "--format", "json", "--text-layer", mode]).exits(0);
        let pages = pages(&home, "text.json");
        assert_eq!(pages[0].1.contains(&samples::first_line(1)), seen, "{mode}: {pages:?}");
        assert_eq!(pages[0].0, "engine");
    }
}

#[test]
fn a_mode_that_is_none_is_refused_with_those_there_are() {
    let home = Home::new();
    home.write("text.pdf", &samples::pdf(1));
    let refused = home.run(&["ocr", "text.pdf", "--text-layer", "perhaps"]).exits(2);
    assert!(refused.stderr.contains("auto, use, ignore, engine"), "{}", refused.stderr);
    let home = home.with("UNTXT_TEXT_LAYER", "perhaps");
    let refused = home.run(&["ocr", "text.pdf"]).exits(2);
    assert!(refused.stderr.contains("UNTXT_TEXT_LAYER"), "{}", refused.stderr);
    assert!(refused.stderr.contains("auto, use, ignore, engine"), "{}", refused.stderr);
}
