//! Engines in their sandbox.
//!
//! An engine is a WebAssembly component behind a contract (`plugins/wit`). It
//! is given one page at a time and nothing else: no files, no network, no
//! clock. The page stays with the host, the engine pulls what it needs. Every
//! page gets a fresh instance, which is gone when the call ends, however it
//! ends.
//!
//! In reading order; each module uses only those above it. [`page`] and
//! [`limits`] are what goes in, [`error`] is all that can come out wrong. A
//! [`package`] is what is installed: a component, its [`manifest`], its
//! [`signature`]; [`fetch`](Package::fetch) downloads one, and [`grants`] are
//! what its operator allows it. [`child_process`] is for work that may not end;
//! [`inference`] computes models in such children. `sandbox` configures wasmtime,
//! `contract` is generated from the WIT, `call` is what a guest can ask for during a
//! call, and `guest` is an instance of an engine.
//! [`host`] makes the calls to an [`engine`] that it has loaded, and judges
//! what comes back. [`admission`] checks a package before it is installed,
//! [`registry`] finds an engine by name or digest and keeps its versions, and
//! [`conformance`] tests and measures engines for their authors.

// Boxes the future of a function that other crates call: it is compiled here, once,
// and not again in each of them.
use async_recursion::async_recursion as boxed;

pub mod limits;

mod check;

pub mod error;

pub mod page;

pub mod manifest;

pub mod signature;

pub mod package;

mod fetch;

pub mod grants;

pub mod child_process;

mod metric_labels;

pub mod inference;

mod capabilities;

mod config;

mod clock;

mod sandbox;

mod cache;

mod contract;

mod imports;

mod call_log;

mod call_record;

mod memory_limiter;

mod scale;

mod picture;

mod pixels;

mod egress;

mod call;

mod guest;

pub mod engine;

mod answer;

mod outcome;

mod call_metrics;

pub mod host;

mod load;

mod golden_page;

pub mod admission;

pub mod registry;

pub mod conformance;

#[doc(hidden)]
pub mod fuzzing;

pub use check::Check;
pub use child_process::ChildProgram;
pub use config::HostConfig;
pub use engine::{Described, LoadedEngine};
pub use error::{Class, ModelFault, PluginError};
pub use host::{Host, Options, Recognized, Usage};
pub use inference::ModelUsage;
pub use limits::EngineLimits;
pub use load::PAGE_DPI;
pub use package::Package;
pub use page::{
    Alternative, Block, Cell, Corners, Line, Page, PageText, PixelFormat, Point, Rect, Table, Word, luma,
};
pub use registry::{Listed, Reference, Registry};
pub use signature::Trust;

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;
