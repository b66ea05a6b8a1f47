//! One line: its pixels to words.

use ink::print::{Frame, Grey, Slope, Strip};

use crate::Reader;
use crate::decode::{Letter, letters};
use crate::words::{Found, words};

/// Columns that the network is given at once. A longer line is cut where there is
/// no ink.
const COLUMNS_MAX: usize = 1_600;

/// Columns of a line: as long as the page is wide in print of four pixels.
const LINE_COLUMNS_MAX: usize = 40_000;

/// A line's picture and its place.
pub(crate) struct Cut {
    pub(crate) strip: Strip,
    /// What the picture shows, in straight coordinates of the page.
    pub(crate) frame: Frame,
}

/// What was read in a line.
pub(crate) struct Read {
    pub(crate) words: Vec<Found>,
    /// Letters and spaces.
    pub(crate) letters: usize,
    /// How likely a letter is right, in the mean of all.
    pub(crate) likely: f32,
}

impl Cut {
    /// The picture of a line of ink, with the margins that the network knows.
    pub(crate) fn of(reader: &Reader, page: &Grey, slope: Slope, ink: &Frame) -> Self {
        let (margin, beside) = (ink.height() * MARGIN, ink.height() * BESIDE);
        let frame = Frame {
            left: ink.left - beside,
            top: ink.top - margin,
            right: ink.right + beside,
            bottom: ink.bottom + margin,
        };
        let strip = Strip::cut(page, slope, &frame, reader.facts.height, LINE_COLUMNS_MAX);
        Self { strip, frame }
    }

    /// The same, turned by 180 degrees.
    pub(crate) fn on_its_head(mut self) -> Self {
        self.strip.levels.reverse();
        self
    }

    /// A box of the picture in straight coordinates of the page.
    pub(crate) fn place(&self, found: &Found) -> Frame {
        let across = self.frame.width() / self.strip.width as f32;
        let down = self.frame.height() / self.strip.height as f32;
        Frame {
            left: self.frame.left + found.left * across,
            top: self.frame.top + found.top * down,
            right: self.frame.left + found.right * across,
            bottom: self.frame.top + found.bottom * down,
        }
    }
}

/// Paper above and below the ink, as a share of its height: the middle of what the
/// network was trained with.
const MARGIN: f32 = 0.14;

/// Paper to the left and right of the ink, as a share of its height: room for a
/// point that was taken for dust.
const BESIDE: f32 = 0.35;

impl Reader {
    /// Reads a line.
    pub(crate) fn read(&self, cut: &Cut) -> Result<Read, String> {
        let strip = &cut.strip;
        let mut letters = Vec::new();
        let mut from = 0;
        while from < strip.width {
            let to = self.end(strip, from);
            letters.extend(self.part(strip, from, to)?);
            from = to;
        }
        let likely: f32 = letters.iter().map(|letter| self.facts.letter(letter.probability)).sum();
        Ok(Read {
            words: words(&letters, strip, self.facts.stride),
            likely: likely / letters.len().max(1) as f32,
            letters: letters.len(),
        })
    }

    /// Where the part that begins at `from` ends: in the middle of the widest gap
    /// of its last third.
    fn end(&self, strip: &Strip, from: usize) -> usize {
        if strip.width - from <= COLUMNS_MAX {
            return strip.width;
        }
        let darkest = |x: usize| {
            (0..strip.height).map(|y| strip.levels[y * strip.width + x]).fold(f32::INFINITY, f32::min)
        };
        let columns = from + COLUMNS_MAX * 2 / 3..from + COLUMNS_MAX;
        let levels: Vec<f32> = columns.clone().map(darkest).collect();
        // A gap is as wide as the letters are apart, so neighbours count as well.
        let reach = strip.height / 6;
        let around = |at: usize| {
            let near = &levels[at.saturating_sub(reach)..(at + reach + 1).min(levels.len())];
            near.iter().copied().fold(f32::INFINITY, f32::min)
        };
        let best = (0..levels.len()).max_by(|a, b| around(*a).total_cmp(&around(*b)));
        let end = columns.start + best.unwrap_or(levels.len());
        // Frames of the parts follow each other as those of one picture.
        from + (end - from) / self.facts.stride * self.facts.stride
    }

    fn part(&self, strip: &Strip, from: usize, to: usize) -> Result<Vec<Letter>, String> {
        let width = (to - from).next_multiple_of(self.facts.stride);
        let mut levels = Vec::with_capacity(width * strip.height);
        for row in strip.levels.chunks_exact(strip.width) {
            levels.extend_from_slice(&row[from..to]);
            levels.extend(std::iter::repeat_n(row[to - 1], width - (to - from)));
        }
        normalize(&mut levels);
        let frames = self.network.run(levels, width)?;
        let first = (from / self.facts.stride) as f32;
        let mut letters = letters(&frames, &self.facts.characters);
        letters.iter_mut().for_each(|letter| letter.frame += first);
        Ok(letters)
    }
}

/// Mean 0 and deviation 1, as the network was trained.
fn normalize(levels: &mut [f32]) {
    let count = levels.len().max(1) as f32;
    let mean = levels.iter().sum::<f32>() / count;
    let variance = levels.iter().map(|level| (level - mean) * (level - mean)).sum::<f32>() / count;
    let deviation = variance.sqrt() + 1e-3;
    levels.iter_mut().for_each(|level| *level = (*level - mean) / deviation);
}
