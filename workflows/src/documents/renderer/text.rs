//! The text a PDF page carries, in the order in which people read it, with
//! where it stands on the page image.
//!
//! The order of drawing is the file's own affair, so where letters stand decides.
//! The map: `strings` and `letters` (what is said), `glyph` (and where), `actual`
//! and `structure` (what is stated in place of what is drawn), `drawn` (all of a
//! page), `repeats` (said twice), `cjk` (ideographs in columns), `pieces` (letters that
//! follow each other), `frames`
//! (directions of writing), `evidence`, `gutter` and `columns` (regions), `rows`
//! (lines and words), `rtl` and `bidi` (what is read from the right).

mod actual;
mod bidi;
mod cjk;
mod columns;
mod drawn;
mod evidence;
mod frames;
mod glyph;
mod gutter;
mod letters;
mod pieces;
mod repeats;
mod rows;
mod rtl;
#[cfg(test)]
mod sample;
mod strings;
mod structure;

use hayro::hayro_interpret::hayro_syntax::page::Page;
use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use hayro::kurbo::{Affine, Rect};

use super::protocol::{TextLine, TextWord};
use frames::Piece;
use glyph::Glyph;
use rows::Word;

/// Lines of text drawn on `page`, in reading order, boxes in pixels of an image
/// of `size` that was rendered at `scale` pixels a point.
pub(super) fn layer(page: &Page<'_>, size: (u32, u32), scale: (f32, f32)) -> Vec<TextLine> {
    drawn_lines(page, size, scale, false)
}

/// The same of what can be seen: an earlier recognition may have laid text over the
/// page that can't.
pub(super) fn seen(page: &Page<'_>, size: (u32, u32), scale: (f32, f32)) -> Vec<TextLine> {
    drawn_lines(page, size, scale, true)
}

fn drawn_lines(page: &Page<'_>, size: (u32, u32), scale: (f32, f32), only_seen: bool) -> Vec<TextLine> {
    let target = Rect::new(0.0, 0.0, f64::from(size.0), f64::from(size.1));
    let transform = Affine::scale_non_uniform(f64::from(scale.0), f64::from(scale.1))
        * page.initial_transform(true).to_kurbo();
    let cache = InterpreterCache::new();
    let mut context = Context::new(transform, target, &cache, page.xref(), InterpreterSettings::default());
    let mut listener = drawn::Listener::new(structure::Structure::of(page), only_seen);
    interpret_page(page, &mut context, &mut listener);
    lines(listener.finish(), target)
}

/// The lines that `glyphs` make, and what can be seen of them on `target`.
fn lines(glyphs: Vec<Glyph>, target: Rect) -> Vec<TextLine> {
    let mut pieces = pieces::pieces(cjk::stood_up(repeats::without_repeats(glyphs)));
    pieces.retain(|piece| piece.iter().any(|glyph| is_seen(glyph.bounds.intersect(target))));
    let lines = frames::frames(pieces)
        .into_iter()
        .flat_map(frame_lines)
        .map(|words| TextLine { words: words.into_iter().filter_map(|word| boxed(word, target)).collect() });
    lines.filter(|line| !line.words.is_empty()).collect()
}

/// The words of each line of what is written in one direction.
fn frame_lines(frame: Vec<Piece>) -> Vec<Vec<Word>> {
    let is_from_the_right = rtl::is_from_the_right(frame.iter().flat_map(Piece::texts));
    let rows = columns::regions(frame).into_iter().flat_map(rows::rows);
    rows.map(|row| bidi::as_read(rows::words(row), is_from_the_right)).collect()
}

fn is_seen(bounds: Rect) -> bool {
    bounds.width() > 0.0 && bounds.height() > 0.0
}

/// The word with the part of its box that lies on `target`; None where there is
/// no such part.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the box lies on the page image")]
fn boxed(word: Word, target: Rect) -> Option<TextWord> {
    let bounds = word.iter().map(|glyph| glyph.bounds).reduce(|all, one| all.union(one))?;
    let seen = bounds.intersect(target);
    let (left, top) = (seen.x0.floor() as u32, seen.y0.floor() as u32);
    is_seen(seen).then(|| TextWord {
        text: word.into_iter().map(|glyph| glyph.text).collect(),
        left,
        top,
        width: (seen.x1.ceil() as u32).saturating_sub(left).max(1),
        height: (seen.y1.ceil() as u32).saturating_sub(top).max(1),
    })
}

#[cfg(test)]
mod tests {
    use hayro::kurbo::Vec2;

    use super::sample::{typed, typed_along};
    use super::*;

    const PAGE: Rect = Rect::new(0.0, 0.0, 1000.0, 1000.0);

    fn texts(glyphs: Vec<Glyph>) -> Vec<String> {
        let text =
            |line: &TextLine| line.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        lines(glyphs, PAGE).iter().map(text).collect()
    }

    #[test]
    fn text_of_any_direction_is_words() {
        for degrees in (0..360).step_by(15) {
            let turn = f64::from(degrees).to_radians();
            let (along, across) = (Vec2::from_angle(turn), Vec2::from_angle(turn).turn_90());
            let start = |row: f64| {
                let start = Vec2::new(500.0, 500.0) + across * (row * 30.0);
                (start.x, start.y)
            };
            let drawn =
                [typed_along("second line", start(1.0), along), typed_along("the first", start(0.0), along)];
            assert_eq!(texts(drawn.concat()), ["the first", "second line"], "{degrees} degrees");
        }
    }

    #[test]
    fn text_in_a_mirror_is_read_from_its_top_and_apart_from_what_is_turned() {
        let mirrored = |text: &str, y: f64| {
            let glyphs = typed_along(text, (900.0, y), Vec2::new(-1.0, 0.0)).into_iter();
            glyphs.map(|glyph| Glyph { mirrored: true, ..glyph }).collect::<Vec<_>>()
        };
        let turned = typed_along("upside down", (900.0, 190.0), Vec2::new(-1.0, 0.0));
        let drawn = [mirrored("the second line", 130.0), mirrored("a first line", 100.0), turned];
        assert_eq!(texts(drawn.concat()), ["a first line", "the second line", "upside down"]);
    }

    #[test]
    fn lines_of_a_page_that_lies_askew_stay_whole() {
        let along = Vec2::from_angle(0.03);
        let across = along.turn_90();
        let cell = |row: f64, column: f64, text: &str| {
            let start = Vec2::new(50.0, 50.0) + across * (row * 24.0) + along * (column * 300.0);
            typed_along(text, (start.x, start.y), along)
        };
        let drawn =
            [cell(0.0, 2.0, "5.00"), cell(0.0, 0.0, "one"), cell(1.0, 0.0, "two"), cell(1.0, 2.0, "7.50")];
        assert_eq!(texts(drawn.concat()), ["one 5.00", "two 7.50"]);
    }

    #[test]
    fn what_is_off_the_page_is_not_read() {
        let drawn = [typed("off", 0.0, -500.0), typed("edge", 984.0, 100.0), typed("on", 10.0, 200.0)];
        assert_eq!(texts(drawn.concat()), ["edge", "on"]);
        let edge = &lines(typed("edge", 984.0, 100.0), PAGE)[0].words[0];
        assert_eq!((edge.left, edge.width), (984, 16));
    }
}
