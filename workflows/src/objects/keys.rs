//! Where uploads and results lie.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::error::ObjectError;

/// S3's own bound.
const KEY_BYTES_MAX: usize = 1024;

/// `uploads/{user}/{YYYY-MM}/{file}/{filename}`.
///
/// # Errors
/// [`ObjectError::Key`] when the file name is empty, has a slash, backslash or
/// control character, is `.` or `..`, or makes the key longer than S3 allows.
pub fn upload_key(
    user: Uuid,
    month: DateTime<Utc>,
    file: Uuid,
    filename: &str,
) -> Result<String, ObjectError> {
    let key = format!("uploads/{user}/{}/{file}/{filename}", month.format("%Y-%m"));
    if filename.contains('/') {
        return Err(ObjectError::Key { key, why: "the file name has a slash" });
    }
    check(&key)?;
    Ok(key)
}

/// `results/{user}/{YYYY-MM}/{file}/result.{extension}`. The month is that of
/// the upload, so that whoever knows the file knows its results. The extension
/// is one the program knows, never one a client sent.
#[must_use]
pub fn result_key(user: Uuid, month: DateTime<Utc>, file: Uuid, extension: &'static str) -> String {
    format!("results/{user}/{}/{file}/result.{extension}", month.format("%Y-%m"))
}

/// Refuses keys that some store, proxy or file system would read as another.
pub(super) fn check(key: &str) -> Result<(), ObjectError> {
    match fault(key) {
        Some(why) => Err(ObjectError::Key { key: key.chars().take(KEY_BYTES_MAX).collect(), why }),
        None => Ok(()),
    }
}

fn fault(key: &str) -> Option<&'static str> {
    if key.len() > KEY_BYTES_MAX {
        return Some("it is longer than 1024 bytes");
    }
    if key.contains(|c: char| c.is_control() || c == '\\') {
        return Some("it has a control character or a backslash");
    }
    key.split('/').find_map(|part| match part {
        "" => Some("a part between its slashes is empty"),
        "." | ".." => Some("it has a part that means a directory"),
        _ => None,
    })
}
