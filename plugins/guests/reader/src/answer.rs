//! What was read, in the contract's form.

use ink::Area;
use ink::print::Turn;
use print_reader::{Line as ReadLine, PageText as Read};
use text_layer::on_page;
use untxt_plugin_sdk::layout::{Block, Corners, Layout, Line, Word};
use untxt_plugin_sdk::{Info, Rect};

/// The answer; `scale` is the page's pixels a pixel of what was read.
pub(crate) fn answer(read: &Read, scale: f32, page: Info) -> Layout {
    let place = |area: Area| on_page(area, scale, page);
    let corners = |found: print_reader::Corners| Corners::new(found.map(|(x, y)| (x * scale, y * scale)));
    let blocks = read.paragraphs.iter().map(|lines| block(lines, place, corners)).collect();
    let words = || read.paragraphs.iter().flatten().flat_map(|line| &line.words);
    let count = words().count();
    let sum: f32 = words().map(|word| word.confidence).sum();
    let named = |name: &str, value: String| (name.to_owned(), value);
    Layout {
        confidence: (count > 0).then(|| (sum / count as f32).clamp(0.0, 1.0)),
        attributes: vec![
            named("confidence-kind", "calibrated".to_owned()),
            named("finish-reason", if read.cut { "length" } else { "stop" }.to_owned()),
            named("turned", degrees(read.turn).to_string()),
            named("skew", format!("{:.2}", read.tangent.atan().to_degrees())),
            named("unread-lines", read.unread.to_string()),
        ],
        ..Layout::simple(blocks)
    }
}

/// Degrees clockwise by which the page was turned.
fn degrees(turn: Turn) -> u32 {
    match turn {
        Turn::None => 0,
        Turn::Right => 90,
        Turn::Half => 180,
        Turn::Left => 270,
    }
}

fn block(
    lines: &[ReadLine],
    place: impl Fn(Area) -> Option<Rect>,
    corners: impl Fn(print_reader::Corners) -> Corners,
) -> Block {
    let around = lines.iter().map(|line| line.bounds).reduce(|all, one| all.union(&one));
    let word = |word: &print_reader::Word| Word {
        corners: word.corners.map(&corners),
        confidence: Some(word.confidence),
        ..Word::new(word.text.as_str(), place(word.bounds))
    };
    let line = |line: &ReadLine| Line {
        bounds: place(line.bounds),
        corners: line.corners.map(&corners),
        words: line.words.iter().map(word).collect(),
    };
    Block { bounds: around.and_then(&place), ..Block::new("paragraph", lines.iter().map(line).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Info = Info { index: 0, count: 1, width: 2480, height: 3508, dpi: 300 };

    fn word(text: &str, x: u32, confidence: f32) -> print_reader::Word {
        let bounds = Area { x, y: 100, width: 50, height: 20 };
        let (left, right) = (x as f32, x as f32 + 50.0);
        let corners = Some([(left, 100.0), (right, 101.0), (right, 120.0), (left, 119.0)]);
        print_reader::Word { text: text.to_owned(), bounds, corners, confidence }
    }

    fn read(words: Vec<print_reader::Word>) -> Read {
        let bounds = Area { x: 100, y: 100, width: 200, height: 20 };
        let paragraphs =
            if words.is_empty() { Vec::new() } else { vec![vec![ReadLine { bounds, corners: None, words }]] };
        Read { turn: Turn::Left, tangent: 0.0175, paragraphs, unread: 3, cut: false }
    }

    #[test]
    fn an_answer_has_the_words_and_says_how_sure_it_is() {
        let answer = answer(&read(vec![word("Guten", 100, 1.0), word("Tag", 160, 0.5)]), 1.5, PAGE);
        assert_eq!(answer.confidence, Some(0.75));
        let line = &answer.blocks[0].lines[0];
        assert_eq!(line.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["Guten", "Tag"]);
        let bounds = line.words[0].bounds.expect("it is on the page");
        assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (150, 150, 75, 30));
        let corners = line.words[0].corners.expect("they were found");
        assert_eq!((corners.top_right.x, corners.top_right.y), (225, 152));
        for (name, value) in
            [("turned", "270"), ("skew", "1.00"), ("unread-lines", "3"), ("finish-reason", "stop")]
        {
            assert!(
                answer.attributes.contains(&(name.to_owned(), value.to_owned())),
                "{:?}",
                answer.attributes
            );
        }
    }

    #[test]
    fn a_page_without_text_has_no_confidence() {
        let answer = answer(&read(Vec::new()), 1.0, PAGE);
        assert!(answer.blocks.is_empty() && answer.confidence.is_none());
    }
}
