//! Regions of a page that are read one after the other.
//!
//! The recursive XY-cut (Nagy and Seth, 1984), with whitespace as separator as
//! in Breuel's "Two Geometric Algorithms for Layout Analysis" (2002): the
//! tallest gutter parts what is beside it into columns and leaves what is above
//! and below; without one, the page is cut where no line is. A gutter is no proof
//! of columns, a table has them too: `gutter` asks for more.

use super::frames::{Piece, median};
use super::gutter::{Gutter, tallest};
use super::rtl::is_from_the_right;

/// How often a region is parted again. Print needs a title, columns and a table
/// within them; deeper regions are read line by line.
const DEPTH_MAX: usize = 24;

/// Pieces of a region in which gutters are looked for. A page of print has fewer
/// lines and cells by far; one with more is read line by line.
const PIECES_MAX: usize = 20_000;

/// Lines with less than this part of the type size between them are cut only
/// together: text of double spacing has twice that, rows of a table that has
/// several lines a cell have more.
const BAND_GAP: f64 = 0.5;

/// `pieces` by region, in reading order.
pub(super) fn regions(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut regions = Vec::new();
    part(pieces, 0, &mut regions);
    regions
}

fn part(pieces: Vec<Piece>, depth: usize, regions: &mut Vec<Vec<Piece>>) {
    if depth == DEPTH_MAX || pieces.len() > PIECES_MAX {
        regions.push(pieces);
        return;
    }
    if let Some(gutter) = tallest(&pieces) {
        for region in beside(pieces, &gutter) {
            part(region, depth + 1, regions);
        }
        return;
    }
    let mut bands = bands(pieces);
    if bands.len() < 2 {
        regions.append(&mut bands);
        return;
    }
    for band in bands {
        part(band, depth + 1, regions);
    }
}

/// What is above `gutter`, its columns in reading order, and what is below.
fn beside(pieces: Vec<Piece>, gutter: &Gutter) -> [Vec<Piece>; 4] {
    let (mut above, mut left, mut right, mut below) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let region = match piece.middle {
            middle if middle < gutter.top => &mut above,
            middle if middle > gutter.bottom => &mut below,
            _ if piece.left < gutter.at => &mut left,
            _ => &mut right,
        };
        region.push(piece);
    }
    if is_from_the_right(left.iter().chain(&right).flat_map(Piece::texts)) {
        return [above, right, left, below];
    }
    [above, left, right, below]
}

/// `pieces` from top to bottom, cut where there is room between lines.
fn bands(mut pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let room = BAND_GAP * median(pieces.iter().map(|piece| piece.size));
    pieces.sort_by(|a, b| (a.middle - a.size / 2.0).total_cmp(&(b.middle - b.size / 2.0)));
    let mut bands: Vec<Vec<Piece>> = Vec::new();
    let mut bottom = f64::NEG_INFINITY;
    for piece in pieces {
        let (upper, lower) = (piece.middle - piece.size / 2.0, piece.middle + piece.size / 2.0);
        match bands.last_mut() {
            Some(band) if upper - bottom < room => band.push(piece),
            _ => bands.push(vec![piece]),
        }
        bottom = bottom.max(lower);
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::super::frames::frames;
    use super::super::glyph::Glyph;
    use super::super::pieces::pieces;
    use super::super::rows::{Word, rows, words};
    use super::super::sample::{SIZE, typed};
    use super::*;

    const PROSE: &str = "of lines that fill their columns";

    fn line(text: &str, x: f64, row: u32) -> Vec<Glyph> {
        typed(text, x, 100.0 + f64::from(row) * SIZE * 1.2)
    }

    /// The first word of each piece, a region a list.
    fn read(drawn: &[Vec<Glyph>]) -> Vec<Vec<String>> {
        let text = |word: &Word| word.iter().map(|glyph| glyph.text.as_str()).collect::<String>();
        let first = |piece: Piece| text(&words(vec![piece])[0]);
        let frame = frames(pieces(drawn.concat())).remove(0);
        let regions = regions(frame).into_iter().filter(|region| !region.is_empty());
        regions.map(|region| rows(region).into_iter().flatten().map(first).collect()).collect()
    }

    #[test]
    fn columns_of_prose_are_read_one_after_the_other() {
        let rows = (0..4).flat_map(|row| {
            [line(&format!("L{row} {PROSE}"), 0.0, row), line(&format!("R{row} {PROSE}"), 320.0, row)]
        });
        assert_eq!(read(&rows.collect::<Vec<_>>()), [["L0", "L1", "L2", "L3"], ["R0", "R1", "R2", "R3"]]);
    }

    #[test]
    fn columns_of_short_lines_are_told_by_how_they_are_drawn() {
        let left = (0..3).map(|row| line(&format!("l{row}"), 0.0, row));
        let right = (0..5).map(|row| line(&format!("r{row}"), 320.0, row));
        let expected = [vec!["l0", "l1", "l2"], vec!["r0", "r1", "r2", "r3", "r4"]];
        assert_eq!(read(&left.chain(right).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn three_columns_stand_between_what_crosses_them() {
        let wide =
            "crosses all the columns of the page, whichever their number may be, from the left to the right";
        let mut drawn = vec![line(&format!("Title {wide}"), 0.0, 0)];
        drawn.extend((2..6).flat_map(|row| {
            ["A", "B", "C"]
                .into_iter()
                .zip([0.0, 320.0, 640.0])
                .map(move |(column, x)| line(&format!("{column}{row} {PROSE}"), x, row))
        }));
        drawn.push(line(&format!("Foot {wide}"), 0.0, 8));
        let columns =
            ["A", "B", "C"].map(|column| (2..6).map(|row| format!("{column}{row}")).collect::<Vec<_>>());
        let [a, b, c] = columns;
        assert_eq!(read(&drawn), [vec!["Title".to_owned()], a, b, c, vec!["Foot".to_owned()]]);
    }

    #[test]
    fn a_column_that_is_longer_stays_whole() {
        let left = (0..9).map(|row| line(&format!("L{row} {PROSE}"), 0.0, row));
        let right = (0..4).map(|row| line(&format!("R{row} {PROSE}"), 320.0, row));
        let mut drawn: Vec<_> = left
            .zip(right.map(Some).chain(std::iter::repeat(None)))
            .flat_map(|(l, r)| [Some(l), r])
            .flatten()
            .collect();
        drawn.push(line("Below", 0.0, 14));
        let regions = read(&drawn);
        assert_eq!(regions.iter().map(Vec::len).collect::<Vec<_>>(), [9, 4, 1], "{regions:?}");
    }

    #[test]
    fn rows_of_a_table_stay_whole() {
        let names = ["Alexander", "Bo", "Catherine of Aragon", "Dee", "Eleonora"];
        let towns =
            ["a very long street in Vienna", "Rome", "Reykjavik, Iceland", "Oslo", "a street in Bern"];
        let rows = (0..5).flat_map(|row| {
            let at = row as usize;
            [line(names[at], 0.0, row), line(towns[at], 250.0, row), line("12.50", 500.0, row)]
        });
        let expected = [
            "Alexander",
            "a",
            "12.50",
            "Bo",
            "Rome",
            "12.50",
            "Catherine",
            "Reykjavik,",
            "12.50",
            "Dee",
            "Oslo",
            "12.50",
            "Eleonora",
            "a",
            "12.50",
        ];
        assert_eq!(read(&rows.collect::<Vec<_>>()).concat(), expected);
    }

    #[test]
    fn codes_of_one_length_are_no_prose() {
        let rows = (0..6).flat_map(|row| {
            let code = format!("{row}b1e-45f0 9213-77a1 0042-8812 55");
            [line(&code, 0.0, row), line(&code, 320.0, row)]
        });
        let regions = read(&rows.collect::<Vec<_>>());
        assert_eq!(regions.len(), 1, "{regions:?}");
    }

    #[test]
    fn cells_of_several_lines_are_read_cell_by_cell_in_their_row() {
        let cell = |name: &str, x: f64, row: u32| {
            [line(&format!("{name}1 {PROSE}"), x, row), line(&format!("{name}2 {PROSE}"), x, row + 1)]
        };
        let rows = [0, 3, 6].into_iter().flat_map(|row| {
            [cell(&format!("a{row}"), 0.0, row), cell(&format!("b{row}"), 320.0, row)].concat()
        });
        let expected = [0, 3, 6]
            .map(|row| [format!("a{row}1"), format!("a{row}2"), format!("b{row}1"), format!("b{row}2")]);
        assert_eq!(read(&rows.collect::<Vec<_>>()).concat(), expected.concat());
    }

    #[test]
    fn prose_in_the_cells_of_a_table_is_read_row_by_row() {
        let cell = |name: String, x: f64, row: u32| {
            (0..3).map(move |at| line(&format!("{name}{at} {PROSE}"), x, row + at)).collect::<Vec<_>>()
        };
        let rows = (0..4).flat_map(|row| {
            [cell(format!("a{row}"), 0.0, 4 * row + 2), cell(format!("b{row}"), 320.0, 4 * row + 2)].concat()
        });
        let mut drawn = vec![line("Heading", 0.0, 0)];
        drawn.extend(rows);
        let names = (0..4).flat_map(|row| [format!("a{row}"), format!("b{row}")]);
        let mut expected = vec!["Heading".to_owned()];
        expected.extend(names.flat_map(|name| (0..3).map(move |at| format!("{name}{at}"))));
        assert_eq!(read(&drawn).concat(), expected);
    }

    #[test]
    fn two_rows_of_a_table_are_enough_to_pause_together() {
        let cell = |name: &str, x: f64, rows: std::ops::Range<u32>| {
            rows.map(|row| line(&format!("{name} {PROSE}"), x, row)).collect::<Vec<_>>()
        };
        let rows =
            [cell("a", 0.0, 0..3), cell("b", 320.0, 0..4), cell("c", 0.0, 5..8), cell("d", 320.0, 5..9)];
        assert_eq!(read(&rows.concat()).concat().join(""), "aaabbbbcccdddd");
    }

    #[test]
    fn long_cells_with_room_around_them_are_no_prose() {
        let rows = (0..8).flat_map(|row| {
            [line(&format!("A{row} {PROSE}"), 0.0, 2 * row), line(&format!("B{row} {PROSE}"), 320.0, 2 * row)]
        });
        let expected: Vec<String> = (0..8).flat_map(|row| [format!("A{row}"), format!("B{row}")]).collect();
        assert_eq!(read(&rows.collect::<Vec<_>>()).concat(), expected);
    }

    #[test]
    fn a_heading_within_a_column_does_not_end_it() {
        let left = (0..12).filter(|row| *row != 4 && *row != 6);
        let left = left.map(|row| line(&format!("L{row} {PROSE}"), 0.0, row));
        let right = (0..3).map(|row| line(&format!("R{row} {PROSE}"), 320.0, row));
        let last = read(&left.chain(right).collect::<Vec<_>>()).concat().split_off(10);
        assert_eq!(last, ["R0", "R1", "R2"]);
    }

    #[test]
    fn columns_written_from_the_right_are_read_from_the_right() {
        let hebrew = "מילים שכתובות מימין לשמאל בטור";
        let rows = (0..4).flat_map(|row| [line(hebrew, 0.0, row), line(&format!("{hebrew}!"), 320.0, row)]);
        let frame = frames(pieces(rows.collect::<Vec<_>>().concat())).remove(0);
        let lefts: Vec<f64> = regions(frame).iter().filter_map(|region| Some(region.first()?.left)).collect();
        assert_eq!(lefts, [320.0, 0.0]);
    }

    #[test]
    fn a_region_that_is_too_deep_is_not_parted_again() {
        let rows = (0..4).flat_map(|row| [line(PROSE, 0.0, row), line(PROSE, 320.0, row)]);
        let frame = frames(pieces(rows.collect::<Vec<_>>().concat())).remove(0);
        let parted = |depth| {
            let mut regions = Vec::new();
            part(frame.clone(), depth, &mut regions);
            regions.iter().filter(|region| !region.is_empty()).count()
        };
        assert_eq!((parted(DEPTH_MAX - 1), parted(DEPTH_MAX)), (2, 1));
    }

    #[test]
    fn a_page_of_too_many_pieces_is_read_line_by_line() {
        let many = (0..PIECES_MAX + 1).map(|order| Piece {
            glyphs: typed("x", 0.0, 0.0),
            order,
            left: (order % 2) as f64 * 900.0,
            right: (order % 2) as f64 * 900.0 + 300.0,
            middle: (order / 2) as f64,
            size: SIZE,
        });
        assert_eq!(regions(many.collect()).len(), 1);
    }
}
