//! What can go wrong with an object.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// An error of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where an operation was aimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// URL of the store, or its name where the SDK finds the URL.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The object; none when the whole bucket was meant.
    pub key: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "object {key} in ")?;
        }
        write!(f, "bucket {} at {}", self.bucket, self.endpoint)
    }
}

/// Why an operation on an object failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// There is no such object.
    #[error("{at} does not exist; was it deleted, or was it written to another S3_BUCKET?")]
    NotFound {
        /// Which.
        at: Box<Place>,
    },
    /// The object, or the body that was to become it, is larger than allowed.
    #[error("{at} is larger than the {limit_bytes} bytes allowed here (for uploads: UNTXT_MAX_UPLOAD_BYTES)")]
    TooLarge {
        /// Which.
        at: Box<Place>,
        /// What the caller allows.
        limit_bytes: u64,
    },
    /// The store knows who asks and says no, or doesn't know who asks.
    #[error(
        "{doing} {at} was denied ({detail}); check the AWS_* credentials, the bucket's policy, \
         this machine's clock and, with S3_KMS_KEY_ID, the key's policy"
    )]
    Denied {
        /// What was tried.
        doing: &'static str,
        /// On what.
        at: Box<Place>,
        /// The store's code and words.
        detail: String,
    },
    /// The store did not answer, or answered that it can't now.
    #[error(
        "{doing} {at}: the store is not available ({detail}); check S3_ENDPOINT and that it can be reached"
    )]
    Unavailable {
        /// What was tried.
        doing: &'static str,
        /// On what.
        at: Box<Place>,
        /// What came instead of an answer.
        detail: String,
        /// The client's own error.
        #[source]
        source: Option<BoxError>,
    },
    /// The store found that what came is not what was sent.
    #[error("{doing} {at}: the bytes are not those expected ({detail})")]
    Corrupt {
        /// What was tried.
        doing: &'static str,
        /// On what.
        at: Box<Place>,
        /// How they differ.
        detail: String,
    },
    /// The store refuses the request for good.
    #[error("{doing} {at} was refused ({detail})")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// On what.
        at: Box<Place>,
        /// The store's code and words.
        detail: String,
    },
    /// The configuration can't work; the text names the setting.
    #[error("{0}")]
    Config(String),
    /// The key can't be one of ours.
    #[error("{key:?} can't be an object's key: {why}")]
    Key {
        /// What was given.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The body broke off before its end.
    #[error("the body meant for {at} broke off")]
    Body {
        /// Which.
        at: Box<Place>,
        /// What its sender reported.
        #[source]
        source: BoxError,
    },
    /// A file of this machine could not be read or written.
    #[error("{doing} {}: {source}; is the disk full, or not writable for this user?", path.display())]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ObjectError {
    /// The stable code of the cause.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "OBJECT_NOT_FOUND",
            Self::TooLarge { .. } => "OBJECT_TOO_LARGE",
            Self::Denied { .. } => "OBJECT_DENIED",
            Self::Unavailable { .. } => "OBJECT_STORE_UNAVAILABLE",
            Self::Corrupt { .. } => "OBJECT_CORRUPT",
            Self::Refused { .. } => "OBJECT_REFUSED",
            Self::Config(_) => "OBJECT_CONFIG",
            Self::Key { .. } => "OBJECT_KEY",
            Self::Body { .. } => "OBJECT_BODY",
            Self::Disk { .. } => "OBJECT_DISK",
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    /// A body that broke off is gone: only its sender can try again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Disk { .. })
    }
}
