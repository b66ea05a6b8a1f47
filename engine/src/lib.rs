//! Durable workflows on apalis.

pub mod decide;
#[cfg(test)]
mod decide_tests;
pub mod definition;
pub mod error;
pub mod event;
pub mod id;
pub mod journal;
pub mod queue;
pub mod retry;
pub mod state;
pub mod step;
pub mod time;
