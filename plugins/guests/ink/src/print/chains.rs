//! Chains of letters: what stands in one line without a wide gap.

use super::frame::Frame;
use super::groups::Groups;

/// A stretch of a line, and how many pieces of ink it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chain {
    pub(crate) frame: Frame,
    pub(crate) glyphs: usize,
}

/// Chains of glyphs that are sorted from left to right.
pub(crate) fn chains(glyphs: &[Frame]) -> Vec<Chain> {
    let groups = linked(glyphs, |_| true).all();
    let tall = tall(glyphs, &groups);
    let groups = if tall.iter().any(|tall| *tall) { linked(glyphs, |at| !tall[at]).all() } else { groups };
    let words: Vec<Chain> = groups.iter().map(|group| chain(group.iter().map(|&at| glyphs[at]))).collect();
    joined(settled(joined(words)))
}

fn chain(frames: impl Iterator<Item = Frame>) -> Chain {
    let mut glyphs = 0;
    let frame = frames.inspect(|_| glyphs += 1).reduce(|all, one| all.union(&one));
    let frame = frame.unwrap_or(Frame { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 });
    Chain { frame, glyphs }
}

/// Each glyph is linked with the next one of its line, and with the marks before
/// that. A space is a third of the type size, a capital 0.7 of it and a small
/// letter 0.45: the gap is up to 1.2 times the higher of the two.
fn linked(glyphs: &[Frame], wanted: impl Fn(usize) -> bool) -> Groups {
    let mut groups = Groups::of(glyphs.len());
    let highest = glyphs.iter().map(Frame::height).fold(0.0, f32::max);
    for (at, glyph) in glyphs.iter().enumerate() {
        if !wanted(at) {
            continue;
        }
        for (next, other) in glyphs.iter().enumerate().skip(at + 1) {
            if other.left - glyph.right > 1.2 * highest {
                break;
            }
            if wanted(next)
                && let Some(link) = link(glyph, other)
            {
                groups.join(at, next);
                if link == Link::Letter {
                    break;
                }
            }
        }
    }
    groups
}

#[derive(PartialEq, Eq)]
enum Link {
    Letter,
    /// A mark beside a letter: a dot, a comma, a dash, an accent.
    Mark,
}

fn link(glyph: &Frame, other: &Frame) -> Option<Link> {
    let (high, low) = if glyph.height() >= other.height() { (glyph, other) } else { (other, glyph) };
    if other.left - glyph.right > 1.2 * high.height() {
        return None;
    }
    if low.height() >= 0.45 * high.height() {
        return (low.rows_shared(high) >= 0.5 * low.height()).then_some(Link::Letter);
    }
    let (_, middle) = low.center();
    let beside = middle > high.top - 0.1 * high.height() && middle < high.bottom + 0.25 * high.height();
    // Dust beside large type is none of its marks.
    let is_mark = beside && low.width().max(low.height()) >= 0.12 * high.height();
    is_mark.then_some(Link::Mark)
}

/// Glyphs over twice as high as most of their chain: letters of two lines that
/// touch, or an initial. They would join the lines.
fn tall(glyphs: &[Frame], groups: &[Vec<usize>]) -> Vec<bool> {
    let mut tall = vec![false; glyphs.len()];
    for group in groups.iter().filter(|group| group.len() >= 5) {
        let mut heights: Vec<f32> = group.iter().map(|&at| glyphs[at].height()).collect();
        heights.sort_by(f32::total_cmp);
        let usual = heights[heights.len() * 3 / 4];
        for &at in group {
            tall[at] = glyphs[at].height() > 1.9 * usual;
        }
    }
    tall
}

/// Chains of one line up to a line's height apart, as justified text has them.
fn joined(mut words: Vec<Chain>) -> Vec<Chain> {
    words.sort_by(|a, b| a.frame.left.total_cmp(&b.frame.left));
    let mut groups = Groups::of(words.len());
    let highest = words.iter().map(|word| word.frame.height()).fold(0.0, f32::max);
    for (at, word) in words.iter().enumerate() {
        for (next, other) in words.iter().enumerate().skip(at + 1) {
            if other.frame.left - word.frame.right > highest {
                break;
            }
            if on_one_line(&word.frame, &other.frame) {
                groups.join(at, next);
            }
        }
    }
    merged(&words, &groups.all())
}

/// Whether both stand on one line, up to its height apart.
fn on_one_line(word: &Frame, other: &Frame) -> bool {
    let (low, high) = (word.height().min(other.height()), word.height().max(other.height()));
    let apart = (other.left - word.right).max(word.left - other.right);
    apart <= high && high <= 2.2 * low && word.rows_shared(other) >= 0.55 * low
}

fn merged(words: &[Chain], groups: &[Vec<usize>]) -> Vec<Chain> {
    let merge = |group: &Vec<usize>| Chain {
        glyphs: group.iter().map(|&at| words[at].glyphs).sum(),
        ..chain(group.iter().map(|&at| words[at].frame))
    };
    groups.iter().map(merge).collect()
}

/// Accents, dots and what else is small goes to the line that it is at. Of the rest,
/// what may be a dash in a row of a table stays, and the others are dust.
fn settled(chains: Vec<Chain>) -> Vec<Chain> {
    let usual = usual_height(&chains);
    let mut lines: Vec<Chain> = Vec::new();
    let mut small: Vec<Chain> = Vec::new();
    for chain in chains {
        let is_line = chain.glyphs >= 3 || chain.frame.height() >= 0.6 * usual;
        if is_line { lines.push(chain) } else { small.push(chain) }
    }
    lines.sort_by(|a, b| a.frame.top.total_cmp(&b.frame.top));
    small.sort_by(|a, b| a.frame.left.total_cmp(&b.frame.left));
    for mark in small {
        let distance = |at: usize| {
            let line = &lines[at].frame;
            is_at(line, &mark.frame).then(|| (at, apart(line, &mark.frame)))
        };
        let nearest = (0..lines.len()).filter_map(distance).min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((at, _)) = nearest {
            lines[at].frame = lines[at].frame.union(&mark.frame);
            lines[at].glyphs += mark.glyphs;
        } else if mark.frame.width() >= 0.35 * usual
            && lines.iter().any(|line| line.frame.rows_shared(&mark.frame) >= 0.9 * mark.frame.height())
        {
            lines.push(mark);
        }
    }
    lines
}

/// Rows and columns between the two.
fn apart(line: &Frame, mark: &Frame) -> f32 {
    let columns = (mark.left - line.right).max(line.left - mark.right);
    columns.max(0.0) + (-line.rows_shared(mark)).max(0.0)
}

fn is_at(line: &Frame, mark: &Frame) -> bool {
    let height = line.height();
    let (x, y) = mark.center();
    // Bullets and dashes stand further off, and are larger than dust.
    let (before, after) = if mark.width() >= 0.2 * height { (3.0, 2.0) } else { (1.0, 1.0) };
    mark.height() < 0.7 * height
        && mark.width().max(mark.height()) >= 0.1 * height
        && x > line.left - before * height
        && x < line.right + after * height
        && y > line.top - 0.3 * height
        && y < line.bottom + 0.2 * height
}

/// The height of most lines, each counted by its pieces.
fn usual_height(chains: &[Chain]) -> f32 {
    let mut heights: Vec<(f32, usize)> =
        chains.iter().map(|chain| (chain.frame.height(), chain.glyphs)).collect();
    heights.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = heights.iter().map(|(_, glyphs)| glyphs).sum::<usize>() / 2;
    let mut below = 0;
    let usual = heights.iter().find(|(_, glyphs)| {
        below += glyphs;
        below > half
    });
    usual.map_or(0.0, |(height, _)| *height)
}
