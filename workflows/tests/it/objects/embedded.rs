//! Everyday life on the embedded store.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream;
use sha2::{Digest, Sha256};
use untxt_workflows::objects::{Head, ObjectError, Stored, keys};
use uuid::Uuid;

use super::{Store, embedded, files};

const LIMIT: u64 = 1 << 20;

fn stored(body: &[u8]) -> Stored {
    Stored { size_bytes: body.len() as u64, sha256: hex::encode(Sha256::digest(body)) }
}

fn march() -> DateTime<Utc> {
    "2026-03-31T23:59:59Z".parse().unwrap()
}

#[tokio::test]
async fn an_object_comes_back_as_it_went() {
    let store = Store::start().await;
    let (objects, body) = (&store.objects, b"%PDF-1.7 \0\r\n\xff".as_slice());
    let put = objects
        .put_bytes("uploads/a.pdf", "application/pdf", Bytes::from_static(b"%PDF-1.7 \0\r\n\xff"))
        .await;
    assert_eq!(put.unwrap(), stored(body));

    assert_eq!(objects.get_bytes("uploads/a.pdf", LIMIT).await.unwrap(), body);
    let head = Head { size_bytes: body.len() as u64, content_type: Some("application/pdf".to_owned()) };
    assert_eq!(objects.head("uploads/a.pdf").await.unwrap(), head);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("document");
    assert_eq!(objects.get_to_file("uploads/a.pdf", &path).await.unwrap(), stored(body));
    assert_eq!(fs::read(&path).unwrap(), body);
    assert_eq!(files(dir.path()), [path], "nothing but the file is left in its directory");
}

#[tokio::test]
async fn a_file_becomes_an_object_and_an_object_a_file_without_a_copy() {
    let store = Store::start().await;
    let (objects, dir) = (&store.objects, tempfile::tempdir_in(store.dir.path()).unwrap());
    let (spooled, linked) = (dir.path().join("spooled"), dir.path().join("linked"));
    fs::write(&spooled, "first").unwrap();
    let inode = fs::metadata(&spooled).unwrap().ino();
    objects.put_file("k", "text/plain", &spooled, 5).await.unwrap();
    assert!(!spooled.exists(), "it was moved");
    assert_eq!(objects.get_bytes("k", LIMIT).await.unwrap(), "first");
    assert_eq!(objects.head("k").await.unwrap().content_type.as_deref(), Some("text/plain"));

    assert_eq!(objects.link_to_file("k", &linked).await.unwrap(), Some(stored(b"first")));
    let metadata = fs::metadata(&linked).unwrap();
    assert_eq!((metadata.ino(), metadata.nlink()), (inode, 2), "one file from the spool to the worker");
    objects.put_bytes("k", "text/plain", Bytes::from_static(b"second")).await.unwrap();
    objects.delete("k").await.unwrap();
    assert!(fs::read(&linked).unwrap().starts_with(b"first"), "it stays as it was");

    let missing = objects.link_to_file("k", &dir.path().join("missing")).await.unwrap_err();
    assert_eq!(missing.code(), "OBJECT_NOT_FOUND");
    objects.put_bytes("k", "text/plain", Bytes::from_static(b"1")).await.unwrap();
    assert_eq!(objects.link_to_file("k", &linked).await.unwrap(), None, "nothing is replaced");
}

#[tokio::test]
async fn a_part_of_an_object_may_be_read() {
    let store = Store::start().await;
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"0123456789")).await.unwrap();
    let part = async |first, last| {
        let mut chunks = store.objects.chunks_of("k", first, last).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok::<_, ObjectError>(bytes)
    };
    assert_eq!(part(2, 4).await.unwrap(), b"234");
    assert_eq!(part(8, 99).await.unwrap(), b"89");
    assert_eq!(part(10, 12).await.unwrap_err().code(), "OBJECT_REFUSED");
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let store = Store::start().await;
    let nothing = stream::empty::<Result<Bytes, std::io::Error>>();
    assert_eq!(store.objects.put_stream("empty", "text/plain", nothing, 0).await.unwrap(), stored(b""));
    assert_eq!(store.objects.get_bytes("empty", 0).await.unwrap(), Bytes::new());
}

#[tokio::test]
async fn storing_again_replaces_and_deleting_leaves_no_file() {
    let store = Store::start().await;
    let objects = &store.objects;
    objects.put_bytes("k", "text/plain", Bytes::from_static(b"first")).await.unwrap();
    objects.put_bytes("k", "text/html", Bytes::from_static(b"2nd")).await.unwrap();
    assert_eq!(objects.get_bytes("k", LIMIT).await.unwrap(), "2nd");
    assert_eq!(objects.head("k").await.unwrap().content_type.as_deref(), Some("text/html"));
    assert_eq!(store.files().len(), 1);

    objects.delete("k").await.unwrap();
    objects.delete("k").await.unwrap();
    assert_eq!(store.files(), [] as [std::path::PathBuf; 0]);
    let error = objects.get_bytes("k", LIMIT).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("OBJECT_NOT_FOUND", false));
    let text = error.to_string();
    assert!(text.contains("object k in bucket untxt at http://127.0.0.1:"), "{text}");
    assert!(matches!(objects.head("k").await, Err(ObjectError::NotFound { .. })));
}

#[tokio::test]
async fn more_than_is_allowed_is_not_fetched_into_memory() {
    let store = Store::start().await;
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"12345")).await.unwrap();
    let error = store.objects.get_bytes("k", 4).await.unwrap_err();
    assert_eq!(error.code(), "OBJECT_TOO_LARGE");
}

#[tokio::test]
async fn a_fetch_that_fails_leaves_no_file() {
    let store = Store::start().await;
    let dir = tempfile::tempdir().unwrap();
    let missing = store.objects.get_to_file("k", &dir.path().join("document")).await.unwrap_err();
    assert_eq!(missing.code(), "OBJECT_NOT_FOUND");
    assert!(files(dir.path()).is_empty());
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"1")).await.unwrap();
    let nowhere = store.objects.get_to_file("k", &dir.path().join("no/such/dir")).await.unwrap_err();
    assert_eq!(nowhere.code(), "OBJECT_DISK");
}

#[tokio::test]
async fn names_of_all_kinds_are_kept_apart() {
    let store = Store::start().await;
    let (user, file) = (Uuid::new_v4(), Uuid::new_v4());
    // The last is as long as a file name may be, and does not fit into the
    // name of a file once the rest of its key is before it.
    let names = [
        "a b+c.pdf",
        "a b c.pdf",
        "a%20b.pdf",
        "100%.pdf",
        "?x=1&y#z",
        "ä.pdf",
        "a\u{308}.pdf",
        "書類.pdf",
        "a..b",
        "'(!)*~,=@:;$.pdf",
    ];
    let long = "n".repeat(255);
    for name in names.iter().copied().chain([long.as_str()]) {
        let key = keys::upload_key(user, march(), file, name).unwrap();
        store.objects.put_bytes(&key, "text/plain", Bytes::from(name.to_owned())).await.unwrap();
    }
    for name in names.iter().copied().chain([long.as_str()]) {
        let key = keys::upload_key(user, march(), file, name).unwrap();
        assert_eq!(store.objects.get_bytes(&key, LIMIT).await.unwrap(), name);
    }
    assert_eq!(store.files().len(), names.len() + 1);
}

#[tokio::test]
async fn a_key_may_begin_like_another() {
    let store = Store::start().await;
    for key in ["a", "a/b", "a/b/c"] {
        store.objects.put_bytes(key, "text/plain", Bytes::from(key)).await.unwrap();
    }
    for key in ["a", "a/b", "a/b/c"] {
        assert_eq!(store.objects.get_bytes(key, LIMIT).await.unwrap(), key);
    }
}

#[tokio::test]
async fn keys_that_mean_a_directory_are_refused_before_anything_is_asked() {
    let store = Store::start().await;
    let long = "k".repeat(1025);
    for key in ["", "/", "a/", "/a", "a//b", "..", "a/../b", "./a", "a\\b", "a\nb", "a\0", long.as_str()] {
        for error in [
            store.objects.put_bytes(key, "text/plain", Bytes::new()).await.unwrap_err(),
            store.objects.get_bytes(key, LIMIT).await.unwrap_err(),
            store.objects.delete(key).await.unwrap_err(),
        ] {
            assert_eq!((error.code(), error.is_retryable()), ("OBJECT_KEY", false), "{key:?}");
        }
    }
    assert!(store.files().is_empty());
}

#[test]
fn keys_are_as_promised() {
    let user = Uuid::from_u128(1);
    let file = Uuid::from_u128(2);
    let upload = keys::upload_key(user, march(), file, "scan 1.pdf").unwrap();
    let ids = "00000000-0000-0000-0000-000000000001/2026-03/00000000-0000-0000-0000-000000000002";
    assert_eq!(upload, format!("uploads/{ids}/scan 1.pdf"));
    assert_eq!(keys::result_key(user, march(), file, "html"), format!("results/{ids}/result.html"));
    for name in ["", ".", "..", "a/b", "../a", "a\\b", "a\u{7f}", "a\tb"] {
        assert_eq!(keys::upload_key(user, march(), file, name).unwrap_err().code(), "OBJECT_KEY", "{name:?}");
    }
}

#[tokio::test]
async fn objects_outlive_the_server_and_its_directory_is_private() {
    let Store { objects, dir } = Store::start().await;
    objects.put_bytes("k", "text/plain", Bytes::from_static(b"kept")).await.unwrap();
    let mode = fs::metadata(dir.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(objects);
    let again = embedded(dir.path()).await;
    assert_eq!(again.get_bytes("k", LIMIT).await.unwrap(), "kept");
    again.check().await.unwrap();
}

#[tokio::test]
async fn several_processes_may_share_a_directory() {
    let store = Store::start().await;
    let other = embedded(store.dir.path()).await;
    store.objects.put_bytes("a", "text/plain", Bytes::from_static(b"one")).await.unwrap();
    other.put_bytes("b", "text/plain", Bytes::from_static(b"two")).await.unwrap();
    assert_eq!(other.get_bytes("a", LIMIT).await.unwrap(), "one");
    assert_eq!(store.objects.get_bytes("b", LIMIT).await.unwrap(), "two");
}

#[tokio::test]
async fn what_a_killed_process_left_is_removed_at_the_next_start() {
    let store = Store::start().await;
    let staging = store.dir.path().join(".staging");
    let dead = staging.join(Uuid::new_v4().to_string());
    fs::create_dir_all(dead.join("upload-1")).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    fs::write(dead.join("upload-1/1"), "a part").unwrap();
    fs::create_dir(staging.join("without-a-lock")).unwrap();

    let other = embedded(store.dir.path()).await;
    assert!(!dead.exists() && !staging.join("without-a-lock").exists());
    let alive = fs::read_dir(&staging).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(alive, 2, "those of the two that live stay");
    drop(other);
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"1")).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_cut_is_not_an_object() {
    let store = Store::start().await;
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"12345")).await.unwrap();
    let path = store.files().remove(0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let error = store.objects.get_bytes("k", LIMIT).await.unwrap_err();
    assert_eq!(error.code(), "OBJECT_DISK");
}
