//! Which failures pass and which stay.

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use untxt_workflows::objects::{ObjectError, Objects, ObjectsConfig};

use super::http::{Recorder, error};
use super::{Store, elsewhere, files, itself};

async fn put(url: &str) -> ObjectError {
    let objects = Objects::connect(elsewhere(url)).await.unwrap();
    objects.put_bytes("k", "text/plain", Bytes::from_static(b"1")).await.unwrap_err()
}

#[tokio::test]
async fn the_store_s_own_words_decide() {
    for (status, code, expected, retryable, asked) in [
        (503, "SlowDown", "OBJECT_STORE_UNAVAILABLE", true, 3),
        (500, "InternalError", "OBJECT_STORE_UNAVAILABLE", true, 3),
        (403, "AccessDenied", "OBJECT_DENIED", false, 1),
        (403, "SignatureDoesNotMatch", "OBJECT_DENIED", false, 1),
        (404, "NoSuchBucket", "OBJECT_CONFIG", false, 1),
        (400, "AuthorizationHeaderMalformed", "OBJECT_CONFIG", false, 1),
        (400, "KMS.NotFoundException", "OBJECT_CONFIG", false, 1),
        (400, "BadDigest", "OBJECT_CORRUPT", false, 1),
        (501, "NotImplemented", "OBJECT_REFUSED", false, 1),
    ] {
        let server = Recorder::start(move |_| error(status, code)).await;
        let failure = put(&server.url).await;
        assert_eq!((failure.code(), failure.is_retryable()), (expected, retryable), "{code}: {failure}");
        assert_eq!(server.lines().len(), asked, "{code}");
        let text = failure.to_string();
        assert!(text.contains("bucket untxt at") && text.contains(&server.url), "{text}");
    }
}

#[tokio::test]
async fn nobody_there_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = put(&url).await;
    assert_eq!((failure.code(), failure.is_retryable()), ("OBJECT_STORE_UNAVAILABLE", true));
    let text = failure.to_string();
    assert!(
        text.contains("storing object k") && text.contains("refused") && text.contains("S3_ENDPOINT"),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_no_file_and_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_u8().await.unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345").await.unwrap();
    });
    let objects = Objects::connect(elsewhere(&url)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let failure = objects.get_to_file("k", &dir.path().join("document")).await.unwrap_err();
    assert_eq!((failure.code(), failure.is_retryable()), ("OBJECT_STORE_UNAVAILABLE", true), "{failure}");
    assert!(files(dir.path()).is_empty());
}

#[tokio::test]
async fn a_server_that_stopped_is_gone() {
    let store = Store::start().await;
    let url =
        store.objects.presign_get("k", std::time::Duration::from_secs(1), Default::default()).await.unwrap();
    let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    drop(store);
    // Aborting is asked for, not waited for: the port closes once the task
    // that held it has been dropped.
    while tokio::net::TcpStream::connect(&host).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_health_check_tells_a_missing_bucket_from_a_missing_store() {
    let server = Recorder::start(|_| (404, String::new())).await;
    let objects = Objects::connect(elsewhere(&server.url)).await.unwrap();
    let failure = objects.check().await.unwrap_err();
    assert_eq!(failure.code(), "OBJECT_CONFIG");
    assert!(failure.to_string().contains("S3_BUCKET"), "{failure}");
}

#[tokio::test]
async fn a_directory_that_can_not_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let failure = Objects::connect(ObjectsConfig::embedded(file.join("objects"))).await.err().unwrap();
    assert_eq!(failure.code(), "OBJECT_DISK");
    assert!(failure.to_string().contains("a-file"), "{failure}");
}

#[test]
fn without_credentials_nobody_is_asked_twice() {
    let home = tempfile::tempdir().unwrap();
    let child = itself("objects::failures::one_request_without_credentials", home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process whose environment has no credentials"]
async fn one_request_without_credentials() {
    let server = Recorder::start(|_| (200, String::new())).await;
    let config = ObjectsConfig { credentials: None, ..elsewhere(&server.url) };
    let objects = Objects::connect(config).await.unwrap();
    let failure = objects.put_bytes("k", "text/plain", Bytes::new()).await.unwrap_err();
    assert_eq!((failure.code(), failure.is_retryable()), ("OBJECT_DENIED", false));
    assert!(failure.to_string().contains("no credentials are configured"), "{failure}");
    assert!(server.lines().is_empty());
}
