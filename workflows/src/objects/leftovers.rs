//! Multipart uploads that broke off and still have to be aborted.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Uploads to be taken away later that are remembered. More pile up only while
/// the store is gone, and then the bucket's own lifecycle rule has to do it.
const LEFTOVERS_MAX: usize = 256;

/// What the store needs to know to take an upload away.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) id: String,
}

/// Uploads that broke and could not be taken away yet.
#[derive(Default)]
pub(super) struct Leftovers {
    uploads: Mutex<VecDeque<Upload>>,
}

impl Leftovers {
    pub(super) fn add(&self, upload: Upload) {
        let mut uploads = self.lock();
        if uploads.len() == LEFTOVERS_MAX {
            uploads.pop_front();
        }
        uploads.push_back(upload);
    }

    pub(super) fn first(&self) -> Option<Upload> {
        self.lock().front().cloned()
    }

    pub(super) fn remove(&self, upload: &Upload) {
        self.lock().retain(|other| other != upload);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
