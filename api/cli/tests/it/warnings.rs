//! What of a page can't be read, wherever its result is told.

use std::fs;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::receiver::Receiver;
use crate::samples;
use crate::server::Server;

const WARNING: &str = "the picture in object 10 (FlateDecode, 85 x 110) can't be decoded";

fn home() -> Home {
    Home::new()
        .with("UNTXT_WEBHOOK_SECRETS", "what only the two of us know")
        .with("UNTXT_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8")
}

fn file() -> Vec<u8> {
    samples::pdf_with_a_damaged_picture(3, 2)
}

#[tokio::test]
async fn a_task_its_webhook_its_socket_and_each_format_tell_what_could_not_be_read() {
    let (home, mut receiver) = (home(), Receiver::start().await);
    let server = Server::start(&home, &["serve"]);
    let (user, client) = (Uuid::new_v4(), server.client());
    let mut socket = client.socket(user).await;
    let upload = Upload::new(user, "scan.pdf", file()).with("formats", "html,txt,md,json,hocr,alto,tsv");
    let task = client.accepted(upload.with("webhook", &receiver.url("/hook"))).await;
    let last = loop {
        let message = socket.next().await;
        if message["data"]["status"] == "completed" {
            break message;
        }
    };
    let expected = json!([{ "page": 2, "message": WARNING }]);
    assert_eq!(last["data"]["result"]["warnings"], expected, "{last}");
    let shown = client.data(&format!("/api/tasks/{task}")).await;
    assert_eq!((&shown["result"]["warnings"], &shown["result"]["warningCount"]), (&expected, &json!(1)));
    let told = receiver.next().await.json();
    assert_eq!(told["data"]["result"]["warnings"], expected, "{told}");
    for format in ["html", "txt", "md", "json", "hocr", "alto", "tsv"] {
        let result = client.result_at(&format!("/api/tasks/{task}/result?format={format}")).await;
        assert!(result.contains("the picture in object 10"), "{format}: {result}");
        assert!(result.contains("begins"), "{format} has the text: {result}");
    }
    let sound = client.accepted(Upload::new(user, "sound.pdf", samples::pdf(1))).await;
    assert_eq!(socket.end_of(&sound).await, "completed");
    let shown = client.data(&format!("/api/tasks/{sound}")).await;
    assert_eq!((&shown["result"]["warnings"], &shown["result"]["warningCount"]), (&json!([]), &json!(0)));
}

#[test]
fn the_command_prints_them() {
    let home = Home::new();
    home.write("scan.pdf", &file());
    let ended = home.run(&["ocr", "scan.pdf", "--format", "txt"]).exits(0);
    let line = format!("scan.pdf: warning: page 2: {WARNING}");
    assert!(ended.stderr.lines().any(|printed| printed == line), "{}", ended.stderr);
    assert!(fs::read_to_string(home.path("scan.txt")).unwrap().contains(WARNING));
    let lines = home.run(&["ocr", "scan.pdf", "--format", "txt", "--json"]).exits(0).json_lines();
    let result: &Value = lines.last().unwrap();
    assert_eq!(result["warnings"], json!([{ "page": 2, "message": WARNING }]), "{result}");
    assert_eq!(result["warningCount"], 1);
}
