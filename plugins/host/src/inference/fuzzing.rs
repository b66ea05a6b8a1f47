//! For the fuzzer and its corpus only. Not part of the interface of this crate.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::process;
use super::tensor::TENSOR_BYTES_MAX;

/// Reads what a process that computes models writes.
///
/// # Panics
/// When outputs exceed their bound or do not fit their dimensions, or more is waited
/// for than is there.
pub fn model_answer(mut bytes: &[u8]) {
    let answered = pin!(process::answer(&mut bytes)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(answered) = answered else { panic!("nothing is behind the end of the bytes") };
    let Ok((_, outputs)) = answered else { return };
    assert!(outputs.iter().all(|output| output.header.bytes() == Some(output.data.len())));
    assert!(outputs.iter().map(|output| output.data.len()).sum::<usize>() <= TENSOR_BYTES_MAX);
}
