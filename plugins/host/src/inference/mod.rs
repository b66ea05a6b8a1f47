//! Models that engines have the host compute, each in a child process.
//!
//! A child serves one version of one engine: whatever a model does to it, no other
//! engine notices. A call takes a child for itself with its first model, waits for its
//! turn where all are in use, and gives it back at its end with the models it has
//! loaded, for the next page. In reading order: `tensor` and `protocol` are what
//! parent and child exchange, [`child`] computes, `process` is the parent's side of
//! one child, `pool` keeps them, and `lease` is a call's use of one.

mod tensor;

mod protocol;

pub mod child;

mod process;

mod pool;

mod lease;

#[doc(hidden)]
pub mod fuzzing;

pub use lease::ModelUsage;
pub(crate) use lease::{Graph, ModelLease};
pub(crate) use pool::{Owner, Pool};
pub(crate) use process::{Model, Stopped};
pub(crate) use protocol::Refusal;
pub(crate) use tensor::{ElementType, NamedTensor, TensorHeader};
