//! Bounds of a call.

use std::time::Duration;

/// Bounds of one call, and of what comes out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineLimits {
    /// Bytes of linear memory of an instance.
    pub memory_bytes_max: usize,
    /// Bytes of address space of the process that computes an engine's models.
    pub model_memory_bytes_max: usize,
    /// Wall clock of a call.
    pub wall: Duration,
    /// Bytes of all words, roles and attributes of an answer.
    pub text_bytes_max: usize,
    /// Bytes of HTML of an answer.
    pub html_bytes_max: usize,
    /// Words of an answer: a page of a telephone book has some 5,000.
    pub words_max: usize,
    /// Bytes of a call's log that are kept.
    pub log_bytes_max: usize,
    /// Lines of that log.
    pub log_lines_max: usize,
    /// Requests of a call to servers.
    pub http_requests_max: u32,
    /// Bytes that those may send, and bytes that they may receive.
    pub http_bytes_max: usize,
    /// Consecutive crashes and time-outs after which a version is quarantined; 0:
    /// never.
    pub faults_max: u32,
    /// Bytes of a component's file.
    pub component_bytes_max: u64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 256 << 20,
            model_memory_bytes_max: 1 << 30,
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
