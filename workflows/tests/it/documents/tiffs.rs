//! TIFFs: many pages, and the colours that scanners write.

use untxt_workflows::documents::kind::Kind;

use super::bench::Bench;
use super::tiff_file::{TiffPage, tiff};

#[tokio::test]
async fn each_page_has_its_own_pixels_and_size() {
    let pages =
        [TiffPage::gray((20, 10), 10), TiffPage::gray((30, 40), 200), TiffPage::plain(2, &[255, 0, 0])];
    let file = tiff(&pages);
    let bench = Bench::new();
    let probe = bench.probe(&file).await.unwrap();
    assert_eq!((probe.kind, probe.pages), (Kind::Tiff, 3));
    let first = bench.gray(&file, 0).await;
    assert_eq!((first.size(), first.luma(19, 9), first.0.dpi), ((20, 10), 10, 0));
    let second = bench.gray(&file, 1).await;
    assert_eq!((second.size(), second.luma(29, 39)), ((30, 40), 200));
    assert_eq!(bench.rgb(&file, 2).await.color(7, 7), [255, 0, 0]);
    let beyond = bench.render(&file, 3, Default::default()).await.unwrap_err();
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
    let bench = Bench::new();
    assert_eq!(bench.rgb(&file, 0).await.color(3, 3), [0xff, 0x80, 0x10]);
    let [r, g, b] = bench.rgb(&file, 1).await.color(3, 3);
    assert!(r > 230 && g < 30 && b < 30, "the red of a YCbCr page is {r} {g} {b}");
    let [r, g, b] = bench.rgb(&file, 2).await.color(3, 3);
    assert!(r > 230 && g < 30 && b < 30, "the red of a CMYK page is {r} {g} {b}");
    let bilevel = bench.gray(&file, 3).await;
    assert_eq!((bilevel.luma(0, 5), bilevel.luma(1, 5)), (255, 0));
    assert_eq!(bench.gray(&file, 4).await.luma(0, 0), 0x80);
}

#[tokio::test]
async fn a_page_that_says_its_size_on_paper_is_brought_to_the_wanted_resolution() {
    let scan = TiffPage { dpi: Some((300, 300)), ..TiffPage::gray((600, 300), 90) };
    let fax = TiffPage { dpi: Some((204, 98)), ..TiffPage::gray((204, 98), 90) };
    let coarse = TiffPage { dpi: Some((100, 100)), ..TiffPage::gray((50, 50), 90) };
    let lie = TiffPage { dpi: Some((1_000_000, 1_000_000)), ..TiffPage::gray((50, 50), 90) };
    let file = tiff(&[scan, fax, coarse, lie]);
    let bench = Bench::new();
    let scan = bench.gray(&file, 0).await;
    assert_eq!((scan.size(), scan.0.dpi, scan.luma(150, 75)), ((300, 150), 150, 90));
    let fax = bench.gray(&file, 1).await;
    assert_eq!((fax.size(), fax.0.dpi), ((150, 150), 150), "an inch is as high as it is wide");
    let coarse = bench.gray(&file, 2).await;
    assert_eq!((coarse.size(), coarse.0.dpi), ((50, 50), 100), "nothing is made up");
    let lie = bench.gray(&file, 3).await;
    assert_eq!((lie.size(), lie.0.dpi), ((50, 50), 0), "a lie is not believed");
}
