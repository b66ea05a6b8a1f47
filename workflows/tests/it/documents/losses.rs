//! PDF pages of which something can't be drawn.

use super::bench::Bench;
use super::pdf_file::{pdf, stream};

const FULL_PAGE: &str = "q 204 0 0 264 0 0 cm /I Do Q";

/// A page of 204 x 264 points that draws `content`, with `picture` as `/I` and
/// Helvetica as `/F`.
fn page(content: &str, picture: Vec<u8>) -> Vec<u8> {
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 204 264]>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>/Font<</F 6 0 R>>>>>>"
            .to_vec(),
        stream("", content.as_bytes()),
        picture,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
    ])
}

fn image(filter: &str, data: &[u8]) -> Vec<u8> {
    let color = if filter == "JBIG2Decode" { "DeviceGray" } else { "DeviceRGB" };
    let dictionary = format!(
        "/Type/XObject/Subtype/Image/Width 85/Height 110/BitsPerComponent 8/ColorSpace/{color}/Filter/{filter}"
    );
    stream(&dictionary, data)
}

/// Bytes that no filter can make a picture of.
fn noise() -> Vec<u8> {
    (0..30_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7f).collect()
}

#[tokio::test]
async fn a_page_whose_only_picture_cant_be_decoded_fails_and_names_it() {
    let bench = Bench::new();
    for filter in ["DCTDecode", "JBIG2Decode", "JPXDecode", "FooDecode"] {
        let file = page(FULL_PAGE, image(filter, &noise()));
        bench.probe(&file).await.unwrap();
        let error = bench.render(&file, 0, Default::default()).await.expect_err(filter);
        assert_eq!((error.code(), error.is_permanent()), ("PAGE_BROKEN", true), "{error}");
        let named = format!("the picture in object 5 ({filter}, 85 x 110) ");
        assert!(error.to_string().contains(&named), "{error}");
    }
}

#[tokio::test]
async fn a_picture_that_a_decoder_takes_for_blank_paper_is_told_from_blank_paper() {
    // A page of 850 x 1100 pixels, and a region of which 1,453 bytes are said to follow.
    let head = b"\0\0\0\0\x30\0\x01\0\0\0\x13\0\0\x03\x52\0\0\x04\x4c\0\0\0\0\0\0\0\0\0\0\0";
    let region = b"\0\0\0\x01\x26\0\x01\0\0\x05\xad\0\0\x03\x52\0\0\x04\x4c\0\0\0\0\0\0\0\0\0\x01\x26";
    let bench = Bench::new();
    let cut = page(FULL_PAGE, image("JBIG2Decode", &[&head[..], region].concat()));
    let error = bench.render(&cut, 0, Default::default()).await.unwrap_err();
    assert_eq!(error.code(), "PAGE_BROKEN", "{error}");
    assert!(error.to_string().ends_with("(JBIG2Decode, 85 x 110) ends in the middle"), "{error}");
    let blank = page(FULL_PAGE, image("JBIG2Decode", head));
    let sheet = bench.gray(&blank, 0).await;
    assert_eq!((sheet.luma(100, 100), &sheet.0.warnings[..]), (255, &[][..]));
}

#[tokio::test]
async fn a_page_with_other_content_is_read_and_marked() {
    let bench = Bench::new();
    let content = format!("{FULL_PAGE} BT /F 20 Tf 20 20 Td (Whole) Tj ET");
    for filter in ["DCTDecode", "JBIG2Decode", "JPXDecode", "FooDecode"] {
        let file = page(&content, image(filter, &noise()));
        let sheet = bench.gray(&file, 0).await;
        assert_eq!(sheet.0.text_layer[0].words[0].text, "Whole");
        let [warning] = &sheet.0.warnings[..] else { panic!("{filter}: {:?}", sheet.0.warnings) };
        assert!(warning.starts_with(&format!("the picture in object 5 ({filter}, 85 x 110) ")), "{warning}");
        assert_eq!(sheet.luma(200, 100), 255, "{filter} left noise on the page");
    }
}

#[tokio::test]
async fn a_jpeg_that_ends_in_the_middle_marks_its_page() {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let ramp =
        image::RgbImage::from_fn(85, 110, |x, y| image::Rgb([(x * 3) as u8, (y * 2) as u8, (x * y) as u8]));
    ramp.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let (bench, whole) = (Bench::new(), jpeg.into_inner());
    assert_eq!(bench.gray(&page(FULL_PAGE, image("DCTDecode", &whole)), 0).await.0.warnings, [""; 0]);
    let half = page(FULL_PAGE, image("DCTDecode", &whole[..whole.len() / 2]));
    let warnings = bench.gray(&half, 0).await.0.warnings;
    assert!(matches!(&warnings[..], [one] if one.ends_with("ends in the middle")), "{warnings:?}");
}

#[tokio::test]
async fn what_a_page_names_and_the_file_lacks_is_told() {
    let bench = Bench::new();
    let reason = async |file: Vec<u8>| {
        let error = bench.render(&file, 0, Default::default()).await.unwrap_err();
        assert_eq!(error.code(), "PAGE_BROKEN", "{error}");
        error.to_string()
    };
    let gone = reason(page("/J Do", image("DCTDecode", b""))).await;
    assert!(gone.contains("the object /J that it draws is missing"), "{gone}");
    let with_contents = |contents: &str| {
        let page = format!("<</Type/Page/Parent 2 0 R/Contents {contents}>>").into_bytes();
        pdf(&[
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 204 264]>>".to_vec(),
            page,
            stream("", b"9 9 50 50 re f"),
        ])
    };
    let gone = reason(with_contents("9 0 R")).await;
    assert!(gone.contains("its content stream is missing or damaged"), "{gone}");
    let gone = reason(with_contents("[8 0 R 9 0 R]")).await;
    assert!(gone.contains("2 of its 2 content streams are missing"), "{gone}");
    let partly = bench.gray(&with_contents("[4 0 R 9 0 R]"), 0).await;
    assert_eq!(partly.0.warnings, ["1 of its 2 content streams are missing or damaged"]);
    let empty = bench.gray(&with_contents("[]"), 0).await;
    assert!(empty.0.warnings.is_empty(), "a page may have no content");
}
