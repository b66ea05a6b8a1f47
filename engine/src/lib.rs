#![doc = include_str!("../ARCHITECTURE.md")]

// Boxes the future of a function that other crates call: it is compiled here, once,
// and not again in each of them.
use async_recursion::async_recursion as boxed;

// The modules in reading order; each uses only those above it.

// Names and times.
pub mod id;

pub mod time;

// How a step fails, and what follows for its next attempt.
pub mod error;

pub mod retry;

pub mod fingerprint;

// What a workflow is, what can happen to a run, where that leaves it.
pub mod definition;

pub mod event;

pub mod state;

// The core: which events follow from a command.
pub mod decide;

// Settings of operators.
pub mod controls;

// Counters and histograms.
mod meter;

// What the product provides: rows, runs, tables, code.
pub mod rows;

pub mod new_run;

pub mod projection;

pub mod step;

pub mod workflow;

// The record of all runs, and the index of what is due.
mod backoff;

pub mod journal;

pub mod queue;

// What the tasks of an engine share.
pub mod crash;

pub mod health;

pub mod watch;

mod shared;

mod set_aside;

// The tasks: applying settings, repairing, dispatching, working.
mod control_sync;

mod reconcile;

mod dispatch;

pub mod worker;

// The public interface.
pub mod engine;

#[cfg(test)]
mod decide_tests;

#[cfg(test)]
mod module_order;
