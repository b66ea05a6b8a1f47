//! All lines of a page.

use ink::print::{Frame, Grey, Slope, Stretch, Turn};
use ink::{Area, paragraphs};

use crate::Reader;
use crate::line::Cut;
use crate::turn::upright;
use crate::words::Found;

/// How likely the letters of a line have to be right; else what stands there is no
/// print that can be read, and nothing is said of it.
const LIKELY_MIN: f32 = 0.6;

/// The same where letters hang together as those of handwriting do.
const LIKELY_MIN_JOINED: f32 = 0.85;

/// Letters a piece of ink: print seldom joins three.
const JOINED: usize = 3;

/// Text that sinks less than a pixel in 500 needs no corners beside its box.
const TANGENT_MIN: f32 = 0.002;

/// Pixels of all lines together, in rows of the network's height: four times
/// those of the densest page of print.
const COLUMNS_MAX: f32 = 300_000.0;

/// What was read on a page.
#[derive(Debug, PartialEq)]
pub struct PageText {
    /// How far the page had to be turned.
    pub turn: Turn,
    /// Rows that a line sinks a column, on the turned page.
    pub tangent: f32,
    /// Lines that belong together, in reading order; none is empty.
    pub paragraphs: Vec<Vec<Line>>,
    /// Stretches of ink that could not be read.
    pub unread: usize,
    /// Whether a bound was reached, so that text may be missing.
    pub cut: bool,
}

/// Corners of text on the page as it was given, clockwise from the upper left of the
/// text as it is read.
pub type Corners = [(f32, f32); 4];

/// A line of text.
#[derive(Debug, PartialEq)]
pub struct Line {
    /// The box around its words, on the page as it was given.
    pub bounds: Area,
    /// Of the straight box around its words; none on a page that lies straight.
    pub corners: Option<Corners>,
    /// From left to right, never empty.
    pub words: Vec<Word>,
}

/// A word.
#[derive(Debug, PartialEq)]
pub struct Word {
    /// Without white space, never empty.
    pub text: String,
    /// The box around its ink, on the page as it was given.
    pub bounds: Area,
    /// Of the straight box around its ink; none on a page that lies straight.
    pub corners: Option<Corners>,
    /// How likely it is right.
    pub confidence: f32,
}

/// Why a page was not read.
#[derive(Debug, PartialEq)]
pub enum Unread {
    /// The caller asked to stop.
    Stopped,
    /// What is wrong with the network.
    Broken(String),
}

impl From<String> for Unread {
    fn from(reason: String) -> Self {
        Self::Broken(reason)
    }
}

/// Reads a page. `go_on` is called between lines with the share that is done, from
/// 0 to 1.
///
/// # Errors
/// [`Unread`].
pub fn read(reader: &Reader, page: &Grey, mut go_on: impl FnMut(f32) -> bool) -> Result<PageText, Unread> {
    let mut pause = |done: f32| if go_on(done) { Ok(()) } else { Err(Unread::Stopped) };
    let upright = upright(reader, page)?;
    pause(0.1)?;
    let place = Place { slope: upright.print.slope, turn: upright.turn, size: (page.width(), page.height()) };
    let page = upright.page.as_ref().unwrap_or(page);
    let regions = &upright.print.regions;
    let mut text = PageText {
        turn: upright.turn,
        tangent: upright.print.slope.tangent(),
        paragraphs: Vec::new(),
        unread: 0,
        cut: upright.print.cut,
    };
    let all = regions.iter().flatten().flatten().count().max(1);
    let (mut done, mut columns) = (0, 0.0);
    for region in regions {
        let (mut lines, mut frames) = (Vec::new(), Vec::new());
        for row in region {
            let (mut words, mut straight) = (Vec::new(), Vec::new());
            for stretch in row {
                columns += stretch.line.width() / stretch.line.height() * reader.facts.height as f32;
                if columns > COLUMNS_MAX {
                    text.cut = true;
                    break;
                }
                let found = stretch_words(reader, page, &place, stretch)?;
                text.unread += usize::from(found.is_empty());
                for (word, frame) in found {
                    words.push(word);
                    straight.push(frame);
                }
                done += 1;
                pause(0.1 + 0.9 * done as f32 / all as f32)?;
            }
            // Signs alone are ornaments, rules and dust.
            if !words.iter().any(|word: &Word| word.text.chars().any(char::is_alphanumeric)) {
                text.unread += words.len();
                words.clear();
            }
            let bounds = words.iter().map(|word: &Word| word.bounds).reduce(|all, one| all.union(&one));
            if let Some(bounds) = bounds {
                frames.push(area(row));
                let straight = straight.into_iter().reduce(|all, one| all.union(&one));
                lines.push(Line { bounds, corners: straight.and_then(|frame| place.corners(&frame)), words });
            }
        }
        for group in paragraphs(&frames) {
            text.paragraphs.push(lines.drain(..group.len()).collect());
        }
    }
    Ok(text)
}

/// The straight box of a row; straight coordinates of a page askew may be
/// negative, and only distances count.
fn area(row: &[Stretch]) -> Option<Area> {
    const ORIGIN: f32 = 10_000.0;
    let frame = row.iter().map(|stretch| stretch.line).reduce(|all, one| all.union(&one))?;
    Some(Area {
        x: (frame.left + ORIGIN) as u32,
        y: (frame.top + ORIGIN) as u32,
        width: frame.width() as u32,
        height: frame.height() as u32,
    })
}

fn stretch_words(
    reader: &Reader,
    page: &Grey,
    place: &Place,
    stretch: &Stretch,
) -> Result<Vec<(Word, Frame)>, String> {
    let cut = Cut::of(reader, page, place.slope, &stretch.line);
    let read = reader.read(&cut)?;
    let is_joined = read.letters > JOINED * stretch.glyphs;
    if read.likely < if is_joined { LIKELY_MIN_JOINED } else { LIKELY_MIN } {
        return Ok(Vec::new());
    }
    let words = read.words.into_iter();
    let word = |found: Found| {
        let frame = cut.place(&found);
        let word = Word {
            bounds: place.area(&frame),
            corners: place.corners(&frame),
            confidence: reader.facts.word(&found.probabilities),
            text: found.text,
        };
        (word, frame)
    };
    Ok(words.map(word).collect())
}

/// The way from straight coordinates to the page as it was given.
struct Place {
    slope: Slope,
    turn: Turn,
    size: (u32, u32),
}

impl Place {
    /// The corners of `frame` on the page, if it lies askew there.
    fn corners(&self, frame: &Frame) -> Option<Corners> {
        let is_straight = self.turn == Turn::None && self.slope.tangent().abs() < TANGENT_MIN;
        (!is_straight).then(|| self.back(frame))
    }

    fn back(&self, frame: &Frame) -> Corners {
        let corners = [
            (frame.left, frame.top),
            (frame.right, frame.top),
            (frame.right, frame.bottom),
            (frame.left, frame.bottom),
        ];
        corners.map(|corner| self.turn.back(self.slope.back(corner), self.size))
    }

    /// The box around the corners of `frame`, on the page.
    fn area(&self, frame: &Frame) -> Area {
        let corners = self.back(frame);
        let along = |of: fn(&(f32, f32)) -> f32, end: u32| {
            let (low, high) = corners
                .iter()
                .map(of)
                .fold((f32::MAX, f32::MIN), |(low, high), at| (low.min(at), high.max(at)));
            let low = (low.max(0.0) as u32).min(end.saturating_sub(1));
            (low, (high.max(0.0).ceil() as u32).clamp(low + 1, end.max(low + 1)))
        };
        let (x, right) = along(|at| at.0, self.size.0);
        let (y, bottom) = along(|at| at.1, self.size.1);
        Area { x, y, width: right - x, height: bottom - y }
    }
}
