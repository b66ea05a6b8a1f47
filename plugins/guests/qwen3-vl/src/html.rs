//! A model's HTML as blocks. No parser of the standard's: whatever comes, each
//! byte is looked at once, and what is no markup is text.

use untxt_plugin_sdk::{Block, Line, Word};

use crate::boxes::{Frame, corners};

pub(crate) fn blocks(text: &str, frame: Frame) -> Vec<Block> {
    let tags =
        Pieces(text).filter_map(|piece| if let Piece::Tag(tag) = piece { tag.corners() } else { None });
    let mut reader =
        Reader { frame: frame.decided(tags), found: Vec::new(), open: None, line: String::new() };
    let mut silent = false;
    for piece in Pieces(text) {
        match piece {
            Piece::Tag(tag) if tag.is("script") || tag.is("style") || tag.is("head") => silent = !tag.closing,
            Piece::Tag(tag) => reader.tag(&tag),
            Piece::Text(text) if !silent => reader.text(text),
            Piece::Text(_) => {}
        }
    }
    reader.close();
    reader.found
}

enum Piece<'a> {
    Tag(Tag<'a>),
    Text(&'a str),
}

struct Tag<'a> {
    name: &'a str,
    closing: bool,
    attributes: &'a str,
}

impl Tag<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn corners(&self) -> Option<[f32; 4]> {
        let at = self.attributes.find("data-bbox")?;
        let rest = self.attributes[at + "data-bbox".len()..].trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        corners(rest[1..].split(quote).next()?)
    }

    /// What a block of this tag is; none when it is part of a line.
    fn role(&self) -> Option<&'static str> {
        let name = self.name.to_ascii_lowercase();
        Some(match name.as_str() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "title" => "heading",
            "table" => "table",
            "ul" | "ol" | "dl" => "list",
            "figcaption" | "caption" => "caption",
            "img" | "figure" => "figure",
            "p" | "div" | "section" | "article" | "header" | "footer" | "address" | "blockquote" | "pre"
            | "main" | "body" => "paragraph",
            _ => return None,
        })
    }
}

/// The pieces of a text, in order.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let text = self.0;
        if let Some(rest) = text.strip_prefix("<!--") {
            self.0 = rest.split_once("-->").map_or("", |(_, after)| after);
            return self.next();
        }
        if let Some(rest) = text.strip_prefix('<')
            && rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!')
        {
            let (inside, after) = rest.split_once('>').unwrap_or((rest, ""));
            self.0 = after;
            let closing = inside.starts_with('/');
            let inside = inside.trim_start_matches('/');
            let end = inside.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inside.len());
            return Some(Piece::Tag(Tag { name: &inside[..end], closing, attributes: &inside[end..] }));
        }
        let mut chars = text.char_indices();
        chars.next()?;
        let end = chars.find(|(_, c)| *c == '<').map_or(text.len(), |(at, _)| at);
        self.0 = &text[end..];
        Some(Piece::Text(&text[..end]))
    }
}

struct Reader {
    frame: Frame,
    found: Vec<Block>,
    open: Option<Block>,
    line: String,
}

impl Reader {
    fn tag(&mut self, tag: &Tag<'_>) {
        if ["br", "tr", "li", "dt", "dd"].iter().any(|name| tag.is(name)) {
            self.end_line();
        } else if tag.is("td") || tag.is("th") {
            self.line.push(' ');
        } else if let Some(role) = tag.role() {
            let in_table =
                self.open.as_ref().is_some_and(|block| matches!(block.role.as_str(), "table" | "list"));
            if in_table && role == "paragraph" {
                // A paragraph in a cell is a part of its line.
                self.line.push(' ');
            } else {
                self.close();
                if !tag.closing {
                    self.begin(role, tag.corners());
                }
            }
        }
    }

    fn begin(&mut self, role: &str, corners: Option<[f32; 4]>) {
        let bounds = corners.and_then(|corners| self.frame.rect(corners));
        self.open = Some(Block { role: role.to_owned(), bounds, lines: Vec::new(), attributes: Vec::new() });
    }

    fn text(&mut self, text: &str) {
        for (at, part) in text.split('\n').enumerate() {
            if at > 0 {
                // Source lines are no lines, but for words they are apart.
                self.line.push(' ');
            }
            self.line.push_str(&unescaped(part));
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let words: Vec<Word> = line.split_whitespace().map(|word| Word::new(word, None)).collect();
        if words.is_empty() {
            return;
        }
        if self.open.is_none() {
            self.begin("paragraph", None);
        }
        self.open.iter_mut().for_each(|block| block.lines.push(Line { bounds: None, words: words.clone() }));
    }

    /// Ends the open block. One without text is worth having when it is a
    /// picture.
    fn close(&mut self) {
        self.end_line();
        if let Some(block) = self.open.take()
            && (!block.lines.is_empty() || (block.role == "figure" && block.bounds.is_some()))
        {
            self.found.push(block);
        }
    }
}

/// Text with its character references resolved.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(at, _)| at);
        match end.and_then(|end| Some((character(&rest[1..end])?, end))) {
            Some((c, end)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control());
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "euro" => '€',
        "copy" => '©',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Convention;

    fn frame() -> Frame {
        Frame { width: 1_000, height: 2_000, scale: 1.0, convention: Convention::Auto }
    }

    fn shown(text: &str) -> Vec<String> {
        let line = |line: &Line| line.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        let block = |block: &Block| {
            format!("{}: {}", block.role, block.lines.iter().map(line).collect::<Vec<_>>().join(" / "))
        };
        blocks(text, frame()).iter().map(block).collect()
    }

    #[test]
    fn elements_are_blocks_with_their_places() {
        let text = "<html><head><title>x</title></head><body>\n<h1 data-bbox=\"10 20 500 40\">A &amp; B</h1>\
            <p data-bbox='10 50 500 90'>one<br/>two\nthree</p><ul><li>a</li><li><p>b</p></li></ul>\
            <table><tr><th>k</th><td>v</td></tr><tr><td>1</td><td>2</td></tr></table>\
            <img data-bbox=\"0 0 9 9\"/></body></html>";
        assert_eq!(
            shown(text),
            ["heading: A & B", "paragraph: one / two three", "list: a / b", "table: k v / 1 2", "figure: "]
        );
        let first = blocks(text, frame())[0].bounds.expect("it is placed");
        assert_eq!((first.x, first.y, first.width, first.height), (10, 40, 490, 40));
    }

    #[test]
    fn whatever_comes_is_read() {
        assert_eq!(shown("plain < 3 & x &unknown; &#x41;&#0;"), ["paragraph: plain < 3 & x &unknown; A&#0;"]);
        assert_eq!(shown("<script>alert(1)</script>kept<!-- not -->"), ["paragraph: kept"]);
        for odd in
            ["", "<", "<p", "</", "<!--", "<p data-bbox=>x", "<p data-bbox=\"1 2\">é", "&", "&;", "<é>"]
        {
            shown(odd);
        }
    }
}
