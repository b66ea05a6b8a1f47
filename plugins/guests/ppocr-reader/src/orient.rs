//! Which lines stand on their heads.

use untxt_plugin_sdk::Error;

use crate::picture::Picture;
use crate::tensor::{Models, Network, Tensor};

/// Pixels of the picture that the network is given; a shorter line ends before, a longer
/// one is squeezed.
const WIDTH: usize = 192;
const HEIGHT: usize = 48;

/// Lines that are looked at together.
const BATCH: usize = 16;

/// How sure the network has to be before a line is turned.
const SURE: f32 = 0.9;

/// For each line whether it stands on its head.
///
/// # Errors
/// What [`Models::compute`] says, and `bad-model`.
pub(crate) fn on_their_heads(models: &mut impl Models, lines: &[Picture]) -> Result<Vec<bool>, Error> {
    let mut turned = Vec::with_capacity(lines.len());
    for batch in lines.chunks(BATCH) {
        let scaled: Vec<Picture> = batch.iter().map(scaled).collect();
        let input = Tensor::of(&scaled, WIDTH, HEIGHT);
        let likely = models.compute(Network::Orient, input)?.numbers([batch.len(), 2])?;
        turned.extend(likely.chunks_exact(2).map(|pair| pair[1] > SURE));
    }
    Ok(turned)
}

fn scaled(line: &Picture) -> Picture {
    let width = (HEIGHT * line.width).div_ceil(line.height).min(WIDTH);
    line.resized(width, HEIGHT)
}
