//! Where a page has text of its own that can be seen, so that it is not said twice.

use hayro::hayro_syntax::page::Page;

use crate::documents::model::Rect;
use crate::documents::renderer::text;

/// Cells a side of the page: of A4 less than a point.
const CELLS: u16 = 1000;

/// The cells of a page that a word of its own touches.
pub(super) struct OwnText(Vec<bool>);

impl OwnText {
    pub(super) fn of(page: &Page<'_>) -> Self {
        let side = usize::from(CELLS);
        let (width, height) = page.render_dimensions();
        let cells = f32::from(CELLS);
        let size = (u32::from(CELLS), u32::from(CELLS));
        let lines = text::seen(page, size, (cells / width, cells / height));
        let words = lines.iter().flat_map(|line| &line.words).filter(|word| !word.text.trim().is_empty());
        let mut covered = Vec::new();
        for word in words {
            covered.resize(side * side, false);
            let columns = word.left as usize..((word.left + word.width) as usize).min(side);
            for row in word.top as usize..((word.top + word.height) as usize).min(side) {
                if let Some(cells) = covered.get_mut(row * side + columns.start..row * side + columns.end) {
                    cells.fill(true);
                }
            }
        }
        Self(covered)
    }

    /// Whether it covers half of `bounds` or more.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating, then bounded")]
    pub(super) fn has(&self, bounds: &Rect) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let side = usize::from(CELLS);
        let cell = |part: f32| ((part * f32::from(CELLS)) as usize).min(side - 1);
        let (left, right) = (cell(bounds.x), cell(bounds.x + bounds.width));
        let rows = cell(bounds.y)..=cell(bounds.y + bounds.height);
        let (mut covered, mut all) = (0, 0);
        for row in rows {
            let cells = &self.0[row * side + left..=row * side + right];
            covered += cells.iter().filter(|cell| **cell).count();
            all += cells.len();
        }
        covered * 2 >= all
    }
}
