//! A box in the frame of straightened text, and the way back.

/// A box between whole pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Lower edge.
    pub bottom: f32,
}

impl Frame {
    /// Pixels across.
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Pixels down.
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(crate) fn center(&self) -> (f32, f32) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// The smallest box around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Rows that both have; negative when they are apart.
    pub(crate) fn rows_shared(&self, other: &Self) -> f32 {
        self.bottom.min(other.bottom) - self.top.max(other.top)
    }

    #[must_use]
    pub(crate) fn scaled(&self, by: f32) -> Self {
        Self { left: self.left * by, top: self.top * by, right: self.right * by, bottom: self.bottom * by }
    }
}

/// The angle of the lines: from the picture's pixels to straight ones and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    sin: f32,
    cos: f32,
}

impl Slope {
    /// Lines that sink by `tangent` rows a column.
    pub fn of_tangent(tangent: f32) -> Self {
        let cos = 1.0 / (1.0 + tangent * tangent).sqrt();
        Self { sin: tangent * cos, cos }
    }

    /// Rows that a line sinks a column.
    pub fn tangent(self) -> f32 {
        self.sin / self.cos
    }

    pub(crate) fn straight(self, (x, y): (f32, f32)) -> (f32, f32) {
        (x * self.cos + y * self.sin, y * self.cos - x * self.sin)
    }

    /// The picture's place of a straightened one.
    pub fn back(self, (x, y): (f32, f32)) -> (f32, f32) {
        (x * self.cos - y * self.sin, x * self.sin + y * self.cos)
    }
}
