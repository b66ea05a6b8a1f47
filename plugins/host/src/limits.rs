//! What an engine may use.

use std::time::Duration;

/// Bounds of one call, and of what comes out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of an instance.
    pub memory_bytes_max: usize,
    /// Wall clock of a call.
    pub wall: Duration,
    /// Text of all words, roles and attributes of an answer.
    pub text_bytes_max: usize,
    /// HTML of an answer.
    pub html_bytes_max: usize,
    /// Words of an answer: a page of a telephone book has some 5,000.
    pub words_max: usize,
    /// Log of a call that is kept.
    pub log_bytes_max: usize,
    /// Lines of that log.
    pub log_lines_max: usize,
    /// Requests of a call to servers.
    pub http_requests_max: u32,
    /// Bytes that those may send, and bytes that they may get back.
    pub http_bytes_max: usize,
    /// Crashes and time-outs in a row after which a version is taken out of
    /// service; 0: never.
    pub faults_max: u32,
    /// A component's file.
    pub component_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 256 << 20,
            wall: Duration::from_secs(120),
            text_bytes_max: 8 << 20,
            html_bytes_max: 4 << 20,
            words_max: 50_000,
            log_bytes_max: 64 << 10,
            log_lines_max: 200,
            http_requests_max: 16,
            http_bytes_max: 32 << 20,
            faults_max: 10,
            component_bytes_max: 64 << 20,
        }
    }
}
