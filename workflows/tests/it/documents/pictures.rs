//! PNG, JPEG and WebP.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use untxt_workflows::documents::kind::Kind;

use super::harness::RendererHarness;

pub(crate) fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Left half black, right half white.
fn halves() -> GrayImage {
    GrayImage::from_fn(40, 20, |x, _| Luma([if x < 20 { 0 } else { 255 }]))
}

#[tokio::test]
async fn each_kind_gives_its_pixels_whatever_it_is_called() {
    let harness = RendererHarness::new();
    let color = RgbImage::from_fn(40, 20, |x, _| if x < 20 { Rgb([0, 0, 0]) } else { Rgb([255, 255, 255]) });
    let kinds = [
        (Kind::Png, encoded(halves(), ImageFormat::Png)),
        (Kind::Jpeg, encoded(halves(), ImageFormat::Jpeg)),
        (Kind::WebP, encoded(color, ImageFormat::WebP)),
        (Kind::Tiff, encoded(halves(), ImageFormat::Tiff)),
    ];
    for (kind, bytes) in kinds {
        let path = harness.file("misnamed.pdf", &bytes);
        let probe = harness.renderer.probe(&path).await.unwrap();
        assert_eq!((probe.kind, probe.pages), (kind, 1));
        let sheet = harness.gray(&bytes, 0).await;
        assert_eq!(sheet.size(), (40, 20));
        let (left, right) = (sheet.luma(5, 5), sheet.luma(35, 15));
        assert!(left < 4 && right > 251, "{kind:?} has {left} and {right}");
        assert_eq!(
            harness.render(&bytes, 1, Default::default()).await.unwrap_err().code(),
            "PAGE_OUT_OF_RANGE"
        );
    }
    assert_eq!(harness.children().len(), 1, "one looked at all");
}

#[tokio::test]
async fn what_is_transparent_lies_on_white_paper() {
    let clear = RgbaImage::from_fn(8, 8, |x, _| Rgba([0, 0, 0, if x < 4 { 0 } else { 255 }]));
    let sheet = RendererHarness::new().gray(&encoded(clear, ImageFormat::Png), 0).await;
    assert_eq!((sheet.luma(0, 0), sheet.luma(7, 0)), (255, 0));
}

#[tokio::test]
async fn a_photo_is_turned_as_its_camera_was() {
    let mut jpeg = encoded(halves(), ImageFormat::Jpeg);
    // Orientation 6: the camera was turned, so the first column is the top.
    let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    jpeg.splice(2..2, exif.iter().copied());
    let sheet = RendererHarness::new().gray(&jpeg, 0).await;
    assert_eq!(sheet.size(), (20, 40));
    assert!(sheet.luma(10, 5) < 4 && sheet.luma(10, 35) > 251);
}

#[tokio::test]
async fn a_scan_that_says_its_resolution_is_scaled_down() {
    let mut png = encoded(GrayImage::from_pixel(600, 300, Luma([77])), ImageFormat::Png);
    let mut physical = b"\0\0\0\x09pHYs\0\0\x2e\x23\0\0\x2e\x23\x01".to_vec();
    physical.extend(super::hostile::crc(&physical[4..]).to_be_bytes());
    png.splice(33..33, physical);
    let sheet = RendererHarness::new().gray(&png, 0).await;
    assert_eq!((sheet.size(), sheet.0.dpi, sheet.luma(100, 100)), ((300, 150), 150, 77));
}

#[tokio::test]
async fn a_picture_that_ends_in_the_middle_is_refused_before_a_page_is_made() {
    let harness = RendererHarness::new();
    let noise = RgbImage::from_fn(160, 120, |x, y| Rgb([(x * y % 251) as u8, (x * 7) as u8, (y * 5) as u8]));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let whole = encoded(noise.clone(), format);
        harness.probe(&whole).await.unwrap();
        for parts in 1..8 {
            let error = harness.probe(&whole[..whole.len() * parts / 8]).await.unwrap_err();
            assert_eq!(error.code(), "DOCUMENT_BROKEN", "{format:?}: {error}");
        }
        let half = harness.probe(&whole[..whole.len() / 2]).await.unwrap_err();
        assert!(half.to_string().contains("the picture ends in the middle"), "{format:?}: {half}");
    }
}

#[tokio::test]
async fn sound_jpegs_that_are_not_read_are_called_by_their_name_and_not_broken() {
    let harness = RendererHarness::new();
    let twelve_bits: &[u8] = include_bytes!("../fixtures/jpeg12.jpg");
    let arithmetic: &[u8] = include_bytes!("../fixtures/arith.jpg");
    for (file, name) in [(twelve_bits, "12 bits a sample"), (arithmetic, "arithmetic coding")] {
        let error = harness.probe(file).await.unwrap_err();
        assert_eq!(error.code(), "DOCUMENT_UNSUPPORTED_TYPE");
        assert!(error.to_string().contains(name), "{error}");
    }
}
