//! Finds lines of print on scanned pages: under uneven light, askew, turned, in
//! columns and in type of any size. It reads nothing.
//!
//! The map: `grey` (a picture), `paper` (what is ink), `pieces` (connected ink),
//! `glyphs` (pieces that may be letters), `skew` (the angle of lines), `frame`
//! (straight coordinates), `chains` (letters in a line, by `groups`), `order`
//! (columns and rows), `strip` (a line's pixels).

mod chains;
mod frame;
mod glyphs;
mod grey;
mod groups;
mod order;
mod paper;
mod pieces;
mod skew;
mod strip;

pub use frame::{Frame, Slope};
pub use grey::{Grey, Turn};
pub use order::reading_order;
pub use strip::Strip;

use chains::Chain;
use glyphs::{Shape, shape};
use pieces::Pieces;

/// Stretches of lines that a page has at most: a telephone book's has 1,500. The
/// rest is noise or a picture.
pub const STRETCHES_MAX: usize = 3_000;

/// Pixels of a side under which lines are looked for in the picture as it is;
/// A4 at 240 dpi.
const SIDE_MAX: u32 = 2_800;

/// A page's ink, before it is known how its lines lie.
pub struct Ink {
    pieces: Pieces,
    /// Of the picture in which lines are looked for.
    size: (u32, u32),
    /// Pixels of the page a pixel of that picture.
    scale: f32,
}

/// Lines of print that are read one after the other.
pub struct Print {
    /// The angle of all lines.
    pub slope: Slope,
    /// Rows in reading order, in groups that are not read across. No row is
    /// empty.
    pub regions: Vec<Vec<Vec<Stretch>>>,
    /// Whether a bound was reached, so that ink may be missing.
    pub cut: bool,
}

/// What stands in one line without a wide gap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The box around its ink, in straight coordinates of the page.
    pub ink: Frame,
    /// The same, at least as high as the line it stands in.
    pub line: Frame,
    /// Its pieces of ink.
    pub glyphs: usize,
}

impl Ink {
    /// The ink of `page`, whose sides are under 65,536 pixels.
    pub fn of(page: &Grey) -> Self {
        let side = page.width().max(page.height());
        if side <= SIDE_MAX {
            return Self { pieces: Pieces::of(page), size: (page.width(), page.height()), scale: 1.0 };
        }
        let half = Self::of(&page.halved());
        Self { scale: half.scale * 2.0, ..half }
    }

    /// How much sharper the profile of lines from left to right is than that of
    /// lines from top to bottom: over 1 on a page that stands upright or on its
    /// head.
    pub fn uprightness(&self) -> f64 {
        let [across, down] = self.lies();
        if down.sharpness == 0.0 {
            f64::from(u8::from(across.sharpness > 0.0))
        } else {
            across.sharpness / down.sharpness
        }
    }

    fn lies(&self) -> [skew::Lie; 2] {
        let is_text = |piece: u32| {
            shape(&self.pieces.pieces[piece as usize], self.size.1.max(self.size.0)) == Shape::Glyph
        };
        skew::lies(&self.pieces, self.size, is_text)
    }

    /// The lines, taken to run from left to right.
    pub fn print(&self) -> Print {
        let [across, _] = self.lies();
        let slope = Slope::of_tangent(across.tangent);
        let height = self.size.0.max(self.size.1);
        let (glyphs, mut cut) = glyphs::straightened(&self.pieces, height, slope);
        let mut chains = chains::chains(&glyphs);
        if chains.len() > STRETCHES_MAX {
            // The longest are the likeliest to be print.
            chains.sort_by_key(|chain| std::cmp::Reverse(chain.glyphs));
            chains.truncate(STRETCHES_MAX);
            cut = true;
        }
        let frames: Vec<Frame> = chains.iter().map(|chain| chain.frame).collect();
        let regions = reading_order(&frames, self.size.0 as f32);
        let row =
            |row: &Vec<usize>| stretches(&row.iter().map(|&at| chains[at]).collect::<Vec<_>>(), self.scale);
        let rows = |region: &Vec<Vec<usize>>| region.iter().map(row).collect();
        Print { slope, regions: regions.iter().map(rows).collect(), cut: cut | self.pieces.cut }
    }
}

/// A short stretch takes over the height of the longest one beside it: of a dash
/// or a dot alone, nobody could tell what it is.
fn stretches(row: &[Chain], scale: f32) -> Vec<Stretch> {
    let longest = row.iter().max_by_key(|chain| chain.glyphs);
    let stretch = |chain: &Chain| {
        let mut line = chain.frame;
        if let Some(longest) = longest.filter(|longest| chain.glyphs < 3 && longest.glyphs >= 3) {
            line.top = line.top.min(longest.frame.top);
            line.bottom = line.bottom.max(longest.frame.bottom);
        }
        Stretch { ink: chain.frame.scaled(scale), line: line.scaled(scale), glyphs: chain.glyphs }
    };
    row.iter().map(stretch).collect()
}
