//! What a database's error means: by SQLSTATE, by SQLite's result code, by
//! type; never by its text.

use sea_orm::sqlx::Error as SqlxError;
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::{DbBackend, DbErr, RuntimeErr};

use crate::journal::JournalError;

/// Why a transaction is void.
#[derive(Debug)]
pub(in crate::journal) enum CommitError {
    /// Something it wrote or read can't stand; sent again, it fails again.
    Rejected(JournalError),
    /// Another transaction was in the way; sent again, it may well pass.
    Contended(String),
    /// The database does not answer.
    Unavailable(String),
    /// Its disk is full.
    Full(String),
}

impl CommitError {
    /// What `error` means.
    pub(in crate::journal) fn of(error: &DbErr) -> Self {
        match error {
            DbErr::Conn(RuntimeErr::SqlxError(source))
            | DbErr::Exec(RuntimeErr::SqlxError(source))
            | DbErr::Query(RuntimeErr::SqlxError(source)) => of_sqlx(source),
            DbErr::Conn(RuntimeErr::Internal(text)) => Self::Unavailable(text.clone()),
            DbErr::ConnectionAcquire(_) => Self::Unavailable(error.to_string()),
            _ => Self::Rejected(JournalError::Corrupt(error.to_string())),
        }
    }

    pub(in crate::journal) fn is_contended(&self) -> bool {
        matches!(self, Self::Contended(_))
    }

    /// What was wrong, without what to do about it.
    pub(in crate::journal) fn into_text(self) -> String {
        match self {
            Self::Rejected(error) => error.to_string(),
            Self::Contended(text) | Self::Unavailable(text) | Self::Full(text) => text,
        }
    }

    pub(in crate::journal) fn into_error(self) -> JournalError {
        match self {
            Self::Rejected(error) => error,
            Self::Contended(text) | Self::Unavailable(text) => JournalError::Unavailable(text),
            Self::Full(text) => JournalError::Full(text),
        }
    }
}

impl From<CommitError> for JournalError {
    fn from(fault: CommitError) -> Self {
        fault.into_error()
    }
}

impl From<JournalError> for CommitError {
    fn from(error: JournalError) -> Self {
        Self::Rejected(error)
    }
}

impl From<DbErr> for CommitError {
    fn from(error: DbErr) -> Self {
        Self::of(&error)
    }
}

/// Whether the connection that the error came over, and those made before it,
/// may not be used again: nothing is known of them, or their server may not be
/// written to any more.
pub(in crate::journal) fn is_doubtful(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(source))
        | DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => match &**source {
            SqlxError::Database(error) => is_leaving(&error.code().unwrap_or_default()),
            SqlxError::Io(_)
            | SqlxError::Tls(_)
            | SqlxError::Protocol(_)
            | SqlxError::PoolTimedOut
            | SqlxError::WorkerCrashed => true,
            _ => false,
        },
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        _ => false,
    }
}

/// Whether a server with this SQLSTATE in its mouth is shutting down, starting
/// up, was demoted, or lost the connection. SQLite has no such codes.
fn is_leaving(sqlstate: &str) -> bool {
    sqlstate.starts_with("08")
        || matches!(sqlstate, "57P01" | "57P02" | "57P03" | "57P05" | "25006" | "25P03")
}

fn of_sqlx(error: &SqlxError) -> CommitError {
    match error {
        SqlxError::Database(error) => of_database(&**error),
        SqlxError::TypeNotFound { .. }
        | SqlxError::ColumnIndexOutOfBounds { .. }
        | SqlxError::ColumnNotFound(_)
        | SqlxError::ColumnDecode { .. }
        | SqlxError::Decode(_)
        | SqlxError::RowNotFound => CommitError::Rejected(JournalError::Corrupt(error.to_string())),
        SqlxError::Encode(_) | SqlxError::InvalidArgument(_) => {
            CommitError::Rejected(JournalError::Conflict(error.to_string()))
        }
        // Sockets, TLS, the pool, a broken protocol, a worker thread that is gone.
        _ => CommitError::Unavailable(error.to_string()),
    }
}

fn of_database(error: &dyn DatabaseError) -> CommitError {
    let text = error.message().to_owned();
    if error.kind() != ErrorKind::Other {
        return CommitError::Rejected(JournalError::Conflict(text));
    }
    let code = error.code().unwrap_or_default();
    let postgres = error.try_downcast_ref::<sea_orm::sqlx::postgres::PgDatabaseError>().is_some();
    match if postgres { DbBackend::Postgres } else { DbBackend::Sqlite } {
        DbBackend::Postgres => of_sqlstate(&code, text),
        _ => of_sqlite(code.parse().unwrap_or_default(), text),
    }
}

/// Classes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_sqlstate(code: &str, text: String) -> CommitError {
    match code.get(..2).unwrap_or_default() {
        // Division by zero: how a statement says that a fence did not hold.
        _ if code == "22012" => CommitError::Contended("another writer changed the run first".to_owned()),
        // Serialization failure, deadlock; lock not available.
        "40" | "55" => CommitError::Contended(text),
        // A value that does not fit, or breaks a constraint.
        "22" | "23" => CommitError::Rejected(JournalError::Conflict(text)),
        // A statement the schema does not know: not migrated, or another version's.
        "42" | "0A" => {
            CommitError::Rejected(JournalError::Corrupt(format!("{text}; see `untxt migrate status`")))
        }
        _ if code == "53100" => CommitError::Full(text),
        "XX" => CommitError::Rejected(JournalError::Corrupt(text)),
        _ => CommitError::Unavailable(text),
    }
}

/// Result codes of <https://www.sqlite.org/rescode.html>; the low byte is the
/// primary one.
fn of_sqlite(code: i32, text: String) -> CommitError {
    match code & 0xff {
        // BUSY, LOCKED.
        5 | 6 => CommitError::Contended(text),
        // TOOBIG, CONSTRAINT, MISMATCH, RANGE.
        18 | 19 | 20 | 25 => CommitError::Rejected(JournalError::Conflict(text)),
        // ERROR: a statement the schema does not know.
        1 => CommitError::Rejected(JournalError::Corrupt(format!("{text}; see `untxt migrate status`"))),
        // CORRUPT, NOTADB.
        11 | 26 => CommitError::Rejected(JournalError::Corrupt(text)),
        // FULL; and IOERR_SHMSIZE, the same of the file that processes share.
        13 => CommitError::Full(text),
        _ if code == 4874 => CommitError::Full(text),
        // The disk is gone, read-only.
        _ => CommitError::Unavailable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_the_guilty_from_the_unlucky() {
        assert!(matches!(
            of_sqlstate("23514", String::new()),
            CommitError::Rejected(JournalError::Conflict(_))
        ));
        assert!(matches!(
            of_sqlstate("42P01", String::new()),
            CommitError::Rejected(JournalError::Corrupt(_))
        ));
        assert!(matches!(of_sqlstate("40P01", String::new()), CommitError::Contended(_)));
        assert!(matches!(of_sqlstate("22012", String::new()), CommitError::Contended(_)), "a fence");
        assert!(matches!(of_sqlstate("57P01", String::new()), CommitError::Unavailable(_)));
        assert!(matches!(of_sqlite(517, String::new()), CommitError::Contended(_)), "BUSY_SNAPSHOT");
        assert!(matches!(of_sqlite(13, String::new()), CommitError::Full(_)), "FULL");
        assert!(matches!(of_sqlite(4874, String::new()), CommitError::Full(_)), "IOERR_SHMSIZE");
        assert!(matches!(of_sqlite(778, String::new()), CommitError::Unavailable(_)), "IOERR_WRITE");
        assert!(matches!(of_sqlstate("53100", String::new()), CommitError::Full(_)), "disk_full");
    }
}
