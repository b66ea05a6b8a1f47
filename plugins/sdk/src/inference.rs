//! Models among the assets, in ONNX, which the host computes outside the sandbox.
//!
//! ```ignore
//! let model = Model::load("model.onnx")?;
//! let page = Tensor::f32(&[1, 1, height, width], &pixels);
//! let outputs = model.compute([("image", page)])?;
//! let [(_, scores)] = &outputs[..] else { return Err(…) };
//! let scores: Vec<f32> = scores.to_f32()?;
//! ```

use crate::{Failure, bindings::untxt::ocr::inference as contract};

pub use contract::{Tensor, TensorType};

/// A loaded model. The host keeps it for the next page.
#[derive(Debug)]
pub struct Model(contract::Graph);

impl Model {
    /// The model in the asset of that name.
    ///
    /// # Errors
    /// `no-such-asset`; `bad-model`, for what is no ONNX file or a broken one;
    /// `unsupported`, for an operator that the host does not compute.
    pub fn load(asset: &str) -> Result<Self, Failure> {
        contract::load_by_name(asset).map(Self)
    }

    /// Names of the inputs, in the model's order.
    pub fn inputs(&self) -> Vec<String> {
        self.0.inputs()
    }

    /// Names of the outputs, in the model's order.
    pub fn outputs(&self) -> Vec<String> {
        self.0.outputs()
    }

    /// The outputs with their names, in the model's order.
    ///
    /// # Errors
    /// `bad-input`, for a name, an element type or a shape that the model can't take;
    /// `unsupported`, for an element type or operator that the host does not compute;
    /// `too-large`, for inputs or outputs of more than 64 MiB. A model that exceeds its
    /// memory or the call's time ends the call.
    pub fn compute<'a>(
        &self,
        inputs: impl IntoIterator<Item = (&'a str, Tensor)>,
    ) -> Result<Vec<(String, Tensor)>, Failure> {
        let named: Vec<_> = inputs.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect();
        self.0.compute(&named)
    }
}

impl Tensor {
    /// A tensor of these elements in row-major order; their number is the product of
    /// the dimensions.
    pub fn f32(dimensions: &[u32], elements: &[f32]) -> Self {
        Self::new(TensorType::Fp32, dimensions, bytes(elements, f32::to_le_bytes))
    }

    /// The same of integers of 64 bits; each has to fit into 32.
    pub fn i64(dimensions: &[u32], elements: &[i64]) -> Self {
        Self::new(TensorType::I64, dimensions, bytes(elements, i64::to_le_bytes))
    }

    /// The same of bytes.
    pub fn u8(dimensions: &[u32], elements: Vec<u8>) -> Self {
        Self::new(TensorType::U8, dimensions, elements)
    }

    fn new(ty: TensorType, dimensions: &[u32], data: Vec<u8>) -> Self {
        Self { dimensions: dimensions.to_vec(), ty, data }
    }

    /// The elements of a tensor of `f32`.
    ///
    /// # Errors
    /// `unexpected-type`, for elements of another type.
    pub fn to_f32(&self) -> Result<Vec<f32>, Failure> {
        self.elements(TensorType::Fp32, f32::from_le_bytes)
    }

    /// The elements of a tensor of `i32`, which outputs of 64 bits are as well.
    ///
    /// # Errors
    /// `unexpected-type`, for elements of another type.
    pub fn to_i32(&self) -> Result<Vec<i32>, Failure> {
        self.elements(TensorType::I32, i32::from_le_bytes)
    }

    fn elements<T>(&self, ty: TensorType, element: fn([u8; 4]) -> T) -> Result<Vec<T>, Failure> {
        if self.ty != ty {
            let message = format!("the elements are {:?} and not {ty:?}", self.ty);
            return Err(Failure::new("unexpected-type", message));
        }
        Ok(self.data.as_chunks().0.iter().map(|bytes| element(*bytes)).collect())
    }
}

fn bytes<const N: usize, T: Copy>(elements: &[T], element: fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(N * elements.len());
    elements.iter().for_each(|value| bytes.extend_from_slice(&element(*value)));
    bytes
}
