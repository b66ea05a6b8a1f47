//! Clients that are slow, whether they mean it or not: they are cut off, and
//! nobody else notices.

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::raw::Raw;
use crate::samples;
use crate::server::Server;

#[tokio::test]
async fn a_socket_that_gives_no_sign_of_life_is_closed_with_1011() {
    let home = Home::new().with("UNTXT_SOCKET_PING_MS", &300);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut alive = client.socket(user).await;
    // It says nothing either, but answers pings as it waits.
    let waiting = tokio::spawn(async move { alive.next().await });
    let mut dead = Raw::socket(&server.base, &format!("/ws?userId={user}")).await;
    assert_eq!(dead.closed().await, (1, 1011), "it had as long to answer as between two pings");
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    assert_eq!(waiting.await.unwrap()["data"]["taskId"], json!(task));
}

#[tokio::test]
async fn who_sends_a_byte_now_and_then_is_cut_off_and_others_go_on() {
    let home = Home::new().with("UNTXT_CLIENT_TIMEOUT_MS", &1_500);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let form = format!(
        "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\
         content-type: multipart/form-data; boundary=b\r\n\r\n--b\r\ncontent-disposition: form-data; \
         name=\"file\"; filename=\"a.pdf\"\r\n\r\n{}",
        String::from_utf8(samples::pdf(1)).unwrap()
    );
    let json = "POST /api/uploads HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 9000\r\n\r\n{\"filename\":\"";
    let head = "GET /health HTTP/1.1\r\nhost: localhost\r\nx-slow: ";
    let begun = [(); 8].map(|()| [head, &form, json]).concat();
    let dripping = join_all(begun.into_iter().map(|sent| {
        let base = server.base.clone();
        let sent = sent.to_owned();
        tokio::spawn(async move {
            let mut raw = Raw::connect(&base).await;
            raw.send(&sent).await;
            raw.drip().await
        })
    }));
    let others = async {
        let mut socket = client.socket(user).await;
        let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(2))).await;
        socket.end_of(&task).await
    };
    let (cut_off, end) = tokio::join!(dripping, others);
    assert_eq!(end, "completed");
    for said in cut_off {
        let said = said.unwrap();
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
        assert!(said.contains("\"REQUEST_TOO_SLOW\""), "{said}");
    }
    assert_eq!(client.task_count(user).await, 1);
    assert_eq!(home.objects(), 2, "the other's file and result");
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[tokio::test]
async fn who_does_not_read_is_dropped_with_1013_and_others_are_told_everything() {
    let home = Home::new().with("UNTXT_CLIENT_TIMEOUT_MS", &3_000);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut other = client.socket(user).await;
    let long = client.accepted(Upload::new(user, "long.pdf", samples::pdf(300))).await;
    let story = other.story_of(&long).await;
    let told_bytes: usize = story.iter().map(|message| message.to_string().len()).sum();

    // It asks for far more than the kernels keep between two processes.
    let mut slow = Raw::socket(&server.base, &format!("/ws?userId={user}")).await;
    let times = (6 << 20) / told_bytes + 1;
    assert!(times < 90, "{told_bytes} bytes need {times} messages, more than may be sent at once");
    for _ in 0..times {
        slow.say(&json!({"type": "subscribe", "taskId": long})).await;
    }
    let next = client.accepted(Upload::new(user, "next.pdf", samples::pdf(20))).await;
    let heard = other.story_of(&next).await;
    assert_eq!(heard, crate::sockets::whole_story(&client, &json!(next)).await);

    let dropped = r#"untxt_sockets_closed_total{code="1013"} 1"#;
    client
        .until_answer("/metrics", |answer| answer.body.as_str().is_some_and(|text| text.contains(dropped)))
        .await;
    // It is told why, if it reads at last.
    assert_eq!(slow.closed().await.1, 1013);
    other.ping().await;
    assert_eq!(other.next().await["type"], "pong");
}
