//! Tensors as bytes, and as values of the runtime.

use rten::Value;
use rten_tensor::Tensor;
use rten_tensor::prelude::*;
use serde::{Deserialize, Serialize};

use super::protocol::Refusal;

/// Bytes of all inputs, and of all outputs of a computation: a page of 2,300 x 2,300
/// pixels in three channels of `f32`. They are held by the engine, the host and the
/// child.
pub(crate) const TENSOR_BYTES_MAX: usize = 64 << 20;

/// Dimensions of a tensor: known models have up to six.
const RANK_MAX: usize = 16;

/// Types of elements that the host computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ElementType {
    F32,
    U8,
    I32,
    /// Only of inputs: it is computed as `I32`.
    I64,
}

impl ElementType {
    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
        }
    }
}

/// A tensor without its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TensorHeader {
    pub(crate) name: String,
    pub(crate) ty: ElementType,
    /// The outermost first.
    pub(crate) dimensions: Vec<u32>,
}

/// A tensor and its elements, in row-major order, little-endian.
#[derive(Debug)]
pub(crate) struct NamedTensor {
    pub(crate) header: TensorHeader,
    pub(crate) data: Vec<u8>,
}

impl TensorHeader {
    /// Bytes of its data; `None` if there are too many, or too many dimensions.
    pub(super) fn bytes(&self) -> Option<usize> {
        if self.dimensions.len() > RANK_MAX {
            return None;
        }
        let size = |bytes: usize, side: &u32| bytes.checked_mul(usize::try_from(*side).ok()?);
        self.dimensions.iter().try_fold(self.ty.bytes(), size).filter(|bytes| *bytes <= TENSOR_BYTES_MAX)
    }
}

/// The tensor as a value of the runtime.
///
/// # Errors
/// `bad-input`: an integer of 64 bits does not fit into 32.
pub(super) fn value(tensor: &NamedTensor) -> Result<Value, Refusal> {
    let TensorHeader { name, ty, dimensions } = &tensor.header;
    let shape: Vec<usize> = dimensions.iter().map(|side| *side as usize).collect();
    Ok(match ty {
        ElementType::F32 => Tensor::from_data(&shape, elements(&tensor.data, f32::from_le_bytes)).into(),
        ElementType::I32 => Tensor::from_data(&shape, elements(&tensor.data, i32::from_le_bytes)).into(),
        ElementType::U8 => Tensor::from_data(&shape, tensor.data.clone()).into(),
        ElementType::I64 => {
            let narrow = elements(&tensor.data, i64::from_le_bytes).into_iter().map(i32::try_from);
            let narrow: Vec<i32> = narrow.collect::<Result<_, _>>().map_err(|_| {
                Refusal::new("bad-input", format!("input {name:?}: an element does not fit into 32 bits"))
            })?;
            Tensor::from_data(&shape, narrow).into()
        }
    })
}

fn elements<const N: usize, T>(data: &[u8], element: fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|bytes| element(*bytes)).collect()
}

/// An output of that name as bytes.
///
/// # Errors
/// `unsupported`: its elements have a type that the contract lacks.
pub(super) fn named(name: String, value: &Value) -> Result<NamedTensor, Refusal> {
    let (ty, shape, data) = match value {
        Value::FloatTensor(tensor) => (ElementType::F32, tensor.shape(), bytes(tensor, f32::to_le_bytes)),
        Value::Int32Tensor(tensor) => (ElementType::I32, tensor.shape(), bytes(tensor, i32::to_le_bytes)),
        Value::UInt8Tensor(tensor) => (ElementType::U8, tensor.shape(), tensor.to_vec()),
        // Eight bits with a sign, and sequences.
        _ => {
            return Err(Refusal::new("unsupported", format!("output {name:?} is {:?}", value.dtype())));
        }
    };
    // Their product is bounded.
    let dimensions = shape.iter().map(|side| u32::try_from(*side).unwrap_or(u32::MAX)).collect();
    Ok(NamedTensor { header: TensorHeader { name, ty, dimensions }, data })
}

fn bytes<const N: usize, T: Copy>(tensor: &Tensor<T>, bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    let mut all = Vec::with_capacity(N * tensor.len());
    tensor.to_vec().into_iter().for_each(|element| all.extend_from_slice(&bytes(element)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_overflow_or_exceed_the_bound_have_no_bytes() {
        let header = |dimensions: &[u32]| TensorHeader {
            name: "x".to_owned(),
            ty: ElementType::F32,
            dimensions: dimensions.to_vec(),
        };
        assert_eq!(header(&[]).bytes(), Some(4), "a scalar");
        assert_eq!(header(&[3, 0]).bytes(), Some(0));
        assert_eq!(header(&[1 << 12, 1 << 12]).bytes(), Some(64 << 20));
        assert_eq!(header(&[(1 << 24) + 1]).bytes(), None);
        assert_eq!(header(&[u32::MAX; 3]).bytes(), None);
        assert_eq!(header(&[1; 17]).bytes(), None);
    }

    #[test]
    fn elements_survive_the_way_to_the_runtime_and_back() {
        let data: Vec<u8> = [1.5_f32, -2.0].into_iter().flat_map(f32::to_le_bytes).collect();
        let header = TensorHeader { name: "x".to_owned(), ty: ElementType::F32, dimensions: vec![2, 1] };
        let value = value(&NamedTensor { header: header.clone(), data: data.clone() }).unwrap();
        let back = named("x".to_owned(), &value).unwrap();
        assert_eq!((back.header, back.data), (header, data));
    }

    #[test]
    fn integers_that_do_not_fit_are_refused() {
        let wide = |value: i64| NamedTensor {
            header: TensorHeader { name: "x".to_owned(), ty: ElementType::I64, dimensions: vec![1] },
            data: value.to_le_bytes().to_vec(),
        };
        assert_eq!(value(&wide(-7)).unwrap(), Value::from(Tensor::from_data(&[1], vec![-7_i32])));
        assert_eq!(value(&wide(1 << 31)).unwrap_err().code, "bad-input");
    }
}
