//! [`Objects`], what everybody else holds.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::sync::Semaphore;

use super::body::Body;
use super::client::{self, Aim, Clients};
use super::config::ObjectsConfig;
use super::embedded::{Embedded, Opened, SIGNED_HOST};
use super::error::{BoxError, ObjectError, Place};
use super::keys;
use super::leftovers::{Leftovers, Upload};
use super::presign::PresignOptions;

/// What is not known yet is of no kind.
const ANY_BYTES: &str = "application/octet-stream";

/// Bodies of more than a part that are on their way at once: each holds two
/// parts in memory. Others wait where they are, which is on disk.
const LARGE_UPLOADS_MAX: usize = 8;

/// Bytes that are gathered before they are written to the embedded store.
const WRITE_BYTES: usize = 256 << 10;

/// The store. Clones share one client and, where it is embedded, one server,
/// which stops when the last of them is dropped.
#[derive(Clone)]
pub struct Objects {
    inner: Arc<Inner>,
}

struct Inner {
    clients: Clients,
    aim: Aim,
    kms_key_id: Option<String>,
    leftovers: Leftovers,
    large_uploads: Semaphore,
    /// It serves as long as it lives.
    embedded: Option<Embedded>,
}

/// What was stored or fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size_bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// What the store says about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes.
    pub size_bytes: u64,
    /// As it was stored.
    pub content_type: Option<String>,
}

/// A request by which somebody else may store an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignedPut {
    /// Where to.
    pub url: String,
    /// Headers that have to be sent as they are here.
    pub headers: Vec<(String, String)>,
}

/// An object on its way from the store.
pub struct Chunks {
    objects: Objects,
    key: String,
    body: Body,
}

impl Chunks {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`] when the answer breaks off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ObjectError> {
        let chunk = self.body.next().await.transpose();
        chunk.map_err(|error| self.objects.broke_off(&self.key, error))
    }
}

impl Objects {
    /// The store that `config` means. An embedded one is serving and has its
    /// bucket when this returns; any other is not asked anything yet, so that
    /// its outage does not keep the program from starting ([`Objects::check`]
    /// asks).
    ///
    /// # Errors
    /// [`ObjectError::Config`] when the configuration can't work,
    /// [`ObjectError::Disk`] when the embedded store's directory can't be used.
    pub async fn connect(config: ObjectsConfig) -> Result<Self, ObjectError> {
        config.check()?;
        let embedded = if config.is_embedded() {
            Some(Embedded::start(&config.embedded_dir, &config.bucket, config.embedded_put_bytes_max).await?)
        } else {
            None
        };
        let (clients, endpoint) = match &embedded {
            Some(server) => (client::of_embedded(server), server.endpoint()),
            None => client::of_config(&config).await?,
        };
        let aim = Aim { endpoint, bucket: config.bucket };
        let kms_key_id = config.kms_key_id;
        let inner = Inner {
            clients,
            aim,
            kms_key_id,
            leftovers: Leftovers::default(),
            large_uploads: Semaphore::new(LARGE_UPLOADS_MAX),
            embedded,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Stores `body` under `key`, replacing what was there. Meant for bodies
    /// that are in memory anyway; [`Objects::put_stream`] is for the others.
    ///
    /// # Errors
    /// [`ObjectError::Key`], and what the store answers.
    pub async fn put_bytes(&self, key: &str, content_type: &str, body: Bytes) -> Result<Stored, ObjectError> {
        keys::check(key)?;
        if let Some(embedded) = self.embedded() {
            let body = stream::iter([Ok::<_, Infallible>(body)]);
            return self.put_here(embedded, key, content_type, (body, u64::MAX)).await;
        }
        let stored = Stored { size_bytes: body.len() as u64, sha256: hex::encode(Sha256::digest(&body)) };
        self.put(key, content_type, body).await?;
        Ok(stored)
    }

    pub(super) async fn put(&self, key: &str, content_type: &str, body: Bytes) -> Result<(), ObjectError> {
        let put = self.client().put_object().bucket(self.bucket()).key(key).content_type(content_type);
        let sent = self.encrypted(put).body(ByteStream::from(body)).send().await;
        sent.map(drop).map_err(|e| client::failure("storing", self.place(key), e))
    }

    /// Fetches an object of at most `limit_bytes` into memory.
    ///
    /// # Errors
    /// [`ObjectError::Key`], [`ObjectError::TooLarge`],
    /// [`ObjectError::Unavailable`] when the answer breaks off, and what the
    /// store answers.
    pub async fn get_bytes(&self, key: &str, limit_bytes: u64) -> Result<Bytes, ObjectError> {
        let mut answer = self.get(key, None).await?;
        let too_large = || ObjectError::TooLarge { at: self.place(key), limit_bytes };
        if answer.size_bytes.is_some_and(|bytes| bytes > limit_bytes) {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = answer.next().await {
            let chunk = chunk.map_err(|e| self.broke_off(key, e))?;
            if (bytes.len() + chunk.len()) as u64 > limit_bytes {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// What the store says about an object.
    ///
    /// # Errors
    /// [`ObjectError::Key`], and what the store answers.
    pub async fn head(&self, key: &str) -> Result<Head, ObjectError> {
        keys::check(key)?;
        if let Some(embedded) = self.embedded() {
            let object = self.opened(embedded, key).await?;
            let (size_bytes, content_type) = (object.size_bytes, object.description.content_type);
            return Ok(Head { size_bytes, content_type });
        }
        let asked = self.client().head_object().bucket(self.bucket()).key(key).send().await;
        let head = asked.map_err(|e| client::failure("asking for", self.place(key), e))?;
        Ok(Head {
            size_bytes: announced(head.content_length).unwrap_or_default(),
            content_type: head.content_type,
        })
    }

    /// Deletes an object. One that isn't there is as good as deleted.
    ///
    /// # Errors
    /// [`ObjectError::Key`], and what the store answers.
    pub async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        keys::check(key)?;
        if let Some(embedded) = self.embedded() {
            let removed = embedded.remove(key).await;
            return removed.map_err(|source| self.disk("deleting", embedded, key, source));
        }
        let asked = self.client().delete_object().bucket(self.bucket()).key(key).send().await;
        match asked.map_err(|e| client::failure("deleting", self.place(key), e)) {
            Ok(_) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A URL by which anybody may fetch the object until it expires. Nothing
    /// is sent: whether the object exists is not known here. A URL of the
    /// embedded store names its own listener, which is on this machine and ends
    /// with this process, unless `options` say where else it is served.
    ///
    /// # Errors
    /// [`ObjectError::Key`]; [`ObjectError::Config`] when `expires` is longer
    /// than S3's seven days; [`ObjectError::Denied`] or
    /// [`ObjectError::Unavailable`] when no credentials are to be had.
    pub async fn presign_get(
        &self,
        key: &str,
        expires: Duration,
        options: PresignOptions,
    ) -> Result<String, ObjectError> {
        keys::check(key)?;
        let terms = PresigningConfig::expires_in(expires)
            .map_err(|e| ObjectError::Config(format!("a URL can't expire in {expires:?}: {e}")))?;
        let get = self.inner.clients.signs.get_object().bucket(self.bucket()).key(key);
        let base = options.embedded_at.clone();
        let get = get
            .set_response_content_disposition(options.disposition())
            .set_response_content_type(options.content_type);
        let signed = get.presigned(terms).await;
        let signed = signed.map_err(|e| client::failure("signing a URL for", self.place(key), e))?;
        Ok(self.seen_at(signed.uri(), base.as_deref()))
    }

    /// The URL by which clients reach what `signed` names.
    fn seen_at(&self, signed: &str, embedded_at: Option<&str>) -> String {
        let Some(embedded) = &self.inner.embedded else { return signed.to_owned() };
        let path = signed.strip_prefix("http://").and_then(|rest| rest.strip_prefix(SIGNED_HOST));
        let base = embedded_at.map_or_else(|| embedded.signed_endpoint(), str::to_owned);
        format!("{base}{}", path.unwrap_or_default())
    }

    /// The store inside this process, if that is the one.
    #[must_use]
    pub fn embedded(&self) -> Option<&Embedded> {
        self.inner.embedded.as_ref()
    }

    /// A request by which anybody may store exactly `size_bytes` under `key`
    /// until it expires; under SSE-KMS if that is configured. `embedded_at` is as
    /// in [`PresignOptions`].
    ///
    /// # Errors
    /// Those of [`Objects::presign_get`].
    pub async fn presign_put(
        &self,
        key: &str,
        size_bytes: u64,
        expires: Duration,
        embedded_at: Option<&str>,
    ) -> Result<PresignedPut, ObjectError> {
        keys::check(key)?;
        let terms = PresigningConfig::expires_in(expires)
            .map_err(|e| ObjectError::Config(format!("a URL can't expire in {expires:?}: {e}")))?;
        let put = self.inner.clients.signs.put_object().bucket(self.bucket()).key(key);
        let put = self.encrypted(put.content_type(ANY_BYTES));
        let put = put.content_length(i64::try_from(size_bytes).unwrap_or(i64::MAX));
        let signed = put.presigned(terms).await;
        let signed = signed.map_err(|e| client::failure("signing a URL for", self.place(key), e))?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(PresignedPut { url: self.seen_at(signed.uri(), embedded_at), headers })
    }

    fn encrypted(&self, put: PutObjectFluentBuilder) -> PutObjectFluentBuilder {
        match self.kms_key_id() {
            Some(id) => put
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(id)
                .bucket_key_enabled(true),
            None => put,
        }
    }

    /// Fetches an object piece by piece.
    ///
    /// # Errors
    /// [`ObjectError::Key`], and what the store answers.
    pub async fn chunks(&self, key: &str) -> Result<Chunks, ObjectError> {
        let body = self.get(key, None).await?;
        Ok(Chunks { objects: self.clone(), key: key.to_owned(), body })
    }

    /// Fetches the bytes `first` to `last` of an object, both included, piece by
    /// piece.
    ///
    /// # Errors
    /// [`ObjectError::Key`], and what the store answers:
    /// [`ObjectError::Refused`] for bytes that the object has not.
    pub async fn chunks_of(&self, key: &str, first: u64, last: u64) -> Result<Chunks, ObjectError> {
        let body = self.get(key, Some((first, last))).await?;
        Ok(Chunks { objects: self.clone(), key: key.to_owned(), body })
    }

    /// Whether the bucket is there and lets us in. Also tries again to take
    /// away what broken uploads left behind.
    ///
    /// # Errors
    /// What the store answers; [`ObjectError::Config`] when there is no such
    /// bucket.
    pub async fn check(&self) -> Result<(), ObjectError> {
        let at = self.inner.aim.bucket();
        let asked = self.client().head_bucket().bucket(self.bucket()).send().await;
        asked.map_err(|e| match client::failure("asking for", at, e) {
            ObjectError::NotFound { at } => ObjectError::Config(client::no_bucket(&at)),
            other => other,
        })?;
        self.clear_leftovers().await
    }

    /// Aborts a multipart upload. One that is gone already is as good as aborted.
    pub(super) async fn abort(&self, upload: &Upload) -> Result<(), ObjectError> {
        let Upload { key, id } = upload;
        let abort = self.client().abort_multipart_upload().bucket(self.bucket()).key(key).upload_id(id);
        match abort.send().await.map_err(|e| client::failure("aborting the upload to", self.place(key), e)) {
            Ok(_) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tries again to abort uploads that broke off.
    pub(super) async fn clear_leftovers(&self) -> Result<(), ObjectError> {
        while let Some(upload) = self.leftovers().first() {
            self.abort(&upload).await?;
            self.leftovers().remove(&upload);
        }
        Ok(())
    }

    pub(super) fn client(&self) -> &Client {
        &self.inner.clients.asks
    }

    pub(super) fn bucket(&self) -> &str {
        &self.inner.aim.bucket
    }

    pub(super) fn is_embedded(&self) -> bool {
        self.inner.embedded.is_some()
    }

    pub(super) fn kms_key_id(&self) -> Option<&str> {
        self.inner.kms_key_id.as_deref()
    }

    pub(super) fn leftovers(&self) -> &Leftovers {
        &self.inner.leftovers
    }

    pub(super) fn large_uploads(&self) -> &Semaphore {
        &self.inner.large_uploads
    }

    pub(super) fn place(&self, key: &str) -> Box<Place> {
        self.inner.aim.object(key)
    }

    /// The object's bytes; those from the first to the last of `range`, both included.
    pub(super) async fn get(&self, key: &str, range: Option<(u64, u64)>) -> Result<Body, ObjectError> {
        const FETCHING: &str = "fetching";
        keys::check(key)?;
        if let Some(embedded) = self.embedded() {
            let object = self.opened(embedded, key).await?;
            let (first, end) = range.map_or((0, u64::MAX), |(first, last)| (first, last.saturating_add(1)));
            let end = end.min(object.size_bytes);
            if range.is_some() && first >= end {
                let detail = format!("it has {} bytes", object.size_bytes);
                return Err(ObjectError::Refused { doing: FETCHING, at: self.place(key), detail });
            }
            let body = Body::of_file(object, first, end - first).await;
            return body.map_err(|source| self.disk(FETCHING, embedded, key, source));
        }
        let get = self.client().get_object().bucket(self.bucket()).key(key);
        let get = get.set_range(range.map(|(first, last)| format!("bytes={first}-{last}")));
        let answer = get.send().await.map_err(|e| client::failure(FETCHING, self.place(key), e))?;
        Ok(Body::of_answer(announced(answer.content_length), answer.body))
    }

    /// The file of an object of the embedded store.
    async fn opened(&self, embedded: &Embedded, key: &str) -> Result<Opened, ObjectError> {
        let opened = embedded.open(key).await.map_err(|e| self.disk("opening", embedded, key, e))?;
        opened.ok_or_else(|| ObjectError::NotFound { at: self.place(key) })
    }

    /// Stores a body of at most so many bytes in the embedded store.
    pub(super) async fn put_here<S, E>(
        &self,
        embedded: &Embedded,
        key: &str,
        content_type: &str,
        (body, limit_bytes): (S, u64),
    ) -> Result<Stored, ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<BoxError>,
    {
        let disk = |source| self.disk("storing", embedded, key, source);
        let object = embedded.begin().await.map_err(disk)?;
        let mut file = BufWriter::with_capacity(WRITE_BYTES, File::from_std(object.file().map_err(disk)?));
        let (mut hash, mut size_bytes) = (Sha256::new(), 0);
        let mut body = pin!(body);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|e| ObjectError::Body { at: self.place(key), source: e.into() })?;
            size_bytes += chunk.len() as u64;
            if size_bytes > limit_bytes {
                return Err(ObjectError::TooLarge { at: self.place(key), limit_bytes });
            }
            hash.update(&chunk);
            file.write_all(&chunk).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        embedded.keep(key, content_type, object).await.map_err(disk)?;
        Ok(Stored { size_bytes, sha256: hex::encode(hash.finalize()) })
    }

    /// What went wrong with the file of an object of the embedded store.
    pub(super) fn disk(
        &self,
        doing: &'static str,
        embedded: &Embedded,
        key: &str,
        source: io::Error,
    ) -> ObjectError {
        ObjectError::Disk { doing, path: embedded.path_of(key), source }
    }

    pub(super) fn broke_off(&self, key: &str, source: BoxError) -> ObjectError {
        let detail = "the answer broke off".to_owned();
        ObjectError::Unavailable { doing: "fetching", at: self.place(key), detail, source: Some(source) }
    }
}

fn announced(content_length: Option<i64>) -> Option<u64> {
    content_length.and_then(|bytes| u64::try_from(bytes).ok())
}
