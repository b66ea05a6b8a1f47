//! URLs for people without credentials.

use std::time::Duration;

use bytes::Bytes;
use untxt_workflows::objects::{Objects, PresignOptions};

use super::http::get;
use super::{Store, elsewhere};

const HOUR: Duration = Duration::from_secs(3600);

fn named(filename: &str) -> PresignOptions {
    PresignOptions { filename: Some(filename.to_owned()), ..PresignOptions::default() }
}

#[tokio::test]
async fn anybody_may_fetch_what_the_url_is_for() {
    let store = Store::start().await;
    store
        .objects
        .put_bytes("results/ä b/r.html", "text/plain", Bytes::from_static(b"<p>1</p>"))
        .await
        .unwrap();
    let options = PresignOptions {
        content_type: Some("text/html; charset=utf-8".to_owned()),
        ..named("Rechnung 1.html")
    };
    let url = store.objects.presign_get("results/ä b/r.html", HOUR, options).await.unwrap();
    assert!(url.contains("X-Amz-Expires=3600"), "{url}");
    let answer = get(&url, "").await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"<p>1</p>".as_slice()));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"Rechnung 1.html\""));
    assert_eq!(answer.header("content-length"), Some("8"));
}

#[tokio::test]
async fn a_part_of_it_may_be_fetched() {
    let store = Store::start().await;
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"0123456789")).await.unwrap();
    let url = store.objects.presign_get("k", HOUR, PresignOptions::default()).await.unwrap();
    let answer = get(&url, "range: bytes=2-4\r\n").await;
    assert_eq!((answer.status, answer.body.as_slice()), (206, b"234".as_slice()));
    assert_eq!(answer.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(answer.header("content-disposition"), None);
    assert_eq!(get(&url, "range: bytes=7-\r\n").await.body, b"789");
    assert_eq!(get(&url, "range: bytes=-1\r\n").await.body, b"9");
    assert_eq!(get(&url, "range: bytes=10-\r\n").await.status, 416);
}

#[tokio::test]
async fn a_url_that_was_changed_is_refused() {
    let store = Store::start().await;
    store.objects.put_bytes("mine", "text/plain", Bytes::from_static(b"1")).await.unwrap();
    store.objects.put_bytes("yours", "text/plain", Bytes::from_static(b"2")).await.unwrap();
    let url = store.objects.presign_get("mine", HOUR, named("a.txt")).await.unwrap();
    let (bare, _) = url.split_once('?').unwrap();
    for changed in [
        url.replace("/mine?", "/yours?"),
        url.replace("Expires=3600", "Expires=604800"),
        url.replace("a.txt", "a.exe"),
        bare.to_owned(),
    ] {
        assert_ne!(changed, url);
        let answer = get(&changed, "").await;
        assert_eq!(answer.status, 403, "{changed}");
        assert!(!answer.body.ends_with(b"2"));
    }
    assert_eq!(get(&url, "").await.status, 200);
}

#[tokio::test]
async fn a_wrong_key_pair_is_denied() {
    let store = Store::start().await;
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"1")).await.unwrap();
    let url = store.objects.presign_get("k", HOUR, PresignOptions::default()).await.unwrap();
    let stranger = Objects::connect(elsewhere(url.split_once("/.signed").unwrap().0)).await.unwrap();
    for error in [
        stranger.get_bytes("k", 1).await.unwrap_err(),
        stranger.put_bytes("k", "text/plain", Bytes::from_static(b"2")).await.unwrap_err(),
        stranger.delete("k").await.unwrap_err(),
    ] {
        assert_eq!((error.code(), error.is_retryable()), ("OBJECT_DENIED", false), "{error}");
        assert!(error.to_string().contains("AWS_"), "{error}");
    }
    assert_eq!(store.objects.get_bytes("k", 1).await.unwrap(), "1");
}

#[tokio::test]
async fn urls_are_signed_for_where_clients_see_the_store() {
    let mut config = elsewhere("http://10.0.0.7:9000");
    config.public_endpoint = Some("https://files.example.com".to_owned());
    let objects = Objects::connect(config).await.unwrap();
    let url = objects.presign_get("k", HOUR, PresignOptions::default()).await.unwrap();
    assert!(url.starts_with("https://files.example.com/untxt/k?"), "{url}");
    let put = objects.presign_put("k", 9, HOUR, None).await.unwrap();
    assert!(put.url.starts_with("https://files.example.com/untxt/k?"), "{put:?}");

    for (endpoint, public) in
        [(None, "https://a"), (Some("http://b"), "a"), (Some("http://b"), "http://u:p@a")]
    {
        let mut config = elsewhere("http://b");
        config.endpoint = endpoint.map(str::to_owned);
        config.public_endpoint = Some(public.to_owned());
        let Err(error) = Objects::connect(config).await else { panic!("{public} was taken") };
        let text = error.to_string();
        assert!(text.contains("S3_PUBLIC_ENDPOINT") && !text.contains("u:p"), "{text}");
    }
}

#[tokio::test]
async fn names_that_are_not_ascii_come_twice() {
    let store = Store::start().await;
    store.objects.put_bytes("k", "text/plain", Bytes::from_static(b"1")).await.unwrap();
    for (name, header) in [
        ("書類 1.html", "attachment; filename=\"__ 1.html\"; filename*=UTF-8''%E6%9B%B8%E9%A1%9E%201.html"),
        ("a\"b\\c.txt", "attachment; filename=\"a_b_c.txt\"; filename*=UTF-8''a%22b%5Cc.txt"),
        ("a\r\nx: y", "attachment; filename=\"a__x: y\"; filename*=UTF-8''a%0D%0Ax%3A%20y"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
    ] {
        let url = store.objects.presign_get("k", HOUR, named(name)).await.unwrap();
        let answer = get(&url, "").await;
        assert_eq!((answer.status, answer.header("content-disposition")), (200, Some(header)));
    }
}

#[tokio::test]
async fn a_url_lives_no_longer_than_seven_days() {
    let store = Store::start().await;
    let error = store.objects.presign_get("k", 200 * HOUR, PresignOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "OBJECT_CONFIG");
}
