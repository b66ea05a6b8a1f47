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

/// Rows below the headings of `columns`, each as wide as its widest cell. A column is
/// a heading and the JSON pointer of its values in a row, such as `ID:/id`. Nothing is
/// printed where there are no rows.
pub(crate) fn table(rows: &[Value], columns: &str) {
    if rows.is_empty() {
        return;
    }
    let columns: Vec<(&str, &str)> = columns.split(' ').filter_map(|column| column.split_once(':')).collect();
    let cells = |row: &Value| columns.iter().map(|(_, at)| cell(row.pointer(at))).collect();
    let mut lines: Vec<Vec<String>> =
        vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect()];
    lines.extend(rows.iter().map(cells));
    let width =
        |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for cells in &lines {
        let padded = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        line(padded.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// The rows that a list in JSON has.
pub(crate) fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// A value in a table: on one line, and never empty, so that columns can be counted.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        Some(Value::Array(values)) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        value => value.map(plain).unwrap_or_default(),
    };
    if text.is_empty() { "-".to_owned() } else { text.replace(char::is_control, " ") }
}

/// A line about what went wrong.
pub(crate) fn problem(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_one_word_at_least_and_one_line() {
        for (value, shown) in [
            (json!("two\nlines\u{1b}[31m"), "two lines [31m"),
            (json!(null), "-"),
            (json!(""), "-"),
            (json!([]), "-"),
            (json!(["read", "submit"]), "read,submit"),
            (json!(3), "3"),
        ] {
            assert_eq!(cell(Some(&value)), shown);
        }
        assert_eq!(cell(None), "-");
    }
}
