//! The memory limit, which remembers that it was hit: afterwards a guest that
//! was denied memory looks like any other that crashed.

use wasmtime::{ResourceLimiter, Result};

use crate::record::Shared;

/// Elements of a table: function pointers of the largest engines are some
/// 20,000.
const TABLE_ELEMENTS_MAX: usize = 200_000;

#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) memory_bytes_max: usize,
    record: Shared,
}

impl Bounds {
    pub(crate) fn new(memory_bytes_max: usize, record: Shared) -> Self {
        Self { memory_bytes_max, record }
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let granted = desired <= self.memory_bytes_max;
        let mut record = self.record.read();
        if granted {
            record.peak_bytes = record.peak_bytes.max(desired);
        } else {
            record.denied_bytes = Some(desired);
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}
