//! What is done with a delivery after its attempt.

use async_trait::async_trait;

use crate::decide::Scheduled;
use crate::id::Delivery;

/// What is done with a delivery after its attempt.
#[derive(Debug, PartialEq)]
pub(crate) enum AckDecision {
    /// It is acknowledged; these follow.
    Acknowledge(NextDeliveries),
    /// It was not attempted and is returned to the queue.
    Release,
}

/// The deliveries that a commit calls for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NextDeliveries {
    /// The workflow, which is the topic they go to.
    pub(crate) workflow: String,
    /// The deliveries.
    pub(crate) deliveries: Vec<Scheduled>,
}

impl AckDecision {
    /// It is acknowledged, and nothing follows.
    pub(crate) fn nothing_follows() -> Self {
        Self::Acknowledge(NextDeliveries::default())
    }
}

/// Makes attempts.
#[async_trait]
pub(crate) trait HandleDelivery: Send + Sync + 'static {
    /// Makes the attempt that `delivery` asks for. When this returns, its outcome is
    /// committed, or there was none to commit.
    async fn handle(&self, delivery: Delivery) -> AckDecision;
}
