//! A document whose pages never end, and what becomes of others meanwhile.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

const SPENT: &str = "DOCUMENT_DECODE_BUDGET_SPENT";

#[tokio::test]
async fn a_document_whose_pages_never_end_holds_nobody_up_for_long_and_has_one_budget_for_ever() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", "2").with("UNTXT_DOCUMENT_DECODE_SECONDS", "1");
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let hostile = samples::pdf_that_never_ends(6);
    assert!(hostile.len() < 20_000, "it is small: {} bytes", hostile.len());
    let hostile = Upload::new(Uuid::new_v4(), "bomb.pdf", hostile).with("onPageFailure", "partial");
    let hostile = client.accepted(hostile).await;
    // Both places are taken.
    let holds = |data: &serde_json::Value| {
        let workers = data["workers"].as_array().unwrap().iter();
        workers
            .flat_map(|worker| worker["holds"].as_array().unwrap())
            .filter(|held| held["step"] == "ocr")
            .count()
    };
    client.until("/api/admin/workers", |data| holds(data) == 2).await;
    let began = Instant::now();
    let small = client.accepted(Upload::new(Uuid::new_v4(), "a.png", samples::picture(1))).await;
    client.until(&format!("/api/tasks/{small}/status"), |data| data["status"] == "completed").await;
    // A page may take five seconds and what is left of the one of its document;
    // it was 38 seconds when each could take all of its own deadline.
    assert!(began.elapsed() < Duration::from_secs(18), "the small one took {:?}", began.elapsed());

    let has_ended = |data: &serde_json::Value| data["status"] == "failed" || data["status"] == "partial";
    client.until(&format!("/api/tasks/{hostile}/status"), has_ended).await;
    let history = client.data(&format!("/api/tasks/{hostile}/history")).await.to_string();
    assert!(history.matches(SPENT).count() >= 4, "{history}");

    // Another attempt, by another process: what was spent stays spent.
    server.kill();
    let server = Server::start(&home, &["serve"]);
    let began = Instant::now();
    let again = server.client().act(&format!("/api/tasks/{hostile}/retry")).await;
    assert!(again.status < 300, "{again:?}");
    server.client().until(&format!("/api/tasks/{hostile}/status"), has_ended).await;
    assert!(began.elapsed() < Duration::from_secs(6), "it decoded again: {:?}", began.elapsed());
}
