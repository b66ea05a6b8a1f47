//! Where text stands on a page: the network's map to boxes.
//!
//! Limits and their figures are those of RapidOCR 3.10 for PP-OCRv6, where nothing else is
//! said.

use untxt_plugin_sdk::Error;

use crate::picture::Picture;
use crate::quad::{Quad, distance};
use crate::regions::regions;
use crate::shape::{clockwise, grown, rectangle};
use crate::tensor::{Models, Network, Tensor};

/// A smaller page is scaled up until its shorter side has so many pixels.
const SIDE_MIN: f64 = 736.0;

/// Pixels in which a page is looked at: A4 at 124 dpi. More take longer and find no more;
/// RapidOCR knows no such bound.
const PIXELS_MAX: f64 = 1_500_000.0;

/// Pixels that the network is given at once; each takes the host some 170 bytes.
const BAND_PIXELS: usize = 800_000;

/// Rows that a band is given beyond its own, so that lines on its edges are whole.
const BAND_MARGIN: usize = 64;

/// Sides are multiples of this: the network halves the picture five times.
const STEP: f64 = 32.0;

/// From this likelihood on a place belongs to text.
const LIKELY_MIN: f32 = 0.3;

/// The mean likelihood in a box is at least this.
const BOX_LIKELY_MIN: f32 = 0.5;

/// The network marks the middle of a line; its box is larger on each side by this share
/// of its area a length of its edge.
const GROWTH: f32 = 1.6;

/// The shorter side of a box on the map before it grows, and after.
const SHORTER_MIN: (f32, f32) = (3.0, 5.0);

/// The shorter side of a box on the page.
const SIDE_ON_PAGE_MIN: usize = 4;

/// The boxes of text on a page, from the upper left corner clockwise, in no order.
///
/// # Errors
/// What [`Models::compute`] says, and `bad-model`.
pub(crate) fn detect(models: &mut impl Models, page: &Picture) -> Result<Vec<Quad>, Error> {
    let (width, height) = size(page.width, page.height);
    let map = map(models, &page.resized(width, height))?;
    let scale = (page.width as f32 / width as f32, page.height as f32 / height as f32);
    let found = regions(&thickened(&map, width), width).into_iter();
    Ok(found
        .filter_map(|region| {
            let inner = rectangle(&region);
            if inner.shorter < SHORTER_MIN.0 || likely(&map, width, &inner.quad) < BOX_LIKELY_MIN {
                return None;
            }
            let [a, b, c, _] = inner.quad.0;
            let (long, short) = (distance(a, b), distance(b, c));
            let growth = long * short * GROWTH / (2.0 * (long + short));
            let outer = rectangle(&grown(&inner.quad, growth));
            (outer.shorter >= SHORTER_MIN.1).then(|| on_page(outer.quad, scale, page))?
        })
        .collect())
}

/// The likelihood of text at each pixel, computed in bands from top to bottom.
fn map(models: &mut impl Models, page: &Picture) -> Result<Vec<f32>, Error> {
    let (width, height) = (page.width, page.height);
    let rows = height.div_ceil((width * height).div_ceil(BAND_PIXELS)).next_multiple_of(STEP as usize);
    let mut map = Vec::with_capacity(width * height);
    for top in (0..height).step_by(rows) {
        let bottom = (top + rows).min(height);
        let (from, to) = (top.saturating_sub(BAND_MARGIN), (bottom + BAND_MARGIN).min(height));
        let input = Tensor::of(&[page.rows(from..to)], width, to - from);
        let band = models.compute(Network::Detect, input)?.numbers([1, 1, to - from, width])?;
        map.extend_from_slice(&band[(top - from) * width..(bottom - from) * width]);
    }
    Ok(map)
}

/// The size in which a page is looked at.
fn size(width: usize, height: usize) -> (usize, usize) {
    let (width, height) = (width as f64, height as f64);
    let up = (SIDE_MIN / width.min(height)).max(1.0);
    let down = (PIXELS_MAX / (width * up * height * up)).sqrt().min(1.0);
    let side = |side: f64| ((side * up * down).trunc() / STEP).round_ties_even().max(1.0) * STEP;
    (side(width) as usize, side(height) as usize)
}

/// The places of text, each with the neighbours to the right and below.
fn thickened(map: &[f32], width: usize) -> Vec<bool> {
    let mut mask = vec![false; map.len()];
    for (at, _) in map.iter().enumerate().filter(|(_, likely)| **likely > LIKELY_MIN) {
        let right = usize::from(at % width + 1 < width);
        mask[at..=at + right].fill(true);
        if let Some(below) = mask.get_mut(at + width..=at + width + right) {
            below.fill(true);
        }
    }
    mask
}

/// The mean likelihood inside a box.
fn likely(map: &[f32], width: usize, quad: &Quad) -> f32 {
    let height = map.len() / width;
    let corners = quad.0.map(|(x, y)| (x.trunc(), y.trunc()));
    let edges = (0..4).map(|at| (corners[at], corners[(at + 1) % 4]));
    let bottom = corners.iter().fold(0.0, |bottom: f32, corner| bottom.max(corner.1));
    let (mut sum, mut count) = (0.0, 0);
    for y in 0..height.min(bottom.max(0.0) as usize + 1) {
        let at = y as f32;
        let (mut left, mut right) = (f32::MAX, f32::MIN);
        for ((x0, y0), (x1, y1)) in edges.clone().filter(|(a, b)| a.1.min(b.1) <= at && at <= a.1.max(b.1)) {
            let ends = if y0 == y1 { [x0, x1] } else { [x0 + (x1 - x0) * (at - y0) / (y1 - y0); 2] };
            left = ends.iter().copied().fold(left, f32::min);
            right = ends.iter().copied().fold(right, f32::max);
        }
        if left <= right {
            let from = (left.round().max(0.0) as usize).min(width);
            let to = (right.round().max(-1.0) as usize + 1).clamp(from, width);
            let row = &map[y * width..][from..to];
            sum += row.iter().sum::<f32>();
            count += row.len();
        }
    }
    sum / count.max(1) as f32
}

/// The box in pixels of the page; `None` when it is too small to hold text.
fn on_page(quad: Quad, scale: (f32, f32), page: &Picture) -> Option<Quad> {
    let inside = |at: f32, side: usize| at.round().clamp(0.0, side as f32 - 1.0);
    let quad = quad.map(|(x, y)| (inside(x * scale.0, page.width), inside(y * scale.1, page.height)));
    let quad = clockwise(quad.0);
    let [a, b, _, d] = quad.0;
    (distance(a, b).min(distance(a, d)) as usize >= SIDE_ON_PAGE_MIN).then_some(quad)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with a map in which `inside` tells where text is.
    struct Map<F>(F);

    impl<F: Fn(usize, usize) -> bool> Models for Map<F> {
        fn compute(&mut self, network: Network, input: Tensor) -> Result<Tensor, Error> {
            assert_eq!(network, Network::Detect);
            let [_, _, height, width] = input.dimensions[..] else { panic!("four dimensions") };
            let place = |at: u32| ((at % width) as usize, (at / width) as usize);
            let likely = |at| if (self.0)(place(at).0, place(at).1) { 0.9_f32 } else { 0.1 };
            let data = (0..width * height).flat_map(|at| likely(at).to_le_bytes()).collect();
            Ok(Tensor { dimensions: vec![1, 1, height, width], data })
        }
    }

    fn page(width: usize, height: usize) -> Picture {
        Picture::new(width, height, vec![255; width * height * 3]).expect("a page")
    }

    #[test]
    fn sizes_are_those_that_the_network_takes() {
        assert_eq!(size(990, 1401), (992, 1408));
        assert_eq!(size(1240, 1754), (1024, 1472));
        assert_eq!(size(640, 480), (992, 736));
        let (width, height) = size(200, 9_000);
        assert!(width % 32 == 0 && height % 32 == 0 && width * height < 1_600_000, "{width} x {height}");
        assert_eq!(size(1, 1), (736, 736));
    }

    #[test]
    fn a_line_on_the_map_is_a_larger_box_on_the_page() {
        let mut models = Map(|x, y| (100..400).contains(&x) && (50..60).contains(&y));
        let quads = detect(&mut models, &page(736, 736)).expect("it finds");
        // On the thickened map 300 x 10 pixels, which grow by 1.6 * 3000 / 620.
        assert_eq!(quads.len(), 1);
        assert_eq!(quads[0].bounds(), [92.0, 42.0, 408.0, 68.0]);
        let half = detect(&mut models, &page(368, 368)).expect("it finds");
        assert_eq!(half[0].bounds(), [46.0, 21.0, 204.0, 34.0]);
    }

    #[test]
    fn a_line_askew_has_a_box_askew() {
        let mut models = Map(|x, y| {
            let across = y as f32 - 200.0 - x as f32 * 0.1;
            (100..500).contains(&x) && across.abs() < 8.0
        });
        let quads = detect(&mut models, &page(736, 736)).expect("it finds");
        let [a, b, ..] = quads[0].0;
        assert!(((b.1 - a.1) / (b.0 - a.0) - 0.1).abs() < 0.01, "{quads:?}");
    }

    #[test]
    fn a_large_page_is_looked_at_in_bands() {
        // The network sees each band from its own first row.
        struct Bands(Vec<u32>);
        impl Models for Bands {
            fn compute(&mut self, network: Network, input: Tensor) -> Result<Tensor, Error> {
                self.0.push(input.dimensions[2]);
                let line = BAND_MARGIN + 20..BAND_MARGIN + 30;
                Map(|x, y| (100..400).contains(&x) && line.contains(&y)).compute(network, input)
            }
        }
        let mut bands = Bands(Vec::new());
        let quads = detect(&mut bands, &page(992, 1_408)).expect("it finds");
        assert_eq!(bands.0, [768, 768]);
        let tops: Vec<f32> = quads.iter().map(|quad| quad.bounds()[1]).collect();
        assert_eq!(tops, [76.0, 716.0]);
    }

    #[test]
    fn specks_and_faint_boxes_are_no_text() {
        let mut specks = Map(|x, y| x % 50 == 10 && y % 50 == 10);
        assert_eq!(detect(&mut specks, &page(736, 736)).expect("it looks"), []);
        // A thin frame whose middle is no text.
        let mut frame = Map(|x, y| {
            (100..300).contains(&x)
                && (100..300).contains(&y)
                && !((102..298).contains(&x) && (102..298).contains(&y))
        });
        assert_eq!(detect(&mut frame, &page(736, 736)).expect("it looks"), []);
    }

    #[test]
    fn another_map_is_refused() {
        struct Other;
        impl Models for Other {
            fn compute(&mut self, _: Network, _: Tensor) -> Result<Tensor, Error> {
                Ok(Tensor { dimensions: vec![1], data: vec![0; 4] })
            }
        }
        assert!(detect(&mut Other, &page(736, 736)).is_err());
    }
}
