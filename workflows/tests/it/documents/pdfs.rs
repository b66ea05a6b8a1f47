//! PDF pages: pixels, sizes, and the text they carry.

use untxt_workflows::documents::kind::Kind;
use untxt_workflows::documents::renderer::{Color, RenderOptions, TextLine};

use super::harness::RendererHarness;
use super::pdf_file::pages;

/// Left half red; Helvetica in 20 pt; text that is there but can't be seen.
const CONTENT: &str = "1 0 0 rg 0 0 72 144 re f 0 g\n\
    BT /F 20 Tf 72 100 Td (Gr\\374\\337e aus Wien) Tj 0 -30 Td [(to)-20(ge)20(ther) -700 (apart)] TJ ET\n\
    BT 3 Tr /F 10 Tf 10 10 Td (hidden) Tj ET\n\
    BT 2 Tr 1 w /F 10 Tf 80 40 Td (outlined) Tj ET";

fn texts(lines: &[TextLine]) -> Vec<String> {
    let words =
        |line: &TextLine| line.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>().join(" ");
    lines.iter().map(words).collect()
}

#[tokio::test]
async fn a_page_has_the_size_and_the_colours_it_should() {
    let file = pages((288, 144), "", &[CONTENT, "0 0 144 72 re f"]);
    let harness = RendererHarness::new();
    let probe = harness.probe(&file).await.unwrap();
    assert_eq!((probe.kind, probe.pages), (Kind::Pdf, 2));
    let options = RenderOptions { dpi: 100, color: Color::Rgb, ..RenderOptions::default() };
    let sheet = super::harness::Sheet(harness.render(&file, 0, options).await.unwrap());
    assert_eq!((sheet.size(), sheet.0.dpi), ((400, 200), 100));
    assert_eq!((sheet.color(20, 20), sheet.color(390, 190)), ([255, 0, 0], [255, 255, 255]));
    // The origin is below.
    let second = harness.gray(&file, 1).await;
    assert_eq!((second.size(), second.luma(10, 290), second.luma(10, 10)), ((600, 300), 0, 255));
    assert_eq!(harness.render(&file, 2, options).await.unwrap_err().code(), "PAGE_OUT_OF_RANGE");
}

#[tokio::test]
async fn a_turned_page_is_turned() {
    let file = pages((288, 144), "/Rotate 90", &["0 0 144 72 re f BT /F 20 Tf 150 100 Td (Side) Tj ET"]);
    let sheet = RendererHarness::new().gray(&file, 0).await;
    assert_eq!(sheet.size(), (300, 600));
    assert_eq!((sheet.luma(10, 10), sheet.luma(290, 590)), (0, 255));
}

#[tokio::test]
async fn text_comes_with_its_words_and_places_even_where_it_is_hidden() {
    let file = pages((288, 144), "", &[CONTENT]);
    let sheet = RendererHarness::new().gray(&file, 0).await;
    let lines = &sheet.0.text_layer;
    assert_eq!(texts(lines), ["Grüße aus Wien", "together apart", "outlined", "hidden"]);
    let first = &lines[0].words[0];
    // 72 pt from the left and 44 pt from the top at 150 dpi, 20 pt high.
    assert!(first.left == 150 && (42..=43).contains(&first.height), "{first:?}");
    assert!((52..=60).contains(&first.top) && (105..=125).contains(&first.width), "{first:?}");
    let dark =
        (first.left..first.left + first.width).any(|x| sheet.luma(x, first.top + first.height / 2) < 100);
    assert!(dark, "there is ink where the word is said to be");
}

#[tokio::test]
async fn an_encrypted_pdf_without_a_user_password_is_read() {
    let open = include_bytes!("../fixtures/encrypted-open.pdf");
    let sheet = RendererHarness::new().gray(open, 0).await;
    assert_eq!(texts(&sheet.0.text_layer), ["Not a secret"]);
}

#[tokio::test]
async fn a_resolution_out_of_range_is_the_nearest_within() {
    let file = pages((72, 72), "", &[""]);
    let harness = RendererHarness::new();
    for (asked, given) in [(1, 36), (100_000, 600)] {
        let options = RenderOptions { dpi: asked, ..RenderOptions::default() };
        let page = harness.render(&file, 0, options).await.unwrap();
        assert_eq!((page.dpi, page.width), (given, given));
    }
}

#[tokio::test]
async fn a_page_keeps_to_the_size_that_is_asked_for() {
    let harness = RendererHarness::new();
    let file = pages((288, 144), "", &[""]);
    for (side_max, given) in [(600, (600, 150)), (599, (596, 149)), (50, (144, 36))] {
        let options = RenderOptions { side_max: Some(side_max), ..RenderOptions::default() };
        let page = harness.render(&file, 0, options).await.unwrap();
        assert_eq!((page.width, page.dpi), given, "{side_max}");
    }
    // A picture that says no resolution.
    let mut picture = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(800, 200).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let options = RenderOptions { side_max: Some(400), ..RenderOptions::default() };
    let page = harness.render(picture.get_ref(), 0, options).await.unwrap();
    assert_eq!((page.width, page.height, page.dpi), (400, 100, 0));
}

#[tokio::test]
async fn a_page_that_is_looked_at_keeps_to_its_width_and_brings_no_text() {
    let harness = RendererHarness::new();
    let file = pages((288, 144), "", &["BT /F 10 Tf 20 20 Td (Word) Tj ET"]);
    for (width_max, size) in [(601, (600, 300)), (599, (596, 298)), (50, (50, 25))] {
        let options = RenderOptions { width_max: Some(width_max), ..RenderOptions::default() };
        let page = harness.render(&file, 0, options).await.unwrap();
        assert_eq!((page.width, page.height), size, "{width_max}");
        assert_eq!(page.text_layer, [], "its boxes would be those of another size");
    }
    let mut picture = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(800, 200).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    for (width_max, size) in [(400, (400, 100)), (1_600, (800, 200))] {
        let options = RenderOptions { width_max: Some(width_max), ..RenderOptions::default() };
        let page = harness.render(picture.get_ref(), 0, options).await.unwrap();
        assert_eq!((page.width, page.height), size, "{width_max}");
    }
}

#[tokio::test]
async fn a_page_counts_in_its_own_unit() {
    let file = pages((144, 72), "/UserUnit 2", &["0 0 72 72 re f BT /F 10 Tf 100 10 Td (Big) Tj ET"]);
    let sheet = RendererHarness::new().gray(&file, 0).await;
    assert_eq!((sheet.size(), sheet.0.dpi), ((600, 300), 150));
    assert_eq!((sheet.luma(290, 5), sheet.luma(310, 5)), (0, 255));
    assert!(sheet.0.text_layer[0].words[0].left > 400);
}

#[tokio::test]
async fn a_lower_resolution_is_advised_only_where_it_helps() {
    let harness = RendererHarness::new();
    let refusal = async |side: u32| {
        let file = pages((side, side), "", &[""]);
        harness.render(&file, 0, RenderOptions::default()).await.unwrap_err()
    };
    let large = refusal(7_200).await.to_string();
    assert!(large.ends_with("30000 a side are allowed; at 100 dpi it fits"), "{large}");
    let file = pages((7_200, 7_200), "", &[""]);
    let fits = RenderOptions { dpi: 100, ..RenderOptions::default() };
    assert_eq!(harness.render(&file, 0, fits).await.unwrap().width, 10_000);
    let giant = refusal(57_600).await.to_string();
    assert!(giant.ends_with("30000 a side are allowed"), "{giant}");
}
