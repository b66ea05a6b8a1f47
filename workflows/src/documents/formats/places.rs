//! Where things stand, in pixels of the page image.
//!
//! The formats that say so need a box of everything, and engines need not give
//! any. What has none has that of its parts together, or else of what holds it.

use crate::documents::model::{Block, Cell, Corners, Line, Page, Rect, Word};

/// A box: from its first pixel to before its last, in both directions. It has a
/// pixel at least: programs divide by areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Area {
    /// The page, which has no pixel when it was not drawn.
    pub(super) fn of_page(page: &Page) -> Self {
        Self { left: 0, top: 0, right: page.width, bottom: page.height }
    }

    pub(super) fn of_block(block: &Block, page: &Page) -> Self {
        let lines = || union(block.lines.iter().filter_map(|line| own_line(line, page)));
        own(block.bounds, page).or_else(lines).unwrap_or_else(|| Self::of_page(page))
    }

    /// Where `cell` of a table that stands at `within` does.
    pub(super) fn of_cell(cell: &Cell, block: &Block, page: &Page, within: Self) -> Self {
        let lines = cell.lines.iter().filter_map(|line| block.lines.get(*line));
        own(cell.bounds, page)
            .or_else(|| union(lines.filter_map(|line| own_line(line, page))))
            .unwrap_or(within)
    }

    /// Where `line` of what stands at `within` does.
    pub(super) fn of_line(line: &Line, page: &Page, within: Self) -> Self {
        own_line(line, page).unwrap_or(within)
    }

    /// Where `word` of what stands at `within` does.
    pub(super) fn of_word(word: &Word, page: &Page, within: Self) -> Self {
        own(word.bounds, page).unwrap_or(within)
    }

    pub(super) fn width(self) -> u32 {
        self.right.saturating_sub(self.left)
    }

    pub(super) fn height(self) -> u32 {
        self.bottom.saturating_sub(self.top)
    }
}

/// Corners that the engine gave, in pixels of the page image.
pub(super) fn pixels_of(corners: Corners, page: &Page) -> [(u32, u32); 4] {
    corners.map(|[x, y]| (pixel(x, page.width), pixel(y, page.height)))
}

/// A list of points as ALTO and PAGE write it.
pub(super) fn points(points: &[(u32, u32)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    points.join(" ")
}

fn own_line(line: &Line, page: &Page) -> Option<Area> {
    let words = || union(line.words.iter().filter_map(|word| own(word.bounds, page)));
    own(line.bounds, page).or_else(words)
}

fn union(areas: impl Iterator<Item = Area>) -> Option<Area> {
    areas.reduce(|a, b| Area {
        left: a.left.min(b.left),
        top: a.top.min(b.top),
        right: a.right.max(b.right),
        bottom: a.bottom.max(b.bottom),
    })
}

fn own(bounds: Option<Rect>, page: &Page) -> Option<Area> {
    let Rect { x, y, width, height } = bounds?;
    let (left, right) = pixels(x, width, page.width);
    let (top, bottom) = pixels(y, height, page.height);
    Some(Area { left, top, right, bottom })
}

/// From and to, of a side of so many pixels.
fn pixels(from: f32, extent: f32, side: u32) -> (u32, u32) {
    let first = pixel(from, side).min(side.saturating_sub(1));
    (first, pixel(from + extent, side).max(first + 1).min(side))
}

#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^24 pixels")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the page")]
fn pixel(part: f32, side: u32) -> u32 {
    (part.clamp(0.0, 1.0) * side as f32).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page { width: 100, height: 200, ..Page::default() }
    }

    fn word(bounds: Option<Rect>) -> Word {
        Word { text: "x".to_owned(), bounds, ..Word::default() }
    }

    fn line(words: Vec<Word>) -> Line {
        Line { words, ..Line::default() }
    }

    fn rect(x: f32, y: f32) -> Option<Rect> {
        Some(Rect { x, y, width: 0.1, height: 0.1 })
    }

    fn area(left: u32, top: u32, right: u32, bottom: u32) -> Area {
        Area { left, top, right, bottom }
    }

    #[test]
    fn what_has_no_place_stands_where_its_parts_do_or_what_holds_it() {
        let placed = line(vec![word(rect(0.2, 0.3)), word(None), word(rect(0.5, 0.31))]);
        let lost = line(vec![word(None)]);
        let lines = vec![placed, lost];
        let block = Block { role: "paragraph".to_owned(), lines, ..Block::default() };
        let whole = Area::of_block(&block, &page());
        assert_eq!(whole, area(20, 60, 60, 82));
        let [placed, lost] = block.lines.as_slice() else { panic!("two lines") };
        assert_eq!(Area::of_line(placed, &page(), area(0, 0, 1, 1)), whole);
        assert_eq!(Area::of_line(lost, &page(), whole), whole);
        assert_eq!(Area::of_word(&placed.words[1], &page(), whole), whole);
        assert_eq!(Area::of_word(&placed.words[0], &page(), whole), area(20, 60, 30, 80));
        let bare = Block { lines: vec![block.lines[1].clone()], ..block };
        assert_eq!(Area::of_block(&bare, &page()), area(0, 0, 100, 200));
    }

    #[test]
    fn a_box_has_a_pixel_and_stays_on_the_page() {
        for (x, extent, expected) in [
            (0.5, 0.0, (50, 51)),
            (1.0, 0.0, (99, 100)),
            (0.9, 0.7, (90, 100)),
            (-0.2, 0.1, (0, 1)),
            (2.0, 1.0, (99, 100)),
        ] {
            assert_eq!(pixels(x, extent, 100), expected, "{x} + {extent}");
        }
        assert_eq!(pixels(0.5, 0.5, 0), (0, 0));
    }
}
