//! What a socket answers to messages that it can't read, frame by frame.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::home::Home;
use crate::raw::{Frame, Raw};
use crate::server::Server;

/// The first byte of a frame: the last of its message or not, and its kind.
const TEXT: u8 = 0x81;
const TEXT_BEGINS: u8 = 0x01;
const GOES_ON: u8 = 0x00;
const ENDS: u8 = 0x80;
const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const RESERVED: u8 = 0x83;

const KIB: usize = 1 << 10;

async fn greeted(server: &Server) -> Raw {
    let mut raw = Raw::socket(&server.base, &format!("/ws?userId={}", Uuid::new_v4())).await;
    assert_eq!(said(&mut raw).await["type"], "connected");
    raw
}

async fn said(raw: &mut Raw) -> Value {
    match raw.frame().await {
        Frame::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_that_cant_be_read_is_answered_with_what_is_wrong() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let mut raw = greeted(&server).await;
    for (first, payload, problem) in [
        (TEXT, &b"ping"[..], "not JSON"),
        (TEXT, b"[]", "not understood"),
        (TEXT, b"{}", "missing field `type`"),
        (TEXT, br#"{"type":"shout"}"#, "unknown variant `shout`"),
        (TEXT, br#"{"type":"subscribe"}"#, "missing field `taskId`"),
        (TEXT, br#"{"type":"subscribe","taskId":7}"#, "not understood"),
        (TEXT, br#"{"type":"resume","since":"yesterday"}"#, "not understood"),
        (BINARY, br#"{"type":"ping"}"#, "binary"),
    ] {
        assert!(raw.send_frame(first, payload).await);
        let answer = said(&mut raw).await;
        assert_eq!(
            (&answer["type"], &answer["data"]["code"]),
            (&json!("error"), &json!("MALFORMED_MESSAGE"))
        );
        assert!(answer["data"]["message"].as_str().unwrap().contains(problem), "{problem}: {answer}");
    }
    // Of many more only some are answered, and the socket stays.
    for _ in 0..20 {
        assert!(raw.send_frame(TEXT, b"?").await);
    }
    raw.say(&json!({"type": "ping"})).await;
    let mut answers = 0;
    while said(&mut raw).await["type"] == "error" {
        answers += 1;
    }
    assert!((1..10).contains(&answers), "{answers}");
}

#[tokio::test]
async fn a_message_in_several_frames_is_read_and_pings_between_them_are_answered() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let mut raw = greeted(&server).await;
    assert!(raw.send_frame(TEXT_BEGINS, br#"{"type":"#).await);
    assert!(raw.send_frame(PING, b"there?").await);
    assert_eq!(raw.frame().await, Frame::Pong(b"there?".to_vec()));
    assert!(raw.send_frame(GOES_ON, br#""pi"#).await);
    assert!(raw.send_frame(ENDS, br#"ng"}"#).await);
    assert_eq!(said(&mut raw).await["type"], "pong");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_closed_with_1009_however_it_comes() {
    let home = Home::new().with("UNTXT_AUTH", "off");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    // Read to its end, at once and in pieces.
    let mut raw = greeted(&server).await;
    assert!(raw.send_frame(TEXT, &vec![b' '; 64 * KIB + 1]).await);
    assert_eq!(raw.closed().await.1, 1009);
    let mut raw = greeted(&server).await;
    assert!(raw.send_frame(TEXT_BEGINS, &vec![b' '; 60 * KIB]).await);
    assert!(raw.send_frame(ENDS, &vec![b' '; 60 * KIB]).await);
    assert_eq!(raw.closed().await.1, 1009);
    // Not read at all: it is announced, and partly sent.
    let mut raw = greeted(&server).await;
    raw.announce(TEXT, 1 << 40).await;
    assert_eq!(raw.closed().await.1, 1009);
    let mut raw = greeted(&server).await;
    assert!(raw.send_frame(BINARY, &vec![0; 300 * KIB]).await);
    assert_eq!(raw.closed().await.1, 1009);
    let mut raw = greeted(&server).await;
    for _ in 0..5 {
        if !raw.send_frame(GOES_ON, b"").await {
            break;
        }
    }
    assert_eq!(raw.closed().await.1, 1002, "it goes on before it began");
    // One as large as may be is read.
    let mut raw = greeted(&server).await;
    let mut padded = br#"{"type":"ping"}"#.to_vec();
    padded.resize(64 * KIB, b' ');
    assert!(raw.send_frame(TEXT, &padded).await);
    assert_eq!(said(&mut raw).await["type"], "pong");
}

#[tokio::test]
async fn what_is_no_text_or_no_frame_is_closed_with_its_code() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let mut raw = greeted(&server).await;
    assert!(raw.send_frame(TEXT, b"\xff\xfe").await);
    assert_eq!(raw.closed().await.1, 1007);
    let mut raw = greeted(&server).await;
    assert!(raw.send_frame(RESERVED, b"").await);
    assert_eq!(raw.closed().await.1, 1002);
}

#[tokio::test]
async fn a_first_message_that_is_too_large_is_closed_with_1009_too() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let mut raw = Raw::socket(&server.base, "/ws").await;
    assert!(raw.send_frame(TEXT, &vec![b' '; 64 * KIB + 1]).await);
    assert_eq!(raw.closed().await.1, 1009);
    let mut raw = Raw::socket(&server.base, "/ws").await;
    raw.announce(TEXT, 1 << 40).await;
    assert_eq!(raw.closed().await.1, 1009);
}
