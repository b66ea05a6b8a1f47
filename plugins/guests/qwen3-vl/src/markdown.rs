//! Markdown as blocks. Pictures and tables are preceded by comments that say
//! where they are: `<!-- Table (x1, y1, x2, y2) -->`.

use untxt_plugin_sdk::{Block, Line, Word, attributes};

use crate::boxes::{Frame, corners};

pub(crate) fn blocks(text: &str, frame: Frame) -> Vec<Block> {
    let frame = frame.decided(text.lines().filter_map(place).map(|(_, corners)| corners));
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some((what, corners)) = place(line) {
            found.extend(open.take());
            let role = if what.eq_ignore_ascii_case("image") { "figure" } else { "table" };
            let block = block(role, frame.rect(corners));
            if role == "figure" { found.push(block) } else { open = Some(block) }
        } else if line.is_empty() || line.starts_with("<!--") || is_rule(line) {
            // A table goes on over a blank line when nothing of it came yet.
            if open.as_ref().is_some_and(|block| !block.lines.is_empty()) {
                found.extend(open.take());
            }
        } else {
            let (role, rest) = role_of(line);
            let placed = open.as_ref().is_some_and(|block| block.role == "table" && block.bounds.is_some());
            if !placed && (role == "heading" || open.as_ref().is_some_and(|block| block.role != role)) {
                found.extend(open.take());
            }
            let words = words(rest);
            if !words.is_empty() {
                open.get_or_insert_with(|| self::block(role, None)).lines.push(Line { bounds: None, words });
            }
        }
    }
    found.extend(open);
    found
}

fn block(role: &str, bounds: Option<untxt_plugin_sdk::Rect>) -> Block {
    Block { role: role.to_owned(), bounds, lines: Vec::new(), attributes: attributes([]) }
}

/// What a comment says is where.
fn place(line: &str) -> Option<(&str, [f32; 4])> {
    let inside = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    let (what, rest) = inside.split_once('(')?;
    Some((what.trim(), corners(rest.strip_suffix(')')?)?))
}

/// The line under a table's head, and a line across the page.
fn is_rule(line: &str) -> bool {
    line.len() > 2 && line.chars().all(|c| matches!(c, '-' | '|' | ':' | ' ' | '*' | '_' | '='))
}

fn role_of(line: &str) -> (&'static str, &str) {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if line.starts_with('#') {
        ("heading", line.trim_start_matches('#'))
    } else if let Some(rest) = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark)) {
        ("list", rest)
    } else if numbered.len() < line.len() && (numbered.starts_with(". ") || numbered.starts_with(") ")) {
        ("list", line)
    } else if line.starts_with('|') || (line.starts_with('\\') && line.contains("hline")) {
        ("table", line)
    } else {
        ("paragraph", line)
    }
}

fn words(line: &str) -> Vec<Word> {
    let plain = line.replace("**", "").replace("__", "").replace('`', "");
    plain
        .split(|c: char| c.is_whitespace() || c == '|')
        .filter(|word| !word.is_empty())
        .map(|w| Word::new(w, None))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Convention;

    fn read(text: &str) -> Vec<(String, Vec<String>)> {
        let frame = Frame { width: 1_000, height: 2_000, scale: 1.0, convention: Convention::Auto };
        let line = |line: &Line| line.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        let block = |block: &Block| (block.role.clone(), block.lines.iter().map(line).collect());
        blocks(text, frame).iter().map(block).collect()
    }

    #[test]
    fn each_kind_of_line_is_a_block_of_its_kind() {
        let text = "# Bill\n\nDear **Ann**,\nthank you.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n1. first\n";
        let expected = [
            ("heading", vec!["Bill"]),
            ("paragraph", vec!["Dear Ann,", "thank you."]),
            ("list", vec!["one", "two"]),
            ("table", vec!["a b"]),
            ("table", vec!["1 2"]),
            ("list", vec!["1. first"]),
        ];
        let read = read(text);
        let shown: Vec<(&str, Vec<&str>)> = read
            .iter()
            .map(|(role, lines)| (role.as_str(), lines.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn comments_say_where_things_are() {
        let frame = Frame { width: 1_000, height: 2_000, scale: 1.0, convention: Convention::Auto };
        let found = blocks(
            "<!-- Image (0, 0, 500, 100) -->\n<!-- Table (10, 20, 30, 40) -->\n\\hline a & b\n",
            frame,
        );
        assert_eq!((found.len(), found[0].role.as_str(), found[1].role.as_str()), (2, "figure", "table"));
        assert_eq!(found[1].bounds.map(|bounds| (bounds.x, bounds.y, bounds.height)), Some((10, 40, 40)));
        assert_eq!(found[1].lines.len(), 1);
    }
}
