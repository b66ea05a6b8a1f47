//! All lines of a page, in groups.

use crate::columns::regions;
use crate::lines::{Line, lines};
use crate::mask::Ink;
use crate::paragraphs::paragraphs;

/// More pieces of ink than the densest page of print has words; what goes
/// beyond is noise or a picture.
pub const WORDS_MAX: usize = 5_000;

/// What was found on a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Lines that belong together, in reading order; none is empty.
    pub paragraphs: Vec<Vec<Line>>,
    /// Whether [`WORDS_MAX`] was reached, so that ink may be missing.
    pub cut: bool,
}

impl Page {
    /// Lines and words of `ink`.
    pub fn of(ink: &Ink) -> Self {
        let mut found = Vec::new();
        let mut left = WORDS_MAX;
        for region in regions(ink) {
            if left == 0 {
                break;
            }
            let mut lines = lines(ink, region, left);
            left -= lines.iter().map(|line| line.words.len()).sum::<usize>();
            let bounds: Vec<_> = lines.iter().map(|line| Some(line.bounds)).collect();
            for group in paragraphs(&bounds) {
                found.push(lines.drain(..group.len()).collect());
            }
        }
        Self { paragraphs: found, cut: left == 0 }
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.paragraphs.iter().map(Vec::len).sum()
    }
}
