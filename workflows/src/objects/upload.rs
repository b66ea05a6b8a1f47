//! Streams of unknown length, a part at a time.
//!
//! A body that fits into one part is one request. A longer one is a multipart
//! upload: while one part is on its way the next is filled, so that memory is
//! two parts, however long the body.

use std::pin::{Pin, pin};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, ServerSideEncryption};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::sync::SemaphorePermit;
use tracing::Instrument;

use super::client;
use super::error::{BoxError, ObjectError, Place};
use super::keys;
use super::leftovers::Upload;
use super::store::{Objects, Stored};

/// S3 wants at least 5 MiB for all parts but the last. Larger parts cost
/// memory, smaller ones requests.
const PART_BYTES: usize = 5 << 20;

/// S3 takes 10 000 parts.
const OBJECT_BYTES_MAX: u64 = 10_000 * PART_BYTES as u64;

impl Objects {
    /// Stores a body as it comes, with two parts of 5 MiB in memory at most,
    /// and returns its size and hash. Where more than a part may come, a few are
    /// stored at once, and the others wait; without a limit only when more than a
    /// part has come. On any error, and when the caller gives
    /// up waiting, nothing is kept, except where the store failed after it had
    /// been told that the body is whole: then the object may be there, and
    /// storing it again replaces it.
    ///
    /// # Errors
    /// [`ObjectError::Key`]; [`ObjectError::Disk`] of the embedded store; [`ObjectError::TooLarge`] as soon as more than
    /// `limit_bytes` have come; [`ObjectError::Body`] when the body reports an
    /// error; and what the store answers.
    pub async fn put_stream<S, E>(
        &self,
        key: &str,
        content_type: &str,
        body: S,
        limit_bytes: u64,
    ) -> Result<Stored, ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<BoxError>,
    {
        keys::check(key)?;
        if let Some(embedded) = self.embedded() {
            return self.put_here(embedded, key, content_type, (body, limit_bytes)).await;
        }
        let is_limited = limit_bytes < OBJECT_BYTES_MAX;
        let limit_bytes = limit_bytes.min(OBJECT_BYTES_MAX);
        let mut turn = if is_limited { self.turn(limit_bytes).await } else { None };
        let body = pin!(body);
        let mut parts = PartReader::new(body, self.place(key), limit_bytes);
        let first = parts.fill().await?;
        if parts.ended {
            self.put(key, content_type, first).await?;
            return Ok(parts.stored());
        }
        if turn.is_none() {
            turn = self.turn(limit_bytes).await;
        }
        let mut upload = Multipart::begin(self, key, content_type).await?;
        match upload.send_all(first, &mut parts).await {
            Ok(()) => upload.complete().await?,
            Err(error) => {
                upload.abort().await;
                return Err(error);
            }
        }
        drop(turn);
        Ok(parts.stored())
    }

    /// Waits until there is memory for a body that may be larger than a part.
    async fn turn(&self, limit_bytes: u64) -> Option<SemaphorePermit<'_>> {
        match limit_bytes > PART_BYTES as u64 {
            true => self.large_uploads().acquire().await.ok(),
            false => None,
        }
    }
}

/// A body, cut into parts, counted and hashed on the way.
struct PartReader<'a, S> {
    body: Pin<&'a mut S>,
    at: Box<Place>,
    limit_bytes: u64,
    /// What came and does not belong to a part yet.
    carry: Bytes,
    ended: bool,
    size_bytes: u64,
    hash: Sha256,
}

impl<'a, S, E> PartReader<'a, S>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<BoxError>,
{
    fn new(body: Pin<&'a mut S>, at: Box<Place>, limit_bytes: u64) -> Self {
        Self { body, at, limit_bytes, carry: Bytes::new(), ended: false, size_bytes: 0, hash: Sha256::new() }
    }

    /// The next part: full, unless the body has ended.
    async fn fill(&mut self) -> Result<Bytes, ObjectError> {
        // Pages that are never written to cost nothing, so a short body does
        // not pay for the whole part.
        let mut part = BytesMut::with_capacity(PART_BYTES);
        loop {
            let room = PART_BYTES - part.len();
            part.extend_from_slice(&self.carry.split_to(room.min(self.carry.len())));
            if !self.carry.is_empty() {
                return Ok(part.freeze());
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.take(chunk)?,
                Some(Err(e)) => return Err(ObjectError::Body { at: self.at.clone(), source: e.into() }),
                None => {
                    self.ended = true;
                    return Ok(part.freeze());
                }
            }
        }
    }

    fn take(&mut self, chunk: Bytes) -> Result<(), ObjectError> {
        self.size_bytes += chunk.len() as u64;
        if self.size_bytes > self.limit_bytes {
            return Err(ObjectError::TooLarge { at: self.at.clone(), limit_bytes: self.limit_bytes });
        }
        self.hash.update(&chunk);
        self.carry = chunk;
        Ok(())
    }

    fn stored(self) -> Stored {
        Stored { size_bytes: self.size_bytes, sha256: hex::encode(self.hash.finalize()) }
    }
}

/// A multipart upload that has begun. Dropped before its end it is taken away.
struct Multipart<'a> {
    objects: &'a Objects,
    upload: Option<Upload>,
    done: Vec<CompletedPart>,
}

impl<'a> Multipart<'a> {
    async fn begin(objects: &'a Objects, key: &str, content_type: &str) -> Result<Self, ObjectError> {
        let create = objects.client().create_multipart_upload().bucket(objects.bucket()).key(key);
        let create = match objects.kms_key_id() {
            Some(id) => create
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(id)
                .bucket_key_enabled(true),
            None => create,
        };
        let begun = create.content_type(content_type).send().await;
        let begun = begun.map_err(|e| client::failure("beginning an upload to", objects.place(key), e))?;
        let id = begun.upload_id.ok_or_else(|| ObjectError::Refused {
            doing: "beginning an upload to",
            at: objects.place(key),
            detail: "the answer has no upload id".to_owned(),
        })?;
        Ok(Self { objects, upload: Some(Upload { key: key.to_owned(), id }), done: Vec::new() })
    }

    async fn send_all<S, E>(&mut self, first: Bytes, parts: &mut PartReader<'_, S>) -> Result<(), ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: Into<BoxError>,
    {
        let mut part = first;
        while !parts.ended {
            // A store that fails ends the reading at once; a body that fails
            // lets the part on its way arrive, because a part that arrives
            // after its upload was taken away may stay in the store.
            let ((), next) = tokio::try_join!(self.send(part), async { Ok(parts.fill().await) })?;
            part = next?;
        }
        self.send(part).await
    }

    async fn send(&mut self, part: Bytes) -> Result<(), ObjectError> {
        let Some(Upload { key, id }) = &self.upload else { return Ok(()) };
        let number = self.done.len() as i32 + 1;
        let send = self.objects.client().upload_part().bucket(self.objects.bucket()).key(key).upload_id(id);
        let sent = send.part_number(number).body(ByteStream::from(part)).send().await;
        let sent = sent.map_err(|e| client::failure("storing a part of", self.objects.place(key), e))?;
        self.done.push(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
        Ok(())
    }

    async fn complete(mut self) -> Result<(), ObjectError> {
        let Some(Upload { key, id }) = &self.upload else { return Ok(()) };
        let parts =
            CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.done))).build();
        let complete = self.objects.client().complete_multipart_upload().bucket(self.objects.bucket());
        let told = complete.key(key).upload_id(id).multipart_upload(parts).send().await;
        let told = told.map_err(|e| client::failure("completing", self.objects.place(key), e));
        match told {
            Ok(_) => {
                self.upload = None;
                Ok(())
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn abort(mut self) {
        // Taken only when it is over: given up in between, `drop` sees to it.
        let Some(upload) = &self.upload else { return };
        if self.objects.abort(upload).await.is_err() {
            self.objects.leftovers().add(upload.clone());
        }
        self.upload = None;
    }
}

impl Drop for Multipart<'_> {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        self.objects.leftovers().add(upload);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let objects = self.objects.clone();
            let clearing = async move {
                if let Err(error) = objects.clear_leftovers().await {
                    tracing::warn!(%error, "can't delete an aborted upload; the next health check retries");
                }
            };
            runtime.spawn(clearing.in_current_span());
        }
    }
}
