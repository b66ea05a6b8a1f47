//! The memory limit. It records refused requests: a guest that is refused memory
//! crashes like any other.

use wasmtime::{ResourceLimiter, Result};

use crate::call_record::SharedCallRecord;
use crate::sandbox::TABLE_ELEMENTS_MAX;

#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    pub(crate) memory_bytes_max: usize,
    record: SharedCallRecord,
}

impl MemoryLimiter {
    pub(crate) fn new(memory_bytes_max: usize, record: SharedCallRecord) -> Self {
        Self { memory_bytes_max, record }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let granted = desired <= self.memory_bytes_max;
        let mut record = self.record.lock();
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
