//! How pointers reach the steps: apalis pulls, runs and drains; the journal
//! decides. The only place that names apalis.
//!
//! An apalis task is one delivery. Its `SteppedFlow` calls the link of the
//! step, which makes the attempt; what the flow then wants to send on is
//! replaced, in the backend's sink, by what the journal's commit called for.

mod backend;
mod flow;
mod scope;
mod source;

use async_trait::async_trait;

use crate::decide::Scheduled;
use crate::id::Delivery;
pub(crate) use flow::run;
pub(crate) use source::Source;

/// What is to become of a delivery that was dealt with.
#[derive(Debug, PartialEq)]
pub(crate) enum Settled {
    /// It leads nowhere any more; this follows.
    Done(Following),
    /// It was not looked at; somebody else should.
    Released,
}

/// The pointers that a commit called for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Following {
    /// The workflow, which is the topic they go to.
    pub(crate) workflow: String,
    /// The pointers.
    pub(crate) pointers: Vec<Scheduled>,
}

/// Who makes the attempts.
#[async_trait]
pub(crate) trait Attempts: Send + Sync + 'static {
    /// Deals with a delivery to the end: when this returns, whatever came of it
    /// is recorded, or there was nothing to record.
    async fn attempt(&self, delivery: Delivery) -> Settled;
}
