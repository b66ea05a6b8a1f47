//! Pictures of lines to their letters.

use untxt_plugin_sdk::Error;

use crate::ctc::{Letter, letters};
use crate::picture::Picture;
use crate::tensor::{Models, Network, Tensor, bad_model};

/// Rows of a line's picture.
pub(crate) const HEIGHT: usize = 48;

/// Columns of a line's picture a frame of the answer.
pub(crate) const STRIDE: usize = 8;

/// Columns that a picture has at least; the network was trained with them.
const WIDTH_MIN: usize = 320;

/// Lines that are read together.
const BATCH: usize = 6;

/// Columns of all lines that are read together: each takes the host 10 KB while it tells
/// 18,710 characters apart, 40 MB in all. A longer line is squeezed.
const COLUMNS_MAX: usize = 4_096;

/// Reads lines, in the order in which they are given. `characters` are those of the
/// classes from 1 on. `go_on` is called before each batch with the number of lines that
/// are read.
///
/// # Errors
/// What [`Models::compute`] and `go_on` say, and `bad-model`.
pub(crate) fn recognise(
    models: &mut impl Models,
    characters: &[char],
    lines: &[Picture],
    mut go_on: impl FnMut(usize) -> Result<(), Error>,
) -> Result<Vec<Vec<Letter>>, Error> {
    // Lines of like width together: what is filled up costs time as well.
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|a, b| ratio(&lines[*a]).total_cmp(&ratio(&lines[*b])));
    let mut read = vec![Vec::new(); lines.len()];
    let (mut rest, mut done) = (&order[..], 0);
    while !rest.is_empty() {
        go_on(done)?;
        let (batch, width) = batch(rest, lines);
        let scaled: Vec<Picture> = batch.iter().map(|&at| scaled(&lines[at], width)).collect();
        let output = models.compute(Network::Recognise, Tensor::of(&scaled, width, HEIGHT))?;
        let frames = output.dimensions.get(1).copied().unwrap_or(0) as usize;
        let pairs = output.numbers([batch.len(), frames, 2])?;
        for (&at, frames) in batch.iter().zip(pairs.chunks_exact((frames * 2).max(1))) {
            read[at] = letters(frames.chunks_exact(2).map(|pair| (pair[0], pair[1])), characters)
                .ok_or_else(|| bad_model(format!("it knows more than {} characters", characters.len())))?;
        }
        done += batch.len();
        rest = &rest[batch.len()..];
    }
    Ok(read)
}

fn ratio(line: &Picture) -> f32 {
    line.width as f32 / line.height as f32
}

/// The first lines of `rest` that are read together, and the width of their pictures: that
/// of the last one, which is the longest.
fn batch<'a>(rest: &'a [usize], lines: &[Picture]) -> (&'a [usize], usize) {
    let width = |at: usize| (HEIGHT * lines[at].width / lines[at].height).clamp(WIDTH_MIN, COLUMNS_MAX);
    let fits = |count: &usize| width(rest[*count - 1]) * count <= COLUMNS_MAX;
    let count = (1..=BATCH.min(rest.len())).rev().find(fits).unwrap_or(1);
    (&rest[..count], width(rest[count - 1]))
}

fn scaled(line: &Picture, width: usize) -> Picture {
    line.resized((HEIGHT * line.width).div_ceil(line.height).min(width), HEIGHT)
}

/// Columns of a picture `HEIGHT` rows high, which a line has when it is read alone.
pub(crate) fn columns(line: &Picture) -> f32 {
    (HEIGHT * line.width).div_ceil(line.height).min(COLUMNS_MAX) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(width: usize, height: usize) -> Picture {
        Picture::new(width, height, vec![255; width * height * 3]).expect("a line")
    }

    #[test]
    fn what_is_read_at_once_has_a_bound() {
        let lines = [line(100, 48), line(500, 48), line(96_000, 48), line(1_000, 24)];
        assert_eq!(batch(&[0], &lines), (&[0][..], WIDTH_MIN));
        assert_eq!(batch(&[0, 1], &lines), (&[0, 1][..], 500));
        assert_eq!(batch(&[1; 9], &lines).0.len(), BATCH);
        assert_eq!(batch(&[2, 2], &lines), (&[2][..], COLUMNS_MAX));
        assert_eq!(scaled(&lines[2], COLUMNS_MAX).width, COLUMNS_MAX);
    }

    #[test]
    fn each_line_has_its_own_letters_whatever_the_order() {
        /// Reads as many letters as there are lines before, in frames of the picture.
        struct Widths(Vec<u32>);
        impl Models for Widths {
            fn compute(&mut self, _: Network, input: Tensor) -> Result<Tensor, Error> {
                let [count, _, _, width] = [0, 1, 2, 3].map(|at| input.dimensions[at]);
                self.0.push(width);
                let class = |at: u32| if width > 1_000 { 2.0 } else { (at % 2 + 1) as f32 };
                let data = (0..count).flat_map(|at| [class(at), 0.9]).flat_map(f32::to_le_bytes).collect();
                Ok(Tensor { dimensions: vec![count, 1, 2], data })
            }
        }
        let mut models = Widths(Vec::new());
        let lines = [line(4_000, 48), line(200, 48), line(150, 48)];
        let mut done = Vec::new();
        let go_on = |count| {
            done.push(count);
            Ok(())
        };
        let read = recognise(&mut models, &['a', 'b'], &lines, go_on).expect("it reads");
        let text = |letters: &Vec<Letter>| letters.iter().map(|letter| letter.character).collect::<String>();
        assert_eq!(read.iter().map(text).collect::<Vec<_>>(), ["b", "b", "a"]);
        assert_eq!((models.0, done), (vec![320, 4_000], vec![0, 2]));
    }
}
