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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::documents::filename;
    use crate::documents::formats::Format;

    /// Years 1970 to 2199.
    fn months() -> impl Strategy<Value = DateTime<Utc>> {
        (0..7_258_118_400_i64).prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
    }

    fn ids() -> impl Strategy<Value = Uuid> {
        any::<u128>().prop_map(Uuid::from_u128)
    }

    proptest! {
        #[test]
        fn every_file_name_that_was_made_safe_has_a_key(
            (user, file, month) in (ids(), ids(), months()),
            name in ".{0,300}",
        ) {
            let name = filename::safe(&name);
            let key = upload_key(user, month, file, &name).unwrap();
            let parts: Vec<&str> = key.split('/').collect();
            let month = month.format("%Y-%m").to_string();
            prop_assert_eq!(parts, ["uploads", &user.to_string(), &month, &file.to_string(), &name]);
            prop_assert_eq!(filename::safe(&name), name, "a safe name stays as it is");
        }

        #[test]
        fn no_two_results_share_a_key(
            (one, other) in ((ids(), ids()), (ids(), ids())),
            month in months(),
        ) {
            let keys = |(user, file): (Uuid, Uuid)| {
                let kinds = Format::ALL.into_iter().flat_map(Format::files);
                kinds.map(move |kind| result_key(user, month, file, kind.extension))
            };
            let mut all: Vec<String> = keys(one).collect();
            if one != other {
                all.extend(keys(other));
            }
            for key in &all {
                prop_assert!(check(key).is_ok(), "{key}");
            }
            let count = all.len();
            all.sort();
            all.dedup();
            prop_assert_eq!(all.len(), count);
        }

        #[test]
        fn a_key_that_is_taken_has_no_part_that_means_a_directory(key in "[a./\\\\\u{0}]{0,20}") {
            if check(&key).is_ok() {
                let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
                prop_assert!(key.split('/').all(is_plain), "{key:?}");
            }
        }
    }
}
