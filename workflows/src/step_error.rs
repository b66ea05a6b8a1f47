//! The one place where the failures of documents, objects and engines become
//! verdicts.

use std::error::Error;

use sea_orm::DbErr;
use untxt_engine::error::{Budget, StepError};
use untxt_plugins::{Class, PluginError};

use crate::decode_budget::BudgetError;
use crate::disk_space::DiskFull;
use crate::documents::DocumentError;
use crate::objects::ObjectError;

/// A document that can't be read stays so; a renderer that could not be
/// started may start the next time.
pub(crate) fn of_document(error: &DocumentError) -> StepError {
    let (code, text) = (error.code(), error.to_string());
    let failure = if error.is_permanent() {
        StepError::permanent(code, text)
    } else {
        StepError::retry(Budget::Content, code, text)
    };
    failure.caused_by(error)
}

/// A store that does not answer is tried again; one that says no is believed.
pub(crate) fn of_object(error: &ObjectError) -> StepError {
    let (code, text) = (error.code(), error.to_string());
    let failure = if error.is_retryable() {
        StepError::retry(Budget::Transport, code, text)
    } else {
        StepError::permanent(code, text)
    };
    failure.caused_by(error)
}

/// What an engine did on that attempt, by its class.
pub(crate) fn of_plugin(error: &PluginError, attempt: u32) -> StepError {
    let (code, text) = (error.code().to_owned(), error.to_string());
    let failure = match error.class() {
        Class::Cancelled | Class::Permanent => StepError::permanent(code, text),
        Class::RetryOnce if attempt > 1 => StepError::permanent(code, text),
        Class::RetryOnce | Class::Retry { after: None } => StepError::retry(Budget::Content, code, text),
        Class::Transport => StepError::retry(Budget::Transport, code, text),
        Class::Retry { after: Some(after) } => {
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            StepError::retry(Budget::Throttle, code, text).after_ms(after_ms)
        }
        Class::Park => StepError::retry(Budget::Throttle, code, text),
    };
    failure.caused_by(error).with_logs(error.logs().to_vec())
}

/// A file on this machine that could not be written or read.
pub(crate) fn of_disk(what: &str, error: &std::io::Error) -> StepError {
    let text = format!("{what}: {error}; is the disk of UNTXT_DATA_DIR full or not writable?");
    StepError::retry(Budget::Transport, "DISK", text).caused_by(error as &(dyn Error + 'static))
}

/// A document that takes too long stays so; a database that does not answer may
/// answer later.
pub(crate) fn of_budget(error: &BudgetError) -> StepError {
    match error {
        BudgetError::Spent(error) => of_document(error),
        BudgetError::Database(cause) => of_database(cause),
    }
}

/// Tables that could not be read or written now.
pub(crate) fn of_database(error: &DbErr) -> StepError {
    let text = format!("the database does not answer: {error}; check DATABASE_URL and the server");
    StepError::retry(Budget::Transport, "JOURNAL_UNAVAILABLE", text).caused_by(error)
}

/// A disk without room for a task's file: there may be some later.
pub(crate) fn of_full_disk(error: &DiskFull) -> StepError {
    StepError::retry(Budget::Transport, "DISK", error.to_string()).caused_by(error)
}
