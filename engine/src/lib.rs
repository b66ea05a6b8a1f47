#![doc = include_str!("../ARCHITECTURE.md")]

// The modules in reading order; each uses only those above it.

// What things are called, and when they happen.
pub mod id;

pub mod time;

// What a step may say, and what follows for its next attempt.
pub mod error;

pub mod retry;

pub mod fingerprint;

// What a workflow is, what can happen to a run, where that leaves it.
pub mod definition;

pub mod event;

pub mod state;

// The heart: what follows from a command.
pub mod decide;

// What operators set.
pub mod controls;

// What is counted, for whoever collects it.
mod meter;

// The record of all runs, and the index of what is due.
mod backoff;

pub mod journal;

pub mod queue;

// What the product gives: code.
pub mod step;

pub mod workflow;

// What the tasks at the rim share.
pub mod crash;

pub mod health;

pub mod watch;

mod parts;

mod aside;

// The tasks: following what is set, healing, dispatching, working.
mod steering;

mod reconcile;

mod dispatch;

pub mod worker;

// The whole.
pub mod engine;

#[cfg(test)]
mod decide_tests;

#[cfg(test)]
mod module_order;
