//! The one place that writes to standard output and standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report is what the program is for")]

use serde_json::Value;

/// A line of the report for people.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// The report for machines.
pub(crate) fn json(value: &Value) {
    println!("{value}");
}

/// A line about progress or a problem.
pub(crate) fn problem(text: &str) {
    eprintln!("{text}");
}
