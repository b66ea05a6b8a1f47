//! What a store elsewhere is sent.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use untxt_workflows::objects::{Objects, ObjectsConfig};

use super::elsewhere;
use super::http::{Recorded, Recorder, agreeable};

const PART: usize = 5 << 20;

async fn with_key(server: &Recorder, kms_key_id: Option<&str>) -> Objects {
    let config = ObjectsConfig { kms_key_id: kms_key_id.map(str::to_owned), ..elsewhere(&server.url) };
    Objects::connect(config).await.unwrap()
}

fn encryption(request: &Recorded) -> [Option<&str>; 3] {
    [
        request.header("x-amz-server-side-encryption"),
        request.header("x-amz-server-side-encryption-aws-kms-key-id"),
        request.header("x-amz-server-side-encryption-bucket-key-enabled"),
    ]
}

#[tokio::test]
async fn every_object_is_encrypted_with_the_key_that_is_set() {
    let server = Recorder::start(agreeable).await;
    let objects = with_key(&server, Some("arn:aws:kms:eu-central-1:1:key/2")).await;
    objects.put_bytes("k", "text/html", Bytes::from_static(b"1")).await.unwrap();
    let small = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"2"))]);
    objects.put_stream("k", "text/html", small, 10).await.unwrap();
    let large = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![3; PART + 1]))]);
    objects.put_stream("k", "text/html", large, u64::MAX).await.unwrap();

    let requests = server.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "PUT /untxt/k?x-id=PutObject",
            "PUT /untxt/k?x-id=PutObject",
            "POST /untxt/k?uploads",
            "PUT /untxt/k?x-id=UploadPart&partNumber=1&uploadId=the-upload",
            "PUT /untxt/k?x-id=UploadPart&partNumber=2&uploadId=the-upload",
            "POST /untxt/k?uploadId=the-upload",
        ]
    );
    let key = [Some("aws:kms"), Some("arn:aws:kms:eu-central-1:1:key/2"), Some("true")];
    for request in &requests[..3] {
        assert_eq!(encryption(request), key, "{}", request.line);
        assert_eq!(request.header("content-type"), Some("text/html"));
    }
    let sizes: Vec<usize> = requests.iter().map(|request| request.size_bytes).collect();
    assert_eq!((&sizes[..3], &sizes[3..5]), (&[1, 1, 0][..], &[PART, 1][..]));
}

#[tokio::test]
async fn without_a_key_nothing_is_said_about_encryption() {
    let server = Recorder::start(agreeable).await;
    let objects = with_key(&server, None).await;
    objects.put_bytes("k", "text/html", Bytes::from_static(b"1")).await.unwrap();
    assert_eq!(encryption(&server.requests()[0]), [None; 3]);
}

#[tokio::test]
async fn the_bytes_are_part_of_what_is_signed() {
    let server = Recorder::start(agreeable).await;
    let objects = with_key(&server, None).await;
    let stored = objects.put_bytes("k", "text/html", Bytes::from_static(b"1")).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.header("x-amz-content-sha256"), Some(stored.sha256.as_str()));
    let signature = request.header("authorization").unwrap();
    assert!(
        signature.contains("Credential=somebody/") && signature.contains("/eu-central-1/s3/"),
        "{signature}"
    );
}
