//! The lines of a page in straight coordinates, and the order in which they are read.

use ink::print::{Frame, reading_order};
use ink::{Area, paragraphs};

use crate::quad::{Point, Quad, distance};

/// Lines that stand beside each other, from left to right; places in the caller's list.
pub(crate) type Row = Vec<usize>;

/// The rows of a page, in paragraphs, in reading order. The longest lines say which way
/// the text runs, so a page may lie on its side or askew; text that runs from top to bottom
/// is read from right to left.
pub(crate) fn in_order(lines: &[Quad]) -> Vec<Vec<Row>> {
    let direction = direction(lines);
    let frames: Vec<Frame> = lines.iter().map(|line| frame(line, direction)).collect();
    let Some(all) = frames.iter().copied().reduce(|all, one| all.union(&one)) else { return Vec::new() };
    let mut text = Vec::new();
    for rows in reading_order(&frames, all.width().max(1.0)) {
        let mut rows = rows.into_iter();
        let areas: Vec<Option<Area>> =
            rows.as_slice().iter().map(|row| area(row.iter().map(|&at| frames[at]), &all)).collect();
        for group in paragraphs(&areas) {
            text.push(rows.by_ref().take(group.len()).collect());
        }
    }
    text
}

/// The unit vector along which the middle one of the lines is read, weighed by length.
fn direction(lines: &[Quad]) -> Point {
    let mut angles: Vec<(f32, f32)> = lines
        .iter()
        .map(|line| {
            let [a, b, ..] = line.0;
            ((b.1 - a.1).atan2(b.0 - a.0), distance(a, b))
        })
        .collect();
    // Angles are sorted from the way against which the fewest run, so that none of those
    // around the middle is cut in two.
    let quarter = |angle: f32| (angle / std::f32::consts::FRAC_PI_2).round().rem_euclid(4.0);
    let of_quarter = |wanted: f32| -> f32 {
        angles.iter().filter(|(angle, _)| quarter(*angle) == wanted).map(|(_, length)| length).sum()
    };
    let main =
        [0.0, 1.0, 2.0, 3.0].into_iter().rev().max_by(|a, b| of_quarter(*a).total_cmp(&of_quarter(*b)));
    let main = main.unwrap_or(0.0);
    angles.retain(|(angle, _)| quarter(*angle) == main);
    let turned = main * std::f32::consts::FRAC_PI_2;
    let beside = |angle: f32| (angle - turned + std::f32::consts::PI).rem_euclid(std::f32::consts::TAU);
    angles.sort_by(|a, b| beside(a.0).total_cmp(&beside(b.0)));
    let half = angles.iter().map(|(_, length)| length).sum::<f32>() / 2.0;
    let mut sum = 0.0;
    let middle = angles.iter().find(|(_, length)| {
        sum += length;
        sum >= half
    });
    let (sin, cos) = middle.map_or(0.0, |(angle, _)| *angle).sin_cos();
    (cos, sin)
}

fn frame(line: &Quad, (cos, sin): Point) -> Frame {
    let [left, top, right, bottom] = line.map(|(x, y)| (x * cos + y * sin, y * cos - x * sin)).bounds();
    Frame { left, top, right, bottom }
}

/// The box around a row, counted from the corner of all.
fn area(row: impl Iterator<Item = Frame>, all: &Frame) -> Option<Area> {
    let frame = row.reduce(|all, one| all.union(&one))?;
    Some(Area {
        x: (frame.left - all.left) as u32,
        y: (frame.top - all.top) as u32,
        width: frame.width() as u32,
        height: frame.height() as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line at a place, read from left to right.
    fn line(x: f32, y: f32, width: f32) -> Quad {
        Quad([(x, y), (x + width, y), (x + width, y + 20.0), (x, y + 20.0)])
    }

    /// A page of two columns of five lines under a heading.
    fn page() -> Vec<Quad> {
        let column = |x: f32| (0..5_u8).map(move |at| line(x, 100.0 + f32::from(at) * 25.0, 300.0));
        [line(0.0, 0.0, 640.0)].into_iter().chain(column(340.0)).chain(column(0.0)).collect()
    }

    const EXPECTED: [usize; 11] = [0, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5];

    #[test]
    fn columns_are_read_one_after_the_other() {
        let order = in_order(&page());
        assert_eq!(order.iter().flatten().flatten().copied().collect::<Vec<_>>(), EXPECTED);
        assert_eq!(order.iter().map(Vec::len).collect::<Vec<_>>(), [1, 5, 5]);
        assert!(in_order(&[]).is_empty());
    }

    #[test]
    fn a_page_may_lie_on_its_side_or_askew() {
        for degrees in [3.0_f32, 88.0, 90.0, 180.0, -90.0, -176.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let turned: Vec<Quad> = page()
                .into_iter()
                .map(|line| line.map(|(x, y)| (x * cos - y * sin + 900.0, x * sin + y * cos + 900.0)))
                .collect();
            let order: Vec<usize> = in_order(&turned).into_iter().flatten().flatten().collect();
            assert_eq!(order, EXPECTED, "{degrees} degrees");
        }
    }

    #[test]
    fn lines_beside_each_other_are_a_row() {
        let order = in_order(&[line(400.0, 2.0, 50.0), line(0.0, 0.0, 200.0), line(0.0, 30.0, 200.0)]);
        assert_eq!(order.concat(), [vec![1, 0], vec![2]]);
    }
}
