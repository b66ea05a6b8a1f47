//! The one place that writes to standard output and standard error.
//!
//! Whoever reads may stop reading (`| head`): what a command does besides goes on.
#![expect(clippy::print_stderr, reason = "a command's output is what it is for")]

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

use serde_json::Value;

/// A line for people.
pub(crate) fn line(text: &str) {
    write_line(text);
}

/// A line for machines.
pub(crate) fn json(value: &Value) {
    write_line(value);
}

/// Writes a line; whether somebody still reads.
pub(crate) fn write_line(line: impl Display) -> bool {
    match writeln!(io::stdout().lock(), "{line}") {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
        Err(error) => {
            problem(&format!("standard output takes no more: {error}"));
            false
        }
    }
}

/// A value as people read it: a text without its quotes, nothing for null.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A line about what went wrong.
pub(crate) fn problem(text: &str) {
    eprintln!("{text}");
}
