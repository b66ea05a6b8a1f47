//! Engines in their sandbox.
//!
//! An engine is a WebAssembly component behind a contract (`plugins/wit`). It
//! is given one page at a time and nothing else: no files, no network, no
//! clock. The page stays with the host, the engine pulls what it needs. Every
//! page gets a fresh instance, which is gone when the call ends, however it
//! ends.
//!
//! From the outside in: [`registry`] finds an engine by name or digest and keeps
//! its versions, [`package`] is what is installed, by its [`manifest`], once the
//! [`gate`] let it in, by whom its [`signature`] is where one is asked for;
//! [`host`] makes the calls to an [`engine`]; [`page`] and
//! [`limits`] are what goes in, [`error`] is all that can come out wrong.

mod answer;
mod bounds;
mod cache;
mod call;
mod clock;
mod contract;
mod egress;
pub mod engine;
pub mod error;
mod fetch;
#[doc(hidden)]
pub mod fuzzing;
pub mod gate;
mod golden;
mod granted;
pub mod grants;
pub mod host;
pub mod http;
mod imports;
pub mod kit;
pub mod limits;
mod load;
mod logbook;
pub mod manifest;
mod meter;
pub mod package;
pub mod page;
mod picture;
mod pixels;
mod record;
pub mod registry;
mod sandbox;
mod scale;
pub mod signature;
mod verdict;

pub use engine::Engine;
pub use error::{Class, PluginError};
pub use host::{Host, HostConfig, Options, Recognized, Usage};
pub use limits::Limits;
pub use package::Package;
pub use page::{Block, Line, Page, PageText, PixelFormat, Rect, Word};
pub use registry::{Listed, Reference, Registry};
pub use signature::Trust;
