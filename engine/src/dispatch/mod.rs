//! Runs deliveries on apalis: it pulls, drives and drains them, and the journal
//! decides what follows. The only module that uses apalis.
//!
//! An apalis task is one delivery. The `SteppedFlow` of a workflow has one link per
//! step; the link has the attempt made, pushes what follows and acknowledges. The
//! next task that the flow itself would send is dropped: what follows comes from
//! the journal's commit, and may be many deliveries or none.

mod decision;

mod backend;
mod flow;
mod source;

pub(crate) use decision::{AckDecision, HandleDelivery, NextDeliveries};
pub(crate) use flow::run;
pub(crate) use source::Source;
