//! For the fuzzer and its corpus only: what reads the bytes of documents and of
//! decoder processes, on this thread. Not part of the interface of this crate.

use futures_util::FutureExt;

use super::picture;
use super::process;
use super::protocol::{Answer, ChildLimits, Color, RenderOptions};
use crate::documents::kind::Kind;
use crate::documents::limits::Limits;

/// Small enough that an input takes milliseconds, and that the bounds are met.
fn limits() -> Limits {
    Limits {
        pages_max: 16,
        page_pixels_max: 1 << 16,
        page_side_max: 4_096,
        memory_bytes_max: 16 << 20,
        ..Limits::default()
    }
}

/// Counts the pages of a picture file and decodes the first three.
///
/// # Panics
/// When a decoder does, or a page image breaks the limits.
pub fn picture(bytes: &[u8], kind: Kind) {
    let limits = ChildLimits::from(&limits());
    let Ok(pages) = picture::count(bytes.to_vec(), kind, &limits) else { return };
    for (index, color) in (0..pages.min(3)).zip([Color::Gray, Color::Rgb, Color::Gray]) {
        let options = RenderOptions { color, ..RenderOptions::default() };
        let Ok((answer, pixels)) = picture::render(bytes.to_vec(), kind, index, options, &limits) else {
            continue;
        };
        let Answer::Rendered { width, height, color, .. } = answer else {
            panic!("a page was asked for");
        };
        assert!(limits.check(1, width, height).is_ok(), "{width} x {height}");
        assert_eq!(pixels.len(), width as usize * height as usize * color.channels());
    }
}

/// Reads what a decoder process writes.
///
/// # Panics
/// When a page image breaks the limits, or more is waited for than is there.
pub fn decoder_answer(mut bytes: &[u8]) {
    let limits = limits();
    let answered = process::answer(&mut bytes, &limits, None).now_or_never();
    let answered = answered.expect("nothing is waited for behind the end of the bytes");
    if let Ok((Answer::Rendered { width, height, color, .. }, pixels)) = answered {
        assert!(limits.admit(width, height), "{width} x {height}");
        assert_eq!(pixels.len(), width as usize * height as usize * color.channels());
    }
}
