//! Hulls and the smallest boxes around them.

use crate::quad::{Point, Quad, distance};

/// The smallest rectangle around points, in any direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rectangle {
    /// From the upper left corner clockwise.
    pub(crate) quad: Quad,
    /// The length of the shorter side.
    pub(crate) shorter: f32,
}

/// The smallest rectangle around `points`; one side lies on a side of their hull.
pub(crate) fn rectangle(points: &[Point]) -> Rectangle {
    let hull = hull(points);
    let sides = hull.iter().zip(hull.iter().cycle().skip(1));
    let along = |(a, b): (&Point, &Point)| {
        let length = distance(*a, *b);
        let (x, y) = if length > 0.0 { ((b.0 - a.0) / length, (b.1 - a.1) / length) } else { (1.0, 0.0) };
        around(&hull, (x, y))
    };
    let smallest = sides.map(along).min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, corners, shorter) = smallest.unwrap_or((0.0, [(0.0, 0.0); 4], 0.0));
    Rectangle { quad: clockwise(corners), shorter }
}

/// Area, corners and shorter side of the rectangle around `hull` with a side in the
/// direction of `unit`.
fn around(hull: &[Point], (x, y): Point) -> (f32, [Point; 4], f32) {
    let span = |(x, y): Point| {
        let places = hull.iter().map(|point| point.0 * x + point.1 * y);
        places.fold((f32::MAX, f32::MIN), |(low, high), at| (low.min(at), high.max(at)))
    };
    let ((left, right), (top, bottom)) = (span((x, y)), span((-y, x)));
    let corner = |along: f32, across: f32| (along * x - across * y, along * y + across * x);
    let corners = [corner(left, top), corner(right, top), corner(right, bottom), corner(left, bottom)];
    let (width, height) = (right - left, bottom - top);
    (width * height, corners, width.min(height))
}

/// The corners from the upper left one clockwise: of the two on the left, the upper one
/// is the first.
pub(crate) fn clockwise(mut corners: [Point; 4]) -> Quad {
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    let upper_first = |a: Point, b: Point| if a.1 <= b.1 { (a, b) } else { (b, a) };
    let (top_left, bottom_left) = upper_first(corners[0], corners[1]);
    let (top_right, bottom_right) = upper_first(corners[2], corners[3]);
    Quad([top_left, top_right, bottom_right, bottom_left])
}

/// The convex hull, by A. M. Andrew's monotone chain.
fn hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let mut hull = half(sorted.iter());
    hull.extend(half(sorted.iter().rev()));
    hull
}

/// One side of the hull without its last point.
fn half<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for &point in points {
        while let [.., a, b] = chain[..]
            && (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0) <= 0.0
        {
            chain.pop();
        }
        chain.push(point);
    }
    chain.pop();
    chain
}

/// `quad` grown by `distance` on all sides: points of discs around its corners, whose
/// hull is the grown shape with round corners. Places are whole pixels.
pub(crate) fn grown(quad: &Quad, distance: f32) -> Vec<Point> {
    const STEPS: u8 = 32;
    let around = |corner: Point| {
        let corner = (corner.0.trunc(), corner.1.trunc());
        (0..STEPS).map(move |step| {
            let angle = f32::from(step) * std::f32::consts::TAU / f32::from(STEPS);
            let (sin, cos) = angle.sin_cos();
            ((corner.0 + distance * cos).round(), (corner.1 + distance * sin).round())
        })
    };
    quad.0.into_iter().flat_map(around).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Quad, b: [Point; 4]) -> bool {
        a.0.iter().zip(b).all(|(a, b)| distance(*a, b) < 0.01)
    }

    #[test]
    fn the_box_around_an_upright_shape_is_upright() {
        let found = rectangle(&[(1.0, 1.0), (9.0, 1.0), (5.0, 2.0), (9.0, 4.0), (1.0, 4.0)]);
        assert!(close(found.quad, [(1.0, 1.0), (9.0, 1.0), (9.0, 4.0), (1.0, 4.0)]), "{found:?}");
        assert!((found.shorter - 3.0).abs() < 1e-4);
    }

    #[test]
    fn the_box_around_a_turned_shape_is_turned() {
        let corners = [(3.0, 0.0), (11.0, 6.0), (8.0, 10.0), (0.0, 4.0)];
        let found = rectangle(&[&corners[..], &[(5.0, 5.0)]].concat());
        // The corners on the left come first.
        assert!(close(found.quad, [(3.0, 0.0), (11.0, 6.0), (8.0, 10.0), (0.0, 4.0)]), "{found:?}");
        assert!((found.shorter - 5.0).abs() < 1e-3);
    }

    #[test]
    fn points_on_a_line_have_a_flat_box() {
        assert_eq!(rectangle(&[(1.0, 1.0), (2.0, 2.0), (5.0, 5.0)]).shorter, 0.0);
        assert_eq!(rectangle(&[(1.0, 1.0)]).shorter, 0.0);
        assert_eq!(rectangle(&[]).shorter, 0.0);
    }

    #[test]
    fn a_grown_box_is_larger_on_all_sides() {
        let quad = Quad([(10.0, 10.0), (50.0, 10.0), (50.0, 20.0), (10.0, 20.0)]);
        let found = rectangle(&grown(&quad, 4.0));
        assert_eq!(found.quad.bounds().map(f32::round), [6.0, 6.0, 54.0, 24.0]);
    }
}
