//! Engines that answer with the layout of the page.

use serde_json::json;
use tokio_util::sync::CancellationToken;
use untxt_plugins::{Point, Recognized, Rect};

use crate::rig::{Rig, limits, printed, words};

async fn read(rig: &Rig, flaw: Option<&str>) -> Result<Recognized, String> {
    let read = rig.call("form", printed(), json!({ "flaw": flaw }), 1, CancellationToken::new()).await;
    read.map_err(|error| format!("{}: {error}", error.code()))
}

#[tokio::test]
async fn corners_cells_and_other_readings_reach_the_caller() {
    let rig = Rig::new(limits());
    rig.put("form", "form");
    let read = read(&rig, None).await.expect("it answers");
    assert_eq!(words(&read), ["A", "turned", "Prices", "Goods", "Nails", "7"]);
    let [heading, table] = read.text.blocks.as_slice() else { panic!("two blocks") };

    let line = &heading.lines[0];
    let corners = line.corners.expect("it has corners");
    // The lower left one was off the page.
    let point = |x, y| Point { x, y };
    assert_eq!(corners, [point(0, 80), point(540, 44), point(540, 64), point(0, 100)]);
    assert_eq!(line.bounds, Some(Rect { x: 0, y: 44, width: 540, height: 56 }));
    let others = &line.words[1].alternatives;
    assert_eq!((others[0].text.as_str(), others[0].confidence), ("tumed", Some(0.5)));
    assert_eq!((others[1].text.as_str(), others[1].confidence), ("burned", None));

    let cells = &table.table.as_ref().expect("it has cells").cells;
    let places: Vec<_> =
        cells.iter().map(|c| (c.row, c.column, c.row_span, c.column_span, c.header)).collect();
    assert_eq!(places, [(0, 0, 1, 2, true), (1, 0, 1, 1, false), (1, 1, 1, 1, false)]);
    let texts: Vec<_> = cells.iter().map(|cell| &table.lines[cell.lines.clone()][0].words[0].text).collect();
    assert_eq!(texts, ["Goods", "Nails", "7"]);
    let described = rig.registry.resolve("form").await.expect("it is there").described().clone();
    assert_eq!((described.page_side, described.wants_upright), (Some(1_000), true));
}

#[tokio::test]
async fn a_layout_that_contradicts_itself_is_refused() {
    let rig = Rig::new(limits());
    rig.put("form", "form");
    for (flaw, says) in [
        ("overlap", "the cell at row 1, column 0 of 1 x 1 overlaps another"),
        ("outside", "does not fit the table of 2 x 2"),
        ("no-span", "the cell at row 1, column 1 of 0 x 1 does not fit"),
        ("huge", "cells in tables, and 50000 are allowed"),
        ("lines", "60004 lines, and 50000 are allowed"),
        ("confidence", "a confidence of NaN is outside of 0..1"),
    ] {
        let error = read(&rig, Some(flaw)).await.expect_err("it is refused");
        assert!(error.starts_with("ENGINE_INVALID_OUTPUT") && error.contains(says), "{flaw}: {error}");
    }
    read(&rig, None).await.expect("the next call is normal");
}
