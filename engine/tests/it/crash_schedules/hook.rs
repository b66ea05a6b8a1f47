//! A hook that dies where it is told.

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::Notify;
use untxt_engine::crash::{CrashHook, CrashPoint};

/// Where to die: when the point is passed for this many a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crash {
    pub(super) point: CrashPoint,
    pub(super) passes: u32,
}

/// Stops whoever passes the point, and tells; from then on it stops everybody,
/// since the process is dead.
#[derive(Default)]
pub(super) struct Reaper {
    left: Mutex<Option<Crash>>,
    dead: Mutex<bool>,
    died: Notify,
}

impl Reaper {
    pub(super) fn at(crash: Option<Crash>) -> Self {
        Self { left: Mutex::new(crash), ..Self::default() }
    }

    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    fn dies(&self, point: CrashPoint) -> bool {
        let mut dead = self.dead.lock().unwrap();
        let mut left = self.left.lock().unwrap();
        if let Some(crash) = left.as_mut().filter(|crash| crash.point == point) {
            crash.passes = crash.passes.saturating_sub(1);
            *dead |= crash.passes == 0;
        }
        *dead
    }
}

#[async_trait]
impl CrashHook for Reaper {
    async fn reached(&self, point: CrashPoint) {
        if self.dies(point) {
            self.died.notify_one();
            std::future::pending().await
        }
    }
}
