//! Connected pieces of ink.

use super::grey::Grey;
use super::paper::Paper;

/// Stretches of ink in rows: a page of small print has some 500,000. What has
/// more is noise, and its rest stays unread.
const RUNS_MAX: usize = 2_000_000;

/// A stretch of ink in a row.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) y: u16,
    pub(crate) start: u16,
    pub(crate) end: u16,
    /// The piece that it belongs to.
    pub(crate) piece: u32,
}

/// A connected piece of ink; `right` and `bottom` are the first pixels beyond it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) left: u16,
    pub(crate) top: u16,
    pub(crate) right: u16,
    pub(crate) bottom: u16,
    /// Pixels of ink.
    pub(crate) ink: u32,
}

/// All pieces of a picture.
pub(crate) struct Pieces {
    pub(crate) runs: Vec<Run>,
    pub(crate) pieces: Vec<Piece>,
    /// Whether ink was left out.
    pub(crate) cut: bool,
}

impl Piece {
    pub(crate) fn width(&self) -> u16 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> u16 {
        self.bottom - self.top
    }
}

impl Pieces {
    /// Pieces are connected by sides and corners. Sides of `grey` are under
    /// 65,536 pixels.
    pub(crate) fn of(grey: &Grey) -> Self {
        let paper = Paper::of(grey);
        let (mut runs, mut parents, mut cut) = (Vec::<Run>::new(), Vec::<u32>::new(), false);
        let mut thresholds = vec![0.0; grey.width() as usize];
        let mut above = 0..0;
        for y in 0..grey.height() {
            paper.thresholds(y, &mut thresholds);
            let first = runs.len();
            push_runs(&mut runs, y as u16, grey.row(y), &thresholds);
            if runs.len() > RUNS_MAX {
                runs.truncate(first);
                cut = true;
                break;
            }
            join(&mut runs, above, first, &mut parents);
            above = first..runs.len();
        }
        let pieces = gathered(&mut runs, &mut parents);
        Self { runs, pieces, cut }
    }
}

fn push_runs(runs: &mut Vec<Run>, y: u16, row: &[u8], thresholds: &[f32]) {
    let mut start = None;
    for (x, (&level, &threshold)) in (0u16..).zip(row.iter().zip(thresholds)) {
        let ink = f32::from(level) < threshold;
        match (start, ink) {
            (None, true) => start = Some(x),
            (Some(from), false) => {
                runs.push(Run { y, start: from, end: x, piece: 0 });
                start = None;
            }
            _ => {}
        }
    }
    if let Some(start) = start {
        runs.push(Run { y, start, end: row.len() as u16, piece: 0 });
    }
}

/// Gives the runs from `first` on the pieces of those above that they touch.
fn join(runs: &mut [Run], above: std::ops::Range<usize>, first: usize, parents: &mut Vec<u32>) {
    let mut upper = above.start;
    for at in first..runs.len() {
        let run = runs[at];
        while upper < above.end && runs[upper].end < run.start {
            upper += 1;
        }
        let mut piece = None;
        let touching = runs[upper..above.end].iter().take_while(|other| other.start <= run.end);
        for other in touching {
            let root = root(parents, other.piece);
            match piece {
                None => piece = Some(root),
                Some(own) if own != root => {
                    let (low, high) = (own.min(root), own.max(root));
                    parents[high as usize] = low;
                    piece = Some(low);
                }
                Some(_) => {}
            }
        }
        runs[at].piece = piece.unwrap_or_else(|| {
            parents.push(parents.len() as u32);
            parents.len() as u32 - 1
        });
    }
}

fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        let parent = parents[at as usize];
        parents[at as usize] = parents[parent as usize];
        at = parent;
    }
    at
}

fn gathered(runs: &mut [Run], parents: &mut [u32]) -> Vec<Piece> {
    let mut numbers = vec![u32::MAX; parents.len()];
    let mut pieces: Vec<Piece> = Vec::new();
    for run in runs {
        let root = root(parents, run.piece) as usize;
        if numbers[root] == u32::MAX {
            numbers[root] = pieces.len() as u32;
            pieces.push(Piece { left: run.start, top: run.y, right: run.end, bottom: run.y + 1, ink: 0 });
        }
        run.piece = numbers[root];
        let piece = &mut pieces[run.piece as usize];
        piece.left = piece.left.min(run.start);
        piece.right = piece.right.max(run.end);
        piece.bottom = piece.bottom.max(run.y + 1);
        piece.ink += u32::from(run.end - run.start);
    }
    pieces
}
