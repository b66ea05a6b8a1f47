//! A page whose own text layer is its result, without an engine.

use std::ops::Range;

use ink::{Area, Ink, paragraphs};
use untxt_plugins::{Block, Line, PageText, Rect, Word};

use super::page_result;
use crate::documents::model::{Page, PageSource};
use crate::documents::renderer::{RenderedPage, TextLine, TextWord};
use crate::task_input::TextLayer;

/// Pixels a side of the cells in which it is counted what the layer covers: finer
/// than the gap between two words of small print at 150 dpi.
const CELL: u32 = 4;

/// Whether it takes a look at the page's ink to decide [`is_result`].
pub(super) fn needs_look(page: &RenderedPage, mode: TextLayer) -> bool {
    mode == TextLayer::Auto && has_text(page)
}

/// Whether the text layer of `page` is its result: `mode` decides, and for
/// [`TextLayer::Auto`] whether the layer is whole.
pub(super) fn is_result(page: &RenderedPage, mode: TextLayer) -> bool {
    match mode {
        TextLayer::Auto => has_text(page) && is_whole(page),
        TextLayer::Use => has_text(page),
        TextLayer::Ignore | TextLayer::Engine => false,
    }
}

/// The page with the text of its layer, lines grouped by the gaps between them.
pub(super) fn page(rendered: &RenderedPage, index: u32, attempts: u32) -> Page {
    let size = (rendered.width, rendered.height, rendered.dpi);
    let mut lines: Vec<Line> =
        rendered.text_layer.iter().map(|line| cleaned(line, size)).filter(|l| !l.words.is_empty()).collect();
    let areas: Vec<_> = lines.iter().map(|line| line.bounds.map(area)).collect();
    let block = |group: Range<usize>| {
        let lines: Vec<Line> = lines.drain(..group.len()).collect();
        let bounds = around(lines.iter().map(|line| line.bounds));
        Block { role: "paragraph".to_owned(), bounds, lines, ..Block::default() }
    };
    let text = PageText {
        blocks: paragraphs(&areas).into_iter().map(block).collect(),
        html: None,
        language: None,
        confidence: None,
        attributes: Vec::new(),
    };
    let page = page_result::page(&text, index, size, attempts);
    Page { source: PageSource::TextLayer, ..page }
}

fn has_text(page: &RenderedPage) -> bool {
    page.text_layer.iter().flat_map(|line| &line.words).any(|word| !word.text.trim().is_empty())
}

/// Whether the layer covers what stands on the page: of the pieces of ink that are
/// as far apart as words, at most one in three lies outside the boxes of its words.
/// A scan with a stamp or a page number over it has hundreds outside; a photograph
/// beside a column of text has fewer than the column has words.
fn is_whole(page: &RenderedPage) -> bool {
    // A page without contrast has nothing that the layer could miss.
    let Some(ink) = Ink::of(page.width, page.height, &page.pixels.luma()) else { return true };
    let covered_cells = Covered::by(page);
    let found = ink::Page::of(&ink);
    let pieces = found.paragraphs.iter().flatten().flat_map(|line| &line.words);
    let (covered, uncovered): (Vec<_>, Vec<_>) = pieces.partition(|word| covered_cells.has(word.bounds));
    uncovered.len() * 2 <= covered.len()
}

/// The cells of a page that a word of its layer touches.
struct Covered {
    columns: u32,
    cells: Vec<bool>,
}

impl Covered {
    fn by(page: &RenderedPage) -> Self {
        let (columns, rows) = (page.width.div_ceil(CELL), page.height.div_ceil(CELL));
        let mut cells = vec![false; columns as usize * rows as usize];
        for word in page.text_layer.iter().flat_map(|line| &line.words) {
            let Some(bounds) = clipped(word, page.width, page.height) else { continue };
            cells_under(area(bounds), columns).for_each(|row| cells[row].fill(true));
        }
        Self { columns, cells }
    }

    /// Whether at least half of the cells under `bounds` are covered.
    fn has(&self, bounds: Area) -> bool {
        let (mut covered, mut all) = (0, 0);
        for row in cells_under(bounds, self.columns) {
            all += row.len();
            covered += self.cells[row].iter().filter(|cell| **cell).count();
        }
        covered * 2 >= all
    }
}

/// The cells that `bounds` touches, row by row.
fn cells_under(bounds: Area, columns: u32) -> impl Iterator<Item = Range<usize>> {
    let (from, to) = (bounds.x / CELL, bounds.right().div_ceil(CELL));
    (bounds.y / CELL..bounds.bottom().div_ceil(CELL))
        .map(move |row| (row * columns + from) as usize..(row * columns + to) as usize)
}

/// The words of `line` that have text, with their boxes on the page: a file states
/// them, and may state them wrongly.
fn cleaned(line: &TextLine, (width, height, _): (u32, u32, u32)) -> Line {
    let words: Vec<Word> = line
        .words
        .iter()
        .filter(|word| !word.text.trim().is_empty())
        .map(|word| Word { text: word.text.clone(), bounds: clipped(word, width, height), ..Word::default() })
        .collect();
    Line { bounds: around(words.iter().map(|word| word.bounds)), words, ..Line::default() }
}

/// The part of the word's box that lies on the page; `None` where none does.
fn clipped(word: &TextWord, page_width: u32, page_height: u32) -> Option<Rect> {
    let width = page_width.checked_sub(word.left)?.min(word.width);
    let height = page_height.checked_sub(word.top)?.min(word.height);
    let on_page = width > 0 && height > 0;
    on_page.then_some(Rect { x: word.left, y: word.top, width, height })
}

fn area(rect: Rect) -> Area {
    Area { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
}

fn around(all: impl Iterator<Item = Option<Rect>>) -> Option<Rect> {
    let all = all.flatten().map(area).reduce(|one, other| one.union(&other))?;
    Some(Rect { x: all.x, y: all.y, width: all.width, height: all.height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::model::{ConfidenceKind, PageStatus};
    use crate::documents::renderer::Pixels;

    const WIDTH: u32 = 600;
    const HEIGHT: u32 = 400;

    /// A page with `rows` lines of ten words of ink, of which the first `layered`
    /// lines are in its layer.
    fn rendered(rows: u32, layered: u32) -> RenderedPage {
        let mut pixels = vec![255u8; (WIDTH * HEIGHT) as usize];
        let mut text_layer = Vec::new();
        for row in 0..rows {
            let top = 20 + row * 24;
            let mut words = Vec::new();
            for word in 0..10 {
                let left = 20 + word * 50;
                for y in top..top + 10 {
                    // Strokes, with less between them than between words.
                    for x in (left..left + 36).filter(|x| x % 3 != 0) {
                        pixels[(y * WIDTH + x) as usize] = 0;
                    }
                }
                words.push(TextWord { text: format!("w{row}-{word}"), left, top, width: 36, height: 10 });
            }
            if row < layered {
                text_layer.push(TextLine { words });
            }
        }
        RenderedPage {
            width: WIDTH,
            height: HEIGHT,
            dpi: 150,
            pixels: Pixels::Luma8(pixels),
            text_layer,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_layer_over_all_of_the_ink_is_the_result() {
        assert!(is_result(&rendered(10, 10), TextLayer::Auto));
        assert!(is_result(&rendered(10, 7), TextLayer::Auto), "the rest may be a picture");
    }

    #[test]
    fn a_stamp_over_a_scan_is_not_the_result_unless_told_so() {
        let stamped = rendered(10, 1);
        assert!(!is_result(&stamped, TextLayer::Auto));
        assert!(is_result(&stamped, TextLayer::Use));
        assert!(!is_result(&stamped, TextLayer::Ignore) && !is_result(&stamped, TextLayer::Engine));
    }

    #[test]
    fn a_page_without_text_is_recognised() {
        for mode in TextLayer::ALL {
            assert!(!is_result(&rendered(10, 0), mode), "{mode:?}");
            assert!(!is_result(&rendered(0, 0), mode), "{mode:?}");
        }
        let mut blank = rendered(10, 1);
        blank.text_layer[0].words.iter_mut().for_each(|word| word.text = " ".to_owned());
        assert!(!is_result(&blank, TextLayer::Use));
    }

    #[test]
    fn colours_are_looked_at_as_their_gray() {
        let mut page = rendered(10, 10);
        let Pixels::Luma8(gray) = &page.pixels else { unreachable!("it is gray") };
        page.pixels = Pixels::Rgb8(gray.iter().flat_map(|level| [*level; 3]).collect());
        assert!(is_result(&page, TextLayer::Auto));
        page.text_layer.truncate(1);
        assert!(!is_result(&page, TextLayer::Auto));
    }

    #[test]
    fn the_page_has_its_words_in_paragraphs_and_no_confidence() {
        let mut rendered = rendered(4, 4);
        // The last two lines stand further down.
        rendered.text_layer[2..].iter_mut().flat_map(|line| &mut line.words).for_each(|word| word.top += 60);
        let page = page(&rendered, 7, 2);
        assert_eq!((page.index, page.attempts, page.status.clone()), (7, 2, PageStatus::Recognized));
        assert_eq!((page.source, page.confidence_kind), (PageSource::TextLayer, ConfidenceKind::None));
        assert!(!page.simulated && page.confidence.is_none());
        let lines: Vec<_> = page.blocks.iter().map(|block| block.lines.len()).collect();
        assert_eq!(lines, [2, 2]);
        assert_eq!(page.blocks[0].lines[1].words[9].text, "w1-9");
    }

    #[test]
    fn boxes_off_the_page_are_cut_or_dropped_and_their_text_is_kept() {
        let mut rendered = rendered(1, 1);
        rendered.text_layer[0].words.truncate(2);
        rendered.text_layer[0].words[0].left = WIDTH + 5;
        rendered.text_layer[0].words[1] =
            TextWord { text: "cut".to_owned(), left: WIDTH - 10, top: HEIGHT - 2, width: 900, height: 900 };
        assert!(is_result(&rendered, TextLayer::Use));
        let page = page(&rendered, 0, 1);
        let words = &page.blocks[0].lines[0].words;
        assert!(words[0].bounds.is_none());
        let cut = words[1].bounds.unwrap();
        assert!(cut.x + cut.width <= 1.0 && cut.y + cut.height <= 1.0, "{cut:?}");
        assert!(!is_result(&rendered, TextLayer::Auto), "the line of ink is not covered");
    }
}
