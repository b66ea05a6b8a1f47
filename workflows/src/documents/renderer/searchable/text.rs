//! Where the words of a page are shown, unseen, over their picture.

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Str};
use unicode_bidi::BidiInfo;

use super::font::{DESCENT, Font, WIDTH};
use crate::documents::model::{Block, Line, Page, Rect, Word};

/// A line that is this much higher than its highest word lies askew.
const ASKEW: f32 = 1.5;

/// The whole page.
const PAGE: Rect = Rect { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

/// Points that a side of a word has at least: programs divide by it.
const SIDE_MIN: f32 = 0.1;

/// Operators that show the words of `page`, unseen, on a sheet of `size` in points,
/// whose origin is its lower left corner. Words of which `is_there` says that the
/// sheet has them already are left out. `None` if there are no others.
///
/// Words are shown in reading order, each as wide as its box, as high as its line,
/// with a space between two of a line. Text from the right is shown as it is seen,
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
        let highest = words.iter().map(|(word, _)| word.height()).fold(0.0, f32::max);
        let is_level = line.height() <= ASKEW * highest;
        let mut before: Option<Spot> = None;
        for (word, text) in words {
            let word = if is_level { Spot { bottom: line.bottom, top: line.top, ..*word } } else { *word };
            if let Some(before) = before {
                self.show(before.gap(word), " ");
            }
            if is_upright(word, text) {
                self.show_downwards(word, text);
            } else {
                self.show(word, &as_seen(text));
            }
            before = Some(word);
        }
    }

    fn show(&mut self, spot: Spot, text: &str) {
        let size = spot.height();
        let place = [1.0, 0.0, 0.0, 1.0, spot.left, spot.bottom + DESCENT * size];
        self.show_at(place, size, spot.width(), text);
    }

    /// From its upper end to its lower one.
    fn show_downwards(&mut self, spot: Spot, text: &str) {
        let size = spot.width();
        let place = [0.0, -1.0, 1.0, 0.0, spot.left + DESCENT * size, spot.top];
        self.show_at(place, size, spot.height(), text);
    }

    #[expect(clippy::cast_precision_loss, reason = "words have some thousand characters")]
    fn show_at(&mut self, place: [f32; 6], size: f32, length: f32, text: &str) {
        self.is_empty = false;
        let size = (size * 100.0).round() / 100.0;
        if size.total_cmp(&self.size).is_ne() {
            self.content.set_font(Name(self.font.name.as_bytes()), size);
            self.size = size;
        }
        let scaling = 100.0 * length / (text.chars().count() as f32 * WIDTH * size);
        self.content.set_horizontal_scaling(rounded(scaling));
        self.content.set_text_matrix(place.map(rounded));
        self.content.show(Str(&self.font.encoded(text)));
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

    fn width(self) -> f32 {
        self.right - self.left
    }

    fn height(self) -> f32 {
        self.top - self.bottom
    }

    /// Where the space between this word and the `next` stands.
    fn gap(self, next: Self) -> Self {
        let (left, right) = if next.left >= self.right {
            (self.right, next.left)
        } else if next.right <= self.left {
            (next.right, self.left)
        } else {
            (self.right, self.right)
        };
        Self { left, right: right.max(left + SIDE_MIN), ..self }
    }
}

/// Whether a word is written from top to bottom: no three letters side by side are
/// twice as high as they are wide.
fn is_upright(spot: Spot, text: &str) -> bool {
    text.chars().nth(2).is_some() && spot.height() > 2.0 * spot.width()
}

/// `text` without what is no character of text.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')).collect()
}

/// The letters of a word from left to right.
fn as_seen(text: &str) -> String {
    let bidi = BidiInfo::new(text, None);
    match bidi.paragraphs.first() {
        Some(paragraph) if bidi.has_rtl() => bidi.reorder_line(paragraph, paragraph.range.clone()).into_owned(),
        _ => text.to_owned(),
    }
}

/// The lines of `page`, each with its place.
fn lines(page: &Page) -> impl Iterator<Item = (Rect, &Line)> {
    let unplaced: usize = page.blocks.iter().filter(|block| of_block(block).is_none()).map(|b| b.lines.len()).sum();
    let mut before = 0;
    page.blocks.iter().flat_map(move |block| {
        let count = block.lines.len();
        let area = of_block(block).unwrap_or_else(|| {
            before += count;
            slice(PAGE, (before - count, count), unplaced)
        });
        let place = move |(index, line)| (of_line(line).unwrap_or_else(|| slice(area, (index, 1), count)), line);
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
