//! TIFFs: many pages, and the colours that scanners write.

use untxt_workflows::documents::kind::Kind;

use super::harness::RendererHarness;
use super::tiff_file::{TiffPage, tiff};

#[tokio::test]
async fn each_page_has_its_own_pixels_and_size() {
    let pages =
        [TiffPage::gray((20, 10), 10), TiffPage::gray((30, 40), 200), TiffPage::plain(2, &[255, 0, 0])];
    let file = tiff(&pages);
    let harness = RendererHarness::new();
    let probe = harness.probe(&file).await.unwrap();
    assert_eq!((probe.kind, probe.pages), (Kind::Tiff, 3));
    let first = harness.gray(&file, 0).await;
    assert_eq!((first.size(), first.luma(19, 9), first.0.dpi), ((20, 10), 10, 0));
    let second = harness.gray(&file, 1).await;
    assert_eq!((second.size(), second.luma(29, 39)), ((30, 40), 200));
    assert_eq!(harness.rgb(&file, 2).await.color(7, 7), [255, 0, 0]);
    let beyond = harness.render(&file, 3, Default::default()).await.unwrap_err();
    assert_eq!(beyond.to_string(), "there is no page 4; the document has 3");
    assert_eq!(beyond.code(), "PAGE_OUT_OF_RANGE");
}

#[tokio::test]
async fn colours_of_all_kinds_come_out_right() {
    let mut color_map = vec![0; 3 * 256];
    (color_map[7], color_map[256 + 7], color_map[512 + 7]) = (0xff00, 0x8000, 0x1000);
    let palette = TiffPage { color_map, ..TiffPage::plain(3, &[7]) };
    let deep = TiffPage { bits: 16, data: [0x00, 0x80].repeat(64), ..TiffPage::gray((8, 8), 0) };
    let pages = [
        palette,
        TiffPage::plain(6, &[81, 90, 240]),
        TiffPage::plain(5, &[0, 255, 255, 0]),
        TiffPage { bits: 1, data: vec![0b1010_1010; 8], ..TiffPage::gray((8, 8), 0) },
        deep,
    ];
    let file = tiff(&pages);
    let harness = RendererHarness::new();
    assert_eq!(harness.rgb(&file, 0).await.color(3, 3), [0xff, 0x80, 0x10]);
    let [r, g, b] = harness.rgb(&file, 1).await.color(3, 3);
    assert!(r > 230 && g < 30 && b < 30, "the red of a YCbCr page is {r} {g} {b}");
    let [r, g, b] = harness.rgb(&file, 2).await.color(3, 3);
    assert!(r > 230 && g < 30 && b < 30, "the red of a CMYK page is {r} {g} {b}");
    let bilevel = harness.gray(&file, 3).await;
    assert_eq!((bilevel.luma(0, 5), bilevel.luma(1, 5)), (255, 0));
    assert_eq!(harness.gray(&file, 4).await.luma(0, 0), 0x80);
}

#[tokio::test]
async fn a_page_that_says_its_size_on_paper_is_brought_to_the_wanted_resolution() {
    let scan = TiffPage { dpi: Some((300, 300)), ..TiffPage::gray((600, 300), 90) };
    let fax = TiffPage { dpi: Some((204, 98)), ..TiffPage::gray((204, 98), 90) };
    let coarse = TiffPage { dpi: Some((100, 100)), ..TiffPage::gray((50, 50), 90) };
    let lie = TiffPage { dpi: Some((1_000_000, 1_000_000)), ..TiffPage::gray((50, 50), 90) };
    let file = tiff(&[scan, fax, coarse, lie]);
    let harness = RendererHarness::new();
    let scan = harness.gray(&file, 0).await;
    assert_eq!((scan.size(), scan.0.dpi, scan.luma(150, 75)), ((300, 150), 150, 90));
    let fax = harness.gray(&file, 1).await;
    assert_eq!((fax.size(), fax.0.dpi), ((150, 150), 150), "an inch is as high as it is wide");
    let coarse = harness.gray(&file, 2).await;
    assert_eq!((coarse.size(), coarse.0.dpi), ((50, 50), 100), "nothing is made up");
    let lie = harness.gray(&file, 3).await;
    assert_eq!((lie.size(), lie.0.dpi), ((50, 50), 0), "a lie is not believed");
}

/// The same page as fax machines, scanners and programs pack it.
const FAXES: [(&str, &[u8]); 4] = [
    ("Group 3", include_bytes!("../fixtures/g3_1d.tif")),
    ("Group 3 in two dimensions", include_bytes!("../fixtures/g3_2d.tif")),
    ("Group 3 with fill bits", include_bytes!("../fixtures/g3_fill.tif")),
    ("Group 4, the first pixel in the lowest bit", include_bytes!("../fixtures/g4_lsb.tif")),
];

#[tokio::test]
async fn faxes_are_read_however_they_are_packed() {
    let harness = RendererHarness::new();
    let first = harness.gray(FAXES[0].1, 0).await;
    assert_eq!(first.size(), (850, 1100));
    let ink = (0..1100).flat_map(|y| (0..850).map(move |x| (x, y))).filter(|(x, y)| first.luma(*x, *y) == 0);
    let ink = ink.count();
    assert!((1_000..100_000).contains(&ink), "{ink} black pixels");
    for (name, file) in FAXES {
        assert_eq!(harness.probe(file).await.unwrap().pages, 1, "{name}");
        assert!(harness.gray(file, 0).await.0.pixels == first.0.pixels, "{name} is another picture");
    }
    let fax = harness.gray(include_bytes!("../fixtures/fax_204x98_g3.tif"), 0).await;
    // 1728 columns at 204 and 1078 rows at 98 to the inch.
    assert_eq!((fax.size(), fax.0.dpi), ((1271, 1650), 150), "an inch is as high as it is wide");
}

#[tokio::test]
async fn a_fax_that_ends_in_the_middle_is_no_page() {
    let mut file = include_bytes!("../fixtures/g3_1d.tif").to_vec();
    // The bytes of the second strip, in a file that is as long as it says.
    file[417..1746].fill(0);
    let harness = RendererHarness::new();
    harness.probe(&file).await.unwrap();
    let error = harness.render(&file, 0, Default::default()).await.unwrap_err();
    assert_eq!(error.code(), "PAGE_BROKEN");
}

#[tokio::test]
async fn several_pixels_in_a_byte_are_told_apart() {
    let nibbles =
        TiffPage { size: (3, 2), bits: 4, data: vec![0x0f, 0x80, 0xf0, 0x10], ..TiffPage::gray((3, 2), 0) };
    let pairs = |photometric| TiffPage {
        photometric,
        bits: 2,
        data: vec![0b00_01_10_11, 0b11 << 6],
        ..TiffPage::gray((5, 1), 0)
    };
    let mut color_map = vec![0; 3 * 16];
    (color_map[7], color_map[16 + 7], color_map[32 + 7]) = (0xff00, 0x8000, 0x1000);
    let palette = TiffPage {
        size: (2, 1),
        photometric: 3,
        bits: 4,
        data: vec![0x07],
        color_map,
        ..TiffPage::gray((2, 1), 0)
    };
    let file = tiff(&[nibbles, pairs(1), pairs(0), palette]);
    let harness = RendererHarness::new();
    assert_eq!(harness.probe(&file).await.unwrap().pages, 4);
    let row = async |page, y, width| {
        let sheet = harness.gray(&file, page).await;
        assert_eq!(sheet.size().0, width);
        (0..width).map(|x| sheet.luma(x, y)).collect::<Vec<_>>()
    };
    assert_eq!((row(0, 0, 3).await, row(0, 1, 3).await), (vec![0, 255, 136], vec![255, 0, 17]));
    assert_eq!(row(1, 0, 5).await, [0, 85, 170, 255, 255]);
    assert_eq!(row(2, 0, 5).await, [255, 170, 85, 0, 0]);
    let palette = harness.rgb(&file, 3).await;
    assert_eq!((palette.size(), palette.color(0, 0), palette.color(1, 0)), ((2, 1), [0; 3], [255, 128, 16]));
}

#[tokio::test]
async fn webp_within_a_tiff_is_read_and_what_is_not_is_named_before_a_page_is_made() {
    let harness = RendererHarness::new();
    let webp = harness.gray(include_bytes!("../fixtures/webpc.tif"), 0).await;
    assert_eq!(webp.size(), (850, 1100));
    assert!((0..1100).any(|y| (0..850).any(|x| webp.luma(x, y) < 80)) && webp.luma(2, 2) > 240);
    let zstd: &[u8] = include_bytes!("../fixtures/zstd.tif");
    let jpeg_2000: &[u8] = include_bytes!("../fixtures/jp2k.tif");
    for (file, name) in [(zstd, "ZSTD (method 50000)"), (jpeg_2000, "JPEG 2000 (method 34712)")] {
        let error = harness.probe(file).await.unwrap_err();
        assert_eq!((error.code(), error.is_permanent()), ("DOCUMENT_UNSUPPORTED_TYPE", true));
        assert!(error.to_string().starts_with(&format!("a TIFF that is compressed with {name}")), "{error}");
    }
}

#[tokio::test]
async fn a_tiff_that_is_cut_off_is_refused_before_a_page_is_made() {
    let harness = RendererHarness::new();
    // Directory first, as programs write it that know all pages beforehand.
    let whole = include_bytes!("../fixtures/webpc.tif");
    for end in [400, 2_000, 3_000, whole.len() - 800] {
        let error = harness.probe(&whole[..end]).await.unwrap_err();
        assert_eq!(error.code(), "DOCUMENT_BROKEN", "{end} bytes: {error}");
    }
}

#[tokio::test]
async fn colours_with_fewer_pixels_than_greys_are_named_and_not_called_broken() {
    let mut file = tiff(&[TiffPage::plain(6, &[81, 90, 240])]);
    let field = 530_u16.to_le_bytes();
    let at = file.windows(2).rposition(|bytes| bytes == field).unwrap();
    file[at + 8..at + 12].copy_from_slice(&[2, 0, 2, 0]);
    let error = RendererHarness::new().probe(&file).await.unwrap_err();
    assert_eq!(error.code(), "DOCUMENT_UNSUPPORTED_TYPE", "{error}");
}

#[tokio::test]
async fn each_page_is_looked_at_before_there_is_a_task_and_the_one_that_is_not_read_is_named() {
    let harness = RendererHarness::new();
    let sound = || TiffPage::gray((8, 8), 90);
    let deep = || TiffPage { bits: 12, data: vec![0; 96], ..sound() };
    let more = |fields: &[(u16, u16)], page: TiffPage| TiffPage { more: fields.to_vec(), ..page };
    let planar_cmyk = more(&[(284, 2)], TiffPage::plain(5, &[0, 255, 255, 0]));
    let odd = [
        (deep(), "in grey, 1 sample(s) of 12 bits"),
        (TiffPage::plain(8, &[90, 0, 0]), "in CIE Lab, 3 sample(s) of 8 bits"),
        (more(&[(339, 2)], sound()), "in grey, 1 sample(s) of 8 bits, signed"),
        (more(&[(259, 50_000)], sound()), "compressed with ZSTD (method 50000)"),
        (more(&[(259, 5), (317, 2)], TiffPage { bits: 4, ..sound() }), "stored as differences, in grey"),
        (more(&[(259, 5), (317, 3)], sound()), "stored with predictor 3, in grey"),
        (planar_cmyk, "in CMYK with each ink by itself"),
    ];
    for (page, name) in odd {
        let error = harness.probe(&tiff(&[sound(), sound(), page])).await.expect_err(name);
        assert_eq!((error.code(), error.is_permanent()), ("DOCUMENT_UNSUPPORTED_TYPE", true), "{error}");
        assert!(error.to_string().starts_with(&format!("a TIFF whose page 3 is {name}")), "{error}");
    }
    let alone = harness.probe(&tiff(&[deep()])).await.unwrap_err().to_string();
    assert!(alone.starts_with("a TIFF that is in grey, 1 sample(s) of 12 bits can't be read"), "{alone}");
    let giant = TiffPage { size: (60_000, 60_000), ..sound() };
    let error = harness.probe(&tiff(&[sound(), giant])).await.unwrap_err();
    assert_eq!(error.code(), "PAGE_TOO_LARGE");
    assert!(error.to_string().starts_with("page 2 would be 60000 x 60000 pixels"), "{error}");
    let cut = TiffPage { size: (8, 80), more: vec![(279, 640)], ..sound() };
    let error = harness.probe(&tiff(&[sound(), cut])).await.unwrap_err();
    assert_eq!(error.code(), "DOCUMENT_BROKEN");
    assert!(error.to_string().contains("page 2: its pixels end at byte"), "{error}");
}

#[tokio::test]
async fn a_predictor_that_its_packing_does_not_have_is_put_up_with() {
    let page = TiffPage { more: vec![(317, 2)], ..TiffPage::gray((8, 8), 90) };
    let file = tiff(&[page]);
    let harness = RendererHarness::new();
    assert_eq!(harness.probe(&file).await.unwrap().pages, 1);
    assert_eq!(harness.gray(&file, 0).await.luma(7, 7), 90);
}
