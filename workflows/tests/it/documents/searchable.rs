//! Searchable PDFs, as they are written of a document and its recognised pages.

use std::time::Duration;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use untxt_plugins::ChildProgram;
use untxt_workflows::documents::DocumentError;
use untxt_workflows::documents::limits::Limits;
use untxt_workflows::documents::model::{Block, Line, Page, PageSource, Rect, Word};
use untxt_workflows::documents::renderer::{RenderOptions, Renderer, RendererConfig, SearchablePdf};

use super::harness::RendererHarness;
use super::hostile::nested_forms;
use super::pdf_file::{pages, pdf, stream};
use super::pictures::encoded;

/// A recognised page of two words.
fn recognized(index: u32) -> Page {
    let word = |text: &str, x: f32| Word {
        text: text.to_owned(),
        bounds: Some(Rect { x, y: 0.1, width: 0.2, height: 0.05 }),
        ..Word::default()
    };
    let words = vec![word(&format!("Page{index}"), 0.1), word("read", 0.4)];
    let block = Block {
        role: "paragraph".to_owned(),
        lines: vec![Line { words, ..Line::default() }],
        ..Block::default()
    };
    Page { index, width: 100, height: 100, dpi: 72, attempts: 1, blocks: vec![block], ..Page::default() }
}

impl RendererHarness {
    /// The PDF that is written of `document` with these pages.
    async fn written(
        &self,
        document: &[u8],
        pages: &[Page],
        archival: bool,
    ) -> Result<Vec<u8>, DocumentError> {
        let lines: Vec<String> =
            pages.iter().map(|page| serde_json::to_string(page).unwrap() + "\n").collect();
        let task = SearchablePdf {
            pages: self.file("pages", lines.concat().as_bytes()),
            archival,
            title: "ein Brief".to_owned(),
            identity: "0123456789abcdef".repeat(4),
            made_at_ms: 1_790_000_000_000,
        };
        let (document, to) = (self.file("document", document), self.file("written", b""));
        let count = u32::try_from(pages.len()).unwrap();
        let mut cost = Duration::ZERO;
        self.renderer.write_pdf(&document, task, count, &to, &mut cost).await?;
        Ok(std::fs::read(to).unwrap())
    }

    /// The words of each page of a PDF, as it is read here.
    async fn read_back(&self, pdf: &[u8]) -> Vec<String> {
        let count = self.probe(pdf).await.unwrap().pages;
        let mut texts = Vec::new();
        for index in 0..count {
            let sheet = self.gray(pdf, index).await;
            let words = sheet.0.text_layer.iter().flat_map(|line| &line.words);
            texts.push(words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "));
        }
        texts
    }
}

fn has(file: &[u8], part: &str) -> bool {
    file.windows(part.len()).any(|bytes| bytes == part.as_bytes())
}

#[tokio::test]
async fn the_same_document_gives_the_same_bytes() {
    let harness = RendererHarness::new();
    let document = pages((200, 100), "", &["0 0 9 9 re f", "0 0 9 9 re f"]);
    for archival in [false, true] {
        let first = harness.written(&document, &[recognized(0), recognized(1)], archival).await.unwrap();
        let second = harness.written(&document, &[recognized(0), recognized(1)], archival).await.unwrap();
        assert!(first == second);
        assert_eq!(harness.read_back(&first).await, ["Page0 read", "Page1 read"]);
    }
}

#[tokio::test]
async fn pages_of_every_turn_and_box_have_their_words_where_they_were() {
    let harness = RendererHarness::new();
    for more in [
        "/Rotate 90",
        "/Rotate 180",
        "/Rotate -90",
        "/CropBox[20 10 120 80]",
        "/MediaBox[-50 100 150 -20]/Rotate 270",
        "/UserUnit 2",
    ] {
        let document = pages((200, 100), more, &["0 0 9 9 re f"]);
        let written = harness.written(&document, &[recognized(0)], false).await.unwrap();
        let (before, after) = (harness.gray(&document, 0).await, harness.gray(&written, 0).await);
        assert_eq!(before.0.pixels, after.0.pixels, "{more}");
        let words: Vec<_> = after.0.text_layer.iter().flat_map(|line| &line.words).collect();
        let part = |pixel: u32, side: u32| f64::from(pixel) / f64::from(side);
        let (width, height) = after.size();
        assert_eq!(words.len(), 2, "{more}");
        assert!((part(words[1].left, width) - 0.4).abs() < 0.03, "{more}: {words:?}");
        assert!((part(words[0].top, height) - 0.1).abs() < 0.03, "{more}: {words:?}");
    }
}

#[tokio::test]
async fn a_page_whose_text_is_its_own_gets_none_and_invisible_text_is_replaced() {
    let harness = RendererHarness::new();
    let document = pages(
        (200, 100),
        "",
        &["BT /F 9 Tf 10 50 Td (own words) Tj ET", "BT 3 Tr /F 9 Tf 10 50 Td (old) Tj ET"],
    );
    let own = Page { source: PageSource::TextLayer, ..recognized(0) };
    let written = harness.written(&document, &[own, recognized(1)], false).await.unwrap();
    assert_eq!(harness.read_back(&written).await, ["own words", "Page1 read"]);
}

#[tokio::test]
async fn links_and_outlines_stay_and_those_of_other_pages_go() {
    let harness = RendererHarness::new();
    let page = |number: u32| {
        let link = "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Dest[6 0 R/Fit]>>]";
        format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents {number} 0 R{link}>>").into_bytes()
    };
    let document = pdf(&[
        b"<</Type/Catalog/Pages 2 0 R/Outlines 3 0 R>>".to_vec(),
        b"<</Type/Pages/Count 2/Kids[4 0 R 6 0 R]>>".to_vec(),
        b"<</Type/Outlines/First 8 0 R/Last 8 0 R/Count 1>>".to_vec(),
        page(5),
        stream("", b"(first) pop"),
        page(7),
        stream("", b"(secret) pop"),
        b"<</Title(secret chapter)/Parent 3 0 R/Dest[6 0 R/Fit]>>".to_vec(),
    ]);
    let whole = harness.written(&document, &[recognized(0), recognized(1)], false).await.unwrap();
    assert!(has(&whole, "secret chapter") && has(&whole, "(secret) pop") && has(&whole, "/Link"));
    let first = harness.written(&document, &[recognized(0)], false).await.unwrap();
    assert!(has(&first, "/Link") && has(&first, "(first) pop") && !has(&first, "secret"));
    assert_eq!(harness.read_back(&first).await, ["Page0 read"]);
}

#[tokio::test]
async fn pictures_become_pages_as_they_are_packed() {
    let harness = RendererHarness::new();
    let gray = GrayImage::from_fn(60, 30, |x, _| Luma([u8::try_from(4 * x).unwrap()]));
    let color = RgbImage::from_fn(60, 30, |x, y| {
        Rgb([u8::try_from(4 * x).unwrap(), 0, u8::try_from(8 * y).unwrap()])
    });
    let black = GrayImage::from_fn(60, 30, |x, _| Luma([if x < 30 { 0 } else { 255 }]));
    for picture in [DynamicImage::from(gray), DynamicImage::from(color), DynamicImage::from(black)] {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::WebP] {
            let file = match format {
                ImageFormat::WebP => encoded(picture.to_rgb8(), format),
                _ => encoded(picture.clone(), format),
            };
            let written = harness.written(&file, &[recognized(0)], false).await.unwrap();
            assert_eq!(harness.read_back(&written).await, ["Page0 read"], "{format:?}");
            let (before, after) = (harness.rgb(&file, 0).await, harness.rgb(&written, 0).await);
            let (width, height) = after.size();
            for (x, y) in [(0.2, 0.5), (0.8, 0.5)] {
                let at = |(w, h): (u32, u32)| ((x * f64::from(w)) as u32, (y * f64::from(h)) as u32);
                let (from, to) = (at(before.size()), at((width, height)));
                let (one, other) = (before.color(from.0, from.1), after.color(to.0, to.1));
                let is_near = one.iter().zip(other).all(|(one, other)| one.abs_diff(other) < 16);
                assert!(is_near, "{format:?}: {one:?} {other:?}");
            }
            assert_eq!(has(&written, "DCTDecode"), format == ImageFormat::Jpeg);
        }
    }
}

#[tokio::test]
async fn a_pdf_that_would_be_too_large_or_never_ends_is_given_up() {
    let small = RendererHarness::with(Limits { written_bytes_max: 2_000, ..Limits::default() });
    let document = pages((200, 100), "", &["0 0 9 9 re f"]);
    let error = small.written(&document, &[recognized(0)], false).await.unwrap_err();
    assert_eq!((error.code(), error.is_permanent()), ("RESULT_TOO_LARGE", true), "{error}");

    let hasty = RendererHarness::hasty(300);
    let error = hasty.written(&nested_forms(), &[recognized(0)], true).await.unwrap_err();
    assert_eq!(error.code(), "PAGE_TIMEOUT", "{error}");
    assert!(hasty.children().is_empty());

    let error = small.written(&document, &[recognized(7)], false).await.unwrap_err();
    assert_eq!(error.code(), "PAGE_OUT_OF_RANGE", "{error}");
}

#[tokio::test]
async fn a_child_that_writes_more_than_it_may_is_not_believed() {
    let lies = [
        r#"{"part":{"bytes":9999999}}"#,
        r#"{"part":{"bytes":10}}"#,
        r#"{"probed":{"pages":3}}"#,
        "nonsense",
    ];
    for lie in lies {
        let arguments = ["-c".into(), format!("read request; echo '{lie}'").into()].to_vec();
        let limits = Limits { written_bytes_max: 100, ..Limits::default() };
        let program = ChildProgram { program: "/bin/sh".into(), arguments };
        let config = RendererConfig { program, limits, pages_at_once: 1 };
        let mut liar = RendererHarness::new();
        liar.renderer = Renderer::new(config);
        let error = liar.written(&pages((72, 72), "", &[""]), &[recognized(0)], false).await.unwrap_err();
        assert_eq!(error.code(), "RENDERER_CRASHED", "{lie}");
    }
}

#[tokio::test]
async fn what_a_reused_child_wrote_before_it_failed_is_no_part_of_the_pdf() {
    // It renders a page; of the PDF it writes one part and fails. A new one writes all.
    let script = r#"
        read request
        case "$request" in
        *'"render"'*)
            echo '{"rendered":{"width":1,"height":1,"dpi":1,"color":"gray","text_layer":[],"warnings":[]}}'
            printf x
            read request
            printf '{"part":{"bytes":9}}\nnot whole'
            exit 1 ;;
        *)
            printf '{"part":{"bytes":5}}\nwhole"written"\n' ;;
        esac"#;
    let program = ChildProgram { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] };
    let mut harness = RendererHarness::new();
    harness.renderer = Renderer::new(RendererConfig { program, limits: Limits::default(), pages_at_once: 1 });
    let document = pages((72, 72), "", &[""]);
    harness.render(&document, 0, RenderOptions::default()).await.unwrap();
    let written = harness.written(&document, &[recognized(0)], false).await.unwrap();
    assert_eq!(written, b"whole");
}
