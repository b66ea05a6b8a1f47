//! Pages nobody prints.

use ink::{Area, Ink, WORDS_MAX, paragraphs};

use crate::page::{Sheet, shape};

#[test]
fn a_page_of_one_shade_has_no_ink() {
    for level in [0, 128, 255] {
        assert!(Ink::of(1240, 1754, &vec![level; 1240 * 1754]).is_none());
    }
    assert!(Ink::of(1, 1, &[0]).is_none());
}

#[test]
fn the_noise_of_an_empty_scan_is_no_ink() {
    let luma: Vec<u8> = noise().take(300 * 300).map(|level| 235 + level % 20).collect();
    assert!(Ink::of(300, 300, &luma).is_none());
}

#[test]
fn a_size_that_does_not_fit_has_no_ink() {
    assert!(Ink::of(10, 10, &[0; 99]).is_none());
    assert!(Ink::of(0, 0, &[]).is_none());
    assert!(Ink::of(u32::MAX, u32::MAX, &[0, 255]).is_none());
}

#[test]
fn specks_are_no_words() {
    let mut sheet = Sheet::blank(200, 200);
    sheet.print(20, 100, &[3]);
    for at in (5..195).step_by(6) {
        sheet.rect(Area { x: at, y: 40, width: 1, height: 1 });
    }
    assert_eq!(shape(&sheet.measured().expect("there is ink")), [vec![1]]);
}

#[test]
fn dust_on_the_glass_is_no_line() {
    let mut sheet = Sheet::blank(200, 200);
    sheet.print(20, 100, &[3]);
    for y in [20, 60, 170] {
        sheet.rect(Area { x: 150, y, width: 3, height: 3 });
    }
    assert_eq!(shape(&sheet.measured().expect("there is ink")), [vec![1]]);
}

#[test]
fn ink_at_the_edges_stays_on_the_page() {
    let mut sheet = Sheet::blank(90, 60);
    sheet.rect(Area { x: 0, y: 0, width: 90, height: 2 });
    sheet.rect(Area { x: 0, y: 58, width: 90, height: 2 });
    let page = sheet.measured().expect("there is ink");
    for line in page.paragraphs.iter().flatten() {
        assert!(line.bounds.right() <= 90 && line.bounds.bottom() <= 60);
    }
    assert_eq!(page.line_count(), 2);
}

#[test]
fn a_page_one_pixel_wide_is_measured() {
    let mut sheet = Sheet::blank(1, 2000);
    sheet.rect(Area { x: 0, y: 500, width: 1, height: 40 });
    assert_eq!(shape(&sheet.measured().expect("there is ink")), [vec![1]]);
}

#[test]
fn more_pieces_than_the_bound_are_cut_and_said_to_be() {
    let mut sheet = Sheet::blank(1600, 1600);
    for y in (0..1600).step_by(10) {
        for x in (0..1600).step_by(10) {
            sheet.rect(Area { x, y, width: 4, height: 4 });
        }
    }
    let page = sheet.measured().expect("there is ink");
    let words: usize = page.paragraphs.iter().flatten().map(|line| line.words.len()).sum();
    assert_eq!((words, page.cut), (WORDS_MAX, true));
}

#[test]
fn noise_ends_within_the_bound() {
    let luma: Vec<u8> = noise().take(1000 * 1000).collect();
    let page = ink::Page::of(&Ink::of(1000, 1000, &luma).expect("noise has contrast"));
    assert!(page.paragraphs.iter().flatten().map(|line| line.words.len()).sum::<usize>() <= WORDS_MAX);
}

#[test]
fn lines_without_boxes_are_one_group() {
    assert_eq!(paragraphs(&[]), []);
    assert_eq!(paragraphs(&[None, None, None]), vec![0..3]);
}

#[test]
fn a_gap_of_two_lines_ends_a_group_even_among_two() {
    let line = |y| Some(ink::Area { x: 10, y, width: 500, height: 20 });
    assert_eq!(paragraphs(&[line(100), line(161)]), [0..1, 1..2]);
    assert_eq!(paragraphs(&[line(100), line(124), line(200)]), [0..2, 2..3]);
}

/// Marsaglia's xorshift, the same at every run.
fn noise() -> impl Iterator<Item = u8> {
    let mut state = 0x2545_f491_u32;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    })
}
