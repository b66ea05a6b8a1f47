//! The points at which a process may die and nothing may be lost. Named, so
//! that a test can die at each.

use async_trait::async_trait;

/// Between two effects that are not one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CrashPoint {
    /// A run is committed; nothing points at it yet.
    Submitted,
    /// A delivery was pulled; nothing is claimed.
    Pulled,
    /// The claim is committed; the step has not begun.
    Claimed,
    /// The step has returned; its outcome is not committed.
    Stepped,
    /// The outcome is committed; what follows is not pushed.
    Committed,
    /// The next step's deliveries are pushed; the one that led here is not
    /// acknowledged.
    Pushed,
    /// It is acknowledged; a retry is not pushed.
    Acknowledged,
    /// A drained attempt was given back; its delivery is in flight.
    HandedBack,
    /// A dead worker's claim was taken away; the retry is not pushed.
    OrphanLost,
    /// An ended run is to go on; nothing points at it yet.
    Redriven,
}

impl CrashPoint {
    /// Every point, in the order in which a delivery passes them.
    pub const ALL: [Self; 10] = [
        Self::Submitted,
        Self::Pulled,
        Self::Claimed,
        Self::Stepped,
        Self::Committed,
        Self::Pushed,
        Self::Acknowledged,
        Self::HandedBack,
        Self::OrphanLost,
        Self::Redriven,
    ];
}

/// Is told of every crash point that is passed. An engine has none unless a
/// test gives it one.
#[async_trait]
pub trait CrashHook: Send + Sync + 'static {
    /// The engine goes on when this returns; a hook that wants a crash never
    /// does, and drops the engine's tasks from outside.
    async fn reached(&self, point: CrashPoint);
}
