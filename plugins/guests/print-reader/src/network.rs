//! A line's pixels to the probabilities of letters.

use rten::{Model, ModelOptions, op_registry};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

/// The network that reads a line.
pub(crate) struct Network {
    model: Model,
    classes: usize,
}

/// Probabilities of all classes in each frame of a line, from left to right.
pub(crate) struct Frames {
    classes: usize,
    probabilities: Vec<f32>,
}

impl Network {
    /// `classes` is what the weights have to tell apart.
    pub(crate) fn load(weights: &'static [u8], classes: usize) -> Result<Self, String> {
        // Only these operators are part of the program.
        let operators = op_registry!(Add, Conv, Relu, Squeeze);
        let model = ModelOptions::with_ops(operators)
            .prepack_weights(true)
            .load_static_slice(weights)
            .map_err(|error| format!("the weights: {error}"))?;
        Ok(Self { model, classes })
    }

    /// Runs the network on `levels`, rows of `width` from top to bottom.
    pub(crate) fn run(&self, levels: Vec<f32>, width: usize) -> Result<Frames, String> {
        let height = levels.len() / width.max(1);
        let input = NdTensor::from_data([1, 1, height, width], levels);
        let output =
            self.model.run_one(input.into(), None).map_err(|error| format!("the network: {error}"))?;
        let scores: NdTensor<f32, 3> =
            output.try_into().map_err(|_| "the network's answer has not three dimensions".to_owned())?;
        let [_, classes, _] = scores.shape();
        if classes != self.classes {
            return Err(format!("the network tells {classes} classes apart, not {}", self.classes));
        }
        let scores = scores.permuted([0, 2, 1]).to_vec();
        Ok(Frames::of(scores, self.classes))
    }
}

impl Frames {
    /// Scores of `classes` a frame, logarithms of probabilities up to a constant.
    pub(crate) fn of(mut scores: Vec<f32>, classes: usize) -> Self {
        for frame in scores.chunks_exact_mut(classes) {
            let most = frame.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            frame.iter_mut().for_each(|score| *score = (*score - most).exp());
            let sum: f32 = frame.iter().sum();
            frame.iter_mut().for_each(|score| *score /= sum);
        }
        Self { classes, probabilities: scores }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.probabilities.chunks_exact(self.classes)
    }
}
