//! A page that is turned and straightened for an engine that asks for upright pages
//! (`page-upright`), and the way back for what the engine finds.

use ink::print::{Frame, Grey, Ink, Print, Slope, Stretch, Strip, Turn};
use untxt_plugins::{Corners, PageText, Point, Rect};

use crate::documents::renderer::{Pixels, RenderedPage, TextWord};

/// Of a page of light print on dark paper, half of the pixels are darker than this.
const DARK_PAPER: u8 = 96;

/// How much sharper the profile of lines from top to bottom has to be than that of
/// lines from left to right where a page is taken to lie on its side.
const SIDEWAYS: f64 = 1.5;

/// Pieces of ink in the lines that are looked at: words, not dust.
const GLYPHS_MIN: usize = 5;

/// Lines without which nothing is turned.
const LINES_MIN: usize = 3;

/// Lines that are looked at, the longest: more say the same.
const LINES_MAX: usize = 60;

/// How much more ink below the small letters than above them turns a page by 180
/// degrees. Print in Latin, Greek and Cyrillic letters has three times as much above.
const ON_ITS_HEAD: f32 = 1.5;

/// Lines that sink less than a pixel in 500 are straight enough.
const TANGENT_MIN: f32 = 0.002;

/// Rows of the picture of a line.
const STRIP_HEIGHT: usize = 32;

/// Columns of it: 60 times its height.
const STRIP_WIDTH_MAX: usize = 2_000;

/// How a page was turned and straightened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upright {
    turn: Turn,
    slope: Slope,
    /// Straight coordinates of the upper left corner of the upright page.
    origin: (f32, f32),
    /// Pixels of the page as it was given.
    given: (u32, u32),
}

/// Turns `page` upright, with its text layer. None, and the page as it is, where it
/// stands upright or nothing tells how it lies: its lines are too few, or their letters
/// have nothing above or below them.
pub(super) fn straighten(page: &mut RenderedPage) -> Option<Upright> {
    let grey = Grey::new(page.width, page.height, page.pixels.luma().into_owned())?;
    let paper = grey.median();
    let grey = if paper < DARK_PAPER { grey.inverted() } else { grey };
    let (turn, slope) = lie(&grey)?;
    let upright = Upright::new(turn, slope, (page.width, page.height))?;
    upright.apply(page, paper);
    Some(upright)
}

/// How far the page has to be turned, and the angle of its lines then.
fn lie(grey: &Grey) -> Option<(Turn, Slope)> {
    let ink = Ink::of(grey);
    let (turned, print);
    let (axis, grey) = if ink.uprightness() * SIDEWAYS < 1.0 {
        turned = grey.turned(Turn::Right);
        print = Ink::of(&turned).print();
        (Turn::Right, &turned)
    } else {
        print = ink.print();
        (Turn::None, grey)
    };
    let mut lines: Vec<&Stretch> = print.regions.iter().flatten().flatten().collect();
    lines.retain(|line| line.glyphs >= GLYPHS_MIN);
    if lines.len() < LINES_MIN {
        return None;
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.glyphs));
    lines.truncate(LINES_MAX);
    let turn = match (axis, is_on_its_head(grey, &print, &lines)) {
        (Turn::None, true) => Turn::Half,
        (Turn::Right, true) => Turn::Left,
        (turn, _) => turn,
    };
    Some((turn, print.slope))
}

/// Whether there is more ink below the small letters of these lines than above them.
fn is_on_its_head(grey: &Grey, print: &Print, lines: &[&Stretch]) -> bool {
    let (mut above, mut below) = (0.0, 0.0);
    for line in lines {
        let strip = Strip::cut(grey, print.slope, &line.ink, STRIP_HEIGHT, STRIP_WIDTH_MAX);
        let rows = rows_of_ink(&strip);
        let most = rows.iter().copied().fold(0.0, f32::max);
        let full = |row: &f32| *row >= most / 2.0;
        let (Some(top), Some(bottom)) = (rows.iter().position(full), rows.iter().rposition(full)) else {
            continue;
        };
        let all: f32 = rows.iter().sum();
        above += rows[..top].iter().sum::<f32>() / all.max(1.0);
        below += rows[bottom + 1..].iter().sum::<f32>() / all.max(1.0);
    }
    below > ON_ITS_HEAD * above
}

/// How dark each row is, against the paper of the strip.
fn rows_of_ink(strip: &Strip) -> Vec<f32> {
    let paper = strip.levels.iter().copied().fold(0.0, f32::max);
    let darkest = strip.levels.iter().copied().fold(paper, f32::min);
    let limit = f32::midpoint(paper, darkest);
    let inked = |level: &&f32| **level < limit;
    let row = |row: &[f32]| row.iter().filter(inked).map(|level| paper - level).sum();
    strip.levels.chunks_exact(strip.width).map(row).collect()
}

#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^24 pixels")]
impl Upright {
    /// None where nothing is to be done.
    fn new(turn: Turn, slope: Slope, given: (u32, u32)) -> Option<Self> {
        let is_straight = slope.tangent().abs() < TANGENT_MIN;
        if turn == Turn::None && is_straight {
            return None;
        }
        let slope = if is_straight { Slope::of_tangent(0.0) } else { slope };
        let mut upright = Self { turn, slope, origin: (0.0, 0.0), given };
        upright.origin = upright.frame().0;
        Some(upright)
    }

    /// Straight coordinates of the corners of a box around the whole page.
    fn frame(&self) -> ((f32, f32), (f32, f32)) {
        let (width, height) = (self.given.0 as f32, self.given.1 as f32);
        let corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
        let straight = corners.map(|corner| self.straight(self.turned(corner)));
        let fold = |start: f32, pick: fn(f32, f32) -> f32| {
            let all = straight.iter();
            all.fold((start, start), |found, at| (pick(found.0, at.0), pick(found.1, at.1)))
        };
        (fold(f32::MAX, f32::min), fold(f32::MIN, f32::max))
    }

    fn turned(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let (width, height) = (self.given.0 as f32, self.given.1 as f32);
        match self.turn {
            Turn::None => (x, y),
            Turn::Half => (width - x, height - y),
            Turn::Right => (height - y, x),
            Turn::Left => (y, width - x),
        }
    }

    fn straight(&self, place: (f32, f32)) -> (f32, f32) {
        Slope::of_tangent(-self.slope.tangent()).back(place)
    }

    /// A place of the page as it was given on the upright page.
    fn forth(&self, place: (f32, f32)) -> (f32, f32) {
        let (x, y) = self.straight(self.turned(place));
        (x - self.origin.0, y - self.origin.1)
    }

    /// A place of the upright page on the page as it was given.
    fn back(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let (x, y) = (x + self.origin.0, y + self.origin.1);
        self.turn.back(self.slope.back((x, y)), self.given)
    }

    /// Pixels of the upright page, which holds all of the page as it was given.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sides are small and positive"
    )]
    fn size(&self) -> (u32, u32) {
        let (from, to) = self.frame();
        // A hundredth of a pixel is an error of the arithmetic.
        let side = |from: f32, to: f32| ((to - from - 0.01).ceil() as u32).max(1);
        (side(from.0, to.0), side(from.1, to.1))
    }

    fn apply(&self, page: &mut RenderedPage, paper: u8) {
        let size = self.size();
        page.pixels = match &page.pixels {
            Pixels::Luma8(data) => Pixels::Luma8(self.pixels::<1>(data, size, paper)),
            Pixels::Rgb8(data) => Pixels::Rgb8(self.pixels::<3>(data, size, paper)),
        };
        (page.width, page.height) = size;
        page.text_layer.iter_mut().flat_map(|line| &mut line.words).for_each(|word| self.word(word, size));
    }

    /// The pixels between which each pixel of the upright page lies, mixed; paper
    /// beyond the page.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the page")]
    fn pixels<const CHANNELS: usize>(&self, data: &[u8], (width, height): (u32, u32), paper: u8) -> Vec<u8> {
        let (given_width, given_height) = (self.given.0 as usize, self.given.1 as usize);
        let (right, bottom) = (given_width as f32, given_height as f32);
        let mut made = Vec::with_capacity(width as usize * height as usize * CHANNELS);
        for y in 0..height {
            for x in 0..width {
                let (x, y) = self.back((x as f32 + 0.5, y as f32 + 0.5));
                if !(0.0..right).contains(&x) || !(0.0..bottom).contains(&y) {
                    made.extend_from_slice(&[paper; CHANNELS]);
                    continue;
                }
                let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
                let (left, top) = (x as usize, y as usize);
                let (along, down) = (x - left as f32, y - top as f32);
                let next = (left + 1).min(given_width - 1);
                let below = (top + 1).min(given_height - 1);
                for channel in 0..CHANNELS {
                    let level =
                        |x: usize, y: usize| f32::from(data[(y * given_width + x) * CHANNELS + channel]);
                    let upper = level(left, top) + (level(next, top) - level(left, top)) * along;
                    let lower = level(left, below) + (level(next, below) - level(left, below)) * along;
                    made.push((upper + (lower - upper) * down).round() as u8);
                }
            }
        }
        made
    }

    fn word(&self, word: &mut TextWord, size: (u32, u32)) {
        let frame = Frame {
            left: word.left as f32,
            top: word.top as f32,
            right: word.left.saturating_add(word.width) as f32,
            bottom: word.top.saturating_add(word.height) as f32,
        };
        let corners = corners(&frame).map(|corner| point(self.forth(corner), size));
        if let Some(Rect { x, y, width, height }) = Rect::around(&corners, size.0, size.1) {
            (word.left, word.top, word.width, word.height) = (x, y, width, height);
        }
    }

    /// Moves all places of `text` from the upright page to the page as it was given:
    /// each box becomes four corners and the box around them.
    pub fn turn_back(&self, text: &mut PageText) {
        for block in &mut text.blocks {
            self.place(&mut block.bounds, &mut block.corners);
            for line in &mut block.lines {
                self.place(&mut line.bounds, &mut line.corners);
                line.words.iter_mut().for_each(|word| self.place(&mut word.bounds, &mut word.corners));
            }
            for cell in block.table.iter_mut().flat_map(|table| &mut table.cells) {
                self.place(&mut cell.bounds, &mut None);
            }
        }
    }

    fn place(&self, bounds: &mut Option<Rect>, corners: &mut Option<Corners>) {
        let upright = match (*corners, *bounds) {
            (Some(corners), _) => corners.map(|Point { x, y }| (x as f32, y as f32)),
            (None, Some(Rect { x, y, width, height })) => self::corners(&Frame {
                left: x as f32,
                top: y as f32,
                right: (x + width) as f32,
                bottom: (y + height) as f32,
            }),
            (None, None) => return,
        };
        let given = upright.map(|corner| point(self.back(corner), self.given));
        *bounds = Rect::around(&given, self.given.0, self.given.1);
        *corners = Some(given);
    }
}

/// Clockwise from the upper left.
fn corners(frame: &Frame) -> [(f32, f32); 4] {
    let Frame { left, top, right, bottom } = *frame;
    [(left, top), (right, top), (right, bottom), (left, bottom)]
}

/// The nearest point on a page of that size.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the page")]
fn point((x, y): (f32, f32), (width, height): (u32, u32)) -> Point {
    Point { x: (x.round().max(0.0) as u32).min(width), y: (y.round().max(0.0) as u32).min(height) }
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use image::imageops::{rotate90, rotate180, rotate270};
    use untxt_plugins::{Block, Cell, Line, Table, Word};

    use super::*;
    use crate::documents::renderer::TextLine;

    fn letter() -> GrayImage {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/documents/letter-scan.png");
        image::open(path).unwrap().into_luma8()
    }

    fn page(image: GrayImage) -> RenderedPage {
        let (width, height) = image.dimensions();
        let pixels = Pixels::Luma8(image.into_raw());
        RenderedPage { width, height, dpi: 150, pixels, text_layer: Vec::new(), warnings: Vec::new() }
    }

    /// The page as it would have to be straightened by `turn` and `tangent`.
    fn lying(page: &RenderedPage, turn: Turn, tangent: f32) -> RenderedPage {
        let back = match turn {
            Turn::Right => Turn::Left,
            Turn::Left => Turn::Right,
            other => other,
        };
        let mut page = page.clone();
        for (turn, tangent) in [(Turn::None, -tangent), (back, 0.0)] {
            if let Some(upright) = Upright::new(turn, Slope::of_tangent(tangent), (page.width, page.height)) {
                upright.apply(&mut page, 255);
            }
        }
        page
    }

    #[test]
    fn a_page_is_turned_upright_whichever_way_it_lies() {
        let letter = letter();
        for (image, turn) in [
            (letter.clone(), Turn::None),
            (rotate90(&letter), Turn::Left),
            (rotate180(&letter), Turn::Half),
            (rotate270(&letter), Turn::Right),
        ] {
            let mut page = page(image);
            let upright = straighten(&mut page);
            assert_eq!(upright.map_or(Turn::None, |upright| upright.turn), turn);
            assert!(page.height > page.width, "{} x {}", page.width, page.height);
            assert_eq!(straighten(&mut page), None, "it stands upright now");
        }
    }

    #[test]
    fn a_page_askew_is_straightened_and_keeps_its_colours() {
        // The scan lies a little askew itself.
        let mut straight = page(letter());
        straighten(&mut straight);
        for (turn, degrees) in [(Turn::None, 3.0_f32), (Turn::None, -4.0), (Turn::Left, 1.5)] {
            let mut page = lying(&straight, turn, degrees.to_radians().tan());
            let Pixels::Luma8(gray) = &page.pixels else { unreachable!("it is gray") };
            page.pixels = Pixels::Rgb8(gray.iter().flat_map(|level| [*level; 3]).collect());
            let upright = straighten(&mut page).expect("it lies askew");
            let found = upright.slope.tangent().atan().to_degrees();
            assert!((found - degrees).abs() < 0.3 && upright.turn == turn, "{found} of {degrees}");
            assert!(matches!(page.pixels, Pixels::Rgb8(_)));
        }
    }

    #[test]
    fn a_page_that_tells_nothing_stays_as_it_is() {
        let blank = GrayImage::from_pixel(600, 400, image::Luma([255]));
        let mut bars = blank.clone();
        for (x, y, pixel) in bars.enumerate_pixels_mut() {
            pixel.0[0] = if (50..550).contains(&x) && y % 60 < 20 { 0 } else { 255 };
        }
        for image in [blank, bars, GrayImage::from_pixel(1, 1, image::Luma([0]))] {
            let given = page(image);
            let mut page = given.clone();
            assert_eq!(straighten(&mut page), None);
            assert_eq!(page, given);
        }
    }

    #[test]
    fn what_is_found_is_placed_on_the_page_as_it_was_given() {
        let bounds = Rect { x: 100, y: 200, width: 60, height: 20 };
        let word = TextWord { text: "w".to_owned(), left: 100, top: 200, width: 60, height: 20 };
        for turn in Turn::ALL {
            for tangent in [0.0, 0.05] {
                let mut page = page(GrayImage::from_pixel(700, 500, image::Luma([255])));
                page.text_layer = vec![TextLine { words: vec![word.clone()] }];
                let Some(upright) = Upright::new(turn, Slope::of_tangent(tangent), (700, 500)) else {
                    continue;
                };
                upright.apply(&mut page, 255);
                let TextWord { left: x, top: y, width, height, .. } = page.text_layer[0].words[0];
                let found = Rect { x, y, width, height };
                let bounds_of = |word: Rect| Word { bounds: Some(word), ..Word::default() };
                let line = Line { words: vec![bounds_of(found)], ..Line::default() };
                let cell = Cell {
                    row: 0,
                    column: 0,
                    row_span: 1,
                    column_span: 1,
                    header: false,
                    bounds: Some(found),
                    lines: 0..1,
                };
                let table = Some(Table { rows: 1, columns: 1, cells: vec![cell] });
                let blocks = vec![Block { lines: vec![line], table, ..Block::default() }];
                let mut text =
                    PageText { blocks, html: None, language: None, confidence: None, attributes: Vec::new() };
                upright.turn_back(&mut text);
                let word = &text.blocks[0].lines[0].words[0];
                let back = word.bounds.unwrap();
                // A box around a turned box is larger by what its sides lean.
                let close = |a: u32, b: u32| a.abs_diff(b) <= if tangent == 0.0 { 0 } else { 6 };
                assert!(close(back.x, bounds.x) && close(back.y, bounds.y), "{turn:?} {tangent}: {back:?}");
                let [from, to, ..] = word.corners.unwrap();
                let (along, down) =
                    (i64::from(to.x) - i64::from(from.x), i64::from(to.y) - i64::from(from.y));
                let expected = match turn {
                    Turn::None => along > 50 && down.abs() < 10,
                    Turn::Half => along < -50 && down.abs() < 10,
                    Turn::Right => down < -15 && along.abs() < 10,
                    Turn::Left => down > 15 && along.abs() < 10,
                };
                assert!(expected, "{turn:?} {tangent}: {from:?} {to:?}");
                assert_eq!(text.blocks[0].table.as_ref().unwrap().cells[0].bounds, Some(back));
            }
        }
    }
}
