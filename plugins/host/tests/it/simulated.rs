//! The engine that is always there.

use untxt_plugins::{EngineLimits, Line, Page, PixelFormat, Recognized, Rect, Word};

use crate::rig::{Rig, blank, limits, printed, with_ink, words};

async fn read(rig: &Rig, page: Page) -> Recognized {
    rig.read("simulated-qwen3", page).await.expect("it reads any page")
}

fn attribute<'a>(read: &'a Recognized, name: &str) -> Option<&'a str> {
    read.text.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn the_same_pixels_read_the_same_and_others_do_not() {
    let rig = Rig::new(limits());
    let (first, second) = (read(&rig, printed()).await, read(&rig, printed()).await);
    assert_eq!(first.text, second.text);
    assert_eq!(words(&first).len(), 9);
    let other = read(&rig, with_ink(PixelFormat::Luma8, 44)).await;
    assert_ne!(words(&first), words(&other));
    let color = read(&rig, with_ink(PixelFormat::Rgb8, 40)).await;
    assert_eq!(first.text, color.text, "gray is gray in any format");
}

#[tokio::test]
async fn words_lie_where_their_ink_is() {
    let read = read(&Rig::new(limits()), printed()).await;
    let first = read.text.blocks[0].lines[0].words[0].bounds;
    assert_eq!(first, Some(Rect { x: 60, y: 40, width: 40, height: 12 }));
}

#[tokio::test]
async fn a_page_that_is_scaled_down_has_its_boxes_where_the_ink_is() {
    let (width, height) = (4_401_u32, 200_u32);
    let mut data = vec![u8::MAX; (width * height) as usize];
    for y in 80..140 {
        data[y * width as usize + 3_000..][..200].fill(0);
    }
    let page = Page::new(0, 1, 600, (width, height), PixelFormat::Luma8, data, Vec::new());
    let read = read(&Rig::new(limits()), page.expect("it fits")).await;
    let found = read.text.blocks[0].lines[0].words[0].bounds.expect("it is measured");
    let ends =
        [(found.x, 3_000), (found.y, 80), (found.x + found.width, 3_200), (found.y + found.height, 140)];
    // A pixel of the bitmap is two of the page, and grows to whole ones.
    assert!(ends.iter().all(|(end, ink)| end.abs_diff(*ink) <= 4), "{found:?}");
}

#[tokio::test]
async fn it_says_what_it_is() {
    let rig = Rig::new(limits());
    let read = read(&rig, printed()).await;
    assert_eq!(attribute(&read, "simulated"), Some("true"));
    assert_eq!(attribute(&read, "text-source"), Some("made-up"));
    assert_eq!(attribute(&read, "confidence-kind"), Some("none"));
    assert_eq!(read.text.confidence, None);
    assert!(read.usage.memory_bytes_peak > 0 && read.usage.memory_bytes_peak <= limits().memory_bytes_max);
    assert_eq!(read.usage.logs, ["progress: 1.00 made-up"], "progress does not fill the log");
}

#[tokio::test]
async fn a_page_that_carries_its_text_is_read_from_it() {
    let bounds = Some(Rect { x: 10, y: 10, width: 50, height: 12 });
    let word = |text: &str| Word { text: text.to_owned(), bounds, ..Word::default() };
    let layer = vec![Line { bounds, words: vec![word("Guten"), word("Tag")], ..Line::default() }];
    let page = Page::new(0, 1, 72, (100, 100), PixelFormat::Luma8, vec![255; 10_000], layer);
    let read = read(&Rig::new(limits()), page.expect("it fits")).await;
    assert_eq!(words(&read), ["Guten", "Tag"]);
    assert_eq!(attribute(&read, "text-source"), Some("text-layer"));
    assert_eq!(attribute(&read, "simulated"), Some("true"));
}

#[tokio::test]
async fn a_blank_page_has_no_text() {
    assert_eq!(read(&Rig::new(limits()), blank()).await.text.blocks, []);
}

#[tokio::test]
async fn an_answer_over_a_limit_is_not_believed() {
    let rig = Rig::new(EngineLimits { words_max: 8, ..limits() });
    let failed = rig.read("simulated-qwen3", printed()).await.expect_err("it has nine words");
    assert_eq!(failed.code(), "ENGINE_INVALID_OUTPUT");
}

#[test]
fn a_page_fits_its_pixels_or_is_none() {
    for (size, bytes) in [((2, 2), 3), ((0, 2), 0), ((u32::MAX, u32::MAX), 4)] {
        let page = Page::new(0, 1, 0, size, PixelFormat::Rgb8, vec![0; bytes], Vec::new());
        assert_eq!(page.expect_err("it does not fit").code(), "ENGINE_BAD_PAGE");
    }
}
