//! What parent and child say to each other: the length of a header in four bytes,
//! little-endian, the header in JSON, and the data that it describes.

use std::io;

use serde::{Deserialize, Serialize};

use super::tensor::{NamedTensor, TENSOR_BYTES_MAX, TensorHeader};

/// Bytes of a header: the names of 64 tensors, with every character escaped.
pub(super) const HEADER_BYTES_MAX: usize = 256 << 10;

/// Inputs, and outputs of a model.
const TENSORS_MAX: usize = 64;

/// Bytes of the name of an input or output.
const NAME_BYTES_MAX: usize = 256;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) memory_bytes_max: u64,
    /// Since the child's start.
    pub(super) cpu_seconds_max: u64,
    pub(super) task: Task,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Task {
    /// The file follows. Those models are not needed any more.
    Load { digest: String, bytes: usize, forget: Vec<String> },
    /// The inputs' data follows.
    Compute { digest: String, inputs: Vec<TensorHeader> },
}

impl Task {
    /// Lengths of the pieces of data that follow.
    pub(super) fn data(&self) -> Option<Vec<usize>> {
        match self {
            Self::Load { bytes, .. } => Some(vec![*bytes]),
            Self::Compute { inputs, .. } => inputs.iter().map(TensorHeader::bytes).collect(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    Loaded(Names),
    /// The outputs' data follows.
    Computed {
        outputs: Vec<TensorHeader>,
    },
    Refused(Refusal),
    /// The runtime panicked.
    Panicked {
        reason: String,
    },
}

/// Names of a model's inputs and outputs, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
}

impl Names {
    pub(super) fn is_bounded(&self) -> bool {
        let bounded = |names: &[String]| {
            names.len() <= TENSORS_MAX && names.iter().all(|name| name.len() <= NAME_BYTES_MAX)
        };
        bounded(&self.inputs) && bounded(&self.outputs)
    }
}

/// What the engine is told, with a code of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// The header as it is sent.
pub(super) fn framed(header: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(header)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    Ok([&length.to_le_bytes()[..], &json].concat())
}

/// Refuses inputs that can't be sent.
///
/// # Errors
/// `bad-input`, `too-large`.
pub(super) fn check_inputs(inputs: &[NamedTensor]) -> Result<(), Refusal> {
    let bad = |message: String| Err(Refusal::new("bad-input", message));
    if inputs.len() > TENSORS_MAX {
        return bad(format!("{} inputs, and {TENSORS_MAX} are allowed", inputs.len()));
    }
    let mut total = 0;
    for NamedTensor { header, data } in inputs {
        let TensorHeader { name, dimensions, .. } = header;
        if name.len() > NAME_BYTES_MAX {
            return bad(format!("the name of an input has {} bytes", name.len()));
        }
        total += data.len();
        if total > TENSOR_BYTES_MAX {
            let message = format!("the inputs exceed {TENSOR_BYTES_MAX} bytes");
            return Err(Refusal::new("too-large", message));
        }
        if header.bytes() != Some(data.len()) {
            let length = data.len();
            return bad(format!("input {name:?}: {length} bytes of data do not fit {dimensions:?}"));
        }
    }
    Ok(())
}

/// Lengths of the outputs' data, if they keep the bounds.
pub(super) fn output_lengths(outputs: &[TensorHeader]) -> Option<Vec<usize>> {
    let lengths: Vec<usize> = outputs.iter().map(TensorHeader::bytes).collect::<Option<_>>()?;
    let total: usize = lengths.iter().sum();
    (outputs.len() <= TENSORS_MAX && total <= TENSOR_BYTES_MAX).then_some(lengths)
}
