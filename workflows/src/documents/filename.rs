//! A client's name for a file, made safe for object keys, headers and disks.

/// Bytes that a name may have: half of what file systems take, so that keys and
/// suffixes find room.
pub const BYTES_MAX: usize = 200;

/// Bytes of an ending that is kept when a name is cut, with its dot.
const ENDING_BYTES_MAX: usize = 16;

/// What a file is called that has no usable name.
const NAMELESS: &str = "document";

/// A name made from `name`: only its last part, without control characters and
/// those that turn the direction of writing, without what paths and shells of
/// any system give a meaning to, at most [`BYTES_MAX`] bytes with its ending
/// kept, and never empty, `.` or `..`.
#[must_use]
pub fn safe(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = base.chars().filter(|c| !is_invisible(*c)).map(plain).collect();
    // Windows drops dots and spaces at the end, which makes another name of it.
    let kept = cut(kept.trim().trim_end_matches(['.', ' ']));
    if kept.is_empty() { NAMELESS.to_owned() } else { kept }
}

/// Control characters, and the format characters by which a name can be made to
/// read backwards or look like another (Unicode, UAX 9). The joiners of
/// Persian, Hindi and emoji stay.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
}

fn plain(character: char) -> char {
    match character {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        _ if character.is_whitespace() => ' ',
        _ => character,
    }
}

fn cut(name: &str) -> String {
    if name.len() <= BYTES_MAX {
        return name.to_owned();
    }
    let ending = name.rfind('.').map(|dot| &name[dot..]).filter(|ending| ending.len() <= ENDING_BYTES_MAX);
    let ending = ending.unwrap_or_default();
    let stem = &name[..name.floor_char_boundary(BYTES_MAX - ending.len())];
    format!("{}{ending}", stem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_honest_name_stays() {
        for name in ["scan 1.pdf", "Größe-2026.tiff", "日本語.png", ".profile", "a.tar.gz", "می‌خواهم.pdf"]
        {
            assert_eq!(safe(name), name);
        }
    }

    #[test]
    fn no_name_leads_anywhere() {
        assert_eq!(safe("../../etc/passwd"), "passwd");
        assert_eq!(safe(r"C:\Users\me\scan.pdf"), "scan.pdf");
        assert_eq!(safe("a:b|c?.pdf"), "a_b_c_.pdf");
        assert_eq!(safe("a\r\nSet-Cookie: x\0.pdf"), "aSet-Cookie_ x.pdf");
        assert_eq!(safe("invoice\u{202e}fdp.exe"), "invoicefdp.exe");
    }

    #[test]
    fn there_is_always_a_name() {
        for name in ["", ".", "..", "...", "a/", "/", "\\", " . ", "\u{200b}", "\u{202e}.", "a/.."] {
            assert_eq!(safe(name), NAMELESS, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending_and_whole_characters() {
        let long = format!("{}.pdf", "ü".repeat(300));
        let cut = safe(&long);
        assert!(cut.len() <= BYTES_MAX && cut.len() > BYTES_MAX - 4, "{} bytes", cut.len());
        assert!(cut.ends_with("ü.pdf"));
        assert_eq!(safe(&format!("x.{}", "y".repeat(500))).len(), BYTES_MAX);
    }
}
