//! A gray picture.

/// A gray picture, rows from top to bottom without padding.
pub struct Grey {
    width: u32,
    height: u32,
    luma: Vec<u8>,
}

/// How far a page has to be turned clockwise until its text stands upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Not at all.
    None,
    /// By 90 degrees.
    Right,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    Left,
}

impl Grey {
    /// None when there are no pixels, or when `luma` does not hold
    /// `width * height` bytes.
    pub fn new(width: u32, height: u32, luma: Vec<u8>) -> Option<Self> {
        let fits = !luma.is_empty() && luma.len() as u64 == u64::from(width) * u64::from(height);
        fits.then_some(Self { width, height, luma })
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// One row.
    pub(crate) fn row(&self, y: u32) -> &[u8] {
        let width = self.width as usize;
        &self.luma[y as usize * width..][..width]
    }

    /// The level at a place between pixels; the edge goes on beyond the picture.
    pub(crate) fn between(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, self.width as f32 - 1.0);
        let y = y.clamp(0.0, self.height as f32 - 1.0);
        let (left, top) = (x as u32, y as u32);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (along, down) = (x - left as f32, y - top as f32);
        let (upper, lower) = (self.row(top), self.row(bottom));
        let mix = |row: &[u8]| {
            let (a, b) = (f32::from(row[left as usize]), f32::from(row[right as usize]));
            a + (b - a) * along
        };
        let (a, b) = (mix(upper), mix(lower));
        a + (b - a) * down
    }

    /// Half as wide and high, each pixel the mean of four.
    #[must_use]
    pub fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut luma = Vec::with_capacity(width as usize * height as usize);
        for y in 0..height {
            let upper = self.row((2 * y).min(self.height - 1));
            let lower = self.row((2 * y + 1).min(self.height - 1));
            let pairs = upper.chunks(2).zip(lower.chunks(2)).take(width as usize);
            luma.extend(pairs.map(|(upper, lower)| {
                let sum = |pair: &[u8]| u16::from(pair[0]) + u16::from(pair[pair.len() - 1]);
                ((sum(upper) + sum(lower)) / 4) as u8
            }));
        }
        Self { width, height, luma }
    }

    /// Light and dark exchanged.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        self.luma.iter_mut().for_each(|level| *level = !*level);
        self
    }

    /// The level that half of the pixels do not exceed.
    pub fn median(&self) -> u8 {
        let mut counts = [0usize; 256];
        self.luma.iter().for_each(|&level| counts[usize::from(level)] += 1);
        let mut below = 0;
        let median = (0u8..=255).find(|&level| {
            below += counts[usize::from(level)];
            below * 2 >= self.luma.len()
        });
        median.unwrap_or(u8::MAX)
    }

    /// The picture, turned.
    #[must_use]
    pub fn turned(&self, turn: Turn) -> Self {
        let (width, height) = match turn {
            Turn::None | Turn::Half => (self.width, self.height),
            Turn::Right | Turn::Left => (self.height, self.width),
        };
        let mut luma = Vec::with_capacity(self.luma.len());
        for y in 0..height {
            match turn {
                Turn::None => luma.extend_from_slice(self.row(y)),
                Turn::Half => luma.extend(self.row(height - 1 - y).iter().rev()),
                Turn::Right => luma.extend((0..width).map(|x| self.row(width - 1 - x)[y as usize])),
                Turn::Left => {
                    luma.extend((0..width).map(|x| self.row(x)[(height - 1 - y) as usize]));
                }
            }
        }
        Self { width, height, luma }
    }
}

impl Turn {
    /// All four.
    pub const ALL: [Self; 4] = [Self::None, Self::Half, Self::Right, Self::Left];

    /// Where a place of the turned picture lies in the picture of `width` x
    /// `height` that was turned.
    pub fn back(self, (x, y): (f32, f32), (width, height): (u32, u32)) -> (f32, f32) {
        let (width, height) = (width as f32, height as f32);
        match self {
            Self::None => (x, y),
            Self::Half => (width - x, height - y),
            Self::Right => (y, height - x),
            Self::Left => (width - y, x),
        }
    }
}
