//! The processes that `untxt` runs on: private PostgreSQL and Redis servers, started
//! from the distribution's binaries, and a supervisor that keeps them and `untxt`'s own
//! processes running.
//!
//! `untxt stack`, the fault campaign and the tests use it. It knows nothing about
//! workflows or documents.
//!
//! In reading order; each module uses only those above it: [`server`], [`postgres`] and
//! [`redis`] (private servers: each listens on a free loopback port with a random
//! password, keeps its data in a directory of its own, and ends with the process that
//! started it), [`faulty_proxy`] (a bad network before one of them, for tests),
//! [`process_identity`] and [`service`], [`pid_file`], [`logs`],
//! [`stack_dir`] (the files of a stack), `restarts`, [`error`], [`supervised`] (one
//! service), [`supervisor`] (all of them) and [`stop`].

// Boxes the future of a function that other crates call: it is compiled here, once,
// and not again in each of them.
use async_recursion::async_recursion as boxed;

pub mod server;

pub mod postgres;

pub mod redis;

pub mod faulty_proxy;

pub mod process_identity;
pub mod service;

pub mod logs;
pub mod pid_file;
pub mod stack_dir;

mod restarts;

pub mod error;

pub mod supervised;
pub mod supervisor;

pub mod stop;

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;
