//! What is ink where the light is uneven: darker than the paper around it.

use super::grey::Grey;

/// Pixels of a tile's side: wider than a stroke, narrower than a shadow.
const TILE: u32 = 32;

/// Of the paper's level; what is lighter is paper, or a stain.
const INK_SHARE: f32 = 0.8;

/// Deviations of the paper's noise that ink is darker by at least.
const NOISE_TIMES: f32 = 4.0;

/// The level of the paper in each tile, and its noise.
pub(crate) struct Paper {
    across: usize,
    down: usize,
    levels: Vec<f32>,
    /// Standard deviation of bare paper.
    pub(crate) noise: f32,
}

impl Paper {
    pub(crate) fn of(grey: &Grey) -> Self {
        let (across, down) = (grey.width().div_ceil(TILE) as usize, grey.height().div_ceil(TILE) as usize);
        let mut light = Vec::with_capacity(across * down);
        let mut spread = Vec::with_capacity(across * down);
        for tile_y in 0..down as u32 {
            for tile_x in 0..across as u32 {
                let counts = counts(grey, tile_x * TILE, tile_y * TILE);
                let (low, high) = (quantile(&counts, 0.2), quantile(&counts, 0.7));
                light.push(high);
                // Of a normal distribution the two are 1.37 deviations apart.
                spread.push((high - low) / 1.37);
            }
        }
        spread.sort_by(f32::total_cmp);
        // Tiles of print have a wide spread, bare ones that of the noise.
        let noise = spread.get(spread.len() / 4).copied().unwrap_or(0.0);
        let levels = (0..across * down).map(|at| lightest(&light, across, down, at)).collect();
        Self { across, down, levels, noise }
    }

    /// The levels under which a row's pixels are ink.
    pub(crate) fn thresholds(&self, y: u32, out: &mut [f32]) {
        let (upper, lower, down) = neighbors(y, self.down);
        for (x, out) in (0u32..).zip(out) {
            let (left, right, along) = neighbors(x, self.across);
            let mix = |row: usize| {
                let (a, b) = (self.levels[row * self.across + left], self.levels[row * self.across + right]);
                a + (b - a) * along
            };
            let paper = mix(upper) + (mix(lower) - mix(upper)) * down;
            *out = (paper * INK_SHARE).min(paper - NOISE_TIMES * self.noise);
        }
    }
}

/// The tiles whose middles a pixel lies between, and how far it is to the second.
fn neighbors(at: u32, count: usize) -> (usize, usize, f32) {
    let place = (at as f32 + 0.5) / TILE as f32 - 0.5;
    let low = place.max(0.0) as usize;
    (low.min(count - 1), (low + 1).min(count - 1), (place - low as f32).clamp(0.0, 1.0))
}

fn counts(grey: &Grey, left: u32, top: u32) -> [u16; 256] {
    let mut counts = [0u16; 256];
    let right = (left + TILE).min(grey.width()) as usize;
    for y in top..(top + TILE).min(grey.height()) {
        for &level in &grey.row(y)[left as usize..right] {
            counts[usize::from(level)] += 1;
        }
    }
    counts
}

fn quantile(counts: &[u16; 256], share: f32) -> f32 {
    let all: u32 = counts.iter().map(|&count| u32::from(count)).sum();
    let wanted = (all as f32 * share) as u32;
    let mut below = 0;
    let level = (0u16..).zip(counts).find(|(_, count)| {
        below += u32::from(**count);
        below > wanted
    });
    level.map_or(255.0, |(level, _)| f32::from(level))
}

/// The lightest tile around: a heading may fill a tile with ink.
fn lightest(light: &[f32], across: usize, down: usize, at: usize) -> f32 {
    let (x, y) = (at % across, at / across);
    let rows = y.saturating_sub(1)..(y + 2).min(down);
    let columns = x.saturating_sub(1)..(x + 2).min(across);
    let levels = rows.flat_map(|row| columns.clone().map(move |column| light[row * across + column]));
    levels.fold(0.0, f32::max)
}
