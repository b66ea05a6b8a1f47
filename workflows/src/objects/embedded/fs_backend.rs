//! The S3 operations over files.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, ETag, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, PutObjectInput, PutObjectOutput, StreamingBlob,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::staging::{Staged, Staging};
use super::stored::{self, Description, Opened};

/// Our own client sends at most 5 MiB in one request; others put what a URL was
/// signed for.
const OWN_BYTES_MAX: u64 = 16 << 20;

/// Uploads in parts that are kept, far more than are ever under way at once. Who
/// begins one more ends the one that nobody has touched for longest: its client
/// is gone.
const UPLOADS_MAX: usize = 1024;

/// As long as no upload takes. One that nobody touched for so long is ended when
/// the next begins.
const UPLOAD_IDLE_MAX: Duration = Duration::from_secs(60 * 60);

/// One read from the disk, one write to the socket.
const READ_BYTES: usize = 256 << 10;

/// Buckets in a directory.
pub(super) struct FsBackend {
    root: PathBuf,
    staging: Arc<Staging>,
    /// Bytes of one request's body.
    body_bytes_max: u64,
    /// Known to this process only: an upload does not outlive it.
    uploads: Mutex<HashMap<Uuid, Upload>>,
}

#[derive(Clone)]
struct Upload {
    bucket: String,
    key: String,
    content_type: Option<String>,
    /// When it was begun, or a part of it came last.
    touched: Instant,
}

impl FsBackend {
    pub(super) fn new(root: PathBuf, staging: Arc<Staging>, put_bytes_max: u64) -> Self {
        let body_bytes_max = put_bytes_max.max(OWN_BYTES_MAX);
        Self { root, staging, body_bytes_max, uploads: Mutex::default() }
    }

    /// The file of a key, in a bucket that is there. The service has checked
    /// the bucket's name.
    fn target(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        self.bucket(bucket)?;
        Ok(stored::path_in(&self.root.join(bucket), key))
    }

    fn bucket(&self, bucket: &str) -> S3Result<()> {
        if self.root.join(bucket).is_dir() { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
    }

    async fn open(&self, bucket: &str, key: &str) -> S3Result<Opened> {
        let target = self.target(bucket, key)?;
        blocking(move || stored::open(&target)).await?.ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// The body, written to a file that goes away if nobody keeps it.
    async fn stage(&self, body: Option<StreamingBlob>, announced: Option<i64>) -> S3Result<(File, Staged)> {
        let mut body = body.ok_or_else(|| s3_error!(IncompleteBody))?;
        if announced.is_some_and(|bytes| u64::try_from(bytes).is_ok_and(|bytes| bytes > self.body_bytes_max))
        {
            return Err(s3_error!(EntityTooLarge));
        }
        let staged = self.staging.file();
        let mut file = tokio::fs::File::from_std(create(&staged).map_err(failed)?);
        let mut size_bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|e| S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, e))?;
            size_bytes += chunk.len() as u64;
            if size_bytes > self.body_bytes_max {
                return Err(s3_error!(EntityTooLarge));
            }
            file.write_all(&chunk).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        if announced.is_some_and(|bytes| u64::try_from(bytes) != Ok(size_bytes)) {
            return Err(s3_error!(IncompleteBody));
        }
        Ok((file.into_std().await, staged))
    }

    /// The upload of that id, if it is one to this key.
    fn upload(&self, id: &str, bucket: &str, key: &str) -> S3Result<(Uuid, Upload)> {
        let id = Uuid::parse_str(id).map_err(|_| s3_error!(NoSuchUpload))?;
        let mut uploads = self.uploads();
        let upload = uploads.get_mut(&id).filter(|upload| upload.bucket == bucket && upload.key == key);
        let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
        upload.touched = Instant::now();
        Ok((id, upload.clone()))
    }

    /// Ends uploads whose client is gone, so that there is room for one more.
    async fn end_abandoned(&self) -> S3Result<()> {
        let abandoned = abandoned(&self.uploads(), Instant::now());
        for id in abandoned {
            tracing::info!(upload = %id, "aborted an abandoned multipart upload");
            self.forget(id).await?;
        }
        Ok(())
    }

    /// Forgets an upload and its parts.
    async fn forget(&self, id: Uuid) -> S3Result<()> {
        let dir = self.staging.upload(id);
        blocking(move || match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await?;
        self.uploads().remove(&id);
        Ok(())
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<Uuid, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl S3 for FsBackend {
    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        if input.server_side_encryption.is_some() || input.if_match.is_some() || input.if_none_match.is_some()
        {
            return Err(s3_error!(
                NotImplemented,
                "the embedded store supports neither encryption nor conditional requests"
            ));
        }
        let target = self.target(&input.bucket, &input.key)?;
        let (file, staged) = self.stage(input.body, input.content_length).await?;
        let description = Description::new(&input.key, input.content_type.as_deref());
        let e_tag = Some(ETag::Strong(description.etag.clone()));
        blocking(move || stored::seal(file, staged, &description, &target)).await?;
        Ok(S3Response::new(PutObjectOutput { e_tag, ..Default::default() }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let Opened { file, size_bytes, modified, description } = self.open(&input.bucket, &input.key).await?;
        let range = input.range.map(|range| range.check(size_bytes)).transpose()?;
        let content_range =
            range.as_ref().map(|range| format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1));
        let range = range.unwrap_or(0..size_bytes);
        let length = range.end - range.start;
        let mut file = tokio::fs::File::from_std(file);
        file.seek(io::SeekFrom::Start(range.start)).await.map_err(failed)?;
        let body = ReaderStream::with_capacity(file.take(length), READ_BYTES);
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(body)),
            content_length: Some(bytes_on_the_wire(length)?),
            content_range,
            content_type: description.content_type,
            e_tag: Some(ETag::Strong(description.etag)),
            last_modified: Some(modified.into()),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let Opened { size_bytes, modified, description, .. } =
            self.open(&request.input.bucket, &request.input.key).await?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(bytes_on_the_wire(size_bytes)?),
            content_type: description.content_type,
            e_tag: Some(ETag::Strong(description.etag)),
            last_modified: Some(modified.into()),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let target = self.target(&request.input.bucket, &request.input.key)?;
        blocking(move || stored::remove(&target)).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let CreateMultipartUploadInput { bucket, key, content_type, server_side_encryption, .. } =
            request.input;
        if server_side_encryption.is_some() {
            return Err(s3_error!(NotImplemented, "the embedded store does not support encryption"));
        }
        self.bucket(&bucket)?;
        let id = Uuid::new_v4();
        let output = CreateMultipartUploadOutput {
            bucket: Some(bucket.clone()),
            key: Some(key.clone()),
            upload_id: Some(id.to_string()),
            ..Default::default()
        };
        self.end_abandoned().await?;
        let dir = self.staging.upload(id);
        blocking(move || fs::create_dir(dir)).await?;
        self.uploads().insert(id, Upload { bucket, key, content_type, touched: Instant::now() });
        Ok(S3Response::new(output))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let (id, _) = self.upload(&input.upload_id, &input.bucket, &input.key)?;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(InvalidArgument, "parts are numbered from 1 to 10000"));
        }
        let target = self.staging.upload(id).join(input.part_number.to_string());
        let (_, staged) = self.stage(input.body, input.content_length).await?;
        blocking(move || staged.keep(&target)).await?;
        let e_tag = Some(ETag::Strong(format!("{id}-{}", input.part_number)));
        Ok(S3Response::new(UploadPartOutput { e_tag, ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let CompleteMultipartUploadInput { bucket, key, upload_id, multipart_upload, .. } = request.input;
        let (id, upload) = self.upload(&upload_id, &bucket, &key)?;
        let parts = multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let parts =
            in_order(&parts)?.into_iter().map(|n| self.staging.upload(id).join(n.to_string())).collect();
        let target = self.target(&bucket, &key)?;
        let staged = self.staging.file();
        let description = Description::new(&key, upload.content_type.as_deref());
        let e_tag = Some(ETag::Strong(description.etag.clone()));
        blocking(move || {
            let whole = join(parts, &staged)?;
            stored::seal(whole, staged, &description, &target)
        })
        .await?;
        self.forget(id).await?;
        let output = CompleteMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            e_tag,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let AbortMultipartUploadInput { bucket, key, upload_id, .. } = request.input;
        let (id, _) = self.upload(&upload_id, &bucket, &key)?;
        self.forget(id).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

/// Those that nobody touched for too long; and if they are as many as may be, the
/// one that nobody touched for longest.
fn abandoned(uploads: &HashMap<Uuid, Upload>, now: Instant) -> Vec<Uuid> {
    let idle = |upload: &Upload| now.saturating_duration_since(upload.touched);
    let mut ended: Vec<Uuid> =
        uploads.iter().filter(|(_, upload)| idle(upload) > UPLOAD_IDLE_MAX).map(|(id, _)| *id).collect();
    if ended.is_empty() && uploads.len() >= UPLOADS_MAX {
        ended.extend(uploads.iter().min_by_key(|(_, upload)| upload.touched).map(|(id, _)| *id));
    }
    ended
}

fn create(staged: &Staged) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(staged.path())
}

/// The numbers of the parts, which the client lists from the first to the last.
fn in_order(parts: &[CompletedPart]) -> S3Result<Vec<i32>> {
    let numbers: Vec<i32> = parts.iter().filter_map(|part| part.part_number).collect();
    let expected = (1..).take(parts.len());
    if parts.is_empty() || !numbers.iter().copied().eq(expected) {
        return Err(s3_error!(InvalidPartOrder));
    }
    Ok(numbers)
}

/// The parts stay until the object is there: completing may be asked twice.
fn join(parts: Vec<PathBuf>, staged: &Staged) -> io::Result<File> {
    let mut whole = create(staged)?;
    for part in parts {
        io::copy(&mut File::open(part)?, &mut whole)?;
    }
    Ok(whole)
}

fn bytes_on_the_wire(bytes: u64) -> S3Result<i64> {
    i64::try_from(bytes).map_err(S3Error::internal_error)
}

async fn blocking<T, F>(work: F) -> S3Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten().map_err(failed)
}

/// The store's own failure, which nobody else logs. A full disk may have room again;
/// what else there is to say is no client's business.
fn failed(error: io::Error) -> S3Error {
    tracing::error!(%error, "the embedded object store can't use its directory");
    match error.kind() {
        io::ErrorKind::StorageFull => s3_error!(error, ServiceUnavailable, "the disk of the store is full"),
        _ => s3_error!(error, InternalError, "the store can't use its disk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(touched: Instant) -> Upload {
        Upload { bucket: "b".to_owned(), key: "k".to_owned(), content_type: None, touched }
    }

    #[test]
    fn uploads_that_were_given_up_end_by_age_and_at_the_limit_the_oldest_first() {
        let began = Instant::now();
        let mut uploads: HashMap<Uuid, Upload> = (1..=UPLOADS_MAX as u64)
            .map(|n| (Uuid::new_v4(), upload(began + Duration::from_secs(n))))
            .collect();
        let oldest = Uuid::new_v4();
        uploads.insert(oldest, upload(began));
        assert_eq!(abandoned(&uploads, began + UPLOAD_IDLE_MAX), [oldest]);
        uploads.retain(|id, _| *id == oldest);
        assert!(abandoned(&uploads, began + UPLOAD_IDLE_MAX).is_empty(), "there is room");
        assert_eq!(abandoned(&uploads, began + UPLOAD_IDLE_MAX + Duration::from_secs(1)), [oldest]);
    }
}
