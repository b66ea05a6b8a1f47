//! Bodies of unknown length.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use untxt_workflows::objects::{ObjectError, Objects};

use super::http::{Recorder, agreeable};
use super::{Store, elsewhere, embedded, files, itself};

const MIB: usize = 1 << 20;
const PART: usize = 8 * MIB;

/// `size_bytes` that differ from place to place, in chunks of `chunk_bytes`.
fn body(size_bytes: usize, chunk_bytes: usize) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let starts = (0..size_bytes).step_by(chunk_bytes);
    stream::iter(starts.map(move |start| Ok(chunk(start, chunk_bytes.min(size_bytes - start)))))
}

fn chunk(start: usize, length: usize) -> Bytes {
    (start..start + length).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}

#[tokio::test]
async fn bodies_around_the_size_of_a_part_come_back_as_they_went() {
    let store = Store::start().await;
    let cases = [
        (PART - 1, 64 << 10),
        (PART, 64 << 10),
        (PART, PART),
        (PART + 1, 100_003),
        (2 * PART, 3 * MIB),
        (2 * PART + 7, 20 * MIB),
    ];
    for objects in [&store.objects, &store.by_requests().await] {
        for (size_bytes, chunk_bytes) in cases {
            let body = body(size_bytes, chunk_bytes);
            let stored = objects.put_stream("k", "image/png", body, u64::MAX).await.unwrap();
            let expected = chunk(0, size_bytes);
            assert_eq!(stored.size_bytes, size_bytes as u64);
            assert_eq!(stored.sha256, hex::encode(Sha256::digest(&expected)));
            assert_eq!(objects.get_bytes("k", u64::MAX).await.unwrap(), expected, "{size_bytes}");
            assert_eq!(objects.head("k").await.unwrap().content_type.as_deref(), Some("image/png"));
            assert_eq!(store.files().len(), 1, "no part is left");
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_leaves_nothing() {
    let store = Store::start().await;
    for (size_bytes, limit_bytes) in [(11, 10), (PART + 1, PART), (3 * PART, 2 * PART + MIB)] {
        for objects in [&store.objects, &store.by_requests().await] {
            let body = body(size_bytes, 64 << 10);
            let error = objects.put_stream("k", "image/png", body, limit_bytes as u64).await.unwrap_err();
            assert_eq!((error.code(), error.is_retryable()), ("OBJECT_TOO_LARGE", false));
            assert!(store.files().is_empty(), "{:?}", store.files());
        }
    }
    store.objects.put_stream("k", "image/png", body(PART + 1, 64 << 10), PART as u64 + 1).await.unwrap();
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing_and_what_was_there_stays() {
    let store = Store::start().await;
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"before")).await.unwrap();
    let by_requests = store.by_requests().await;
    for (whole, objects) in [MIB, PART, 2 * PART + MIB]
        .into_iter()
        .flat_map(|whole| [(whole, &store.objects), (whole, &by_requests)])
    {
        let good = body(whole, MIB).map(|chunk| chunk.map_err(|never| match never {}));
        let broken = good.chain(stream::once(async { Err(io::Error::other("the client left")) }));
        let error = objects.put_stream("k", "image/png", broken, u64::MAX).await.unwrap_err();
        let ObjectError::Body { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.to_string(), "the client left");
        assert!(!error.is_retryable());
        assert_eq!(store.files().len(), 1, "{:?}", store.files());
        assert_eq!(store.objects.get_bytes("k", 10).await.unwrap(), "before");
    }
}

#[tokio::test]
async fn a_part_on_its_way_arrives_before_its_upload_is_taken_away() {
    let server = Recorder::start(agreeable).await;
    let objects = Objects::connect(elsewhere(&server.url)).await.unwrap();
    let good = body(PART + 1, MIB).map(|chunk| chunk.map_err(|never| match never {}));
    let broken = good.chain(stream::once(async { Err(io::Error::other("the client left")) }));
    let error = objects.put_stream("k", "image/png", broken, u64::MAX).await.unwrap_err();
    assert_eq!(error.code(), "OBJECT_BODY");
    let lines = server.lines();
    let methods: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(methods, ["POST", "PUT", "DELETE"]);
}

#[tokio::test]
async fn an_upload_whose_caller_gives_up_is_taken_away() {
    let mut server = Recorder::start(agreeable).await;
    let objects = Objects::connect(elsewhere(&server.url)).await.unwrap();
    let waiting = objects.clone();
    let upload = tokio::spawn(async move {
        let endless = body(PART + 1, MIB).chain(stream::pending());
        waiting.put_stream("k", "image/png", endless, u64::MAX).await
    });
    while !server.next_arrival().await.contains("partNumber=1") {}
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    let last = server.next_arrival().await;
    assert!(last.starts_with("DELETE /untxt/k?") && last.contains("uploadId=the-upload"), "{last}");
}

#[tokio::test]
async fn an_upload_that_can_not_be_taken_away_is_remembered_until_it_can() {
    let down = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&down);
    let server = Recorder::start(move |line| {
        let refuses = line.contains("partNumber") || line.starts_with("DELETE");
        if refuses && down.load(Ordering::Relaxed) { (503, String::new()) } else { agreeable(line) }
    })
    .await;
    let objects = Objects::connect(elsewhere(&server.url)).await.unwrap();
    let error = objects.put_stream("k", "image/png", body(PART + 1, MIB), u64::MAX).await.unwrap_err();
    assert_eq!(error.code(), "OBJECT_STORE_UNAVAILABLE");
    let error = objects.check().await.unwrap_err();
    assert!(error.to_string().contains("aborting the upload"), "{error}");

    switch.store(false, Ordering::Relaxed);
    objects.check().await.unwrap();
    let asked = server.lines().len();
    objects.check().await.unwrap();
    assert_eq!(server.lines()[asked..], ["HEAD /untxt/"], "it is not asked for twice");
}

#[tokio::test]
async fn a_process_that_is_killed_while_storing_leaves_nothing_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = itself("objects::streams::an_upload_that_never_ends", dir.path());
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("all of it is read")), "the child got that far");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!files(dir.path()).is_empty(), "there is something to remove");

    let objects = embedded(dir.path()).await;
    assert!(files(dir.path()).is_empty(), "{:?}", files(dir.path()));
    assert_eq!(objects.head("k").await.unwrap_err().code(), "OBJECT_NOT_FOUND");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn an_upload_that_never_ends() {
    let dir = PathBuf::from(std::env::var("UNTXT_TEST_DIR").unwrap());
    let objects = embedded(&dir).await;
    // The last chunk is asked for when those before it are written.
    let told = stream::once(async {
        io::stdout().write_all(b"all of it is read\n").unwrap();
        Ok(Bytes::from_static(b"more"))
    });
    let endless = body(2 * PART + 1, MIB).chain(told).chain(stream::pending());
    objects.put_stream("k", "image/png", endless, u64::MAX).await.unwrap();
}

#[test]
fn memory_does_not_grow_with_the_body() {
    let (small, large) = (peak_kib(MIB), peak_kib(100 * MIB));
    // What is gathered before it is written, and the allocator's share.
    assert!(large < small + (32 << 10), "1 MiB took {small} KiB, 100 MiB took {large} KiB");
}

/// The most memory that a process of its own had for one upload.
fn peak_kib(size_bytes: usize) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let child = itself("objects::streams::one_upload", dir.path())
        .env("UNTXT_TEST_UPLOAD_BYTES", size_bytes.to_string())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    std::fs::read_to_string(dir.path().join("peak")).unwrap().parse().unwrap()
}

#[tokio::test]
#[ignore = "run by memory_does_not_grow_with_the_body, in a process of its own"]
async fn one_upload() {
    let size_bytes: usize = std::env::var("UNTXT_TEST_UPLOAD_BYTES").unwrap().parse().unwrap();
    let dir = PathBuf::from(std::env::var("UNTXT_TEST_DIR").unwrap());
    let objects = embedded(&dir.join("objects")).await;
    let zeros = Bytes::from(vec![0; 64 << 10]);
    let body = stream::repeat(Ok::<_, Infallible>(zeros)).take(size_bytes / (64 << 10));
    let stored = objects.put_stream("k", "image/png", body, u64::MAX).await.unwrap();
    assert_eq!(stored.size_bytes, size_bytes as u64);
    let fetched = objects.get_to_file("k", &dir.join("fetched")).await.unwrap();
    assert_eq!(fetched, stored);
    assert_eq!(files(&dir.join("objects")).len(), 1);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    std::fs::write(dir.join("peak"), peak.trim().trim_end_matches(" kB")).unwrap();
}
