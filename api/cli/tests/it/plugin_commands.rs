//! What authors and operators of engines type.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::home::{Ended, Home, built};
use crate::samples;
use crate::server::Server;

fn path(guest: &str) -> String {
    built(guest).display().to_string()
}

#[test]
fn an_engine_is_looked_over_tested_and_measured_without_being_installed() {
    let home = Home::new();
    let good = path("line-count");
    assert!(home.run(&["plugin", "check", &good]).exits(0).stdout.contains("golden page"));
    let looked = home.run(&["plugin", "check", &path("old-version"), "--json"]).exits(1).json();
    assert_eq!(looked["checks"].as_array().unwrap().last().unwrap()["name"], "component", "{looked}");

    let junit = home.path("junit.xml").display().to_string();
    let report = home.run(&["plugin", "test", &good, "--json", "--junit", &junit]).exits(0).json();
    assert_eq!(report["passed"], true, "{report}");
    assert!(fs::read_to_string(junit).unwrap().contains("failures=\"0\""));
    let report = home.run(&["plugin", "test", &path("garbage")]).exits(1);
    assert!(report.stdout.contains("FAIL  gray"), "{}", report.stdout);

    let figures = home.run(&["plugin", "bench", &good, "--pages", "1", "--json"]).exits(0).json();
    assert!(figures["fuel"].as_u64() > Some(1_000_000), "{figures}");

    let saved = home.path("before.json").display().to_string();
    let bench = |more: &[&str]| home.run(&[&["plugin", "bench", &good, "--pages", "1"], more].concat());
    bench(&["--save", &saved]).exits(0);
    let same = bench(&["--baseline", &saved, "--max-ratio", "1000", "--json"]).exits(0).json();
    assert_eq!(same["ratios"]["fuel"], 1.0, "{same}");
    let half = fs::read_to_string(&saved).unwrap();
    let fuel = figures["fuel"].as_u64().unwrap();
    fs::write(&saved, half.replace(&fuel.to_string(), &(fuel / 2).to_string())).unwrap();
    let over = bench(&["--baseline", &saved, "--max-ratio", "1.9"]).exits(1);
    assert!(over.stdout.contains("2.00 times the baseline") && over.stderr.contains("fuel 2.00"), "{over:?}");
    bench(&["--max-ratio", "1.9"]).exits(2);
    bench(&["--baseline", &good]).exits(2);

    home.write("scan.png", &samples::picture(2));
    let read = home.run(&["plugin", "run", "scan.png", &good]).exits(0);
    assert!(read.stdout.contains("lines: 2"), "{}", read.stdout);
    let slow = ["plugin", "run", "scan.png", &path("flaky"), "--settings", "{\"succeedsAt\": 1}", "--json"];
    assert_eq!(home.run(&slow).exits(0).json()["text"], "attempt-1");
    let broken = home.run(&["plugin", "run", "scan.png", &path("trap")]).exits(1);
    assert!(broken.stderr.contains("deliberate panic"), "{}", broken.stderr);
    let listed = home.run(&["plugin", "list", "--json"]).exits(0).json();
    assert_eq!(listed["plugins"].as_array().unwrap().len(), 2, "the built-in ones: {listed}");
}

#[test]
fn engines_run_where_address_space_is_short() {
    let home = Home::new();
    home.write("scan.png", &samples::picture(2));
    let run = ["plugin", "run", "scan.png", &path("line-count")];
    let ended = home.run_under("-v 3000000", &run).exits(0);
    assert!(ended.stdout.contains("lines: 2"), "{}", ended.stdout);
    assert!(ended.stderr.contains("ulimit -v"), "{}", ended.stderr);
}

#[test]
fn an_engine_is_installed_listed_gone_back_from_and_removed() {
    let home = Home::new();
    let install = |guest: &str| home.run(&["plugin", "install", &path(guest), "--name", "mine", "--json"]);
    let first = install("line-count").exits(0).json()["digest"].as_str().unwrap().to_owned();
    let second = install("slow").exits(0).json()["digest"].as_str().unwrap().to_owned();
    let list = home.run(&["plugin", "list"]).exits(0).stdout;
    assert!(list.contains(&format!("* sha256:{second}")) && list.contains(&first), "{list}");
    assert_eq!(home.run(&["plugin", "rollback", "mine", "--json"]).exits(0).json()["digest"], first);
    let forth = format!("mine@sha256:{}", &second[..12]);
    home.run(&["plugin", "activate", &forth]).exits(0);
    home.run(&["plugin", "remove", &forth]).exits(2);
    home.run(&["plugin", "remove", "mine"]).exits(0);
    home.run(&["plugin", "remove", "mine"]).exits(2);
    home.run(&["plugin", "activate", "mine@nonsense"]).exits(2);
    let wrong = home.run(&["plugin", "install", &path("slow"), "--sha256", &"0".repeat(64)]).exits(1);
    assert!(wrong.stdout.contains("FAIL  digest"), "{}", wrong.stdout);
    home.run(&["plugin", "install", "http://127.0.0.1:1/x.wasm"]).exits(2);
    home.run(&["plugin", "install", "nowhere.wasm"]).exits(2);
}

#[tokio::test]
async fn what_is_done_to_engines_stands_in_the_audit_like_what_is_asked_over_http() {
    let home = Home::new();
    let install = |guest: &str| home.run(&["plugin", "install", &path(guest), "--name", "mine", "--json"]);
    let first = install("line-count").exits(0).json()["digest"].as_str().unwrap().to_owned();
    let second = install("slow").exits(0).json()["digest"].as_str().unwrap().to_owned();
    home.run(&["plugin", "rollback", "mine"]).exits(0);
    home.run(&["plugin", "activate", &format!("mine@sha256:{second}")]).exits(0);
    home.run(&["plugin", "install", &path("old-version"), "--name", "mine"]).exits(1);
    home.run(&["plugin", "rollback", "nope"]).exits(2);
    home.run(&["plugin", "remove", "mine"]).exits(0);

    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let asked = client.send_json("/api/admin/plugins/nope/rollback", &json!({})).await;
    assert_eq!(asked.status, 404, "{asked:?}");
    let audit = client.data("/api/admin/audit").await;
    let lines: Vec<String> = audit["audit"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap();
            let (door, _) = word("actor").split_once(':').unwrap();
            format!("{door} {} {}", word("action"), word("subject"))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "cli install-plugin plugin mine",
            "cli install-plugin-done plugin mine",
            "cli install-plugin plugin mine",
            "cli install-plugin-done plugin mine",
            "cli rollback-plugin plugin mine",
            "cli rollback-plugin-done plugin mine",
            "cli activate-plugin plugin mine",
            "cli activate-plugin-done plugin mine",
            "cli install-plugin plugin mine",
            "cli install-plugin-refused plugin mine",
            "cli rollback-plugin plugin nope",
            "cli rollback-plugin-refused plugin nope",
            "cli remove-plugin plugin mine",
            "cli remove-plugin-done plugin mine",
            "api rollback-plugin plugin nope",
            "api rollback-plugin-refused plugin nope",
        ]
    );
    let digest_of = |action: &str| {
        let lines = audit["audit"].as_array().unwrap();
        lines.iter().find(|line| line["action"] == action).unwrap()["detail"]["digest"].clone()
    };
    assert_eq!(digest_of("rollback-plugin-done"), json!(first));
    assert_eq!(digest_of("activate-plugin-done"), json!(second));
}

#[test]
fn nothing_is_done_to_engines_while_the_audit_cannot_be_written() {
    let home = Home::new();
    home.run(&["plugin", "install", &path("line-count"), "--name", "mine"]).exits(0);
    home.run(&["plugin", "install", &path("slow"), "--name", "mine"]).exits(0);
    let before = home.run(&["plugin", "list", "--json"]).exits(0).json();
    let away = home.with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    for asked in [["rollback", "mine"], ["remove", "mine"], ["install", &path("flaky")]] {
        let refused = away.run(&["plugin", asked[0], asked[1]]).exits(3);
        assert!(refused.stderr.contains("DATABASE_URL"), "{asked:?}: {}", refused.stderr);
    }
    assert_eq!(away.run(&["plugin", "list", "--json"]).exits(0).json(), before);
}

#[test]
fn what_is_no_engine_is_not_made_one_by_what_is_asked_of_it() {
    let home = Home::new();
    for asked in [["rollback", "nope"], ["activate", "nope@sha256:0123456789ab"], ["remove", "nope"]] {
        let refused = home.run(&["plugin", asked[0], asked[1]]).exits(2);
        assert!(refused.stderr.contains("there is no engine `nope`"), "{asked:?}: {}", refused.stderr);
    }
    let listed = home.run(&["plugin", "list", "--json"]).exits(0).json();
    assert_eq!(listed["plugins"].as_array().unwrap().len(), 2, "the built-in ones: {listed}");
    home.run(&["doctor"]).exits(0);
}

#[test]
fn a_damaged_record_lifts_no_quarantine_and_is_told() {
    let home = Home::new();
    home.run(&["plugin", "install", &path("line-count"), "--name", "mine"]).exits(0);
    let record = home.path("plugins/.versions/mine/record.json");
    fs::write(&record, "{\"active\":").unwrap();
    let listed = home.run(&["plugin", "list", "--json"]).exits(0).json();
    let reader = listed["plugins"].as_array().unwrap().iter().find(|engine| engine["name"] == "mine");
    assert!(reader.unwrap()["error"].as_str().unwrap().contains("record.json"), "{listed}");
    for asked in ["rollback", "doctor"] {
        let arguments: &[&str] = if asked == "doctor" { &["doctor"] } else { &["plugin", asked, "mine"] };
        let ended = home.run(arguments);
        assert!(ended.stdout.contains("record.json") || ended.stderr.contains("record.json"), "{ended:?}");
    }
    assert_eq!(fs::read_to_string(&record).unwrap(), "{\"active\":", "it is not written over");
    home.run(&["plugin", "remove", "mine"]).exits(0);
    home.run(&["doctor"]).exits(0);
}

#[test]
fn who_signed_an_engine_is_checked_and_listed() {
    let signed =
        |name: &str| format!("{}/../../plugins/host/tests/signed/{name}", env!("CARGO_MANIFEST_DIR"));
    let home = Home::new();
    let with_signature = ["--signature", &signed("stranger.minisig"), "--json"];
    let unchecked = home.run(&[&["plugin", "install", &path("slow")], &with_signature[..]].concat()).exits(2);
    assert!(unchecked.stderr.contains("UNTXT_PLUGIN_KEYS"), "{unchecked:?}");
    let wrong = Home::new().with("UNTXT_PLUGIN_SIGNATURES", "required");
    assert!(wrong.run(&["plugin", "list"]).exits(2).stderr.contains("UNTXT_PLUGIN_KEYS"));

    let home = Home::new()
        .with("UNTXT_PLUGIN_KEYS", &signed("author.pub"))
        .with("UNTXT_PLUGIN_SIGNATURES", "required");
    let refused = home.run(&["plugin", "install", &path("slow")]).exits(1);
    assert!(refused.stdout.contains("FAIL  signature"), "{refused:?}");
    let engine = signed("engine.wasm");
    home.run(&[&["plugin", "install", &engine], &with_signature[..]].concat()).exits(1);
    home.run(&["plugin", "install", &engine, "--name", "mine"]).exits(0);
    let listed = home.run(&["plugin", "list"]).exits(0).stdout;
    assert!(listed.contains("  signed by author: engine.wasm of the tests"), "{listed}");
    let listed = home.run(&["plugin", "list", "--json"]).exits(0).json();
    assert_eq!(listed["plugins"][0]["versions"][0]["signed"]["key"], "author", "{listed}");
    assert!(home.run(&["plugin", "check", &path("slow")]).exits(1).stdout.contains("FAIL  signature"));
}

#[test]
fn a_signed_manifest_is_installed_from_an_address_with_all_that_it_names() {
    let folder = format!("{}/../../plugins/host/tests/signed", env!("CARGO_MANIFEST_DIR"));
    let home = Home::new()
        .with("UNTXT_PLUGIN_KEYS", &format!("{folder}/author.pub"))
        .with("UNTXT_PLUGIN_SIGNATURES", "required");
    let manifest = fs::read(format!("{folder}/plugin.toml")).unwrap();
    let url = format!("{}/plugin.toml", files(folder));
    home.run(&["plugin", "install", &url]).exits(2);
    home.run(&["plugin", "install", &url, "--sha256", &"0".repeat(64)]).exits(2);
    let digest = hex::encode(Sha256::digest(manifest));
    let installed = home.run(&["plugin", "install", &url, "--sha256", &digest]).exits(0).stdout;
    assert!(installed.contains("by author: plugin.toml of the tests"), "{installed}");
    assert!(installed.contains("line-count 0.1.0") && installed.contains("serves the next task"));
}

/// A server of the files in `folder`: its origin.
fn files(folder: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let path = line.split_whitespace().nth(1).unwrap().to_owned();
            while line.trim() != "" {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            let (status, body) = match fs::read(format!("{folder}{path}")) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).unwrap();
        }
    });
    origin
}

#[test]
fn the_tools_of_authors_are_run_with_the_same_arguments_or_their_absence_is_explained() {
    let home = Home::new();
    let (bin, path) = (home.path("bin"), home.path("elsewhere"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&path).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_untxt"), bin.join("untxt")).unwrap();
    let untxt = |arguments: &[&str]| {
        let mut command = Command::new(bin.join("untxt"));
        Ended::of(&command.args(arguments).env("PATH", &path).output().unwrap())
    };
    let missing = untxt(&["plugin", "build", "my-engine"]).exits(2);
    for says in ["cargo build --release -p untxt-plugin-kit", "cargo install --path plugins/kit"] {
        assert!(missing.stderr.contains(says), "{missing:?}");
    }
    // On the PATH, and beside `untxt`, which is found first.
    for (folder, code) in [(&path, 7), (&bin, 5)] {
        let kit = folder.join("untxt-kit");
        fs::write(&kit, format!("#!/bin/sh\necho \"$*\"; exit {code}\n")).unwrap();
        fs::set_permissions(&kit, Permissions::from_mode(0o755)).unwrap();
        for arguments in [
            &["new", "my-engine", "--lang", "c", "--http"][..],
            &["build"],
            &["bindings", "--world", "ocr-engine", "gen"],
            &["pack", "core.wasm", "--", "-engine.wasm"],
            &["build", "--help"],
        ] {
            let ended = untxt(&[&["plugin"], arguments].concat()).exits(code);
            assert_eq!(ended.stdout.trim(), arguments.join(" "));
        }
    }
    assert!(untxt(&["plugin", "--help"]).exits(0).stdout.contains("Create an engine project"));
}
