//! Boxes, from the bitmap's pixels to the page's, and never off the page.

use ink::Area;
use untxt_plugin_sdk::{Info, Rect};

/// `area` of a bitmap that has `scale` page pixels a pixel, grown to whole
/// pixels of the page. None when nothing of it is on the page.
pub fn on_page(area: Area, scale: f32, page: Info) -> Option<Rect> {
    let scale = f64::from(scale);
    let low = |at: u32| (f64::from(at) * scale).floor() as u32;
    let high = |at: u32| (f64::from(at) * scale).ceil() as u32;
    let (x, y) = (low(area.x), low(area.y));
    clipped(
        Rect {
            x,
            y,
            width: high(area.right()).saturating_sub(x),
            height: high(area.bottom()).saturating_sub(y),
        },
        page,
    )
}

/// The part of `rect` that is on the page; None when there is none.
pub(crate) fn clipped(rect: Rect, page: Info) -> Option<Rect> {
    let width = rect.width.min(page.width.saturating_sub(rect.x));
    let height = rect.height.min(page.height.saturating_sub(rect.y));
    (width > 0 && height > 0).then_some(Rect { width, height, ..rect })
}

/// The smallest box around all that have one.
pub fn around(rects: impl Iterator<Item = Option<Rect>>) -> Option<Rect> {
    rects.flatten().map(area).reduce(|all, one| all.union(&one)).map(rect)
}

pub(crate) fn area(rect: Rect) -> Area {
    Area { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
}

fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Info = Info { index: 0, count: 1, width: 2480, height: 3508, dpi: 300 };

    fn quad(rect: Rect) -> [u32; 4] {
        [rect.x, rect.y, rect.width, rect.height]
    }

    #[test]
    fn a_scaled_box_grows_to_whole_pixels() {
        let area = Area { x: 3, y: 5, width: 4, height: 2 };
        assert_eq!(on_page(area, 1.5, PAGE).map(quad), Some([4, 7, 7, 4]));
    }

    #[test]
    fn rounding_never_leaves_the_page() {
        let area = Area { x: 1550, y: 2190, width: 5, height: 10 };
        assert_eq!(on_page(area, 1.595, PAGE).map(quad), Some([2472, 3493, 8, 15]));
    }

    #[test]
    fn a_box_off_the_page_is_none() {
        assert!(clipped(Rect { x: 2480, y: 0, width: 5, height: 5 }, PAGE).is_none());
        assert!(clipped(Rect { x: u32::MAX, y: u32::MAX, width: u32::MAX, height: 1 }, PAGE).is_none());
    }
}
