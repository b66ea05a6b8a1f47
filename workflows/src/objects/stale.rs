//! Multipart uploads whose process died in their middle: nobody else knows of
//! them, and the store keeps, and bills, what had come.

use std::time::Duration;

use aws_sdk_s3::types::MultipartUpload;
use chrono::Utc;
use uuid::Uuid;

use super::client;
use super::error::ObjectError;
use super::leftovers::Upload;
use super::store::Objects;

/// Where uploads lie; nothing else comes in parts.
const PREFIX: &str = "uploads/";

/// Uploads that one call takes away.
const UPLOADS_MAX: i32 = 1_000;

impl Objects {
    /// Takes away multipart uploads of ours that were begun longer ago than
    /// `age`; how many. The embedded store does so itself, as soon as it starts.
    ///
    /// # Errors
    /// What the store answers, [`ObjectError::Refused`] if it can't list them.
    pub async fn abort_stale(&self, age: Duration) -> Result<u64, ObjectError> {
        if self.is_embedded() {
            return Ok(0);
        }
        let list = self.client().list_multipart_uploads().bucket(self.bucket()).prefix(PREFIX);
        let listed = list.max_uploads(UPLOADS_MAX).send().await;
        let listed = listed.map_err(|e| client::failure("listing uploads in", self.place(PREFIX), e))?;
        let before = Utc::now().timestamp() - i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        let mut aborted = 0;
        for upload in listed.uploads().iter().filter_map(|upload| stale(upload, before)) {
            self.abort(&upload).await?;
            aborted += 1;
        }
        Ok(aborted)
    }
}

/// The upload, if it is one of ours and old enough.
fn stale(upload: &MultipartUpload, before: i64) -> Option<Upload> {
    let (key, id) = (upload.key()?, upload.upload_id()?);
    let user = key.strip_prefix(PREFIX)?.split('/').next()?;
    let ours = Uuid::parse_str(user).is_ok();
    let old = upload.initiated()?.secs() < before;
    (ours && old).then(|| Upload { key: key.to_owned(), id: id.to_owned() })
}
