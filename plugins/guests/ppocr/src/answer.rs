//! What was read, in the contract's form.

use ink::Area;
use ppocr_reader::{Line, PageText, Word};
use text_layer::on_page;
use untxt_plugin_sdk::{self as sdk, Block, Info, Rect, attributes};

/// The answer; `scale` is the page's pixels a pixel of what was read.
pub(crate) fn answer(read: &PageText, scale: f32, page: Info) -> sdk::PageText {
    let words = || read.paragraphs.iter().flatten().flat_map(|line| &line.words);
    let count = words().count();
    let sum: f32 = words().map(|word| word.confidence).sum();
    let unread = read.unread.to_string();
    sdk::PageText {
        confidence: (count > 0).then(|| (sum / count as f32).clamp(0.0, 1.0)),
        attributes: attributes([
            ("confidence-kind", "uncalibrated"),
            ("finish-reason", if read.cut { "length" } else { "stop" }),
            ("unread-lines", &unread),
        ])
        .to_vec(),
        ..sdk::PageText::simple(read.paragraphs.iter().map(|lines| block(lines, scale, page)).collect())
    }
}

fn block(lines: &[Line], scale: f32, page: Info) -> Block {
    let place = |words: &mut dyn Iterator<Item = &Word>| -> Option<Rect> {
        on_page(words.map(area).reduce(|all, one| all.union(&one))?, scale, page)
    };
    let bounds = place(&mut lines.iter().flat_map(|line| &line.words));
    let line = |line: &Line| sdk::Line {
        bounds: place(&mut line.words.iter()),
        words: line
            .words
            .iter()
            .map(|word| sdk::Word {
                text: word.text.clone(),
                bounds: place(&mut std::iter::once(word)),
                confidence: Some(word.confidence.clamp(0.0, 1.0)),
            })
            .collect(),
    };
    Block::paragraph(bounds, lines.iter().map(line).collect())
}

/// The whole pixels around a word.
fn area(word: &Word) -> Area {
    let [left, top, right, bottom] = word.quad.bounds();
    let (x, y) = (left.max(0.0) as u32, top.max(0.0) as u32);
    let beyond = |end: f32, start: u32| (end.max(0.0).ceil() as u32).max(start + 1) - start;
    Area { x, y, width: beyond(right, x), height: beyond(bottom, y) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ppocr_reader::Quad;

    const PAGE: Info = Info { index: 0, count: 1, width: 1240, height: 1754, dpi: 150 };

    fn word(text: &str, x: f32, confidence: f32) -> Word {
        let quad = Quad([(x, 10.0), (x + 50.0, 12.0), (x + 50.0, 32.0), (x, 30.0)]);
        Word { text: text.to_owned(), quad, confidence }
    }

    #[test]
    fn an_answer_has_the_words_and_how_likely_they_are() {
        let line = Line { words: vec![word("港", 100.0, 1.0), word("Street", 160.0, 0.5)] };
        let read = PageText { paragraphs: vec![vec![line]], unread: 2, cut: false };
        let answer = answer(&read, 2.0, PAGE);
        assert_eq!(answer.confidence, Some(0.75));
        let line = &answer.blocks[0].lines[0];
        let side = |bounds: Option<Rect>| bounds.map(|rect| (rect.x, rect.y, rect.width, rect.height));
        assert_eq!(side(line.words[0].bounds), Some((200, 20, 100, 44)));
        assert_eq!(side(line.bounds), Some((200, 20, 220, 44)));
        assert_eq!(line.words[1].text, "Street");
        assert!(answer.attributes.contains(&("unread-lines".to_owned(), "2".to_owned())));
    }

    #[test]
    fn a_page_without_text_has_no_confidence() {
        let answer = answer(&PageText::default(), 1.0, PAGE);
        assert!(answer.blocks.is_empty() && answer.confidence.is_none());
    }
}
