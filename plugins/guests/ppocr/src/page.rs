//! A page to its text.

use untxt_plugin_sdk::Error;

use crate::detect::detect;
use crate::orient::on_their_heads;
use crate::picture::Picture;
use crate::quad::Quad;
use crate::recognise::{self, STRIDE, recognise};
use crate::straight::in_order;
use crate::tensor::Models;
use crate::words::words;

/// A line whose letters are less likely in the mean is no text that can be read.
const CONFIDENCE_MIN: f32 = 0.5;

/// A page that is wider than this many times its height gets black rows above and below, as
/// the network knows no such pages.
const RATIO_MAX: usize = 8;

/// A page that is not higher than this does so too.
const HEIGHT_MIN: usize = 30;

/// Shares of the work, when all takes 1: until the boxes are found, until the lines are cut
/// out and turned.
const DETECTED: f32 = 0.4;
const ORIENTED: f32 = 0.45;

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// From the first to the last as they are read, never empty.
    pub words: Vec<Word>,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Without white space, never empty.
    pub text: String,
    /// Its corners on the page.
    pub quad: Quad,
    /// How likely its letters are right, in the mean, as the network has it.
    pub confidence: f32,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageText {
    /// Lines that belong together, in reading order; none is empty.
    pub paragraphs: Vec<Vec<Line>>,
    /// Boxes in which nothing could be read.
    pub unread: usize,
}

/// Reads a page. `go_on` is called between parts of the work with the share that is done.
///
/// # Errors
/// What [`Models::compute`] and `go_on` say, and `bad-model`.
pub fn read(
    models: &mut impl Models,
    characters: &[char],
    page: &Picture,
    mut go_on: impl FnMut(f32) -> Result<(), Error>,
) -> Result<PageText, Error> {
    let rows = padding(page);
    let padded = (rows > 0).then(|| page.padded(rows));
    let page = padded.as_ref().unwrap_or(page);
    let mut quads: Vec<Quad> = detect(models, page)?.into_iter().map(Quad::along).collect();
    go_on(DETECTED)?;
    let mut lines: Vec<Picture> = quads.iter().map(|quad| quad.cut(page)).collect();
    let turned = on_their_heads(models, &lines)?;
    for ((line, quad), _) in lines.iter_mut().zip(&mut quads).zip(turned).filter(|(_, turned)| *turned) {
        (*line, *quad) = (line.on_its_head(), quad.on_its_head());
    }
    let read = recognise(models, characters, &lines, |done| {
        go_on(ORIENTED + (1.0 - ORIENTED) * done as f32 / lines.len() as f32)
    })?;
    let mut found: Vec<Vec<Word>> = Vec::with_capacity(read.len());
    for ((letters, line), quad) in read.iter().zip(&lines).zip(&quads) {
        let likely = letters.iter().map(|letter| letter.probability).sum::<f32>();
        let is_text = likely >= CONFIDENCE_MIN * letters.len() as f32;
        let words = is_text.then(|| words(letters, line, recognise::columns(line) / STRIDE as f32));
        found.push(words.unwrap_or_default().into_iter().map(|word| Word {
            text: word.text,
            quad: quad.part(word.from, word.to).map(|(x, y)| (x, y - rows as f32)),
            confidence: word.confidence,
        }).collect());
    }
    let mut text = PageText { paragraphs: Vec::new(), unread: found.iter().filter(|line| line.is_empty()).count() };
    for paragraph in in_order(&quads) {
        let row = |row: &Vec<usize>| Line { words: row.iter().flat_map(|&at| std::mem::take(&mut found[at])).collect() };
        let lines: Vec<Line> = paragraph.iter().map(row).filter(|line| !line.words.is_empty()).collect();
        if !lines.is_empty() {
            text.paragraphs.push(lines);
        }
    }
    Ok(text)
}

/// Rows of black that a page gets above and below.
fn padding(page: &Picture) -> usize {
    if page.height > HEIGHT_MIN && page.width <= RATIO_MAX * page.height {
        return 0;
    }
    (2 * (page.width / RATIO_MAX).max(HEIGHT_MIN)).saturating_sub(page.height) / 2
}
