//! Objects: the S3 side of every file.
//!
//! - [`error`]: what can go wrong with an object, and what to do about it
//! - [`keys`]: where uploads and results lie
//! - [`config`]: which store is meant
//! - [`presign`]: how a download names itself
//! - [`Embedded`]: the S3 server inside this process, for when no other is named
//! - `client`: the SDK's client for either, and its failures in our words
//! - `leftovers`: multipart uploads that broke off and still have to be aborted
//! - `body`: the bytes of an object on their way
//! - `store`: [`Objects`], what all other modules use
//! - `upload`: streams of unknown length, a part at a time
//! - `files`: files that become objects, and objects that become files
//! - `stale`: multipart uploads of processes that died
//!
//! There is one client, aws-sdk-s3. It asks other stores, and signs URLs of the
//! embedded one, whose files this process uses itself. Nothing here lists a bucket's
//! objects: what there is, the database knows.

pub mod config;
pub mod error;
pub mod keys;
pub mod presign;

mod embedded;

mod body;
mod client;
mod leftovers;
mod store;

mod upload;

mod files;
mod stale;

pub use config::{ObjectsConfig, StaticCredentials};
pub use embedded::{Embedded, signed_request};
pub use error::ObjectError;
pub use presign::{PresignOptions, attachment};
pub use store::{Chunks, Head, Objects, PresignedPut, Stored};
