//! A client of a running server: uploads a file, watches its task until it has
//! ended, fetches the result by its presigned URL.
//!
//! ```sh
//! cargo run --release                                    (in another terminal)
//! cargo run -p untxt-examples --bin upload_and_watch [FILE] [RESULT]
//! ```
//!
//! FILE is the sample letter unless one is named; RESULT is where the HTML goes,
//! a file in the temporary directory unless one is named. `UNTXT_URL` names the
//! server, by default `http://127.0.0.1:8080`. The client speaks no TLS, so
//! both the server and its store have to be reachable by `http://`.

#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, RequestBuilder, multipart};
use serde_json::Value;

const SERVER: &str = "http://127.0.0.1:8080";
const LETTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/documents/letter-scan.png");
const USER: &str = "11111111-1111-1111-1111-111111111111";

/// How often the task is asked about, and how often at most: ten minutes.
const ASK_EVERY: Duration = Duration::from_millis(250);
const ASKED_MAX: u32 = 2_400;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = std::env::var("UNTXT_URL").unwrap_or_else(|_| SERVER.to_owned());
    let mut arguments = std::env::args_os().skip(1);
    let file = arguments.next().map_or_else(|| PathBuf::from(LETTER), PathBuf::from);
    let result = arguments.next().map_or_else(|| temporary(&file), PathBuf::from);
    let client = Client::new();

    let tasks = format!("{}/api/tasks", server.trim_end_matches('/'));
    let task = upload(&client, &tasks, &file).await?;
    println!("task {task}");
    watch(&client, &format!("{tasks}/{task}/status")).await?;
    let size_bytes = download(&client, &format!("{tasks}/{task}/result"), &result).await?;
    println!("{} ({size_bytes} bytes)", result.display());
    Ok(())
}

fn temporary(file: &Path) -> PathBuf {
    std::env::temp_dir().join(file.file_stem().unwrap_or_default()).with_extension("html")
}

/// Streams the file and returns the task's id.
async fn upload(client: &Client, tasks: &str, file: &Path) -> anyhow::Result<String> {
    let part = multipart::Part::file(file).await.with_context(|| format!("can't read {}", file.display()))?;
    let form = multipart::Form::new().text("userId", USER).text("priority", "5").part("file", part);
    let created = answer(client.post(tasks).multipart(form)).await?;
    text(&created, "taskId").map(str::to_owned)
}

/// Prints each status and step the task goes through, until it is completed.
async fn watch(client: &Client, status: &str) -> anyhow::Result<()> {
    let mut shown = String::new();
    for _ in 0..ASKED_MAX {
        let now = answer(client.get(status)).await?;
        let progress = &now["progress"];
        let line = format!(
            "{} {} {}/{} page(s)",
            text(&now, "status")?,
            now["step"].as_str().unwrap_or("-"),
            progress["pagesDone"],
            progress["pagesTotal"]
        );
        if line != shown {
            println!("{line}");
            shown = line;
        }
        match text(&now, "status")? {
            "completed" | "partial" => return Ok(()),
            "failed" | "cancelled" => {
                bail!("the task has no result; GET its address without /status to see why")
            }
            _ => tokio::time::sleep(ASK_EVERY).await,
        }
    }
    bail!("the task has not ended; is there a worker?")
}

/// Fetches the result from the store; how many bytes it has.
async fn download(client: &Client, result: &str, to: &Path) -> anyhow::Result<usize> {
    let found = answer(client.get(result)).await?;
    let response = client.get(text(&found, "resultUrl")?).send().await?.error_for_status()?;
    let html = response.bytes().await?;
    std::fs::write(to, &html).with_context(|| format!("can't write {}", to.display()))?;
    Ok(html.len())
}

/// The `data` of an answer; an error with the server's own code and message
/// when it says no.
async fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await.context("the server does not answer; UNTXT_URL names it")?;
    let mut body: Value = response.json().await.context("the answer is no JSON")?;
    if body["success"] != true {
        let error = &body["error"];
        bail!("{}: {}", text(error, "code")?, text(error, "message")?);
    }
    Ok(body["data"].take())
}

fn text<'a>(data: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    data[field].as_str().with_context(|| format!("the answer has no {field}"))
}
