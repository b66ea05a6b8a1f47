//! Between the engine's values and the columns' types. What a column holds is
//! what this program wrote, or it is reported as corrupt.

use sea_orm::sea_query::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::journal::JournalError;
use crate::state::RunError;
use crate::time::Timestamp;

pub(super) fn encode<T: Serialize>(value: &T) -> Result<String, JournalError> {
    serde_json::to_string(value).map_err(|error| JournalError::Corrupt(error.to_string()))
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, JournalError> {
    serde_json::from_str(text).map_err(|error| JournalError::Corrupt(format!("{what}: {error}")))
}

pub(super) fn number<T, U>(what: &str, value: T) -> Result<U, JournalError>
where
    T: Copy + std::fmt::Display,
    U: TryFrom<T>,
{
    U::try_from(value).map_err(|_| JournalError::Corrupt(format!("{what} is {value}")))
}

/// A count or sequence as the column keeps it. None comes near the bound.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn ms(at: Option<Timestamp>) -> Value {
    at.map(|at| at.0).into()
}

pub(super) fn error_text(error: Option<&RunError>) -> Result<Option<String>, JournalError> {
    error.map(encode).transpose()
}

/// `text` as a column of at most `chars_max` takes it; PostgreSQL's know no
/// U+0000.
pub(super) fn bounded(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(chars_max).collect()
}
