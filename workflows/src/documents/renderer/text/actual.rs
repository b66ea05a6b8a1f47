//! Text that a document states in place of what it draws (ISO 32000-2, 14.9.4).

use hayro::kurbo::{Point, Rect, Vec2};

use super::glyph::Glyph;
use super::letters::folded;
use super::rtl::begins_from_the_right;

/// Marked content that states its text, while it is drawn.
#[derive(Default)]
pub(super) struct Stated {
    /// How deep in others it was opened.
    pub(super) depth: usize,
    /// What it says.
    pub(super) text: String,
    /// The glyphs drawn, whatever they say.
    pub(super) glyphs: Vec<Glyph>,
    /// The box of the lines and pictures drawn.
    pub(super) drawn: Option<Rect>,
    /// Which element of the structure states it, if one does.
    pub(super) element: Option<usize>,
}

/// A stretch of a line.
struct Stretch {
    like: Glyph,
    from: f64,
    to: f64,
}

impl Stated {
    /// The stated text over what was drawn: each word and each space covers as
    /// much of it as it has of the characters. Nothing where nothing was drawn.
    pub(super) fn glyphs(self) -> Vec<Glyph> {
        let mut stretches = stretches(self.glyphs);
        if stretches.is_empty() {
            stretches.extend(self.drawn.map(stretch_over));
        }
        let text = folded(&self.text);
        let mut tokens = tokens(&text);
        if begins_from_the_right(&text) {
            tokens.reverse();
        }
        spread(&tokens, &stretches)
    }
}

fn stretch_over(drawn: Rect) -> Stretch {
    let like = Glyph {
        text: String::new(),
        start: Point::new(drawn.x0, drawn.center().y),
        along: Vec2::new(1.0, 0.0),
        advance: drawn.width(),
        size: drawn.height().max(1.0),
        mirrored: false,
        bounds: drawn,
    };
    Stretch { from: 0.0, to: drawn.width(), like }
}

/// The lines that glyphs stand on, one after the other.
fn stretches(glyphs: Vec<Glyph>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for glyph in glyphs {
        match stretches.last_mut() {
            Some(last) if last.like.distance(&glyph).1 < last.like.size / 2.0 => {
                let (from, _) = last.like.distance(&glyph);
                last.from = last.from.min(from);
                last.to = last.to.max(from + glyph.advance);
            }
            _ => stretches.push(Stretch { from: 0.0, to: glyph.advance.max(0.0), like: glyph }),
        }
    }
    stretches
}

/// Words, and the white space between them.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_space = first.is_whitespace();
        let end = rest.find(|next: char| next.is_whitespace() != is_space).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    tokens
}

#[expect(clippy::cast_precision_loss, reason = "a page has far fewer than 2^52 characters")]
fn spread(tokens: &[&str], stretches: &[Stretch]) -> Vec<Glyph> {
    let characters = |text: &str| text.chars().count() as f64;
    let total: f64 = tokens.iter().map(|token| characters(token)).sum();
    let length: f64 = stretches.iter().map(|stretch| stretch.to - stretch.from).sum();
    let mut stretches = stretches.iter();
    let Some(mut stretch) = stretches.next() else { return Vec::new() };
    let mut at = stretch.from;
    let mut glyphs = Vec::with_capacity(tokens.len());
    for token in tokens {
        let share = length * characters(token) / total;
        // A word stands where its middle falls.
        while at + share / 2.0 > stretch.to
            && let Some(next) = stretches.next()
        {
            at += next.from - stretch.to;
            stretch = next;
        }
        let from = at.max(stretch.from);
        let start = stretch.like.start + stretch.like.along * from;
        let advance = (at + share).min(stretch.to) - from;
        glyphs.push(Glyph::covering((*token).to_owned(), start, advance.max(0.0), &stretch.like));
        at += share;
    }
    glyphs
}

#[cfg(test)]
mod tests {
    use super::super::sample::typed;
    use super::*;

    fn stated(text: &str, glyphs: Vec<Glyph>, drawn: Option<Rect>) -> Vec<(String, f64, f64)> {
        let stated = Stated { text: text.to_owned(), glyphs, drawn, ..Stated::default() };
        stated.glyphs().into_iter().map(|glyph| (glyph.text, glyph.bounds.x0, glyph.bounds.y0)).collect()
    }

    #[test]
    fn the_stated_text_covers_what_is_drawn() {
        let glyphs = typed("xxxxx", 100.0, 50.0);
        let said = stated("ab cd", glyphs, None);
        assert_eq!(
            said,
            [("ab".to_owned(), 100.0, 40.0), (" ".to_owned(), 116.0, 40.0), ("cd".to_owned(), 124.0, 40.0)]
        );
    }

    #[test]
    fn words_go_on_on_the_next_line() {
        let glyphs = [typed("xxxxx", 100.0, 50.0), typed("xxxxx", 0.0, 80.0)].concat();
        let said = stated("abcd efghi", glyphs, None);
        let words: Vec<_> = said.iter().filter(|said| said.0 != " ").collect();
        assert_eq!(words, [&("abcd".to_owned(), 100.0, 40.0), &("efghi".to_owned(), 0.0, 70.0)]);
    }

    #[test]
    fn text_drawn_as_lines_is_where_they_are_and_text_of_nothing_is_nowhere() {
        let drawn = Rect::new(10.0, 20.0, 50.0, 40.0);
        assert_eq!(stated("logo", Vec::new(), Some(drawn)), [("logo".to_owned(), 10.0, 20.0)]);
        assert!(stated("logo", Vec::new(), None).is_empty());
        assert!(stated("", typed("-", 0.0, 0.0), None).is_empty());
    }

    #[test]
    fn words_from_right_to_left_begin_on_the_right() {
        let said = stated("שלום עולם", typed("xxxxxxxxx", 0.0, 0.0), None);
        let texts: Vec<_> = said.iter().map(|said| said.0.as_str()).collect();
        assert_eq!(texts, ["עולם", " ", "שלום"]);
    }
}
