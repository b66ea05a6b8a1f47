//! Settings that can't be meant: each is refused, or said at the start, and no
//! message shows a secret.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::home::{Ended, Home};
use crate::samples;
use crate::server::Server;

const SECRET: &str = "s3cret-5b1f";

#[test]
fn a_key_of_the_file_that_is_no_setting_is_refused_with_the_nearest() {
    let home = Home::new();
    home.write("untxt.toml", b"UNTXT_AUHT = \"api-key\"\n");
    for command in [&["serve"][..], &["worker"], &["tasks", "list"], &["doctor"], &["plugin", "list"]] {
        let ended = home.run(command).exits(2);
        assert!(
            ended.stderr.contains("untxt.toml: UNTXT_AUHT is not a setting; did you mean UNTXT_AUTH?"),
            "{command:?}: {}",
            ended.stderr
        );
    }
    assert!(!home.path("data").exists(), "nothing was begun");
}

#[test]
fn a_variable_that_is_no_setting_or_no_text_is_refused() {
    let home = Home::new();
    let ended = Ended::of(&home.command(&["serve"]).env("UNTXT_LISTENS", "127.0.0.1:0").output().unwrap());
    let ended = ended.exits(2);
    assert!(ended.stderr.contains("UNTXT_LISTENS") && ended.stderr.contains("UNTXT_LISTEN?"), "{ended:?}");
    let garbled = OsStr::from_bytes(b"api-\xff");
    let ended = Ended::of(&home.command(&["serve"]).env("UNTXT_AUTH", garbled).output().unwrap()).exits(2);
    assert!(ended.stderr.contains("UNTXT_AUTH: its value is not valid UTF-8"), "{ended:?}");
    // Those of other programs in the same shell are none of ours.
    let other = home.command(&["tasks", "list"]).env("UNTXT_URL", "http://127.0.0.1:1").output().unwrap();
    Ended::of(&other).exits(0);
}

#[test]
fn no_message_about_a_setting_shows_a_secret() {
    let urls = [
        ("DATABASE_URL", format!("postgres//me:{SECRET}@db/x"), 3),
        ("DATABASE_URL", format!("mysql://me:{SECRET}@db/x"), 3),
        ("DATABASE_URL", format!("postgres://me:{SECRET}@127.0.0.1:1/x"), 3),
        ("REDIS_URL", format!("redis//:{SECRET}@host"), 2),
        ("REDIS_URL", format!("redis://:{SECRET}@127.0.0.1:port"), 2),
        ("S3_ENDPOINT", format!("ftp://me:{SECRET}@host"), 2),
        ("S3_ENDPOINT", format!("http://me:{SECRET}@host"), 2),
        ("UNTXT_WEBHOOK_SECRETS", SECRET.to_owned(), 2),
        ("UNTXT_OIDC_CLIENT_SECRET", SECRET.to_owned(), 2),
    ];
    for (name, value, code) in urls {
        let ended = Home::new().with(name, &value).run(&["tasks", "list"]).exits(code);
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains(name), "{value}: {said}");
        assert!(!said.contains(SECRET), "{name}={value}: {said}");
    }
    let home = Home::new();
    home.write("untxt.toml", format!("\nDATABASE_URL = postgres://me:{SECRET}@db/x\n").as_bytes());
    let ended = home.run(&["tasks", "list"]).exits(2);
    assert!(ended.stderr.contains("untxt.toml: line 2: "), "{}", ended.stderr);
    assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
}

#[test]
fn what_tasks_need_and_is_not_there_is_said_at_the_start() {
    let home = Home::new().with("UNTXT_ENGINE", "nobody");
    home.write("a.png", &samples::picture(1));
    let ended = home.run(&["ocr", "a.png"]).exits(2);
    assert!(ended.stderr.contains("UNTXT_ENGINE: there is no engine `nobody`"), "{}", ended.stderr);
    let ended = home.run(&["ocr", "a.png", "--engine", "noone"]).exits(2);
    assert!(ended.stderr.contains("--engine: there is no engine `noone`"), "{}", ended.stderr);

    // A serving process starts: an engine may be installed, a store may come back.
    let home = Home::new().with("UNTXT_ENGINE", "nobody").with("S3_ENDPOINT", "http://127.0.0.1:1");
    let home = home.with("AWS_ACCESS_KEY_ID", "a").with("AWS_SECRET_ACCESS_KEY", SECRET);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let log = server.log().to_owned();
    // It ends once it has said what it looked for.
    server.terminate();
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("UNTXT_ENGINE=nobody can't be used"), "{log}");
    assert!(log.contains("the object store is unavailable"), "{log}");
    assert!(log.contains("127.0.0.1:1") && !log.contains(SECRET), "{log}");
}
