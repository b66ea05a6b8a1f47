//! Cuts a line out of a page, straight and at the height that a reader wants.

use super::frame::{Frame, Slope};
use super::grey::Grey;

/// A line's pixels, rows from top to bottom without padding.
pub struct Strip {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Levels of gray, 0 to 255.
    pub levels: Vec<f32>,
}

impl Strip {
    /// The pixels of `frame`, a box in the straight coordinates of `grey` under
    /// `slope`, brought to `height` rows and to at most `width_max` columns.
    pub fn cut(grey: &Grey, slope: Slope, frame: &Frame, height: usize, width_max: usize) -> Self {
        let scale = height as f32 / frame.height().max(1.0);
        let width = ((frame.width() * scale).round() as usize).clamp(1, width_max);
        // As many samples a pixel as the page has, up to the largest headings'.
        let finer = |samples: f32| (samples.ceil() as usize).clamp(1, 8);
        let down = finer(1.0 / scale);
        let (columns, rows) = (width * down, height * down);
        let step_x = frame.width() / columns as f32;
        let step_y = frame.height() / rows as f32;
        let mut levels = vec![0f32; width * height];
        let share = 1.0 / (down * down) as f32;
        for row in 0..rows {
            let y = frame.top + (row as f32 + 0.5) * step_y - 0.5;
            let out = &mut levels[row / down * width..][..width];
            for (column, out) in out.iter_mut().enumerate() {
                for sample in 0..down {
                    let x = frame.left + ((column * down + sample) as f32 + 0.5) * step_x - 0.5;
                    let (x, y) = slope.back((x, y));
                    *out += share * grey.between(x, y);
                }
            }
        }
        Self { width, height, levels }
    }
}
