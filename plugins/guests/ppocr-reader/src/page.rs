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
        found.push(
            words
                .unwrap_or_default()
                .into_iter()
                .map(|word| Word {
                    text: word.text,
                    quad: quad.part(word.from, word.to).map(|(x, y)| (x, y - rows as f32)),
                    confidence: word.confidence,
                })
                .collect(),
        );
    }
    let unread = found.iter().filter(|line| line.is_empty()).count();
    let mut text = PageText { paragraphs: Vec::new(), unread, cut };
    for paragraph in in_order(&quads) {
        let row = |row: &Vec<usize>| Line {
            words: row.iter().flat_map(|&at| std::mem::take(&mut found[at])).collect(),
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Network, Tensor};

    /// Takes for text what is dark, reads an A, and a B of a line that is darker in its left
    /// half; it is told which lines stand on their heads, and counts what it reads.
    struct Fake {
        turned: fn(usize) -> bool,
        lines: usize,
        recognised: usize,
    }

    impl Fake {
        fn new(turned: fn(usize) -> bool) -> Self {
            Self { turned, lines: 0, recognised: 0 }
        }
    }

    impl Models for Fake {
        fn compute(&mut self, network: Network, input: Tensor) -> Result<Tensor, Error> {
            let [count, _, height, width] = [0, 1, 2, 3].map(|at| input.dimensions[at] as usize);
            let numbers = input.numbers([count, 3, height, width])?;
            let planes = numbers.chunks_exact(height * width).step_by(3);
            let (dimensions, answer): (_, Vec<f32>) = match network {
                Network::Detect => (
                    vec![1, 1, height, width],
                    numbers[..height * width].iter().map(|light| (-light).max(0.0)).collect(),
                ),
                Network::Orient => {
                    let before = self.lines;
                    self.lines += count;
                    let pair = |at| if (self.turned)(at) { [0.0, 1.0] } else { [1.0, 0.0] };
                    (vec![count, 2], (before..self.lines).flat_map(pair).collect())
                }
                Network::Recognise => {
                    self.recognised += count;
                    let dark = |columns: &mut dyn Iterator<Item = &f32>| {
                        columns.filter(|light| **light < 0.0).count()
                    };
                    let class = |plane: &[f32]| {
                        let left =
                            plane.chunks(width).map(|row| dark(&mut row[..width / 2].iter())).sum::<usize>();
                        if left * 2 > dark(&mut plane.iter()) { [2.0, 0.9] } else { [1.0, 0.8] }
                    };
                    (vec![count, 1, 2], planes.flat_map(class).collect())
                }
            };
            let dimensions = dimensions.iter().map(|side| *side as u32).collect();
            Ok(Tensor { dimensions, data: answer.into_iter().flat_map(f32::to_le_bytes).collect() })
        }
    }

    /// White, with a bar 14 pixels high at each place, whose right end is higher.
    fn page(places: &[(usize, usize)]) -> Picture {
        let mut page = Picture::new(800, 736, vec![255; 800 * 736 * 3]).expect("a page");
        for &(left, top) in places {
            for (y, x) in (top..top + 14).flat_map(|y| (left..left + 300).map(move |x| (y, x))) {
                if y < top + 8 || x > left + 150 {
                    page.data[(y * 800 + x) * 3..][..3].fill(0);
                }
            }
        }
        page
    }

    fn text(read: &PageText) -> Vec<&str> {
        let lines = read.paragraphs.iter().flatten();
        lines.flat_map(|line| &line.words).map(|word| word.text.as_str()).collect()
    }

    const PLACES: [(usize, usize); 3] = [(50, 100), (50, 200), (50, 300)];

    #[test]
    fn lines_on_their_heads_are_turned() {
        let mut models = Fake::new(|_| true);
        let read = read(&mut models, &['A', 'B'], &page(&PLACES), |_| Ok(())).expect("it reads");
        // Turned by 180 degrees, the dark end is on the left.
        assert_eq!(text(&read), ["B", "B", "B"]);
        assert_eq!(models.recognised, 3);
    }

    #[test]
    fn a_line_unlike_the_others_is_read_either_way() {
        let mut models = Fake::new(|at| at == 1);
        let read = read(&mut models, &['A', 'B'], &page(&PLACES), |_| Ok(())).expect("it reads");
        // B is surer, so it stays on its head.
        assert_eq!(text(&read).iter().filter(|text| **text == "B").count(), 1);
        assert_eq!(models.recognised, 4);
    }

    #[test]
    fn what_is_no_text_is_counted_and_stopping_stops() {
        let mut models = Fake::new(|_| false);
        let unread = read(&mut models, &[' ', 'B'], &page(&PLACES), |_| Ok(())).expect("it reads");
        assert_eq!((unread.paragraphs.len(), unread.unread, unread.cut), (0, 3, false));
        let mut models = Fake::new(|_| false);
        let stopped = read(&mut models, &['A', 'B'], &page(&PLACES), |_| Err(Error::Cancelled));
        assert!(matches!(stopped, Err(Error::Cancelled)) && models.recognised == 0);
        let blank = read(&mut models, &['A', 'B'], &page(&[]), |_| Ok(())).expect("it reads");
        assert_eq!(blank, PageText::default());
    }

    #[test]
    fn flat_pages_get_room_above_and_below() {
        let flat = |width: usize, height: usize| padding(&Picture { width, height, data: Vec::new() });
        assert_eq!((flat(800, 100), flat(1_600, 100), flat(100, 20)), (0, 150, 20));
    }

    #[test]
    fn boxes_that_cover_the_page_many_times_are_dropped() {
        let quad = Quad([(0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0)]);
        let mut quads = vec![quad; 5];
        assert!(within(&mut quads, 100));
        assert_eq!(quads.len(), 2);
        assert!(!within(&mut quads, 100));
    }
}
