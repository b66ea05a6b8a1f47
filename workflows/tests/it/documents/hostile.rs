//! Files that are broken, or made to do harm: each ends in its own code before
//! its deadline, leaves no process behind, and the next document is read.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use untxt_workflows::documents::limits::Limits;
use untxt_workflows::documents::renderer::RenderOptions;

use super::harness::RendererHarness;
use super::pdf_file::{pages, pdf, stream};
use super::tiff_file::{TiffPage, tiff};

const OK: &str = "0 0 10 10 re f";

/// What `file` ends in, looked at and then rendered.
async fn code(harness: &RendererHarness, file: &[u8]) -> &'static str {
    let begun = Instant::now();
    let error = match harness.probe(file).await {
        Err(error) => error,
        Ok(_) => {
            harness.render(file, 0, RenderOptions::default()).await.expect_err("this file is no document")
        }
    };
    assert!(begun.elapsed() < Duration::from_secs(15), "{error} took {:?}", begun.elapsed());
    assert!(error.is_permanent(), "{error}");
    assert_eq!(harness.children_at_work(), [0; 0], "a child outlived {error}");
    let next = RendererHarness::new().gray(&pages((72, 72), "", &[OK]), 0).await;
    assert_eq!(next.luma(5, 140), 0, "the document after {error}");
    error.code()
}

#[tokio::test]
async fn what_is_no_document_is_refused_by_its_bytes() {
    let harness = RendererHarness::new();
    assert_eq!(code(&harness, b"").await, "DOCUMENT_EMPTY");
    assert_eq!(code(&harness, b"Dear Sir or Madam").await, "DOCUMENT_UNSUPPORTED_TYPE");
    let path = harness.file("looks-like.pdf", b"PK\x03\x04 and so on");
    let error = harness.renderer.probe(&path).await.unwrap_err();
    assert!(error.to_string().contains("a ZIP archive"), "{error}");
    let small = RendererHarness::with(Limits { document_bytes_max: 1000, ..Limits::default() });
    let error = small.probe(&[b' '; 1001]).await.unwrap_err();
    assert_eq!((error.code(), error.is_permanent()), ("DOCUMENT_TOO_LARGE", true));
}

#[tokio::test]
async fn broken_pdfs() {
    let harness = RendererHarness::new();
    let whole = pages((72, 72), "", &[OK]);
    assert_eq!(code(&harness, b"%PDF-1.7\nand then nothing").await, "DOCUMENT_BROKEN");
    assert_eq!(code(&harness, &whole[..100]).await, "DOCUMENT_BROKEN");
    assert_eq!(code(&harness, &pages((72, 72), "", &[])).await, "DOCUMENT_NO_PAGES");
    assert_eq!(code(&harness, include_bytes!("../fixtures/encrypted.pdf")).await, "DOCUMENT_ENCRYPTED");
    let few = RendererHarness::with(Limits { pages_max: 2, ..Limits::default() });
    let error = few.probe(&pages((72, 72), "", &[OK; 3])).await.unwrap_err();
    assert_eq!(error.to_string(), "the document has 3 pages; 2 are allowed");
    assert_eq!(error.code(), "DOCUMENT_TOO_MANY_PAGES");
}

#[tokio::test]
async fn giant_pages_are_refused_before_they_are_made() {
    let harness = RendererHarness::new();
    assert_eq!(code(&harness, &pages((57_600, 57_600), "", &[OK])).await, "PAGE_TOO_LARGE");
    assert_eq!(code(&harness, &pages((20_000, 1), "", &[OK])).await, "PAGE_TOO_LARGE");
    assert_eq!(code(&harness, &png((50_000, 50_000), 1, 0)).await, "PAGE_TOO_LARGE");
    let lying = TiffPage { size: (60_000, 60_000), ..TiffPage::gray((10, 10), 0) };
    assert_eq!(code(&harness, &tiff(&[lying])).await, "PAGE_TOO_LARGE");
}

#[tokio::test]
async fn broken_pictures() {
    let harness = RendererHarness::new();
    assert_eq!(code(&harness, b"\x89PNG\r\n\x1a\n and then nothing").await, "DOCUMENT_BROKEN");
    assert_eq!(code(&harness, b"\xff\xd8\xff\xe0 and then nothing").await, "DOCUMENT_BROKEN");
    assert_eq!(code(&harness, b"RIFF\x10\0\0\0WEBPVP8 nothing").await, "DOCUMENT_BROKEN");
    assert_eq!(code(&harness, &png((100, 100), 8, 0)).await, "PAGE_BROKEN");
    let lying = TiffPage { size: (9_000, 9_000), ..TiffPage::gray((10, 10), 0) };
    assert_eq!(code(&harness, &tiff(&[lying])).await, "PAGE_BROKEN");
}

#[tokio::test]
async fn tiffs_whose_pages_never_end() {
    let harness = RendererHarness::with(Limits { pages_max: 50, ..Limits::default() });
    let mut circle = tiff(&[TiffPage::gray((8, 8), 0), TiffPage::gray((8, 8), 0)]);
    let first: [u8; 4] = circle[4..8].try_into().unwrap();
    let end = circle.len() - 4;
    circle[end..].copy_from_slice(&first);
    assert_eq!(code(&harness, &circle).await, "DOCUMENT_BROKEN");
    let many: Vec<TiffPage> = (0..60).map(|_| TiffPage::gray((8, 8), 0)).collect();
    assert_eq!(code(&harness, &tiff(&many)).await, "DOCUMENT_TOO_MANY_PAGES");
    assert_eq!(code(&harness, b"II*\0\xff\xff\xff\xff").await, "DOCUMENT_BROKEN");
    assert_eq!(code(&harness, b"II*\0\0\0\0\0").await, "DOCUMENT_NO_PAGES");
}

#[tokio::test]
async fn a_page_of_forms_in_forms_is_ended_at_its_deadline() {
    assert_eq!(code(&RendererHarness::hasty(2000), &nested_forms()).await, "PAGE_TIMEOUT");
}

#[tokio::test]
async fn a_page_that_unpacks_to_a_flood_is_ended_at_its_deadline() {
    // Memory enough, so that it is the deadline that ends it, however fast the machine.
    let limits = Limits { deadline: Duration::from_secs(1), memory_bytes_max: 8 << 30, ..Limits::default() };
    assert_eq!(code(&RendererHarness::with(limits), &flood()).await, "PAGE_TIMEOUT");
}

#[tokio::test]
async fn what_needs_more_memory_than_is_allowed_is_refused() {
    let harness = RendererHarness::with(Limits { memory_bytes_max: 300 << 20, ..Limits::default() });
    assert_eq!(code(&harness, &pages((4_700, 4_700), "", &[OK])).await, "PAGE_MEMORY");
    assert_eq!(code(&harness, &png((9_000, 9_000), 16, 6)).await, "PAGE_MEMORY");
}

#[tokio::test]
async fn the_largest_page_that_is_allowed_fits_into_the_memory_that_is_allowed() {
    let options =
        RenderOptions { color: untxt_workflows::documents::renderer::Color::Rgb, ..RenderOptions::default() };
    let page = RendererHarness::new().render(&pages((4_799, 4_799), "", &[OK]), 0, options).await.unwrap();
    assert_eq!((page.width, page.height), (9_998, 9_998));
}

#[tokio::test]
async fn a_decoder_that_panics_takes_nothing_with_it_and_says_why() {
    // Limits that an operator should not set.
    let limits = Limits { page_pixels_max: u64::MAX, page_side_max: u32::MAX, ..Limits::default() };
    let harness = RendererHarness::with(limits);
    let error =
        harness.render(&pages((57_600, 57_600), "", &[OK]), 0, RenderOptions::default()).await.unwrap_err();
    assert_eq!((error.code(), error.is_permanent()), ("RENDERER_CRASHED", true));
    assert!(
        error.to_string().starts_with("the decoder crashed at page 1 of the application/pdf: "),
        "{error}"
    );
}

/// Thirty forms, each of which draws the next one twice.
pub(crate) fn nested_forms() -> Vec<u8> {
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 72 72]>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>".to_vec(),
        stream("", b"/X Do"),
    ];
    for next in 6..36 {
        let dictionary =
            format!("/Type/XObject/Subtype/Form/BBox[0 0 72 72]/Resources<</XObject<</X {next} 0 R>>>>");
        objects.push(stream(&dictionary, b"/X Do /X Do"));
    }
    objects.push(stream("/Type/XObject/Subtype/Form/BBox[0 0 72 72]", OK.as_bytes()));
    pdf(&objects)
}

/// A small file whose content stream has 64 MB.
fn flood() -> Vec<u8> {
    let drop = "0 0 50 50 re f 9 9 60 60 re f 5 5 m 60 60 l S\n".repeat(2000);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..62_000_000 / drop.len() {
        packed.write_all(drop.as_bytes()).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 2_000_000);
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 72 72]>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_vec(),
        stream("/Filter/FlateDecode", &packed),
    ])
}

/// The head of a PNG of this size, with pixels that end at once.
fn png((width, height): (u32, u32), bits: u8, color: u8) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8], data: &[u8]| {
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let body = [name, data].concat();
        file.extend(&body);
        file.extend(crc(&body).to_be_bytes());
    };
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, color, 0, 0, 0]].concat();
    chunk(b"IHDR", &head);
    chunk(b"IDAT", b"\x78\x01\x01\x00\x00\xff\xff\x00\x00\x00\x01");
    chunk(b"IEND", b"");
    file
}

/// PNG, annex D.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[tokio::test]
async fn whatever_length_a_file_is_cut_to_it_ends_in_a_verdict() {
    let fax: &[u8] = include_bytes!("../fixtures/g3_2d.tif");
    let reversed: &[u8] = include_bytes!("../fixtures/g4_lsb.tif");
    let webp: &[u8] = include_bytes!("../fixtures/webpc.tif");
    let harness = RendererHarness::new();
    for file in [fax, reversed, webp, &pages((72, 72), "", &[OK])] {
        for part in 1..12 {
            let cut = &file[..file.len() * part / 12];
            let verdict = match harness.probe(cut).await {
                Ok(_) => harness.render(cut, 0, RenderOptions::default()).await.err(),
                refused => refused.err(),
            };
            let code = verdict.map_or("read", |error| error.code());
            let known =
                ["read", "PAGE_BROKEN", "DOCUMENT_BROKEN", "DOCUMENT_NO_PAGES", "DOCUMENT_UNSUPPORTED_TYPE"];
            assert!(known.contains(&code), "{code} for {} bytes of {}", cut.len(), file.len());
        }
    }
}

/// Many directories that share tables of more strips than any page has.
fn shared_tables(pages: u32) -> Vec<u8> {
    const STRIPS: u32 = 200_000;
    let mut file = b"II*\0\0\0\0\0".to_vec();
    file.extend(8_u32.to_le_bytes().repeat(STRIPS as usize));
    let mut link = 4;
    for _ in 0..pages {
        let place = u32::try_from(file.len()).unwrap();
        file[link..link + 4].copy_from_slice(&place.to_le_bytes());
        let fields = [
            (256_u16, 4_u16, 1, 8),
            (257, 4, 1, 8),
            (258, 3, 1, 8),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, STRIPS, 8),
            (277, 3, 1, 1),
            (278, 4, 1, 8),
            (279, 4, STRIPS, 8),
        ];
        file.extend(u16::try_from(fields.len()).unwrap().to_le_bytes());
        for (tag, kind, count, value) in fields {
            file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            file.extend([count.to_le_bytes(), u32::to_le_bytes(value)].concat());
        }
        link = file.len();
        file.extend([0; 4]);
    }
    file
}

#[tokio::test]
async fn a_look_at_each_page_of_a_tiff_ends_at_its_deadline() {
    let harness = RendererHarness::hasty(2000);
    let begun = Instant::now();
    let verdict = harness.probe(&shared_tables(5_000)).await.map_or_else(|error| error.code(), |_| "read");
    assert!(["read", "PAGE_TIMEOUT", "DOCUMENT_BROKEN"].contains(&verdict), "{verdict}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{verdict} took {:?}", begun.elapsed());
    assert_eq!(harness.children_at_work(), [0; 0]);
    let many: Vec<TiffPage> = (0..2_000).map(|_| TiffPage::gray((8, 8), 0)).collect();
    assert_eq!(
        RendererHarness::new().probe(&tiff(&many)).await.unwrap().pages,
        2_000,
        "a sound one is looked at whole"
    );
}
