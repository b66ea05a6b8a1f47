//! What is ink and what is paper.

/// Levels of gray by which ink and paper must differ. Less is the noise and the
/// shade of an empty scan, in which Otsu's method would still find two classes.
const CONTRAST_MIN: f64 = 40.0;

/// The border between two classes of gray; the rarer one is ink.
pub(crate) struct Threshold {
    level: u8,
    dark_ink: bool,
}

impl Threshold {
    /// N. Otsu, "A Threshold Selection Method from Gray-Level Histograms" (1979):
    /// the level that maximises the variance between the classes. None when the
    /// picture has no contrast.
    pub(crate) fn of(luma: &[u8]) -> Option<Self> {
        let histogram = histogram(luma);
        let count = luma.len() as f64;
        let sum: f64 = (0u32..).zip(histogram).map(|(level, n)| f64::from(level) * f64::from(n)).sum();
        let (mut dark_count, mut dark_sum) = (0.0, 0.0);
        let mut best: Option<(f64, f64, Self)> = None;
        for (level, n) in (0u8..=254).zip(histogram) {
            dark_count += f64::from(n);
            dark_sum += f64::from(level) * f64::from(n);
            let light_count = count - dark_count;
            if dark_count == 0.0 || light_count == 0.0 {
                continue;
            }
            let contrast = (sum - dark_sum) / light_count - dark_sum / dark_count;
            let variance = dark_count * light_count * contrast * contrast;
            if best.as_ref().is_none_or(|(most, ..)| variance > *most) {
                best = Some((variance, contrast, Self { level, dark_ink: dark_count <= light_count }));
            }
        }
        best.filter(|(_, contrast, _)| *contrast >= CONTRAST_MIN).map(|(.., threshold)| threshold)
    }

    pub(crate) fn is_ink(&self, luma: u8) -> bool {
        (luma <= self.level) == self.dark_ink
    }
}

fn histogram(luma: &[u8]) -> [u32; 256] {
    let mut counts = [0u32; 256];
    for &level in luma {
        counts[usize::from(level)] += 1;
    }
    counts
}
