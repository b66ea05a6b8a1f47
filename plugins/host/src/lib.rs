//! Engines in their sandbox.
//!
//! An engine is a WebAssembly component behind a contract (`plugins/wit`). It
//! is given one page at a time and nothing else: no files, no network, no
//! clock. The page stays with the host, the engine pulls what it needs. Every
//! page gets a fresh instance, which is gone when the call ends, however it
//! ends.
//!
//! From the outside in: [`registry`] finds an engine by name or digest and lets
//! nothing in that does not pass the gate; [`host`] makes the call; [`page`]
//! and [`limits`] are what goes in, [`error`] is all that can come out wrong.

mod answer;
mod bounds;
mod cache;
mod call;
mod contract;
pub mod error;
pub mod host;
pub mod limits;
mod logbook;
mod meter;
pub mod page;
mod picture;
mod pixels;
pub mod registry;
mod sandbox;
mod scale;

pub use error::{Class, PluginError};
pub use host::{Engine, Host, HostConfig, Options, Recognized, Usage};
pub use limits::Limits;
pub use page::{Block, Line, Page, PageText, PixelFormat, Rect, Word};
pub use registry::{Listed, Registry};
