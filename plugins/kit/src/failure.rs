//! How the program fails: a message on standard error and an exit code.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The work failed: exit code 1.
    pub(crate) fn work(message: impl fmt::Display) -> Self {
        Self { code: 1, message: message.to_string() }
    }

    /// A file can't be read or written: exit code 1.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::work(format!("{}: {error}", path.display()))
    }

    /// The arguments or the installed tools are wrong: exit code 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
