//! Text that can't be taken for markup.

/// `text` for HTML and XML, between tags and in quoted attributes. Characters
/// that XML 1.0 does not know (section 2.2) are dropped.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|c| is_text(*c)) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// `text` for Markdown within a line (CommonMark 0.31, section 2.4).
pub(super) fn md(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|c| is_text(*c)) {
        if r"\`*_[]<>#|~&".contains(character) {
            escaped.push('\\');
        }
        escaped.push(if character.is_whitespace() { ' ' } else { character });
    }
    escaped
}

/// `text` as a line of Markdown: what would begin a list, a rule or an
/// underline does not.
pub(super) fn md_line(text: &str) -> String {
    let line = md(text.trim());
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.as_bytes().get(digits) {
        Some(b'-' | b'+' | b'=') if digits == 0 => format!("\\{line}"),
        Some(b'.' | b')') if digits > 0 => format!("{}\\{}", &line[..digits], &line[digits..]),
        _ => line,
    }
}

/// A part of 1, to a thousandth: no confidence is known better.
pub(super) fn part(part: f32) -> String {
    ((part.clamp(0.0, 1.0) * 1e3).round() / 1e3).to_string()
}

/// `text` for a column of a table with tabs between them and a line a row.
pub(super) fn cell(text: &str) -> String {
    plain(text).chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
}

/// `text` without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| is_text(*c)).collect()
}

fn is_text(character: char) -> bool {
    let is_control = character.is_control() && !matches!(character, '\n' | '\t');
    !is_control && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_do_not_survive() {
        assert_eq!(
            html("<a href=\"x\" y='z'>&\u{0}\u{1b}\u{ffff}"),
            "&lt;a href=&quot;x&quot; y=&#39;z&#39;&gt;&amp;"
        );
        assert_eq!(md("a*b_[c](d)\n<e>"), r"a\*b\_\[c\](d) \<e\>");
        assert_eq!(plain("a\u{c}\u{85}b"), "ab");
    }

    #[test]
    fn a_line_begins_nothing() {
        assert_eq!(md_line("- 5 degrees"), r"\- 5 degrees");
        assert_eq!(md_line("1. May"), r"1\. May");
        assert_eq!(md_line("2026) x"), r"2026\) x");
        assert_eq!(md_line("==="), r"\===");
        assert_eq!(md_line("2026 was"), "2026 was");
    }
}
