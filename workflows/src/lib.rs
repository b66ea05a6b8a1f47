//! The OCR product on top of the engine.
//!
//! Modules in reading order; each uses only those above it. `ARCHITECTURE.md` says
//! what each is for.

// Boxes the future of a function that other crates call: it is compiled here, once,
// and not again in each of them.
use async_recursion::async_recursion as boxed;

pub mod archive;
pub mod trace;

pub mod documents;
pub mod entities;
pub mod objects;

pub mod disk_space;
pub mod temp_dirs;

mod image_cache;
mod originals;

pub mod incoming;

pub mod decode_budget;
mod step_error;
pub mod task_input;

mod user_url;

pub mod fetch;

mod resources;

pub mod webhooks;

pub mod ocr;
pub mod redrive;

pub mod registry;

pub mod settings;

pub mod page_figures;

pub mod records;

pub mod catch_up;
pub mod clocks;
pub mod ended_tasks;
pub mod page_queries;
pub mod task_queries;
pub mod updates;

pub mod page_search;
pub mod task_lists;

mod erasures;

pub mod operations;

pub mod bulk_redrives;
pub mod dead_letters;
pub mod retries;

mod orphan_objects;

pub mod tasks;

pub mod page_images;

pub mod erase;
pub mod quota;
pub mod submit;
pub mod uploads;

mod maintenance;

pub mod retain;

pub mod worker;

pub mod platform;

#[cfg(test)]
#[path = "../../engine/src/module_order.rs"]
mod module_order;
