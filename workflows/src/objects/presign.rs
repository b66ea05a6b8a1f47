//! How a download names itself.

use std::fmt::Write as _;

/// What a presigned URL makes the store say about the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresignOptions {
    /// Overrides the content type the object was stored with.
    pub content_type: Option<String>,
    /// Makes the answer an attachment of this name.
    pub filename: Option<String>,
    /// URL under which the client reaches the embedded store; none: its own
    /// listener on this machine. Says nothing to other stores.
    pub embedded_at: Option<String>,
}

impl PresignOptions {
    /// The attachment's `Content-Disposition`, if one is asked for.
    pub(super) fn disposition(&self) -> Option<String> {
        self.filename.as_deref().map(attachment)
    }
}

/// The `Content-Disposition` of an attachment. RFC 6266: an ASCII name for
/// everybody, and the real one in the encoding of RFC 8187 (which replaced 5987)
/// where it differs.
#[must_use]
pub fn attachment(filename: &str) -> String {
    let plain: String = filename.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut text = format!("attachment; filename=\"{plain}\"");
    if plain != filename {
        text.push_str("; filename*=UTF-8''");
        filename.bytes().for_each(|byte| encode(byte, &mut text));
    }
    text
}

/// `%` is left out although it is allowed: some browsers decode it.
fn is_plain(c: char) -> bool {
    (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%' | '/')
}

/// `attr-char` of RFC 8187 section 3.2.1 stands for itself.
fn encode(byte: u8, text: &mut String) {
    if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
        text.push(char::from(byte));
    } else {
        write!(text, "%{byte:02X}").expect("a String takes what it is given");
    }
}
