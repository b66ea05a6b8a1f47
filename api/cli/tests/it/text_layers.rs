//! The text of a PDF as its results give it.

use std::fs;

use serde_json::Value;

use crate::home::Home;

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
