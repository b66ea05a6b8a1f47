//! What people read, as it was recorded: the screens of the commands, the error
//! messages, the description of the interface.

use std::fmt::Write;

use reqwest::multipart::{Form, Part};
use serde_json::Value;
use uuid::Uuid;

use crate::client::{Answer, Upload};
use crate::home::{Ended, Home};
use crate::samples;
use crate::server::Server;

/// What differs from run to run, and what stands for it, of the same width where
/// it stands in a table.
const VARYING: [(&str, &str); 10] = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "00000000-0000-0000-0000-000000000000"),
    (r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d", "2000-01-01${1}00:00:00"),
    (r"00:00:00\.\d{3}([^\d])", "00:00:00.000${1}"),
    (r"00:00:00\.\d{4,}", "00:00:00"),
    (r"\b[0-9a-f]{64}\b", "[sha256]"),
    (r"/[^ ]*/\.tmp[A-Za-z0-9]+", "[home]"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
    (r"\b\d+(\.\d+)? ?(ms|s|GB|GiB|MB|MiB)\b", "[figure] $2"),
    (r"[0-9a-f]{16}\b", "[fingerprint]"),
    (r"\([0-9a-f]{12}, built in\)", "([digest], built in)"),
];

fn record(name: &str, text: &str) {
    insta::with_settings!({ filters => VARYING, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// A command as it was typed, what it printed, and how it ended.
fn screen(home: &Home, arguments: &[&str]) -> String {
    let Ended { code, stdout, stderr } = home.run(arguments);
    format!("$ untxt {}\n{stdout}{stderr}[exit code {}]\n\n", arguments.join(" "), code.unwrap_or(-1))
}

/// The help of the command at `path` and of all below it, as its own help names
/// them.
fn help(home: &Home, path: &[&str], all: &mut String) {
    let arguments = [path, &["--help"]].concat();
    let text = home.run(&arguments).exits(0).stdout;
    writeln!(all, "$ untxt {}\n{text}", arguments.join(" ")).unwrap();
    let commands = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty() && name != "help").then_some(name)
    });
    for name in names {
        help(home, &[path, &[name]].concat(), all);
    }
}

#[test]
fn the_help_of_every_command() {
    let mut all = String::new();
    help(&Home::new(), &[], &mut all);
    record("help", &all);
}

#[test]
fn the_screens_of_an_operator() {
    let home = Home::new();
    home.install("refuse", "refuse");
    home.write("scan.png", &samples::picture(2));
    let mut all = screen(&home, &["ocr", "scan.png", "--keep"]);
    all += &screen(&home, &["ocr", "scan.png", "--engine", "refuse", "--keep"]);
    all += &screen(&home, &["ocr", "missing.png"]);
    all += &screen(&home, &["ocr", "scan.png", "--format", "docx"]);
    let commands: [&[&str]; 10] = [
        &["tasks", "list"],
        &["tasks", "show", "00000000-0000-0000-0000-000000000000"],
        &["dead-letters", "list"],
        &["queues", "list"],
        &["workers", "list"],
        &["retries", "list"],
        &["keys", "list"],
        &["plugin", "list"],
        &["migrate", "status"],
        &["stack", "status"],
    ];
    for arguments in commands {
        all += &screen(&home, arguments);
    }
    record("screens", &all);
}

#[test]
fn wrong_usage_and_settings() {
    let home = Home::new();
    let mut all = screen(&home, &["taks"]);
    all += &screen(&home, &["tasks", "show", "me"]);
    all += &screen(&Home::new().with("UNTXT_LISTEN", "everywhere"), &["doctor"]);
    all += &screen(&Home::new().with("UNTXT_LISTEN", "0.0.0.0:8080"), &["doctor"]);
    all += &screen(&Home::new().with("UNTXT_LISTN", "127.0.0.1:1"), &["doctor"]);
    all += &screen(&Home::new().with("DATABASE_URL", "mysql://here"), &["doctor"]);
    record("wrong_usage", &all);
}

/// Addresses and versions of it are the server's own.
fn without_server(mut description: Value) -> Value {
    description["servers"] = Value::from("[servers]");
    description
}

#[tokio::test]
async fn the_description_of_the_interface_and_its_errors() {
    let home = Home::new().with("UNTXT_MAX_UPLOAD_BYTES", &65_536);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let description = without_server(client.get("/api/openapi.json").await.body);
    record("openapi", &serde_json::to_string_pretty(&description).unwrap());

    let user = Uuid::new_v4();
    let picture = || Part::bytes(samples::picture(1)).file_name("a.png");
    let form = || Form::new().part("file", picture()).text("userId", user.to_string());
    let upload = |name, bytes| client.upload(Upload::new(user, name, bytes));
    let mut all = String::new();
    let mut add = |what: &str, answer: Answer| {
        let body = serde_json::to_string_pretty(&answer.body).unwrap();
        writeln!(all, "{what}: {}\n{body}\n", answer.status).unwrap();
    };
    add("an empty file", upload("empty.pdf", Vec::new()).await);
    add("a text", upload("notes.txt", b"just some text".to_vec()).await);
    add("an archive", upload("archive.pdf", samples::zip()).await);
    add("an encrypted PDF", upload("secret.pdf", samples::encrypted_pdf()).await);
    add("a file that is too large", upload("large.pdf", samples::padded_pdf(1, 131_072)).await);
    add("no file", client.post(Form::new().text("userId", user.to_string())).await);
    add("no user", client.post(Form::new().part("file", picture())).await);
    add("a wrong priority", client.post(form().text("priority", "11")).await);
    add("an unknown format", client.post(form().text("formats", "docx")).await);
    add("a wrong range", client.post(form().text("pages", "2-1")).await);
    add("a field under another name", client.post(form().text("user_id", "x")).await);
    add("an unknown engine", client.post(form().text("engine", "nobody")).await);
    let nobody = Uuid::nil();
    add("an unknown route", client.get("/api/nothing").await);
    add("an unknown task", client.get(&format!("/api/tasks/{nobody}")).await);
    add("an id that is none", client.get("/api/tasks/me").await);
    add("a wrong limit", client.get(&format!("/api/tasks?userId={user}&limit=0")).await);
    add("another method", client.delete("/health").await);
    add("an unknown dead letter", client.get(&format!("/api/admin/dead-letters/{nobody}")).await);
    record("errors", &all);
}
