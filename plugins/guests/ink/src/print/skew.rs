//! The angle of lines, by the profile that it sharpens most.

use super::pieces::{Pieces, Run};

/// 5 degrees as a tangent; what lies further askew was not laid on a scanner.
const TANGENT_MAX: f32 = 0.0875;

/// Pixels of a cell's side: half the resolution of the picture is enough.
const CELL: u16 = 2;

/// Steps of the search, each within one of the step before it: half a degree,
/// a tenth, a fortieth (half a pixel on the width of a page).
const STEPS: [f32; 3] = [0.00875, 0.001_75, 0.000_437_5];

/// How lines lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lie {
    /// Rows that a line sinks a column.
    pub(crate) tangent: f32,
    /// How sharp their profile is.
    pub(crate) sharpness: f64,
}

/// A cell with ink.
struct Point {
    x: f32,
    y: f32,
    ink: f32,
}

/// The lie of lines from left to right, and of lines from top to bottom, made of
/// the pieces that `text` names.
pub(crate) fn lies(pieces: &Pieces, size: (u32, u32), text: impl Fn(u32) -> bool) -> [Lie; 2] {
    let points = points(pieces, size, text);
    let down: Vec<Point> = points.iter().map(|at| Point { x: at.y, y: at.x, ink: at.ink }).collect();
    let extent = (size.0.max(size.1) / u32::from(CELL)) as f32;
    [best(&points, extent), best(&down, extent)]
}

fn points(pieces: &Pieces, (width, height): (u32, u32), text: impl Fn(u32) -> bool) -> Vec<Point> {
    let across = width as usize / usize::from(CELL) + 1;
    let mut cells = vec![0u8; across * (height as usize / usize::from(CELL) + 1)];
    let runs = pieces.runs.iter().filter(|run| text(run.piece));
    for &Run { y, start, end, .. } in runs {
        let row = usize::from(y / CELL) * across;
        for x in start..end {
            cells[row + usize::from(x / CELL)] += 1;
        }
    }
    let inked = cells.iter().enumerate().filter(|(_, ink)| **ink > 0);
    inked
        .map(|(at, &ink)| Point { x: (at % across) as f32, y: (at / across) as f32, ink: f32::from(ink) })
        .collect()
}

fn best(points: &[Point], extent: f32) -> Lie {
    let mut best = Lie { tangent: 0.0, sharpness: sharpness(points, 0.0, extent) };
    let mut reach = TANGENT_MAX;
    for step in STEPS {
        let middle = best.tangent;
        let count = (reach / step).ceil() as i32;
        for at in -count..=count {
            let tangent = middle + at as f32 * step;
            if tangent.abs() <= TANGENT_MAX + step {
                let sharpness = sharpness(points, tangent, extent);
                if sharpness > best.sharpness {
                    best = Lie { tangent, sharpness };
                }
            }
        }
        reach = step;
    }
    best
}

/// Squares of the differences between neighbours of the profile.
fn sharpness(points: &[Point], tangent: f32, extent: f32) -> f64 {
    let margin = extent * (TANGENT_MAX + 2.0 * STEPS[0]) + 1.0;
    let mut profile = vec![0f32; (extent + 2.0 * margin) as usize + 2];
    for point in points {
        let at = point.y - point.x * tangent + margin;
        if let Some(bin) = profile.get_mut(at as usize) {
            *bin += point.ink;
        }
    }
    let steps = profile.windows(2).map(|pair| f64::from(pair[1] - pair[0]));
    steps.map(|step| step * step).sum()
}
