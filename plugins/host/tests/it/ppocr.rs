//! The engine `ppocr`, with networks that stand in for those of PP-OCR: they take for text
//! what is dark, and read an A where there is ink.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use untxt_plugins::manifest::Manifest;
use untxt_plugins::package::Assets;
use untxt_plugins::{EngineLimits, Package, Page, PixelFormat, PluginError, Recognized, Rect};

use crate::rig::{Rig, built, words};

const CHARACTERS: &str = "A\nB\n";

/// The package with these networks in the places of PP-OCR's.
fn package(detect: &str, orient: &str, recognise: &str) -> Package {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ppocr");
    let network = |name: &str| fs::read(folder.join(name).with_extension("onnx")).expect("it is committed");
    let mut assets = Assets::new();
    for (name, file) in [("detect", detect), ("orient", orient), ("recognise", recognise)] {
        assets.insert(name.to_owned(), network(file).into());
    }
    assets.insert("characters".to_owned(), CHARACTERS.as_bytes().to_vec().into());
    let mut manifest_text = "id = \"ppocr\"\nversion = \"0.1.0\"\nworld = \"ocr-engine-models\"\n".to_owned();
    for (name, bytes) in &assets {
        let sha256 = hex::encode(Sha256::digest(bytes));
        manifest_text += &format!("[[assets]]\nname = {name:?}\nsha256 = \"{sha256}\"\n");
    }
    let manifest = Some(Manifest::parse(&manifest_text).expect("it is one"));
    let wasm = fs::read(built("ppocr")).expect("it is built");
    Package { manifest, manifest_text, assets, ..Package::bare("ppocr", wasm) }
}

/// A white page with black bars.
fn page(bars: &[Rect]) -> Page {
    let (width, height) = (1_000, 800);
    let mut pixels = vec![255; width * height];
    for bar in bars {
        for row in pixels.chunks_exact_mut(width).skip(bar.y as usize).take(bar.height as usize) {
            row[bar.x as usize..][..bar.width as usize].fill(0);
        }
    }
    let size = (width as u32, height as u32);
    Page::new(0, 1, 150, size, PixelFormat::Luma8, pixels, Vec::new()).expect("it fits")
}

fn bar(x: u32, y: u32, width: u32) -> Rect {
    Rect { x, y, width, height: 14 }
}

async fn read(package: Package, page: Page) -> Result<Recognized, PluginError> {
    let rig = Rig::new(EngineLimits::default());
    rig.registry.install("ppocr", package, None, true).await?;
    rig.read("ppocr", page).await
}

#[tokio::test]
async fn lines_are_found_read_and_put_in_order() {
    let bars = [bar(100, 300, 400), bar(600, 100, 200), bar(100, 100, 300)];
    let read = read(package("detect", "orient", "recognise"), page(&bars)).await.expect("it reads");
    assert_eq!(words(&read), ["A", "A", "A"]);
    let lines: Vec<_> = read.text.blocks.iter().flat_map(|block| &block.lines).collect();
    let places = |at: usize| lines[at].words.iter().map(|word| word.bounds.expect("it has a box"));
    // Boxes end with their ink, and are higher than that.
    let ends = |rect: Rect| (rect.x, rect.width);
    assert_eq!(places(0).map(ends).collect::<Vec<_>>(), [(100, 300), (600, 200)]);
    assert_eq!(places(1).map(ends).collect::<Vec<_>>(), [(100, 400)]);
    let first = places(0).next().expect("two words");
    assert!(first.y < 100 && first.y + first.height > 114 && first.height < 50, "{first:?}");
}

#[tokio::test]
async fn a_blank_page_has_no_text() {
    let read = read(package("detect", "orient", "recognise"), page(&[])).await.expect("it reads");
    assert!(read.text.blocks.is_empty() && read.text.confidence.is_none());
}

#[tokio::test]
async fn networks_that_are_not_those_of_pp_ocr_are_refused() {
    for (detect, orient, recognise) in [
        ("recognise", "orient", "recognise"),
        ("detect", "detect", "recognise"),
        ("detect", "orient", "detect"),
    ] {
        let error = read(package(detect, orient, recognise), page(&[bar(100, 100, 300)])).await;
        let error = error.expect_err("it is another network").to_string();
        assert!(error.contains("it answers with"), "{error}");
    }
}
