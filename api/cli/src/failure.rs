//! How the program fails: a message on standard error and an exit code.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use untxt_engine::engine::EngineError;
use untxt_engine::journal::JournalError;
use untxt_plugins::PluginError;
use untxt_settings::ConfigError;
use untxt_stack::error::StackError;
use untxt_stack::server::ServiceError;
use untxt_workflows::bulk_redrives::BulkError;
use untxt_workflows::records::OpenError;
use untxt_workflows::redrive::RedriveError;
use untxt_workflows::retries::RetryError;

use crate::output;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The work failed.
    pub(crate) fn work(message: impl Display) -> Self {
        Self { code: 1, message: message.to_string() }
    }

    /// A file that can't be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::work(format!("{}: {error}", path.display()))
    }

    /// It was called or set up wrong.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    /// Something it needs can't be reached.
    pub(crate) fn service(message: impl Display) -> Self {
        Self { code: 3, message: message.to_string() }
    }

    /// Another program failed, with its code.
    pub(crate) fn with_code(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Says it and gives its code.
    pub(crate) fn report(&self) -> ExitCode {
        output::problem(&format!("untxt: {}", self.message));
        ExitCode::from(self.code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        Self::work(error)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Unavailable(_) | JournalError::Full(_) => Self::service(error),
            other => Self::work(other),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Journal(error) => error.into(),
            EngineError::Config(error) => Self::usage(error),
            other => Self::work(other),
        }
    }
}

impl From<RetryError> for Failure {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::Journal(error) => error.into(),
            other => Self::work(other),
        }
    }
}

impl From<BulkError> for Failure {
    fn from(error: BulkError) -> Self {
        match error {
            BulkError::Rate(_) => Self::usage(error),
            BulkError::Journal(error) => error.into(),
            other => Self::work(other),
        }
    }
}

impl From<RedriveError> for Failure {
    fn from(error: RedriveError) -> Self {
        match error {
            RedriveError::Field { .. } => Self::usage(error),
            RedriveError::Journal(error) => error.into(),
            other => Self::work(other),
        }
    }
}

impl From<StackError> for Failure {
    fn from(error: StackError) -> Self {
        match &error {
            StackError::Server(ServiceError::NotInstalled { .. }) => Self::service(error),
            StackError::Server(ServiceError::NoUser(_) | ServiceError::OutOfReach { .. }) => {
                Self::usage(error)
            }
            StackError::Ended { status, .. } => {
                let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
                Self::with_code(code, error)
            }
            StackError::Server(ServiceError::Io { .. } | ServiceError::Failed { .. })
            | StackError::Io(_)
            | StackError::Spawn { .. }
            | StackError::EndedAtOnce(_)
            | StackError::StillRuns { .. } => Self::work(error),
        }
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::service(format!("the database does not answer: {error}; check DATABASE_URL"))
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let text = chain(&error);
        match error {
            OpenError::DataDir { .. } => Self::usage(text),
            OpenError::Objects(error) if error.is_retryable() => Self::service(text),
            OpenError::Objects(_) | OpenError::Queue(_) => Self::usage(text),
            OpenError::Journal(error) => error.into(),
            OpenError::Plugins(_) | OpenError::Definition(_) => Self::work(text),
        }
    }
}

/// An error with what lies underneath, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
