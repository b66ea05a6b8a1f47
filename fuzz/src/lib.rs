//! Every reader of untrusted bytes as a function that may be given any bytes. It
//! panics where the reader does, or where what was read breaks a promise of the
//! reader's.
//!
//! `corpus/NAME` holds inputs of the target NAME that are worth keeping, among them
//! whatever once made it fail. The tests of this crate read all of them with the
//! stable toolchain; `cargo xtask fuzz` looks for more with libFuzzer.

mod documents;
mod plugins;
mod requests;

/// A reader of untrusted bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpus`.
    pub name: &'static str,
    /// Reads the bytes, which must not make it panic.
    pub read: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "kind", read: documents::kind },
    Target { name: "tiff", read: documents::tiff },
    Target { name: "picture", read: documents::picture },
    Target { name: "decoder_answer", read: documents::decoder_answer },
    Target { name: "page_range", read: documents::page_range },
    Target { name: "filename", read: documents::filename },
    Target { name: "engine_html", read: documents::engine_html },
    Target { name: "manifest", read: plugins::manifest },
    Target { name: "signature", read: plugins::signature },
    Target { name: "engine_answer", read: plugins::engine_answer },
    Target { name: "model_answer", read: plugins::model_answer },
    Target { name: "origin", read: plugins::origin },
    Target { name: "traceparent", read: requests::traceparent },
    Target { name: "socket_message", read: requests::socket_message },
    Target { name: "form", read: requests::form },
    Target { name: "range", read: requests::range },
    Target { name: "resume_cursor", read: requests::resume_cursor },
];

/// The target called `name`.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}

/// Runs `read` on bytes that are text; a reader of text never sees others.
fn on_text(bytes: &[u8], read: impl FnOnce(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        read(text);
    }
}
