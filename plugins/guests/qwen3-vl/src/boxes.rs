//! From a model's coordinates to places on the page.

use untxt_plugin_sdk::Rect;

use crate::config::Convention;

/// The page, and how the picture that was sent lies over it.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Page pixels a pixel of the picture.
    pub(crate) scale: f32,
    pub(crate) convention: Convention,
}

impl Frame {
    /// The frame with its convention decided by all coordinates of an answer.
    pub(crate) fn decided(self, corners: impl Iterator<Item = [f32; 4]>) -> Self {
        let convention = match self.convention {
            Convention::Auto => {
                let over = corners.flatten().any(|coordinate| coordinate > 1_000.0);
                if over { Convention::Pixels } else { Convention::Relative }
            }
            decided => decided,
        };
        Self { convention, ..self }
    }

    /// The box between two corners, on the page; none when nothing is left of it.
    pub(crate) fn rect(self, [x1, y1, x2, y2]: [f32; 4]) -> Option<Rect> {
        let (x, width) = self.span(x1, x2, self.width)?;
        let (y, height) = self.span(y1, y2, self.height)?;
        Some(Rect { x, y, width, height })
    }

    fn span(self, from: f32, to: f32, side: u32) -> Option<(u32, u32)> {
        let place = |coordinate: f32| {
            let pixels = match self.convention {
                Convention::Pixels => coordinate * self.scale,
                Convention::Auto | Convention::Relative => coordinate * side as f32 / 1_000.0,
            };
            (pixels.max(0.0) as u32).min(side)
        };
        let (start, end) = (place(from), place(to));
        (end > start).then(|| (start, end - start))
    }
}

/// Four numbers, however they are set apart.
pub(crate) fn corners(text: &str) -> Option<[f32; 4]> {
    let mut numbers = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .filter(|part| !part.is_empty())
        .map(|part| part.parse::<f32>().ok());
    let four = [numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_conventions_end_on_the_page() {
        let frame = Frame { width: 2_000, height: 1_000, scale: 2.0, convention: Convention::Auto };
        let relative = frame.decided([[10.0, 20.0, 500.0, 1_000.0]].into_iter());
        let place = |frame: Frame, corners| frame.rect(corners).map(|r| (r.x, r.y, r.width, r.height));
        assert_eq!(place(relative, [10.0, 20.0, 500.0, 1_000.0]), Some((20, 20, 980, 980)));
        let pixels = frame.decided([[10.0, 20.0, 1_001.0, 30.0]].into_iter());
        assert_eq!(place(pixels, [10.0, 20.0, 900.0, 9_000.0]), Some((20, 40, 1_780, 960)));
        for nothing in [[5.0, 5.0, 5.0, 9.0], [9.0, 5.0, 1.0, 9.0], [f32::NAN; 4], [-9.0, -9.0, -1.0, -1.0]] {
            assert_eq!(place(relative, nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn corners_are_four_numbers() {
        assert_eq!(corners("1 2.5 3 4"), Some([1.0, 2.5, 3.0, 4.0]));
        assert_eq!(corners("[1, 2, 3, 4]"), Some([1.0, 2.0, 3.0, 4.0]));
        for wrong in ["", "1 2 3", "1 2 3 4 5", "a b c d", "1 2 3 --"] {
            assert_eq!(corners(wrong), None, "{wrong}");
        }
    }
}
