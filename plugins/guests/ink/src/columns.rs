//! Parts a page into regions that are read one after the other.

use crate::area::Area;
use crate::mask::Ink;
use crate::runs::runs;

/// The regions in reading order. A page with columns all the way down is parted
/// at once; otherwise (a heading over columns) each band of it is looked at, and
/// bands without columns that follow each other are one region.
pub(crate) fn regions(ink: &Ink) -> Vec<Area> {
    let page = ink.whole();
    let columns = columns(ink, page);
    if columns.len() > 1 {
        return columns;
    }
    let mut regions: Vec<Area> = Vec::new();
    let mut last_is_plain = false;
    for band in runs(&ink.row_profile(page), (page.height / 100).max(6)) {
        let band = Area { y: band.start, height: band.end - band.start, ..page };
        let columns = self::columns(ink, band);
        let plain = columns.len() == 1;
        match regions.last_mut() {
            Some(last) if plain && last_is_plain => *last = last.union(&band),
            _ => regions.extend(columns),
        }
        last_is_plain = plain;
    }
    regions
}

/// The columns of `area`, or `area` itself. A gutter is at least a fortieth of
/// the page wide (5 mm on A4), a column at least a seventh: what is narrower is
/// a list's numbers or a cell of a table and belongs to its line.
fn columns(ink: &Ink, area: Area) -> Vec<Area> {
    let gutter_min = (ink.whole().width / 40).max(12);
    let column_min = ink.whole().width / 7;
    let columns = runs(&ink.column_profile(area), gutter_min);
    if columns.len() < 2 || columns.iter().any(|run| run.end - run.start < column_min) {
        return vec![area];
    }
    let columns = columns.into_iter();
    columns.map(|run| Area { x: area.x + run.start, width: run.end - run.start, ..area }).collect()
}
