//! PDF pages of which something can't be drawn.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::harness::RendererHarness;
use super::pdf_file::{pdf, stream};

const FULL_PAGE: &str = "q 204 0 0 264 0 0 cm /I Do Q";

/// A page of 204 x 264 points that draws `content`, with `picture` as `/I` and
/// Helvetica as `/F`.
fn page(content: &str, picture: Vec<u8>) -> Vec<u8> {
    page_with(content, picture, b"null".to_vec())
}

/// The same, with one more object, whose number is 7.
fn page_with(content: &str, picture: Vec<u8>, other: Vec<u8>) -> Vec<u8> {
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 204 264]>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>/Font<</F 6 0 R>>>>>>"
            .to_vec(),
        stream("", content.as_bytes()),
        picture,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        other,
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

/// Filters that tell noise from a picture; run lengths make something of all bytes.
const FILTERS: [&str; 9] = [
    "DCTDecode",
    "JBIG2Decode",
    "JPXDecode",
    "FooDecode",
    "FlateDecode",
    "LZWDecode",
    "CCITTFaxDecode",
    "ASCII85Decode",
    "ASCIIHexDecode",
];

#[tokio::test]
async fn a_page_whose_only_picture_cant_be_decoded_fails_and_names_it() {
    let harness = RendererHarness::new();
    for filter in FILTERS {
        let file = page(FULL_PAGE, image(filter, &noise()));
        harness.probe(&file).await.unwrap();
        let error = harness.render(&file, 0, Default::default()).await.expect_err(filter);
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
    let harness = RendererHarness::new();
    let cut = page(FULL_PAGE, image("JBIG2Decode", &[&head[..], region].concat()));
    let error = harness.render(&cut, 0, Default::default()).await.unwrap_err();
    assert_eq!(error.code(), "PAGE_BROKEN", "{error}");
    assert!(error.to_string().ends_with("(JBIG2Decode, 85 x 110) ends in the middle"), "{error}");
    let blank = page(FULL_PAGE, image("JBIG2Decode", head));
    let sheet = harness.gray(&blank, 0).await;
    assert_eq!((sheet.luma(100, 100), &sheet.0.warnings[..]), (255, &[][..]));
}

#[tokio::test]
async fn a_page_with_other_content_is_read_and_marked() {
    let harness = RendererHarness::new();
    let content = format!("{FULL_PAGE} BT /F 20 Tf 20 20 Td (Whole) Tj ET");
    for filter in FILTERS {
        let file = page(&content, image(filter, &noise()));
        let sheet = harness.gray(&file, 0).await;
        assert_eq!(sheet.0.text_layer[0].words[0].text, "Whole");
        let [warning] = &sheet.0.warnings[..] else { panic!("{filter}: {:?}", sheet.0.warnings) };
        assert!(warning.starts_with(&format!("the picture in object 5 ({filter}, 85 x 110) ")), "{warning}");
        assert_eq!(sheet.luma(200, 100), 255, "{filter} left noise on the page");
    }
}

/// A picture that is whole, packed with `filters`; `dictionary` says the rest.
struct Sound {
    filters: &'static str,
    dictionary: String,
    data: Vec<u8>,
}

impl Sound {
    fn object(&self, bytes: usize) -> Vec<u8> {
        let dictionary = format!("/Type/XObject/Subtype/Image{}/Filter{}", self.dictionary, self.filters);
        stream(&dictionary, &self.data[..bytes])
    }
}

/// One for each filter, with writing on it from its top to its bottom.
fn sound() -> Vec<Sound> {
    let ramp =
        image::RgbImage::from_fn(85, 110, |x, y| image::Rgb([(x * 3) as u8, (y * 2) as u8, (x * y) as u8]));
    let rgb = |filters, data| Sound {
        filters,
        dictionary: "/Width 85/Height 110/BitsPerComponent 8/ColorSpace/DeviceRGB".to_owned(),
        data,
    };
    let raw = ramp.as_raw();
    let mut jpeg = std::io::Cursor::new(Vec::new());
    ramp.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    let inflatable = |bytes: &[u8]| {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let predicted: Vec<u8> = raw.chunks(3 * 85).flat_map(|row| [&[0], row].concat()).collect();
    let hex = |bytes: &[u8]| bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let runs: Vec<u8> =
        raw.chunks(128).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).chain([128]).collect();
    let jp2k: &[u8] = include_bytes!("../fixtures/jp2k.tif");
    let g4: &[u8] = include_bytes!("../fixtures/g4_lsb.tif");
    let g3: &[u8] = include_bytes!("../fixtures/g3_1d.tif");
    let number = |file: &[u8], at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    // The first strips of pages that scanners wrote.
    let strip = |file: &[u8], offsets: usize, counts: usize| {
        let offset = number(file, offsets);
        file[offset..offset + number(file, counts)].to_vec()
    };
    let fax = |k: i32, data| Sound {
        filters: "/CCITTFaxDecode",
        dictionary: format!(
            "/Width 850/Height 76/BitsPerComponent 1/ColorSpace/DeviceGray/DecodeParms<</K {k}/Columns 850/Rows 76>>"
        ),
        data,
    };
    vec![
        rgb("[/ASCIIHexDecode/DCTDecode]", hex(&jpeg)),
        rgb("/DCTDecode", jpeg),
        rgb("/FlateDecode", inflatable(raw)),
        rgb("/FlateDecode/DecodeParms<</Predictor 15/Columns 85/Colors 3>>", inflatable(&predicted)),
        rgb("[/ASCIIHexDecode]", hex(raw)),
        rgb("/ASCII85Decode", ascii_85(raw)),
        rgb("/RunLengthDecode", runs),
        rgb("/LZWDecode", lzw(raw)),
        rgb("[]", raw.clone()),
        fax(-1, strip(g4, 1600, 1540).iter().map(|byte| byte.reverse_bits()).collect()),
        fax(0, strip(g3, 7944, 7884)),
        Sound {
            filters: "/JPXDecode",
            dictionary: "/Width 850/Height 102/ColorSpace/DeviceRGB".to_owned(),
            data: strip(jp2k, 250, 294),
        },
    ]
}

fn ascii_85(bytes: &[u8]) -> Vec<u8> {
    let group = |four: &[u8]| {
        let number = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
        [4, 3, 2, 1, 0].map(|place| (number / 85_u32.pow(place) % 85) as u8 + b'!')
    };
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded.chunks(4).flat_map(group).chain(*b"~>").collect()
}

/// Codes of nine bits for each byte, and a new table before they need ten.
fn lzw(bytes: &[u8]) -> Vec<u8> {
    let codes =
        bytes.chunks(200).flat_map(|run| [256].into_iter().chain(run.iter().map(|byte| u32::from(*byte))));
    let bits: Vec<u8> =
        codes.chain([257]).flat_map(|code| (0..9).rev().map(move |bit| (code >> bit & 1) as u8)).collect();
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | bit << (7 - at)))
        .collect()
}

#[tokio::test]
async fn a_picture_that_ends_in_the_middle_fails_its_page_or_marks_it() {
    let harness = RendererHarness::new();
    let beside = "q 204 0 0 200 0 64 cm /I Do Q BT /F 20 Tf 20 20 Td (Whole) Tj ET";
    for picture in sound() {
        let filters = picture.filters;
        let whole = harness.gray(&page(FULL_PAGE, picture.object(picture.data.len())), 0).await;
        assert_eq!(whole.0.warnings, [""; 0], "{filters}");
        let (width, height) = whole.size();
        let shows = (0..height).any(|y| (0..width).any(|x| whole.luma(x, y) < 250));
        assert!(shows, "{filters} shows nothing");
        let half = picture.object(picture.data.len() / 2);
        let error =
            harness.render(&page(FULL_PAGE, half.clone()), 0, Default::default()).await.expect_err(filters);
        assert_eq!(error.code(), "PAGE_BROKEN", "{filters}: {error}");
        let sheet = harness.gray(&page(beside, half), 0).await;
        assert_eq!(sheet.0.text_layer[0].words[0].text, "Whole", "{filters}");
        let [warning] = &sheet.0.warnings[..] else { panic!("{filters}: {:?}", sheet.0.warnings) };
        assert!(
            warning.ends_with("ends in the middle") || warning.ends_with("can't be decoded"),
            "{warning}"
        );
    }
}

#[tokio::test]
async fn a_row_too_few_is_a_mark_and_no_failure() {
    let harness = RendererHarness::new();
    let flate = sound().remove(2);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&[90; 3 * 85 * 109]).unwrap();
    let short = Sound { data: packed.finish().unwrap(), ..flate };
    let sheet = harness.gray(&page(FULL_PAGE, short.object(short.data.len())), 0).await;
    assert_eq!(sheet.0.warnings, ["the picture in object 5 (FlateDecode, 85 x 110) is slightly damaged"]);
    assert!(sheet.luma(200, 100) < 100);
}

#[tokio::test]
async fn pictures_within_the_content_and_masks_are_looked_at_too() {
    let harness = RendererHarness::new();
    let inline = "q 204 0 0 264 0 0 cm BI /W 85 /H 110 /BPC 8 /CS /RGB /F /AHx ID 00ff00ff00ff> EI Q";
    let error =
        harness.render(&page(inline, image("DCTDecode", b"")), 0, Default::default()).await.unwrap_err();
    assert!(
        error.to_string().contains("a picture within its content (AHx, 85 x 110) can't be decoded"),
        "{error}"
    );
    let masked = |mask: &[u8]| {
        let dictionary =
            "/Type/XObject/Subtype/Image/Width 85/Height 110/BitsPerComponent 8/ColorSpace/DeviceGray";
        let picture = stream(&format!("{dictionary}/SMask 7 0 R"), &[0; 85 * 110]);
        page_with(FULL_PAGE, picture, stream(&format!("{dictionary}/Filter/FlateDecode"), mask))
    };
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&[255; 85 * 110]).unwrap();
    let sheet = harness.gray(&masked(&packed.finish().unwrap()), 0).await;
    assert_eq!((sheet.luma(200, 100), sheet.0.warnings.len()), (0, 0));
    let error = harness.render(&masked(&noise()), 0, Default::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("has a mask that can't be decoded"), "{error}");
}

#[tokio::test]
async fn a_content_stream_that_ends_in_the_middle_is_told() {
    let content =
        "BT /F 20 Tf 20 200 Td (First) Tj ET\n".to_owned() + &"0 0 m 9 9 l S 1 2 m 3 4 l S\n".repeat(400);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::none());
    packed.write_all(content.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let file = |bytes: usize| {
        let page = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>".to_vec();
        pdf(&[
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 204 264]>>".to_vec(),
            page,
            stream("/Filter/FlateDecode", &packed[..bytes]),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec(),
        ])
    };
    let harness = RendererHarness::new();
    let whole = harness.gray(&file(packed.len()), 0).await;
    assert_eq!(whole.0.warnings, [""; 0]);
    let half = harness.gray(&file(packed.len() / 2), 0).await;
    assert_eq!(half.0.warnings, ["its content stream ends in the middle"]);
    assert_eq!(half.0.text_layer[0].words[0].text, "First");
}

#[tokio::test]
async fn what_a_page_names_and_the_file_lacks_is_told() {
    let harness = RendererHarness::new();
    let reason = async |file: Vec<u8>| {
        let error = harness.render(&file, 0, Default::default()).await.unwrap_err();
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
    let first = harness.gray(&with_contents("[9 0 R 4 0 R]"), 0).await;
    assert_eq!(first.0.warnings, ["1 of its 2 content streams are missing or damaged"]);
    let partly = harness.gray(&with_contents("[4 0 R 9 0 R]"), 0).await;
    assert_eq!(partly.0.warnings, ["1 of its 2 content streams are missing or damaged"]);
    let empty = harness.gray(&with_contents("[]"), 0).await;
    assert!(empty.0.warnings.is_empty(), "a page may have no content");
}
