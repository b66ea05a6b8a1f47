//! The text a page carries.

use ink::paragraphs;
use untxt_plugin_sdk::{Block, Info, Line, Word};

use crate::boxes::{area, around, clipped};

/// No page of print has a tenth of this.
const WORDS_MAX: usize = 50_000;

/// What a page carries.
pub struct Layer {
    /// Its paragraphs; there is one at least.
    pub blocks: Vec<Block>,
    /// Whether it has more words than an answer may have.
    pub cut: bool,
}

/// The layer's lines as paragraphs; None when it has no text, as under a scan.
pub fn read(layer: Vec<Line>, page: Info) -> Option<Layer> {
    let mut left = WORDS_MAX;
    let mut lines = Vec::new();
    let mut cut = false;
    for line in layer {
        let mut line = cleaned(line, page);
        cut |= line.words.len() > left;
        line.words.truncate(left);
        left -= line.words.len();
        if !line.words.is_empty() {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return None;
    }
    Some(Layer { blocks: blocks(lines), cut })
}

/// The line's words that have text, with boxes on the page. A document states
/// its own boxes, and may state them wrongly.
fn cleaned(line: Line, page: Info) -> Line {
    let clip = |bounds: Option<_>| bounds.and_then(|rect| clipped(rect, page));
    let words: Vec<Word> = line
        .words
        .into_iter()
        .filter(|word| !word.text.trim().is_empty())
        .map(|word| Word::new(word.text, clip(word.bounds)))
        .collect();
    let bounds = clip(line.bounds).or_else(|| around(words.iter().map(|word| word.bounds)));
    Line { bounds, words }
}

fn blocks(mut lines: Vec<Line>) -> Vec<Block> {
    let areas: Vec<_> = lines.iter().map(|line| line.bounds.map(area)).collect();
    let groups = paragraphs(&areas).into_iter();
    groups
        .map(|group| {
            let lines: Vec<Line> = lines.drain(..group.len()).collect();
            Block::paragraph(around(lines.iter().map(|line| line.bounds)), lines)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use untxt_plugin_sdk::Rect;

    use super::*;

    const PAGE: Info = Info { index: 0, count: 1, width: 1240, height: 1754, dpi: 150 };

    fn line(text: &str, y: u32) -> Line {
        let bounds = Some(Rect { x: 100, y, width: 400, height: 20 });
        Line { bounds, words: text.split(' ').map(|word| Word::new(word, bounds)).collect() }
    }

    fn texts(found: &Layer) -> Vec<Vec<String>> {
        let text =
            |line: &Line| line.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        found.blocks.iter().map(|block| block.lines.iter().map(text).collect()).collect()
    }

    #[test]
    fn a_wide_gap_starts_a_paragraph() {
        let layer = vec![line("one two", 100), line("three", 126), line("four", 190), line("five", 216)];
        let found = read(layer, PAGE).expect("there is text");
        assert_eq!(texts(&found), [["one two", "three"], ["four", "five"]]);
        assert!(!found.cut);
    }

    #[test]
    fn a_layer_of_spaces_is_no_text() {
        assert!(read(vec![line(" ", 100), line("", 126)], PAGE).is_none());
        assert!(read(Vec::new(), PAGE).is_none());
    }

    #[test]
    fn a_wrong_box_is_dropped_and_its_text_kept() {
        let off = Some(Rect { x: 5000, y: 0, width: 1, height: 1 });
        let layer = vec![Line { bounds: off, words: vec![Word::new("kept", off)] }];
        let found = read(layer, PAGE).expect("there is text");
        assert_eq!(texts(&found), [["kept"]]);
        assert!(found.blocks[0].bounds.is_none() && found.blocks[0].lines[0].words[0].bounds.is_none());
    }

    #[test]
    fn more_words_than_the_bound_are_cut_and_said_to_be() {
        let layer = (0..501).map(|y| line(&["w"; 100].join(" "), y * 2)).collect();
        let found = read(layer, PAGE).expect("there is text");
        let words: usize =
            found.blocks.iter().flat_map(|block| &block.lines).map(|line| line.words.len()).sum();
        assert_eq!((words, found.cut), (WORDS_MAX, true));
    }
}
