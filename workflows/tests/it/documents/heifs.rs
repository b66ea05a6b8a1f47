//! HEIC and AVIF. The fixtures were written by heif-enc 1.15: the left half black, of the
//! right half the upper part white and the lower red; in `two.heic` a second picture, higher
//! than wide, with its upper half white.

use std::fs;
use std::path::Path;

use untxt_workflows::documents::DocumentError;
use untxt_workflows::documents::kind::Kind;
use untxt_workflows::documents::limits::Limits;

use super::harness::RendererHarness;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(name)).unwrap()
}

#[tokio::test]
async fn photos_of_phones_give_their_pixels() {
    let harness = RendererHarness::new();
    for (name, kind) in
        [("halves.heic", Kind::Heic), ("halves.avif", Kind::Avif), ("halves-10-bit.heic", Kind::Heic)]
    {
        let bytes = fixture(name);
        let probe = harness.probe(&bytes).await.unwrap();
        assert_eq!((probe.kind, probe.pages), (kind, 1), "{name}");
        let sheet = harness.rgb(&bytes, 0).await;
        assert_eq!(sheet.size(), (64, 32), "{name}");
        let near = |at: (u32, u32), wanted: [u8; 3]| {
            let got = sheet.color(at.0, at.1);
            let is_near = got.iter().zip(wanted).all(|(got, wanted)| got.abs_diff(wanted) < 16);
            assert!(is_near, "{name} at {at:?}: {got:?} is not {wanted:?}");
        };
        near((8, 16), [0, 0, 0]);
        near((48, 6), [255, 255, 255]);
        near((48, 26), [255, 0, 0]);
        let beyond = harness.render(&bytes, 1, Default::default()).await.unwrap_err();
        assert_eq!(beyond.code(), "PAGE_OUT_OF_RANGE");
    }
}

#[tokio::test]
async fn each_picture_of_a_file_is_a_page() {
    let harness = RendererHarness::new();
    let bytes = fixture("two.heic");
    assert_eq!(harness.probe(&bytes).await.unwrap().pages, 2);
    assert_eq!(harness.gray(&bytes, 0).await.size(), (64, 32));
    let second = harness.gray(&bytes, 1).await;
    assert_eq!(second.size(), (48, 64));
    assert!(second.luma(24, 10) > 240 && second.luma(24, 54) < 16);
}

#[tokio::test]
async fn a_file_that_is_cut_off_or_too_large_is_refused() {
    let harness = RendererHarness::new();
    for name in ["halves.heic", "halves.avif"] {
        let bytes = fixture(name);
        for length in [40, bytes.len() / 2, bytes.len() - 20] {
            let cut = &bytes[..length];
            let refused = match harness.probe(cut).await {
                Err(error) => error,
                Ok(_) => harness.render(cut, 0, Default::default()).await.unwrap_err(),
            };
            let is_broken = matches!(
                refused,
                DocumentError::Broken { .. } | DocumentError::PageBroken { .. } | DocumentError::NoPages
            );
            assert!(is_broken, "{name}, {length} bytes: {refused:?}");
        }
        let small = RendererHarness::with(Limits { page_side_max: 40, ..Limits::default() });
        assert_eq!(small.probe(&bytes).await.unwrap_err().code(), "PAGE_TOO_LARGE");
        // A child that saw such a file sees no other.
        assert_eq!(harness.probe(&bytes).await.unwrap().pages, 1);
        assert_eq!(harness.children(), [0; 0]);
    }
}
