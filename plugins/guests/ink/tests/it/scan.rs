//! Pages as they are scanned.

use ink::Area;
use ink::print::{Frame, Grey, Ink, Print, Slope, Strip, Turn};

use crate::page::Sheet;

/// A page as a scanner gives it: askew, under uneven light, with noise that is the
/// same each time.
fn scanned(sheet: &Sheet, tangent: f32) -> Grey {
    let (mut luma, mut noise) = (Vec::with_capacity(sheet.luma.len()), 1u32);
    for y in 0..sheet.height {
        for x in 0..sheet.width {
            let (from_x, from_y) = (x as f32 + y as f32 * tangent, y as f32 - x as f32 * tangent);
            let inside =
                from_x >= 0.0 && from_y >= 0.0 && from_x < sheet.width as f32 && from_y < sheet.height as f32;
            let at = from_y as usize * sheet.width as usize + from_x as usize;
            let level = if inside { f32::from(sheet.luma[at]) } else { 255.0 };
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 24) as f32 / 16.0 - 8.0;
            let shade = 0.55 + 0.4 * x as f32 / sheet.width as f32;
            luma.push((level * 0.8 + 40.0 + grain).mul_add(shade, 0.0).clamp(0.0, 255.0) as u8);
        }
    }
    Grey::new(sheet.width, sheet.height, luma).expect("it fits")
}

fn print(sheet: &Sheet) -> Print {
    Ink::of(&scanned(sheet, 0.0)).print()
}

/// Where each stretch of each row of each region begins, to the nearest hundred.
fn places(print: &Print) -> Vec<Vec<Vec<(i32, i32)>>> {
    let hundreds = |at: f32| (at / 100.0).round() as i32;
    let row = |row: &Vec<ink::print::Stretch>| {
        row.iter().map(|stretch| (hundreds(stretch.ink.left), hundreds(stretch.ink.top))).collect()
    };
    print.regions.iter().map(|region| region.iter().map(row).collect()).collect()
}

/// Lines of print down the page from `y` on.
fn column(sheet: &mut Sheet, x: u32, y: u32, lines: u32, words: &[u32]) {
    (0..lines).for_each(|line| sheet.print(x, y + line * 40, words));
}

#[test]
fn lines_are_found_under_uneven_light() {
    let mut sheet = Sheet::blank(1240, 1754);
    column(&mut sheet, 100, 200, 20, &[10, 10, 10, 10, 10, 10, 10]);
    let print = print(&sheet);
    assert!(!print.cut);
    assert_eq!(print.regions.len(), 1);
    assert_eq!(print.regions[0].len(), 20);
    for (line, row) in (0u8..).zip(&print.regions[0]) {
        let [stretch] = row.as_slice() else { panic!("a line is one stretch: {row:?}") };
        let top = 200.0 + 40.0 * f32::from(line);
        let Frame { left, top: found, right, bottom } = stretch.ink;
        assert!((left - 100.0).abs() < 2.0 && (right - 718.0).abs() < 2.0, "{stretch:?}");
        assert!((found - top).abs() < 2.0 && (bottom - top - 20.0).abs() < 2.0, "{stretch:?}");
        assert_eq!(stretch.glyphs, 70);
    }
}

#[test]
fn lines_askew_are_straightened() {
    let mut sheet = Sheet::blank(1240, 1754);
    column(&mut sheet, 200, 200, 30, &[10, 10, 10, 10, 10, 10, 10, 10]);
    for tangent in [-0.08_f32, -0.03, 0.004, 0.05, 0.085] {
        let print = Ink::of(&scanned(&sheet, tangent)).print();
        assert!((print.slope.tangent() - tangent).abs() < 0.0015, "{tangent}: {}", print.slope.tangent());
        let lines: usize = print.regions.iter().map(Vec::len).sum();
        assert!((28..=30).contains(&lines), "{tangent}: {lines}");
        let straight = print.regions.iter().flatten().filter(|row| row.len() == 1).count();
        assert!(straight >= 28, "{tangent}: {straight}");
    }
}

#[test]
fn small_and_large_type_stand_on_one_page() {
    let mut sheet = Sheet::blank(1240, 1754);
    for at in 0..8 {
        sheet.rect(Area { x: 100 + at * 60, y: 100, width: 40, height: 100 });
    }
    for line in 0..10 {
        for at in 0..100 {
            sheet.rect(Area { x: 100 + at * 7, y: 300 + line * 16, width: 4, height: 7 });
        }
    }
    let print = print(&sheet);
    let heights: Vec<f32> =
        print.regions.iter().flatten().flatten().map(|stretch| stretch.ink.height().round()).collect();
    assert_eq!(heights, [&[100.0][..], &[7.0; 10]].concat());
}

#[test]
fn columns_are_read_one_after_the_other_and_a_heading_first() {
    let mut sheet = Sheet::blank(1240, 1754);
    sheet.print(100, 200, &[10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
    column(&mut sheet, 100, 300, 10, &[10, 10, 10, 10, 10]);
    column(&mut sheet, 700, 300, 10, &[10, 10, 10, 10, 10]);
    let places = places(&print(&sheet));
    assert_eq!(places.len(), 3, "{places:?}");
    assert_eq!(places[0], [[(1, 2)]]);
    assert!(places[1].len() == 10 && places[1].iter().flatten().all(|place| place.0 == 1), "{places:?}");
    assert!(places[2].len() == 10 && places[2].iter().flatten().all(|place| place.0 == 7), "{places:?}");
}

#[test]
fn cells_of_a_table_are_read_row_by_row_and_its_rules_are_none() {
    let mut sheet = Sheet::blank(1240, 1754);
    for row in 0..6 {
        sheet.rect(Area { x: 80, y: 290 + row * 50, width: 1000, height: 3 });
        sheet.print(100, 310 + row * 50, &[10]);
        sheet.print(500, 310 + row * 50, &[3]);
        sheet.print(900, 310 + row * 50, &[2]);
    }
    sheet.rect(Area { x: 80, y: 290, width: 3, height: 260 });
    let print = print(&sheet);
    let places: Vec<Vec<i32>> =
        places(&print).concat().iter().map(|row| row.iter().map(|place| place.0).collect()).collect();
    assert_eq!(places, vec![vec![1, 5, 9]; 6]);
}

#[test]
fn a_short_stretch_is_as_high_as_its_row() {
    let mut sheet = Sheet::blank(1240, 1754);
    sheet.print(100, 300, &[10, 10]);
    sheet.rect(Area { x: 600, y: 308, width: 20, height: 8 });
    sheet.rect(Area { x: 630, y: 308, width: 20, height: 8 });
    sheet.print(100, 340, &[10, 10, 10]);
    let print = print(&sheet);
    let row = &print.regions[0][0];
    let last = row.last().expect("there is one");
    assert!(last.ink.height() < 12.0 && last.line.height() >= 18.0, "{row:?}");
}

#[test]
fn which_way_lines_run_is_told() {
    let mut sheet = Sheet::blank(1240, 1754);
    for line in 0..30 {
        // Letters of print do not stand under each other.
        sheet.print(100 + line * 5 % 8, 200 + line * 40, &[10, 7 + line % 4, 10, 10, 10, 10, 10]);
    }
    let page = scanned(&sheet, 0.02);
    assert!(Ink::of(&page).uprightness() > 1.5);
    assert!(Ink::of(&page.turned(Turn::Half)).uprightness() > 1.5);
    assert!(Ink::of(&page.turned(Turn::Right)).uprightness() < 1.0 / 1.5);
    assert!(Ink::of(&page.turned(Turn::Left)).uprightness() < 1.0 / 1.5);
}

#[test]
fn a_place_of_a_turned_page_is_found_on_the_page() {
    let luma: Vec<u8> = (0..12).collect();
    let page = Grey::new(4, 3, luma).expect("it fits");
    for turn in Turn::ALL {
        let turned = page.turned(turn);
        let strip = |grey: &Grey, x: f32, y: f32| {
            let frame = Frame { left: x, top: y, right: x + 1.0, bottom: y + 1.0 };
            Strip::cut(grey, Slope::of_tangent(0.0), &frame, 1, 1).levels[0]
        };
        for (x, y) in [(0.0, 0.0), (2.0, 1.0), (1.0, 2.0)] {
            let (a, b) = (turn.back((x, y), (4, 3)), turn.back((x + 1.0, y + 1.0), (4, 3)));
            let (left, top) = (a.0.min(b.0), a.1.min(b.1));
            assert_eq!(strip(&turned, x, y), strip(&page, left, top), "{turn:?} {x} {y}");
        }
    }
}

#[test]
fn a_line_is_cut_out_straight_and_at_the_height_asked_for() {
    let mut sheet = Sheet::blank(600, 400);
    sheet.print(100, 200, &[20, 20]);
    let page = scanned(&sheet, 0.04);
    let print = Ink::of(&page).print();
    let stretch = print.regions[0][0][0];
    let strip = Strip::cut(&page, print.slope, &stretch.ink, 10, 1_000);
    assert_eq!((strip.height, strip.levels.len()), (10, strip.width * 10));
    let width = stretch.ink.width() * 10.0 / stretch.ink.height();
    assert!((strip.width as f32 - width).abs() <= 0.5, "{} {width}", strip.width);
    // Strokes are in every row, so each row is as dark as the others.
    let mean = |row: &[f32]| row.iter().sum::<f32>() / row.len() as f32;
    let rows: Vec<f32> = strip.levels.chunks(strip.width).map(mean).collect();
    let (low, high) =
        (rows[1..9].iter().copied().fold(f32::MAX, f32::min), rows[1..9].iter().copied().fold(0.0, f32::max));
    assert!(high - low < 25.0, "{rows:?}");
}

#[test]
fn an_empty_page_has_no_lines() {
    for luma in [vec![255; 300 * 200], vec![0; 300 * 200], vec![90; 300 * 200]] {
        let ink = Ink::of(&Grey::new(300, 200, luma).expect("it fits"));
        assert!(ink.print().regions.is_empty());
    }
    assert!(Ink::of(&scanned(&Sheet::blank(1240, 1754), 0.0)).print().regions.is_empty());
    assert!(Grey::new(2, 2, vec![0; 3]).is_none() && Grey::new(0, 0, Vec::new()).is_none());
}

#[test]
fn noise_ends_within_its_bounds() {
    let side = 2_600u32;
    let board =
        (0..side).flat_map(|y| (0..side).map(move |x| if (x / 2 + y / 2) % 2 == 0 { 0 } else { 255 }));
    let ink = Ink::of(&Grey::new(side, side, board.collect()).expect("it fits"));
    ink.print();
    let mut specks = Sheet::blank(2_600, 2_600);
    for at in 0..60_000u32 {
        specks.rect(Area { x: at % 250 * 10, y: at / 250 * 10, width: 4, height: 4 });
    }
    let print = Ink::of(&Grey::new(2_600, 2_600, specks.luma).expect("it fits")).print();
    assert!(print.regions.iter().flatten().flatten().count() <= ink::print::STRETCHES_MAX);
}
