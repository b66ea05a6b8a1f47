//! A page to its text.

use untxt_plugin_sdk::Error;

use crate::ctc::Letter;
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

/// Pixels of all boxes together, a pixel of the page: boxes of text hardly overlap.
const AREA_MAX: usize = 3;

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
    /// Whether a bound was reached, so that text may be missing.
    pub cut: bool,
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
    let cut = within(&mut quads, page.width * page.height * AREA_MAX);
    go_on(DETECTED)?;
    let mut lines: Vec<Picture> = quads.iter().map(|quad| quad.cut(page)).collect();
    let mut turned = on_their_heads(models, &lines)?;
    let usual = turned.iter().filter(|turned| **turned).count() * 2 > turned.len();
    turn(&mut lines, &mut quads, &turned);
    let share = |done: usize| ORIENTED + (1.0 - ORIENTED) * done as f32 / lines.len() as f32;
    let mut read = recognise(models, characters, &lines, |done| go_on(share(done)))?;
    // A line that stands unlike most of the page is read either way.
    turned.iter_mut().for_each(|turned| *turned = *turned != usual);
    let unlike: Vec<usize> = (0..lines.len()).filter(|&at| turned[at]).collect();
    let heads: Vec<Picture> = unlike.iter().map(|&at| lines[at].on_its_head()).collect();
    let other = recognise(models, characters, &heads, |_| go_on(1.0))?;
    for (at, other) in unlike.into_iter().zip(other) {
        turned[at] = likely(&other) > likely(&read[at]);
        if turned[at] {
            read[at] = other;
        }
    }
    turn(&mut lines, &mut quads, &turned);
    let mut found: Vec<Vec<Word>> = Vec::with_capacity(read.len());
    for ((letters, line), quad) in read.iter().zip(&lines).zip(&quads) {
        let is_text = likely(letters) >= CONFIDENCE_MIN;
        let words = is_text.then(|| words(letters, line, recognise::columns(line) / STRIDE as f32));
        found.push(words.unwrap_or_default().into_iter().map(|word| Word {
            text: word.text,
            quad: quad.part(word.from, word.to).map(|(x, y)| (x, y - rows as f32)),
            confidence: word.confidence,
        }).collect());
    }
    let unread = found.iter().filter(|line| line.is_empty()).count();
    let mut text = PageText { paragraphs: Vec::new(), unread, cut };
    for paragraph in in_order(&quads) {
        let row = |row: &Vec<usize>| Line { words: row.iter().flat_map(|&at| std::mem::take(&mut found[at])).collect() };
        let lines: Vec<Line> = paragraph.iter().map(row).filter(|line| !line.words.is_empty()).collect();
        if !lines.is_empty() {
            text.paragraphs.push(lines);
        }
    }
    Ok(text)
}

/// Keeps the first boxes that have at most `pixels` together; says whether there were more.
fn within(quads: &mut Vec<Quad>, pixels: usize) -> bool {
    let mut sum = 0;
    let kept = quads.iter().position(|quad| {
        let (width, height) = quad.size();
        sum += width * height;
        sum > pixels
    });
    quads.truncate(kept.unwrap_or(quads.len()));
    kept.is_some()
}

/// Turns the lines for which it is said by 180 degrees.
fn turn(lines: &mut [Picture], quads: &mut [Quad], turned: &[bool]) {
    for ((line, quad), _) in lines.iter_mut().zip(quads).zip(turned).filter(|(_, turned)| **turned) {
        (*line, *quad) = (line.on_its_head(), quad.on_its_head());
    }
}

/// How likely letters are right, in the mean.
fn likely(letters: &[Letter]) -> f32 {
    letters.iter().map(|letter| letter.probability).sum::<f32>() / letters.len().max(1) as f32
}

/// Rows of black that a page gets above and below.
fn padding(page: &Picture) -> usize {
    if page.height > HEIGHT_MIN && page.width <= RATIO_MAX * page.height {
        return 0;
    }
    (2 * (page.width / RATIO_MAX).max(HEIGHT_MIN)).saturating_sub(page.height) / 2
}
