//! The engine that reads print.

use std::fs;
use std::path::{Path, PathBuf};

use image::GrayImage;
use image::imageops::{rotate90, rotate180, rotate270};
use strsim::levenshtein;
use untxt_plugins::conformance::{Subject, Tester};
use untxt_plugins::registry::READER;
use untxt_plugins::{EngineLimits, Line, Package, Page, PixelFormat, Recognized, Rect, Word};

use crate::rig::{Rig, blank, built, words};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A scanned letter, slightly askew, with a table and a signature.
fn letter() -> GrayImage {
    let path = repository().join("examples/documents/letter-scan.png");
    image::open(path).expect("it is a picture").into_luma8()
}

fn page(picture: GrayImage) -> Page {
    let size = picture.dimensions();
    Page::new(0, 1, 150, size, PixelFormat::Luma8, picture.into_raw(), Vec::new()).expect("it fits")
}

fn rig() -> Rig {
    Rig::new(EngineLimits::default())
}

async fn read(rig: &Rig, picture: GrayImage) -> Recognized {
    rig.read(READER, page(picture)).await.expect("it reads any page")
}

fn attribute<'a>(read: &'a Recognized, name: &str) -> &'a str {
    let found = read.text.attributes.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str()).expect("it says so")
}

/// Errors of what was read, a character of the letter's.
fn error_rate(read: &Recognized) -> f64 {
    let truth = fs::read_to_string(repository().join("examples/documents/letter-scan.txt"));
    let truth = truth.expect("it is there").split_whitespace().collect::<Vec<_>>().join(" ");
    levenshtein(&words(read).join(" "), &truth) as f64 / truth.chars().count() as f64
}

fn all_words(read: &Recognized) -> impl Iterator<Item = &Word> {
    read.text.blocks.iter().flat_map(|block| &block.lines).flat_map(|line| &line.words)
}

/// Turned clockwise by that many degrees about the middle.
fn askew(picture: &GrayImage, degrees: f32) -> GrayImage {
    let (width, height) = picture.dimensions();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (middle_x, middle_y) = (width as f32 / 2.0, height as f32 / 2.0);
    GrayImage::from_fn(width, height, |x, y| {
        let (right, down) = (x as f32 - middle_x, y as f32 - middle_y);
        let (from_x, from_y) = (right * cos + down * sin + middle_x, down * cos - right * sin + middle_y);
        let (left, top) = (from_x.floor(), from_y.floor());
        let level = |x: f32, y: f32| {
            let inside = x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32;
            if inside { f32::from(picture.get_pixel(x as u32, y as u32).0[0]) } else { 235.0 }
        };
        let (along, below) = (from_x - left, from_y - top);
        let upper = level(left, top) * (1.0 - along) + level(left + 1.0, top) * along;
        let lower = level(left, top + 1.0) * (1.0 - along) + level(left + 1.0, top + 1.0) * along;
        image::Luma([(upper * (1.0 - below) + lower * below) as u8])
    })
}

/// Levels that look like chance and are the same each time.
fn noise(side: u32) -> GrayImage {
    let mut state = 7u32;
    GrayImage::from_fn(side, side, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Luma([(state >> 24) as u8])
    })
}

#[tokio::test]
async fn it_reads_a_letter() {
    let read = read(&rig(), letter()).await;
    let rate = error_rate(&read);
    assert!(rate <= 0.01, "{rate}: {}", words(&read).join(" "));
    assert_eq!(attribute(&read, "confidence-kind"), "calibrated");
    assert_eq!(attribute(&read, "finish-reason"), "stop");
    assert_eq!(attribute(&read, "turned"), "0");
    assert!(read.text.confidence.is_some_and(|figure| figure > 0.8), "{:?}", read.text.confidence);
    assert!(read.text.blocks.len() > 5, "paragraphs are told apart");
    assert!(read.usage.memory_bytes_peak < 128 << 20, "{}", read.usage.memory_bytes_peak);
}

#[tokio::test]
async fn a_letter_on_its_side_or_head_has_the_same_words() {
    let rig = rig();
    let upright = read(&rig, letter()).await;
    for (turned, picture) in
        [("270", rotate90(&letter())), ("180", rotate180(&letter())), ("90", rotate270(&letter()))]
    {
        let read = read(&rig, picture).await;
        assert_eq!(words(&read), words(&upright), "{turned}");
        assert_eq!(attribute(&read, "turned"), turned);
    }
}

#[tokio::test]
async fn a_letter_askew_is_straightened() {
    let rig = rig();
    for degrees in [-3.0, 3.0] {
        let read = read(&rig, askew(&letter(), degrees)).await;
        let rate = error_rate(&read);
        assert!(rate <= 0.02, "{degrees}: {rate}: {}", words(&read).join(" "));
        let skew: f32 = attribute(&read, "skew").parse().expect("a number");
        // The letter itself was laid down askew by 0.7 degrees.
        assert!((skew + 0.73 - degrees).abs() < 0.2, "{degrees}: {skew}");
    }
}

#[tokio::test]
async fn the_same_page_reads_the_same_bit_for_bit() {
    let (first, second) = (read(&rig(), letter()).await, read(&rig(), letter()).await);
    assert_eq!(first.text, second.text);
}

#[tokio::test]
async fn words_lie_on_their_ink_however_the_page_lies() {
    let rig = rig();
    for picture in [letter(), rotate90(&letter()), askew(&letter(), 3.0)] {
        let read = read(&rig, picture.clone()).await;
        for word in all_words(&read) {
            let Rect { x, y, width, height } = word.bounds.expect("each word has a box");
            assert!(width < 400 && height < 400, "{word:?}");
            let darkest = (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y)));
            let darkest = darkest.map(|(x, y)| picture.get_pixel(x, y).0[0]).min();
            assert!(darkest < Some(140), "{word:?}: {darkest:?}");
        }
    }
    let read = read(&rig, letter()).await;
    let first = all_words(&read).next().expect("there are words");
    let Rect { x, y, width, height } = first.bounds.expect("it has a box");
    assert_eq!(first.text, "Harbour");
    assert!(x.abs_diff(143) < 6 && y.abs_diff(125) < 8, "{first:?}");
    assert!(width.abs_diff(158) < 12 && height.abs_diff(36) < 10, "{first:?}");
}

#[tokio::test]
async fn pages_without_print_have_no_text() {
    let rig = rig();
    let empty = rig.read(READER, blank()).await.expect("it reads any page");
    assert_eq!((&empty.text.blocks[..], empty.text.confidence), (&[][..], None));
    let scribbles = scribbles();
    for picture in [noise(1_200), scribbles] {
        let read = read(&rig, picture).await;
        let sure: Vec<&Word> =
            all_words(&read).filter(|word| word.confidence.is_none_or(|figure| figure > 0.5)).collect();
        assert!(sure.is_empty() && all_words(&read).count() < 10, "{:?}", words(&read));
    }
}

/// Curves over each other, as a pen that is tried out draws them.
fn scribbles() -> GrayImage {
    let mut picture = GrayImage::from_pixel(1_240, 1_754, image::Luma([240]));
    for line in 0..12_u8 {
        for step in 0..9_000_u16 {
            let at = f32::from(step) / 9_000.0;
            let wave = (at * (37.0 + 5.0 * f32::from(line))).sin() * 25.0 + (at * 91.0).cos() * 18.0;
            let (x, y) = (
                120.0 + at * 900.0 + wave,
                150.0 + f32::from(line) * 120.0 + (at * 63.0).sin() * 30.0 + wave,
            );
            for (right, down) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                picture.put_pixel(x as u32 + right, y as u32 + down, image::Luma([40]));
            }
        }
    }
    picture
}

#[tokio::test]
async fn hostile_pages_end_within_the_limits() {
    let rig = rig();
    let board = GrayImage::from_fn(3_400, 4_600, |x, y| {
        image::Luma([if (x / 3 + y / 3) % 2 == 0 { 0 } else { 255 }])
    });
    let pixels =
        GrayImage::from_fn(2_400, 2_400, |x, y| image::Luma([if (x + y) % 2 == 0 { 0 } else { 255 }]));
    let mut specks = GrayImage::from_pixel(2_400, 2_400, image::Luma([255]));
    for at in 0..10_000 {
        let (x, y) = (at % 100 * 24, at / 100 * 24);
        (0..64).for_each(|dot| specks.put_pixel(x + dot % 8, y + dot / 8, image::Luma([0])));
    }
    let black = GrayImage::from_pixel(4_600, 4_600, image::Luma([0]));
    let stripes = GrayImage::from_fn(4_600, 300, |_, y| image::Luma([if y % 12 < 5 { 0 } else { 255 }]));
    for (name, picture) in
        [("board", board), ("pixels", pixels), ("specks", specks), ("black", black), ("stripes", stripes)]
    {
        let read = rig.read(READER, page(picture)).await;
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(read.usage.wall.as_secs() < 60, "{name}: {:?}", read.usage.wall);
        let words = words(&read);
        assert!(words.len() < 20, "{name}: {} words, such as {:?}", words.len(), &words[..20]);
    }
}

#[tokio::test]
async fn text_that_a_page_carries_is_not_read() {
    let bounds = Some(Rect { x: 10, y: 10, width: 50, height: 12 });
    let word = |text: &str| Word { text: text.to_owned(), bounds, ..Word::default() };
    let layer = vec![Line { bounds, words: vec![word("Guten"), word("Tag")], ..Line::default() }];
    let page = Page::new(0, 1, 72, (100, 100), PixelFormat::Luma8, vec![255; 10_000], layer);
    let read = rig().read(READER, page.expect("it fits")).await.expect("it reads any page");
    assert!(words(&read).is_empty(), "the page is blank: {:?}", words(&read));
}

#[tokio::test]
async fn it_passes_the_conformance_tests() {
    let tester = Tester::new(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-engines"), None)
        .expect("a sandbox");
    let package = Package::read(&built(READER), EngineLimits::default().component_bytes_max);
    let report = tester.test(&Subject::of(package.expect("it is built"))).await;
    assert!(report.passed(), "{:?}", report.cases);
}
