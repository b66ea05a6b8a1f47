//! The OCR product on top of the engine.
//!
//! In reading order; each uses only those above it: [`documents`] (what an
//! upload is, its pages, the result made from them) and [`objects`] (where
//! files are kept), [`trace`] (the trace of a task); [`tables`], [`room`] and [`scratch`] (what the database and this
//! machine's disk hold); [`webhooks`] (telling how a task ended); [`workbench`], [`decode_budget`] and [`ocr`] (the four steps and what
//! they work with); [`redrive`] (what goes on after it died); [`registry`] (the list of workflows); [`platform`]
//! (everything put together), and what it can be asked for: [`clocks`], [`incoming`], [`quota`] and
//! [`submit`], [`uploads`], [`tasks`], [`missed`], [`erase`] and [`retain`], [`letters`], [`updates`], [`worker`].

pub mod documents;
pub mod objects;
pub mod trace;

pub mod room;
pub mod scratch;
pub mod tables;

pub mod webhooks;

pub mod decode_budget;
pub mod ocr;
pub mod workbench;

pub mod redrive;

pub mod registry;

pub mod platform;

pub mod clocks;
mod doubtful;
pub mod erase;
mod erasures;
pub mod incoming;
pub mod letters;
pub mod missed;
mod passes;
pub mod quota;
pub mod retain;
pub mod submit;
pub mod tasks;
pub mod updates;
pub mod uploads;
pub mod worker;
