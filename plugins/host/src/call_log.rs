//! The log of a call. It is bounded, and the newest lines are kept. Only the newest
//! progress report is kept, so that reports don't displace log lines.

use std::collections::VecDeque;

use crate::limits::EngineLimits;

/// Characters of one line that are kept.
const LINE_CHARS_MAX: usize = 2_000;

#[derive(Debug)]
pub(crate) struct CallLog {
    lines: VecDeque<String>,
    progress: Option<String>,
    bytes: usize,
    bytes_max: usize,
    lines_max: usize,
    dropped: u64,
}

impl CallLog {
    pub(crate) fn new(limits: &EngineLimits) -> Self {
        Self {
            lines: VecDeque::new(),
            progress: None,
            bytes: 0,
            bytes_max: limits.log_bytes_max,
            lines_max: limits.log_lines_max,
            dropped: 0,
        }
    }

    /// Appends a line and drops the oldest ones beyond the bounds.
    pub(crate) fn write(&mut self, level: &str, message: &str) {
        let line = format!("{level}: {}", clean(message));
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > self.bytes_max || self.lines.len() > self.lines_max {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
            self.dropped += 1;
        }
    }

    /// Replaces the progress, from 0 to 1.
    pub(crate) fn progress(&mut self, fraction: f32, note: &str) {
        self.progress = Some(format!("progress: {:.2} {}", fraction.clamp(0.0, 1.0), clean(note)));
    }

    /// Takes the log, with the progress as its last line.
    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        let mut lines = Vec::from(std::mem::take(&mut self.lines));
        if self.dropped > 0 {
            lines.insert(0, format!("({} earlier lines are not kept)", self.dropped));
        }
        lines.extend(self.progress.take());
        lines
    }

    /// The newest line about a panic.
    pub(crate) fn panic(&self) -> Option<&str> {
        self.lines.iter().rev().find(|line| line.contains("panicked at")).map(String::as_str)
    }
}

fn clean(message: &str) -> String {
    message.chars().take(LINE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept() {
        let mut log = CallLog::new(&EngineLimits { log_lines_max: 3, ..EngineLimits::default() });
        (0..10).for_each(|n| log.write("info", &format!("line {n}")));
        log.write("error", "panicked at src/lib.rs:1:1:\nno");
        assert_eq!(log.panic(), Some("error: panicked at src/lib.rs:1:1: no"));
        let lines = log.take_lines();
        assert_eq!(lines[0], "(8 earlier lines are not kept)");
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn progress_displaces_no_lines() {
        let mut log = CallLog::new(&EngineLimits { log_lines_max: 3, ..EngineLimits::default() });
        log.write("info", "kept");
        (0..10_u8).for_each(|n| log.progress(f32::from(n), &format!("line\n{n}")));
        assert_eq!(log.take_lines(), ["info: kept", "progress: 1.00 line 9"]);
    }
}
