//! What engines know of a page beside its words, as results give it.

use std::fs;

use image::imageops::rotate90;
use serde_json::Value;

use crate::home::Home;

fn close(value: &Value, expected: f64) -> bool {
    (value.as_f64().unwrap() - expected).abs() < 0.03
}

/// The engine asks for upright pages of 1,000 pixels; the letter lies on its right side.
#[test]
fn an_engine_gets_its_page_upright_and_its_answer_lies_on_the_page_as_it_was_given() {
    let home = Home::new();
    home.install("form", "form");
    let letter = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/documents/letter-scan.png");
    rotate90(&image::open(letter).unwrap().into_luma8()).save(home.path("side.png")).unwrap();
    home.run(&["ocr", "side.png", "--engine", "form", "--format", "json,md,html,page"]).exits(0);

    let json: Value = serde_json::from_slice(&fs::read(home.path("side.json")).unwrap()).unwrap();
    let page = &json["pages"][0];
    assert_eq!((&page["width"], &page["height"]), (&1_000.into(), &707.into()));
    let [heading, table] = page["blocks"].as_array().unwrap().as_slice() else { panic!("{page}") };
    // Text that is read downwards: its upper left is the page's upper right.
    let corners = &heading["lines"][0]["corners"];
    assert!(close(&corners[0][0], 0.8) && close(&corners[0][1], 0.0), "{corners}");
    assert!(close(&corners[1][0], 0.89) && close(&corners[1][1], 0.9), "{corners}");
    let nails = &table["table"]["cells"][1];
    assert_eq!((&nails["row"], &nails["column"], &nails["lines"]), (&1.into(), &0.into(), &vec![2].into()));
    let bounds = &nails["bounds"];
    assert!(close(&bounds["x"], 0.4) && close(&bounds["y"], 0.1), "{bounds}");
    assert!(close(&bounds["width"], 0.1) && close(&bounds["height"], 0.4), "{bounds}");
    assert_eq!(heading["lines"][0]["words"][1]["alternatives"][0]["text"], "tumed");

    let md = fs::read_to_string(home.path("side.md")).unwrap();
    assert!(md.contains("| Goods |  |\n| --- | --- |\n| Nails | 7 |\n"), "{md}");
    let html = fs::read_to_string(home.path("side.html")).unwrap();
    assert!(html.contains("<tr><th colspan=\"2\">Goods</th></tr>"), "{html}");

    // A resolution that the task names comes before the size that the engine wants.
    home.run(&["ocr", "side.png", "--engine", "form", "--format", "json", "--dpi", "300"]).exits(0);
    let json: Value = serde_json::from_slice(&fs::read(home.path("side.json")).unwrap()).unwrap();
    assert_eq!(json["pages"][0]["width"], 1_754);
}
