//! Zip archives that are made while they are read: of each there is in memory what
//! is on its way, and the list of its files. All files are deflated, since some
//! programs that read archives as they come take no others.

use std::future::ready;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use thiserror::Error;
use tokio::sync::mpsc;

/// The media type of an archive.
pub const CONTENT_TYPE: &str = "application/zip";

/// Bytes that are compressed in one go: some of a millisecond.
const STEP_BYTES: usize = 32 << 10;

/// The formats become a quarter of their size or less at this level.
const LEVEL: Compression = Compression::fast();

/// A file of an archive.
#[derive(Debug)]
pub struct ArchiveFile<B> {
    /// Its name in the archive.
    pub name: String,
    /// Its bytes.
    pub body: B,
}

/// Why an archive breaks off.
#[derive(Debug, Error)]
pub enum ArchiveError<E> {
    /// A file does.
    #[error(transparent)]
    File(E),
    /// A name is longer than 65,535 bytes.
    #[error("the archive can't be written: {0}")]
    Format(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The archive of `files`, all of which are said to be of `modified`. The same
/// files give the same bytes. It is written as it is read, and no further.
///
/// Breaks off with an [`ArchiveError`] where a file does.
pub fn zip<F, B, E>(files: F, modified: DateTime<Utc>) -> impl Stream<Item = Result<Bytes, ArchiveError<E>>>
where
    F: Stream<Item = Result<ArchiveFile<B>, E>>,
    B: Stream<Item = Result<Bytes, E>>,
{
    let (sender, receiver) = mpsc::channel(1);
    let pieces = stream::unfold(receiver, |mut receiver| async {
        let piece = receiver.recv().await?;
        Some((Ok(piece), receiver))
    });
    let writing = stream::once(write(files, modified, sender));
    stream::select(pieces, writing.filter_map(|end| ready(end.err().map(Err))))
}

async fn write<F, B, E>(
    files: F,
    modified: DateTime<Utc>,
    sender: mpsc::Sender<Bytes>,
) -> Result<(), ArchiveError<E>>
where
    F: Stream<Item = Result<ArchiveFile<B>, E>>,
    B: Stream<Item = Result<Bytes, E>>,
{
    let made = Made::default();
    let mut archive = ZipArchiveWriter::new(made.clone());
    let modified = UtcDateTime::from_unix(modified.timestamp());
    let mut files = pin!(files);
    while let Some(ArchiveFile { name, body }) = files.try_next().await.map_err(ArchiveError::File)? {
        let file = archive.new_file(name.as_str()).compression_method(CompressionMethod::DEFLATE);
        let (mut entry, terms) =
            file.last_modified(modified).unix_permissions(0o644).start().map_err(format)?;
        let mut data = terms.wrap(DeflateEncoder::new(&mut entry, LEVEL));
        let mut body = pin!(body);
        while let Some(bytes) = body.try_next().await.map_err(ArchiveError::File)? {
            for step in bytes.chunks(STEP_BYTES) {
                data.write_all(step).map_err(format)?;
                if !made.send(&sender).await {
                    return Ok(());
                }
            }
        }
        let (deflate, sums) = data.finish().map_err(format)?;
        deflate.finish().map_err(format)?;
        entry.finish(sums).map_err(format)?;
    }
    archive.finish().map_err(format)?;
    made.send(&sender).await;
    Ok(())
}

fn format<E>(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ArchiveError<E> {
    ArchiveError::Format(error.into())
}

/// What is written of an archive and was not sent yet: what one step makes, and
/// the list of files at the end.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<u8>>>);

impl Made {
    /// Sends it; whether anybody listens.
    async fn send(&self, sender: &mpsc::Sender<Bytes>) -> bool {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        bytes.is_empty() || sender.send(bytes.into()).await.is_ok()
    }
}

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::Read;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use flate2::read::DeflateDecoder;
    use rawzip::ZipArchive;

    use super::*;

    type Pieces<E> = stream::Iter<std::vec::IntoIter<Result<Bytes, E>>>;

    fn file<E>(name: &str, pieces: Vec<Result<Bytes, E>>) -> Result<ArchiveFile<Pieces<E>>, E> {
        Ok(ArchiveFile { name: name.to_owned(), body: stream::iter(pieces) })
    }

    fn noise(bytes: usize) -> Bytes {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..bytes).map(|_| next()).collect()
    }

    async fn whole(files: Vec<Vec<Bytes>>) -> Vec<u8> {
        let files = (1..).zip(files).map(|(number, pieces)| {
            file::<Infallible>(&format!("page {number}.xml"), pieces.into_iter().map(Ok).collect())
        });
        let pieces: Vec<Bytes> = zip(stream::iter(files), DateTime::UNIX_EPOCH).try_collect().await.unwrap();
        pieces.concat()
    }

    #[tokio::test]
    async fn what_goes_in_can_be_taken_out() {
        let (large, small) = (noise(200_000), Bytes::from_static("ä".as_bytes()));
        let bytes = whole(vec![vec![large.clone(), small.clone()], vec![], vec![small.clone()]]).await;
        let archive = ZipArchive::from_slice(&bytes).unwrap();
        let (mut entries, mut found) = (archive.entries(), Vec::new());
        while let Some(entry) = entries.next_entry().unwrap() {
            let name = entry.file_path().try_normalize().unwrap().as_ref().to_owned();
            let data = archive.get_entry(entry.wayfinder()).unwrap();
            let mut text = Vec::new();
            data.verifying_reader(DeflateDecoder::new(data.data())).read_to_end(&mut text).unwrap();
            found.push((name, text));
        }
        let expected = [[&large[..], &small[..]].concat(), vec![], small.to_vec()];
        let expected: Vec<_> = (1..).zip(expected).map(|(n, text)| (format!("page {n}.xml"), text)).collect();
        assert_eq!(found, expected);
        assert_eq!(whole(vec![vec![large, small.clone()], vec![], vec![small]]).await, bytes);
    }

    #[tokio::test]
    async fn an_archive_breaks_off_where_a_file_does() {
        let files = stream::iter([file("a", vec![Ok(noise(100_000)), Err("away"), Ok(noise(1))])]);
        let pieces: Vec<_> = zip(files, DateTime::UNIX_EPOCH).collect().await;
        let failures = pieces.iter().filter(|piece| matches!(piece, Err(ArchiveError::File("away")))).count();
        assert_eq!((failures, pieces.iter().filter(|piece| piece.is_err()).count()), (1, 1));
        let long = stream::iter([file::<Infallible>(&"x".repeat(1 << 16), vec![])]);
        let pieces: Vec<_> = zip(long, DateTime::UNIX_EPOCH).collect().await;
        assert!(matches!(pieces.as_slice(), [Err(ArchiveError::Format(_))]), "{pieces:?}");
    }

    #[tokio::test]
    async fn nothing_is_read_that_nobody_waits_for() {
        let read = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&read);
        let endless = stream::repeat_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(noise(STEP_BYTES))
        });
        let files = stream::iter([Ok(ArchiveFile { name: "a".to_owned(), body: endless })]);
        let mut archive = Box::pin(zip(files, DateTime::UNIX_EPOCH));
        archive.next().await.unwrap().unwrap();
        let after_one = read.load(Ordering::Relaxed);
        for _ in 0..10 {
            archive.next().await.unwrap().unwrap();
        }
        let steps = read.load(Ordering::Relaxed);
        assert!(after_one <= 4 && steps <= 16, "{after_one}, {steps}");
        drop(archive);
        assert_eq!(Arc::strong_count(&read), 1, "the files are gone with the archive");
    }
}
