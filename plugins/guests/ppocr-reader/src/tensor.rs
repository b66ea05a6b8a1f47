//! What goes into a network and comes out of it.

use untxt_plugin_sdk::Error;

use crate::picture::Picture;

/// The networks of PP-OCR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// A page's pixels to the likelihood of text at each.
    Detect,
    /// Lines of text to the likelihoods of standing upright and on its head.
    Orient,
    /// Lines of text to the likeliest class of each frame and its probability.
    Recognise,
}

/// Numbers in 32 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The outermost first.
    pub dimensions: Vec<u32>,
    /// Elements in row-major order, little-endian.
    pub data: Vec<u8>,
}

/// Computes networks.
pub trait Models {
    /// The one output of `network` for its one input.
    ///
    /// # Errors
    /// Why it can't be computed.
    fn compute(&mut self, network: Network, input: Tensor) -> Result<Tensor, Error>;
}

impl Tensor {
    /// Pictures of at most `width` x `height` pixels, from -1 (black) to 1 (white); what a
    /// picture lacks is 0. Its dimensions are pictures, 3, rows and columns; the channels
    /// are blue, green and red, as the networks were trained.
    pub(crate) fn of(pictures: &[Picture], width: usize, height: usize) -> Self {
        let level = |byte: u8| (f32::from(byte) / 127.5 - 1.0).to_le_bytes();
        let levels: Vec<[u8; 4]> = (0..=u8::MAX).map(level).collect();
        let mut data = vec![0; pictures.len() * 3 * height * width * 4];
        let planes = data.chunks_exact_mut(height * width * 4);
        let channels = pictures.iter().flat_map(|picture| [(picture, 2), (picture, 1), (picture, 0)]);
        for (plane, (picture, channel)) in planes.zip(channels) {
            let rows = picture.data.chunks_exact(picture.width * 3);
            for (to, from) in plane.chunks_exact_mut(width * 4).zip(rows) {
                for (number, pixel) in to.chunks_exact_mut(4).zip(from.chunks_exact(3)) {
                    number.copy_from_slice(&levels[usize::from(pixel[channel])]);
                }
            }
        }
        Self { dimensions: [pictures.len(), 3, height, width].map(|side| side as u32).into(), data }
    }

    /// The numbers of an answer with these dimensions.
    ///
    /// # Errors
    /// `bad-model` when it has others.
    pub(crate) fn numbers<const N: usize>(self, expected: [usize; N]) -> Result<Vec<f32>, Error> {
        let count: usize = expected.iter().product();
        if self.dimensions.iter().map(|side| *side as usize).ne(expected) || self.data.len() != count * 4 {
            return Err(bad_model(format!("it answers with {:?}, not {expected:?}", self.dimensions)));
        }
        let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        Ok(self.data.chunks_exact(4).map(number).collect())
    }
}

/// The failure of a network that is not the one this engine was made for.
pub fn bad_model(message: impl Into<String>) -> Error {
    Error::permanent("bad-model", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_become_planes_with_zeros_where_they_end() {
        let picture = Picture::new(1, 1, vec![255, 0, 51]).expect("a pixel");
        let tensor = Tensor::of(&[picture], 2, 1);
        assert_eq!(tensor.dimensions, [1, 3, 1, 2]);
        let numbers = tensor.numbers([1, 3, 1, 2]).expect("they are as many");
        let expected = [-0.6, 0.0, -1.0, 0.0, 1.0, 0.0];
        assert!(numbers.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{numbers:?}");
    }

    #[test]
    fn an_answer_of_another_shape_is_refused() {
        for (dimensions, bytes) in [(vec![2, 2], 16), (vec![4], 12)] {
            let tensor = Tensor { dimensions, data: vec![0; bytes] };
            assert!(tensor.numbers([4]).is_err());
        }
    }
}
