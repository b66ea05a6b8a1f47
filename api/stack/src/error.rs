//! Why a service of the stack can't be started or stopped.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::server::ServiceError;

/// A service that can't be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A private server can't be had.
    #[error(transparent)]
    Server(#[from] ServiceError),
    /// A file or process can't be had.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The program can't be started.
    #[error("can't start the {service}: {source}")]
    Spawn {
        /// Which service.
        service: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The program ended before it was ready.
    #[error("the {service} ended ({status}); its log {log} ends with: {tail}", log = .log.display())]
    Ended {
        /// Which service.
        service: &'static str,
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// A server ended as soon as it was ready.
    #[error("{0} ended at once")]
    EndedAtOnce(&'static str),
    /// The process does not end.
    #[error("can't end the {service}, process {pid}")]
    StillRuns {
        /// Which service.
        service: &'static str,
        /// Its process id.
        pid: u32,
    },
}
