//! The cells of a table's line, by the gaps between its words.

use crate::documents::model::{Line, Page, Rect, Word};

/// A gap wider than so many line heights divides cells; words stand closer.
const GAP_HEIGHTS: f32 = 1.2;

/// The texts of the cells of `line`, which stands on `page`. Words without
/// places are cells of their own.
pub(super) fn cells(line: &Line, page: &Page) -> Vec<String> {
    let mut cells: Vec<String> = Vec::new();
    let mut before: Option<&Word> = None;
    for word in &line.words {
        match (cells.last_mut(), before) {
            (Some(cell), Some(before)) if !is_divided(before, word, page) => {
                cell.push(' ');
                cell.push_str(&word.text);
            }
            _ => cells.push(word.text.clone()),
        }
        before = Some(word);
    }
    cells
}

#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^24 pixels")]
fn is_divided(left: &Word, right: &Word, page: &Page) -> bool {
    let (Some(left), Some(right)) = (left.bounds, right.bounds) else { return true };
    let Rect { x, width, height, .. } = left;
    let gap = (right.x - (x + width)) * page.width as f32;
    gap > GAP_HEIGHTS * height.max(right.height) * page.height as f32
}
