//! The documents that the examples use.

use std::path::PathBuf;

use untxt_workflows::documents::kind::Kind;
use untxt_workflows::documents::renderer::RenderOptions;

use super::harness::{RendererHarness, Sheet};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/documents").join(name)
}

#[tokio::test]
async fn the_letter_is_a_scan_with_ink_on_it() {
    let (harness, path) = (RendererHarness::new(), sample("letter-scan.png"));
    let probe = harness.renderer.probe(&path).await.unwrap();
    assert_eq!((probe.kind, probe.pages), (Kind::Png, 1));
    let letter = Sheet(harness.renderer.render(&path, 0, RenderOptions::default()).await.unwrap());
    assert_eq!((letter.size(), letter.0.dpi), ((1240, 1754), 150));
    assert!((0..1240).any(|x| letter.luma(x, 140) < 80) && letter.0.text_layer.is_empty());
}

#[tokio::test]
async fn the_handbook_has_more_than_a_hundred_pages_of_text() {
    let (harness, path) = (RendererHarness::new(), sample("handbook.pdf"));
    let pages = harness.renderer.probe(&path).await.unwrap().pages;
    assert_eq!(pages, 134);
    for index in [0, 6, pages - 1] {
        let page = harness.renderer.render(&path, index, RenderOptions::default()).await.unwrap();
        let words: usize = page.text_layer.iter().map(|line| line.words.len()).sum();
        assert!(words > 20, "page {} has {words} words", index + 1);
    }
}
