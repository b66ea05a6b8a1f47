//! Pages as they are printed.

use ink::Area;

use crate::page::{Sheet, shape};

/// Two paragraphs: lines of 3 and 2 words, then of 1 and 4.
fn letter() -> Sheet {
    let mut sheet = Sheet::blank(1240, 1754);
    sheet.print(100, 200, &[5, 3, 8]);
    sheet.print(100, 228, &[4, 4]);
    sheet.print(100, 290, &[12]);
    sheet.print(100, 318, &[1, 2, 3, 4]);
    sheet
}

#[test]
fn lines_words_and_paragraphs_are_told_apart() {
    let page = letter().measured().expect("there is ink");
    assert_eq!(shape(&page), [vec![3, 2], vec![1, 4]]);
    assert_eq!((page.line_count(), page.cut), (4, false));
}

#[test]
fn boxes_fit_the_ink() {
    let page = letter().measured().expect("there is ink");
    let line = &page.paragraphs[0][0];
    assert_eq!(line.words[0].bounds, Area { x: 100, y: 200, width: 38, height: 20 });
    assert_eq!(line.words[1].bounds, Area { x: 150, y: 200, width: 22, height: 20 });
    assert_eq!(line.bounds, Area { x: 100, y: 200, width: 146, height: 20 });
}

#[test]
fn the_same_ink_has_the_same_fingerprint_and_other_ink_has_not() {
    let page = letter().measured().expect("there is ink");
    let second = &page.paragraphs[0][1].words;
    assert_eq!(second[0].fingerprint, second[1].fingerprint);
    assert_ne!(second[0].fingerprint, page.paragraphs[0][0].words[0].fingerprint);
}

#[test]
fn light_print_on_dark_paper_reads_the_same() {
    assert_eq!(letter().inverted().measured(), letter().measured());
}

#[test]
fn columns_are_read_one_after_the_other() {
    let mut sheet = Sheet::blank(1240, 1754);
    for at in 0..40 {
        sheet.print(100, 300 + at * 28, &[10, 10, 10, 10]);
        sheet.print(700, 300 + at * 28, &[20, 20]);
    }
    let page = sheet.measured().expect("there is ink");
    assert_eq!(shape(&page), [vec![4; 40], vec![2; 40]]);
}

#[test]
fn a_heading_over_columns_comes_first() {
    let mut sheet = Sheet::blank(1240, 1754);
    sheet.print(100, 200, &[60, 60]);
    for at in 0..20 {
        sheet.print(100, 300 + at * 28, &[10, 10, 10, 10]);
        sheet.print(700, 300 + at * 28, &[20, 20]);
    }
    let page = sheet.measured().expect("there is ink");
    assert_eq!(shape(&page), [vec![2], vec![4; 20], vec![2; 20]]);
}

#[test]
fn a_dot_over_a_letter_is_part_of_its_line() {
    let mut sheet = Sheet::blank(1240, 1754);
    for at in 0..3 {
        sheet.print(100, 300 + at * 34, &[6, 6]);
        sheet.rect(Area { x: 116, y: 294 + at * 34, width: 6, height: 4 });
    }
    let page = sheet.measured().expect("there is ink");
    assert_eq!(shape(&page), [vec![2; 3]]);
    assert_eq!(page.paragraphs[0][0].bounds.y, 294);
}
