//! Where the words of a page are shown, invisible, over their picture.

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Str};
use unicode_bidi::BidiInfo;

use super::font::{DESCENT, Font, WIDTH};
use crate::documents::model::{Block, Line, Page, Rect, Word};

/// A line that is this much higher than its highest word lies askew.
const ASKEW: f32 = 1.5;

/// The whole page.
const PAGE: Rect = Rect { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

/// Between two words of a line, in parts of the type size. Programs tell words by the
/// gaps between them, and take a smaller one for none, whatever is shown in it.
const GAP: f32 = 0.2;

/// Points that a side of a word has at least: programs divide by it.
const SIDE_MIN: f32 = 0.1;

/// Operators that show the words of `page`, invisible, on a sheet of `size` in points,
/// whose origin is its lower left corner. Words of which `is_there` says that the
/// sheet has them already are left out. `None` if there are no others.
///
/// Words are shown in reading order, each as long as its box, as high as its line,
/// with a space between two of a line; a line goes where its words do. Text from the right is shown as it is seen,
/// as programs expect it that put it in the order in which it is read. A word
/// without a box has its share of its line, a line of its block, a block of the
/// page, so that it can be found.
pub(super) fn shown(
    page: &Page,
    size: (f32, f32),
    font: &mut Font,
    is_there: impl Fn(&Rect) -> bool,
) -> Option<Vec<u8>> {
    let mut content = Content::new();
    content.save_state().begin_text().set_text_rendering_mode(TextRenderingMode::Invisible);
    let mut pen = Pen { content, font, size: 0.0, is_empty: true };
    for (area, line) in lines(page) {
        let words: Vec<(Spot, String)> = words(line, area)
            .filter(|(bounds, _)| !is_there(bounds))
            .map(|(bounds, word)| (Spot::of(bounds, size), plain(&word.text)))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        pen.line(Spot::of(area, size), &words);
    }
    let Pen { mut content, is_empty, .. } = pen;
    content.end_text().restore_state();
    (!is_empty).then(|| content.finish().into_vec())
}

/// What shows words.
struct Pen<'a> {
    content: Content,
    font: &'a mut Font,
    /// Of the type that was set last.
    size: f32,
    is_empty: bool,
}

impl Pen<'_> {
    fn line(&mut self, line: Spot, words: &[(Spot, String)]) {
        let way = Way::of(words);
        let highest = words.iter().map(|(word, _)| word.height(way)).fold(0.0, f32::max);
        let is_level = line.height(way) <= ASKEW * highest;
        let mut before: Option<Spot> = None;
        for (index, (word, text)) in words.iter().enumerate() {
            let word = if is_level { word.as_high_as(line, way) } else { *word };
            let word = match words.get(index + 1) {
                Some((next, _)) => word.apart_from(*next, way),
                None => word,
            };
            if let Some(before) = before {
                self.show(before.gap(word, way), way, " ");
            }
            self.show(word, way, &as_seen(text));
            before = Some(word);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "words have some thousand characters")]
    fn show(&mut self, spot: Spot, way: Way, text: &str) {
        self.is_empty = false;
        let height = spot.height(way);
        let size = rounded(height);
        if size.total_cmp(&self.size).is_ne() {
            self.content.set_font(Name(self.font.name.as_bytes()), size);
            self.size = size;
        }
        let scaling = 100.0 * spot.length(way) / (text.chars().count() as f32 * WIDTH * size);
        self.content.set_horizontal_scaling(rounded(scaling));
        self.content.set_text_matrix(spot.start(way).map(rounded));
        self.content.show(Str(&self.font.encoded(text)));
    }
}

/// Where a line goes: a page may lie on its side or its head.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Right,
    Down,
    Left,
    Up,
}

impl Way {
    /// Of a line of words in reading order; of a word alone by its shape.
    fn of(words: &[(Spot, String)]) -> Self {
        let ([(first, text), ..], [.., (last, _)]) = (words, words) else { return Self::Right };
        let (across, down) = (last.left - first.left, first.top - last.top);
        // No three letters side by side are twice as high as they are wide.
        let is_upright =
            text.chars().nth(2).is_some() && first.top - first.bottom > 2.0 * (first.right - first.left);
        let is_from_the_right = || words.iter().any(|(_, text)| BidiInfo::new(text, None).has_rtl());
        if words.len() == 1 {
            return if is_upright { Self::Down } else { Self::Right };
        }
        match down.abs() > across.abs() {
            true if down > 0.0 => Self::Down,
            true => Self::Up,
            false if across < 0.0 && !is_from_the_right() => Self::Left,
            false => Self::Right,
        }
    }
}

fn rounded(number: f32) -> f32 {
    (number * 1000.0).round() / 1000.0
}

/// A box in points, from the lower left corner of the sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spot {
    left: f32,
    right: f32,
    bottom: f32,
    top: f32,
}

impl Spot {
    fn of(bounds: Rect, (width, height): (f32, f32)) -> Self {
        let Rect { x, y, width: across, height: down } = bounds;
        Self {
            left: x * width,
            right: ((x + across) * width).max(x * width + SIDE_MIN),
            bottom: ((1.0 - y - down) * height).min((1.0 - y) * height - SIDE_MIN),
            top: (1.0 - y) * height,
        }
    }

    /// Across the way of its text.
    fn height(self, way: Way) -> f32 {
        match way {
            Way::Right | Way::Left => self.top - self.bottom,
            Way::Down | Way::Up => self.right - self.left,
        }
    }

    /// Along the way of its text.
    fn length(self, way: Way) -> f32 {
        match way {
            Way::Right | Way::Left => self.right - self.left,
            Way::Down | Way::Up => self.top - self.bottom,
        }
    }

    fn as_high_as(self, line: Self, way: Way) -> Self {
        match way {
            Way::Right | Way::Left => Self { bottom: line.bottom, top: line.top, ..self },
            Way::Down | Way::Up => Self { left: line.left, right: line.right, ..self },
        }
    }

    /// The matrix of text that goes along it: its way, and where its base line begins.
    fn start(self, way: Way) -> [f32; 6] {
        let below = DESCENT * self.height(way);
        match way {
            Way::Right => [1.0, 0.0, 0.0, 1.0, self.left, self.bottom + below],
            Way::Down => [0.0, -1.0, 1.0, 0.0, self.left + below, self.top],
            Way::Left => [-1.0, 0.0, 0.0, -1.0, self.right, self.top - below],
            Way::Up => [0.0, 1.0, -1.0, 0.0, self.right - below, self.bottom],
        }
    }

    /// The part of it, half at least, that leaves a gap before the `next` word.
    fn apart_from(self, next: Self, way: Way) -> Self {
        fn apart((from, to): (f32, f32), other: (f32, f32), gap: f32) -> (f32, f32) {
            let middle = f32::midpoint(from, to);
            match other.0 > from {
                true => (from, to.min((other.0 - gap).max(middle))),
                false => (from.max((other.1 + gap).min(middle)), to),
            }
        }
        let gap = GAP * self.height(way);
        match way {
            Way::Right | Way::Left => {
                let (left, right) = apart((self.left, self.right), (next.left, next.right), gap);
                Self { left, right, ..self }
            }
            Way::Down | Way::Up => {
                let (bottom, top) = apart((self.bottom, self.top), (next.bottom, next.top), gap);
                Self { bottom, top, ..self }
            }
        }
    }

    /// Where the space between this word and the `next` stands.
    fn gap(self, next: Self, way: Way) -> Self {
        /// What lies between two spans, or the end of one.
        fn between(one: (f32, f32), other: (f32, f32)) -> (f32, f32) {
            let (from, to) = if other.0 >= one.1 {
                (one.1, other.0)
            } else if other.1 <= one.0 {
                (other.1, one.0)
            } else {
                (one.1, one.1)
            };
            (from, to.max(from + SIDE_MIN))
        }
        match way {
            Way::Right | Way::Left => {
                let (left, right) = between((self.left, self.right), (next.left, next.right));
                Self { left, right, ..self }
            }
            Way::Down | Way::Up => {
                let (bottom, top) = between((self.bottom, self.top), (next.bottom, next.top));
                Self { bottom, top, ..self }
            }
        }
    }
}

/// `text` without what is no character of text.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')).collect()
}

/// The letters of a word from left to right.
fn as_seen(text: &str) -> String {
    let bidi = BidiInfo::new(text, None);
    match bidi.paragraphs.first() {
        Some(paragraph) if bidi.has_rtl() => {
            bidi.reorder_line(paragraph, paragraph.range.clone()).into_owned()
        }
        _ => text.to_owned(),
    }
}

/// The lines of `page`, each with its place.
fn lines(page: &Page) -> impl Iterator<Item = (Rect, &Line)> {
    let unplaced: usize =
        page.blocks.iter().filter(|block| of_block(block).is_none()).map(|b| b.lines.len()).sum();
    let mut before = 0;
    page.blocks.iter().flat_map(move |block| {
        let count = block.lines.len();
        let area = of_block(block).unwrap_or_else(|| {
            before += count;
            slice(PAGE, (before - count, count), unplaced)
        });
        let place =
            move |(index, line)| (of_line(line).unwrap_or_else(|| slice(area, (index, 1), count)), line);
        block.lines.iter().enumerate().map(place)
    })
}

/// The words of a line that stands at `area`, each with its place.
fn words(line: &Line, area: Rect) -> impl Iterator<Item = (Rect, &Word)> {
    let length = |word: &Word| word.text.chars().count() + 1;
    let whole: usize = line.words.iter().map(length).sum();
    let mut before = 0;
    line.words.iter().map(move |word| {
        let own = length(word);
        before += own;
        let own_share = || {
            let (from, part) = (share(before - own, whole), share(own - 1, whole));
            Rect { x: area.x + area.width * from, width: area.width * part, ..area }
        };
        (word.bounds.unwrap_or_else(own_share), word)
    })
}

fn of_block(block: &Block) -> Option<Rect> {
    block.bounds.or_else(|| union(block.lines.iter().filter_map(of_line)))
}

fn of_line(line: &Line) -> Option<Rect> {
    line.bounds.or_else(|| union(line.words.iter().filter_map(|word| word.bounds)))
}

fn union(all: impl Iterator<Item = Rect>) -> Option<Rect> {
    all.reduce(|a, b| {
        let (x, y) = (a.x.min(b.x), a.y.min(b.y));
        let right = (a.x + a.width).max(b.x + b.width);
        let bottom = (a.y + a.height).max(b.y + b.height);
        Rect { x, y, width: right - x, height: bottom - y }
    })
}

/// The part of `area` that has so many of its rows from one on.
fn slice(area: Rect, (from, count): (usize, usize), whole: usize) -> Rect {
    Rect { y: area.y + area.height * share(from, whole), height: area.height * share(count, whole), ..area }
}

#[expect(clippy::cast_precision_loss, reason = "pages have some thousand lines, lines some thousand letters")]
fn share(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

#[cfg(test)]
mod tests {
    use pdf_writer::Ref;

    use super::*;

    fn spot(left: f32, top: f32, width: f32, height: f32) -> Spot {
        Spot { left, right: left + width, bottom: top - height, top }
    }

    fn word(text: &str, bounds: Option<(f32, f32, f32, f32)>) -> Word {
        let bounds = bounds.map(|(x, y, width, height)| Rect { x, y, width, height });
        Word { text: text.to_owned(), bounds, ..Word::default() }
    }

    fn page(lines: Vec<Vec<Word>>) -> Page {
        let lines = lines.into_iter().map(|words| Line { words, ..Line::default() }).collect();
        let block = Block { role: "paragraph".to_owned(), lines, ..Block::default() };
        Page { blocks: vec![block], ..Page::default() }
    }

    fn operators(page: &Page, is_there: impl Fn(&Rect) -> bool) -> Option<String> {
        let mut font = Font::new(Ref::new(1), "F".to_owned());
        shown(page, (100.0, 200.0), &mut font, is_there)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn words_fill_their_boxes_with_spaces_between() {
        let line = vec![word("ab", Some((0.1, 0.1, 0.2, 0.05))), word("cd", Some((0.4, 0.1, 0.1, 0.05)))];
        let made = operators(&page(vec![line]), |_| false).unwrap();
        let expected = [
            "q\nBT\n3 Tr\n/F 10 Tf\n200 Tz\n1 0 0 1 10 172 Tm\n",
            "200 Tz\n1 0 0 1 30 172 Tm\n",
            "100 Tz\n1 0 0 1 40 172 Tm\n",
        ];
        for part in expected {
            assert!(made.contains(part), "{part} is not in {made}");
        }
        assert!(made.ends_with("ET\nQ"), "{made}");
    }

    #[test]
    fn words_that_touch_are_set_apart() {
        let (one, next) = (spot(0.0, 20.0, 50.0, 10.0), spot(50.0, 20.0, 30.0, 10.0));
        assert_eq!(one.apart_from(next, Way::Right), Spot { right: 48.0, ..one });
        assert_eq!(next.apart_from(one, Way::Right), Spot { left: 52.0, ..next });
        let over = Spot { left: 10.0, ..next };
        assert_eq!(one.apart_from(over, Way::Right), Spot { right: 25.0, ..one });
        let far = Spot { left: 60.0, ..next };
        assert_eq!(one.apart_from(far, Way::Right), one);
        let (above, below) = (spot(0.0, 90.0, 10.0, 40.0), spot(0.0, 50.0, 10.0, 40.0));
        assert_eq!(above.apart_from(below, Way::Down), Spot { bottom: 52.0, ..above });
    }

    #[test]
    fn what_the_page_shows_itself_is_left_out() {
        let line = vec![word("ab", Some((0.1, 0.1, 0.2, 0.05))), word("cd", Some((0.4, 0.1, 0.1, 0.05)))];
        let page = page(vec![line]);
        assert_eq!(operators(&page, |_| true), None);
        let made = operators(&page, |bounds| bounds.x < 0.3).unwrap();
        assert_eq!(made.matches("Tj").count(), 1, "{made}");
    }

    #[test]
    fn a_line_goes_where_its_words_do() {
        let way = |words: &[(Spot, &str)]| {
            let words: Vec<_> = words.iter().map(|(spot, text)| (*spot, (*text).to_owned())).collect();
            Way::of(&words)
        };
        let (here, right) = (spot(50.0, 100.0, 20.0, 10.0), spot(80.0, 101.0, 20.0, 10.0));
        assert_eq!(way(&[(here, "one"), (right, "two")]), Way::Right);
        assert_eq!(way(&[(right, "one"), (here, "two")]), Way::Left);
        assert_eq!(way(&[(right, "שלום"), (here, "עולם")]), Way::Right);
        let (above, below) = (spot(50.0, 100.0, 10.0, 30.0), spot(50.0, 60.0, 10.0, 30.0));
        assert_eq!(way(&[(above, "one"), (below, "two")]), Way::Down);
        assert_eq!(way(&[(below, "one"), (above, "two")]), Way::Up);
        assert_eq!(way(&[(above, "one")]), Way::Down);
        assert_eq!((way(&[(above, "I")]), way(&[])), (Way::Right, Way::Right));
    }

    #[test]
    fn letters_from_the_right_are_shown_as_they_are_seen() {
        assert_eq!(as_seen("שלום"), "םולש");
        assert_eq!(as_seen("a1"), "a1");
    }

    #[test]
    fn what_has_no_place_has_its_share_of_what_holds_it() {
        let placed = vec![word("ab", Some((0.0, 0.0, 0.5, 0.1)))];
        let lost = vec![word("abc", None), word("d", None)];
        let page = page(vec![placed, lost]);
        let lines: Vec<_> = lines(&page).collect();
        assert_eq!(lines[0].0, Rect { x: 0.0, y: 0.0, width: 0.5, height: 0.1 });
        assert_eq!(lines[1].0, Rect { x: 0.0, y: 0.05, width: 0.5, height: 0.05 });
        let shares: Vec<_> =
            words(lines[1].1, lines[1].0).map(|(bounds, _)| (bounds.x, bounds.width)).collect();
        assert_eq!(shares, [(0.0, 0.25), (0.5 * 4.0 / 6.0, 0.5 / 6.0)]);
        let bare = super::tests::page(vec![vec![word("a", None)], vec![word("b", None)]]);
        assert_eq!(super::lines(&bare).last().unwrap().0, Rect { y: 0.5, height: 0.5, ..PAGE });
    }

    #[test]
    fn no_character_is_shown_that_is_none() {
        assert_eq!(plain("a\u{0}b\u{feff}\nc"), "abc");
        assert_eq!(operators(&page(vec![vec![word("\u{7}", None)]]), |_| false), None);
    }
}
