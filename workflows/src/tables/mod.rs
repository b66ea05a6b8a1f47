//! The product's own tables, as the migrations lay them out.

pub mod file;
pub mod task;
pub mod user;
