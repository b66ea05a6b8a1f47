//! The bytes of an object on their way from the store.

use std::io::SeekFrom;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, Take};
use tokio_util::io::ReaderStream;

use super::embedded::Opened;
use super::error::BoxError;

/// One read of a file.
const READ_BYTES: usize = 256 << 10;

/// A body, and how long it is where that is said beforehand.
pub(super) struct Body {
    pub(super) size_bytes: Option<u64>,
    bytes: Source,
}

enum Source {
    Answer(ByteStream),
    File(ReaderStream<Take<File>>),
}

impl Body {
    /// The body of a store's answer.
    pub(super) fn of_answer(size_bytes: Option<u64>, answer: ByteStream) -> Self {
        Self { size_bytes, bytes: Source::Answer(answer) }
    }

    /// `length` bytes of an object's file from `first` on.
    pub(super) async fn of_file(object: Opened, first: u64, length: u64) -> std::io::Result<Self> {
        let mut file = File::from_std(object.file);
        file.seek(SeekFrom::Start(first)).await?;
        let capacity = usize::try_from(length).unwrap_or(READ_BYTES).clamp(1, READ_BYTES);
        let bytes = ReaderStream::with_capacity(file.take(length), capacity);
        Ok(Self { size_bytes: Some(length), bytes: Source::File(bytes) })
    }

    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        match &mut self.bytes {
            Source::Answer(answer) => answer.next().await.map(|piece| piece.map_err(Into::into)),
            Source::File(file) => file.next().await.map(|piece| piece.map_err(Into::into)),
        }
    }
}
