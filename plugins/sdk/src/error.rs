//! Makes failures, and keeps apart what may succeed later from what will not.

use crate::{Error, Failure, Retry, host};

impl Failure {
    /// A failure with a stable kebab-case `code` for machines and a `message`
    /// for people.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), attributes: Vec::new() }
    }
}

impl Error {
    /// This page will not succeed on this engine: it becomes a dead letter.
    pub fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self::Permanent(Failure::new(code, message))
    }

    /// This page may succeed on this engine later, not before `after_ms` where
    /// given. The host bounds the wait and the number of attempts.
    pub fn retryable(code: &str, message: impl Into<String>, after_ms: Option<u64>) -> Self {
        Self::Retryable(Retry { failure: Failure::new(code, message), after_ms })
    }
}

/// A failure of the page or of the settings is final: the next attempt gets the
/// same page. What may pass must say so with [`Error::retryable`].
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Permanent(failure)
    }
}

/// To be called with `?` between units of work.
///
/// # Errors
/// [`Error::Cancelled`] once the host no longer wants the answer.
pub fn stop_if_cancelled() -> Result<(), Error> {
    if host::cancelled() { Err(Error::Cancelled) } else { Ok(()) }
}
