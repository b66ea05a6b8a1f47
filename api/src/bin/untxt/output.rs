//! The one place that writes to standard output and standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's output is what it is for")]

use serde_json::Value;

/// A line for people.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// A line for machines.
pub(crate) fn json(value: &Value) {
    println!("{value}");
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
