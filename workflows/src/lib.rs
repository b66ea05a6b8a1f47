//! The OCR product on top of the engine.
//!
//! Modules in reading order; each uses only those above it. `ARCHITECTURE.md` says
//! what each is for.

pub mod dial;
pub mod trace;

pub mod documents;
pub mod objects;
pub mod tables;

pub mod room;
pub mod scratch;

pub mod decode_budget;
mod step_error;
pub mod task_input;
pub mod workbench;

pub mod webhooks;

pub mod ocr;
pub mod redrive;

pub mod settings;

mod doubtful;
mod passes;

pub mod platform;

pub mod clocks;
pub mod incoming;
pub mod missed;
pub mod quota;
pub mod tasks;

mod erasures;

pub mod erase;
pub mod letters;
pub mod retain;
pub mod submit;
pub mod updates;
pub mod uploads;
pub mod worker;

#[cfg(test)]
#[path = "../../engine/src/module_order.rs"]
mod module_order;
