//! Documents: what an upload is, its pages, and the result made from them.

pub mod kind;
pub mod limits;

pub mod error;

pub mod sniff;

pub mod filename;
pub mod pages;

pub mod renderer;

pub mod figures;
pub mod model;
pub mod sanitize;

pub mod formats;

pub use error::DocumentError;
