//! The product's own tables, as the migrations lay them out.

pub mod admission;
pub mod erasure;
pub mod file;
pub mod pass;
pub mod redrive_rate;
pub mod removal;
pub mod task;
pub mod upload;
pub mod user;
