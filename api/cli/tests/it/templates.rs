//! What `untxt plugin new` makes: built, checked, tested and put to work, in every
//! language whose toolchain is here. Builds with other people's tools, so it runs
//! when it is asked for; `.ci/test` does. `untxt` finds `untxt-kit` beside itself,
//! where `cargo test --workspace` builds it for the tests of that crate.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use uuid::Uuid;

use crate::client::Upload;
use crate::home::{Ended, Home};
use crate::samples;
use crate::server::Server;

/// Kept from run to run, so that libraries are built and fetched once.
fn kept(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates").join(name);
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[tokio::test]
#[ignore = "needs cargo with a WebAssembly target; .ci/test runs it"]
async fn rust() {
    both("rust").await;
}

#[tokio::test]
#[ignore = "needs zig or clang with wasi-libc; .ci/test runs it"]
async fn c() {
    both("c").await;
}

#[tokio::test]
#[ignore = "needs node and npm; .ci/test runs it"]
async fn js() {
    both("js").await;
}

#[tokio::test]
#[ignore = "needs componentize-py; .ci/test runs it"]
async fn py() {
    both("py").await;
}

#[test]
#[ignore = "needs cargo with a WebAssembly target; .ci/test runs it"]
fn the_tutorial_is_followed_to_the_letter() {
    let home = Home::new();
    let bin = home.path("bin");
    fs::create_dir(&bin).unwrap();
    let untxt = Path::new(env!("CARGO_BIN_EXE_untxt"));
    for program in ["untxt", "untxt-kit"] {
        fs::copy(untxt.with_file_name(program), bin.join(program))
            .expect("cargo test --workspace builds both");
    }
    home.write("page.png", &samples::picture(2));
    let readme = include_str!("../../../../plugins/README.md");
    let chapter = readme.split("\n## ").find(|chapter| chapter.starts_with("Write an engine\n")).unwrap();
    let commands = chapter.split("```").find_map(|part| part.strip_prefix("sh\n")).unwrap();
    let ended = Ended::of(&shell(&home, &bin, commands).output().unwrap());
    if ended.stderr.contains("run `rustup") {
        skipped("the tutorial", &ended.stderr);
        return;
    }
    let ended = ended.exits(0);
    assert_eq!(ended.stderr.matches("pixels are dark").count(), 1, "the engine's log: {ended:?}");
    assert!(ended.stdout.contains("\nink: "), "{ended:?}");
    assert!(fs::read_to_string(home.path("page.html")).unwrap().contains("<p>ink: "));
}

/// A shell as somebody has it who has set nothing.
fn shell(home: &Home, bin: &Path, commands: &str) -> Command {
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UNTXT_") {
            shell.env_remove(name);
        }
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    shell.args(["-e", "-c", commands]).current_dir(home.path(".")).env("PATH", path);
    shell.env("CARGO_TARGET_DIR", kept("target"));
    shell
}

async fn both(lang: &str) {
    let home = Home::new();
    if let Some(missing) = computes(&home, lang).await {
        skipped(lang, &missing);
        return;
    }
    asks(&home, lang).await;
    if ["rust", "c"].contains(&lang) {
        has_a_model(&home, lang).await;
    }
}

#[expect(clippy::print_stderr, reason = "whoever runs it is told what was not tried")]
fn skipped(lang: &str, missing: &str) {
    eprintln!("skipped {lang}: {}", missing.trim());
}

/// The template that computes; says what is missing where it can't be built.
async fn computes(home: &Home, lang: &str) -> Option<String> {
    let server = Server::start(home, &["serve"]);
    let name = format!("my-{lang}");
    home.run(&["plugin", "new", &name, "--lang", lang]).exits(0);
    let built = build(home, lang, &name);
    if built.code == Some(2) && built.stderr.contains("run `") {
        return Some(built.stderr);
    }
    built.exits(0);
    home.run(&["plugin", "check", &name]).exits(0);
    let report = home.run(&["plugin", "test", &name, "--json"]).exits(0).json();
    assert_eq!(report["passed"], true, "{report}");
    home.run(&["plugin", "install", &name]).exits(0);
    let html = completed(&server, Upload::new(Uuid::new_v4(), "page.pdf", samples::pdf(1)), &name).await;
    assert!(html.contains("<p>ink: "), "{html}");
    None
}

/// The template that has a server read the page.
async fn asks(home: &Home, lang: &str) {
    let server = Server::start(home, &["serve"]);
    let name = format!("ask-{lang}");
    home.run(&["plugin", "new", &name, "--lang", lang, "--http"]).exits(0);
    build(home, lang, &name).exits(0);
    let settings = r#"{"url": "{{server}}/ocr"}"#;
    let report = home.run(&["plugin", "test", &name, "--settings", settings, "--json"]).exits(0).json();
    for case in ["denied-egress", "server-429", "server-503", "server-hangs", "server-redirects"] {
        let tried = report["cases"].as_array().unwrap().iter().find(|tried| tried["name"] == case).unwrap();
        assert_eq!(tried["outcome"], "passed", "{tried}");
    }
    let origin = reader();
    let manifest = home.path(&name).join("plugin.toml");
    let listed = fs::read_to_string(&manifest).unwrap().replace("http://127.0.0.1:8000", &origin);
    fs::write(&manifest, listed).unwrap();
    home.run(&["plugin", "install", &name]).exits(0);
    let grants = fs::read_to_string(home.path(&name).join("grants.toml")).unwrap();
    fs::write(
        home.path("plugins").join(format!("{name}.toml")),
        grants.replace("http://127.0.0.1:8000", &origin),
    )
    .unwrap();
    let options = json!({ "settings": { "url": format!("{origin}/ocr") } });
    let upload = Upload::new(Uuid::new_v4(), "page.pdf", samples::pdf(1)).with("options", &options);
    let html = completed(&server, upload, &name).await;
    assert!(html.contains("two words") && html.contains("and more"), "{html}");
}

/// The template whose model the host computes.
async fn has_a_model(home: &Home, lang: &str) {
    let server = Server::start(home, &["serve"]);
    let name = format!("model-{lang}");
    home.run(&["plugin", "new", &name, "--lang", lang, "--model"]).exits(0);
    build(home, lang, &name).exits(0);
    let report = home.run(&["plugin", "test", &name, "--json"]).exits(0).json();
    let told = report["cases"].as_array().unwrap().iter().find(|case| case["name"] == "broken-model");
    assert_eq!(told.unwrap()["outcome"], "passed", "{report}");
    home.run(&["plugin", "install", &name]).exits(0);
    let html = completed(&server, Upload::new(Uuid::new_v4(), "page.pdf", samples::pdf(1)), &name).await;
    assert!(html.contains("<p>ink: "), "{html}");
}

fn build(home: &Home, lang: &str, name: &str) -> Ended {
    if lang == "js" {
        node_modules(&home.path(name));
    }
    let mut command = home.command(&["plugin", "build", name]);
    Ended::of(&command.env("CARGO_TARGET_DIR", kept("target")).output().unwrap())
}

/// `npm install` for a folder, done once; without npm the build says so.
fn node_modules(folder: &Path) {
    let kept = kept("npm");
    let modules = kept.join("node_modules");
    let wanted = fs::read_to_string(folder.join("package.json")).unwrap();
    let wanted = wanted.lines().filter(|line| !line.contains("\"name\"")).collect::<String>();
    if fs::read_to_string(kept.join("installed")).ok() != Some(wanted.clone()) {
        fs::copy(folder.join("package.json"), kept.join("package.json")).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund"]).current_dir(&kept);
        if !npm.output().is_ok_and(|output| output.status.success()) {
            return;
        }
        fs::write(kept.join("installed"), wanted).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(modules, folder.join("node_modules")).unwrap();
}

/// Result of a task that `engine` must complete.
async fn completed(server: &Server, upload: Upload, engine: &str) -> String {
    let client = server.client();
    let task = client.accepted(upload.with("engine", engine)).await;
    let ended = ["completed", "failed"];
    let path = format!("/api/tasks/{task}");
    let task_ended =
        |task: &serde_json::Value| task["status"].as_str().is_some_and(|now| ended.contains(&now));
    let shown = client.until(&path, task_ended).await;
    assert_eq!(shown["status"], "completed", "{shown}");
    client.result(&task).await
}

/// A server that takes a PNG and says that it read two lines: its origin.
fn reader() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut line) = (String::new(), String::from(" "));
            while line.trim() != "" || head.is_empty() {
                line.clear();
                stream.read_line(&mut line).unwrap();
                head.push_str(&line.to_ascii_lowercase());
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            assert!(head.contains("content-type: image/png") && body.starts_with(b"\x89PNG"), "{head}");
            let text = "two words\nand more";
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    origin
}
