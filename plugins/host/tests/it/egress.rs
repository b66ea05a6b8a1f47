//! Engines that ask servers: those that were granted, as they were granted, and
//! no others.

use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use untxt_net::{AddressPolicy, HttpError, RequestOptions, is_public, send};
use untxt_plugins::{Class, EngineLimits, Package, PluginError, Recognized};

use crate::rig::{LATE, PATIENCE, Rig, built, limits, printed, stops_at_once, words};
use crate::server::{Reply, Server};

/// `dial` as an author ships it: it wants any server, a secret and a file.
fn dial() -> Package {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(built("dial"), folder.path().join("dial.wasm")).expect("it is built");
    fs::write(folder.path().join("notes.txt"), "model weights").expect("it can be written");
    let manifest = format!(
        "id = \"dial\"\nversion = \"0.1.0\"\nworld = \"ocr-engine-http\"\n\
         [wants]\nhttp = [\"*\"]\nsecrets = [\"key\"]\n\
         [[assets]]\nname = \"notes\"\nfile = \"notes.txt\"\nsha256 = \"{}\"\n",
        hex::encode(Sha256::digest("model weights"))
    );
    fs::write(folder.path().join("plugin.toml"), manifest).expect("it can be written");
    Package::read(folder.path(), 1 << 20).expect("it is whole")
}

/// A rig with `dial` in it, and what its operator wrote about it.
pub(crate) async fn rig(grants: &str, limits: EngineLimits) -> Rig {
    let rig = Rig::new(limits);
    fs::write(rig.engines.join("dial.toml"), grants).expect("it can be written");
    rig.registry.install("dial", dial(), None, true).await.expect("it passes");
    rig
}

fn granted(server: &Server) -> String {
    format!("[http]\norigins = [\"{}\"]\n", server.origin())
}

pub(crate) async fn ask(rig: &Rig, settings: Value) -> Result<Recognized, PluginError> {
    rig.call("dial", printed(), settings, 1, CancellationToken::new()).await
}

#[tokio::test]
async fn a_granted_server_is_asked_and_the_exchange_is_logged() {
    let server = Server::start(|_, asked| Reply::ok([b"heard ", &asked.body[..]].concat())).await;
    let rig = rig(&granted(&server), limits()).await;
    let url = format!("{}/v1?key=hidden", server.origin());
    let read = ask(&rig, json!({ "url": url, "asset": "notes", "header": ["x-mine", "1"] })).await;
    let read = read.expect("it is granted");
    assert_eq!(words(&read), ["200", "heard", "model", "weights"]);
    let head = &server.asked()[0].head;
    assert!(head.starts_with("POST /v1?key=hidden HTTP/1.1") && head.contains("x-mine: 1"), "{head}");
    assert!(head.contains(&format!("host: {}", server.address)), "{head}");
    let logs = read.usage.logs.join("\n");
    assert!(logs.contains("/v1: 200 and 19 bytes") && !logs.contains("hidden"), "{logs}");
}

#[tokio::test]
async fn what_was_not_granted_is_never_dialled_whatever_the_engine_says() {
    let (server, other) =
        (Server::start(|_, _| Reply::ok("")).await, Server::start(|_, _| Reply::ok("")).await);
    let rig = rig(&granted(&server), limits()).await;
    let port = other.address.port();
    let tricks = [
        other.origin(),
        format!("http://localhost:{port}"),
        format!("http://127.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.0.0.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://{}@127.0.0.1:{port}/", server.address),
        format!("http://{}#@127.0.0.1:{port}/", other.address),
        format!("http://{}.:{port}/", "127.0.0.1"),
        format!("https://{}/", server.address),
        format!("ftp://{}/", server.address),
        format!("file:///etc/passwd?{port}"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http:///x".to_owned(),
        format!("//{}/", other.address),
    ];
    for url in tricks {
        for lies in [false, true] {
            let failed = ask(&rig, json!({ "url": url, "lies": lies })).await.expect_err("it is not granted");
            let expected = ["ENGINE_CAPABILITY_DENIED", "ENGINE_BAD_REQUEST", "ENGINE_STREAM_CLOSED"];
            assert!(expected.contains(&failed.code()), "{url}: {failed}");
            if failed.code() == expected[0] {
                assert_eq!(failed.class(), Class::Permanent);
                assert!(failed.logs().iter().any(|line| line.contains("egress-denied")), "{failed:?}");
            }
        }
    }
    assert_eq!((server.asked().len(), other.asked().len()), (0, 0));
    let denied =
        ask(&rig, json!({ "url": other.origin(), "lies": true })).await.expect_err("it is not granted");
    assert_eq!(denied.code(), "ENGINE_CAPABILITY_DENIED", "what it made of it does not count");
    assert!(
        denied.to_string().contains(&server.origin()) && denied.to_string().contains("dial.toml"),
        "{denied}"
    );
}

/// A name besides `localhost` that stands for an address of this machine.
async fn private_name() -> String {
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    for name in [own.trim(), "ip6-localhost", "localhost.localdomain", "localhost4"] {
        let resolved = tokio::net::lookup_host((name, 80)).await;
        let found: Vec<_> = resolved.into_iter().flatten().collect();
        if !found.is_empty() && found.iter().all(|socket| !is_public(socket.ip())) {
            return name.to_owned();
        }
    }
    panic!("this machine's own name has no address; /etc/hosts gives it one")
}

#[tokio::test]
async fn a_name_may_not_stand_for_a_private_address_unless_the_operator_says_so() {
    let server = Server::start(|_, _| Reply::ok("in")).await;
    let url = format!("http://{}:{}", private_name().await, server.address.port());
    let closed = rig(&format!("[http]\norigins = [\"{url}\"]\n"), limits()).await;
    let failed = ask(&closed, json!({ "url": url })).await.expect_err("it is not public");
    assert_eq!(failed.code(), "ENGINE_CAPABILITY_DENIED");
    assert!(failed.to_string().contains("not a public address"), "{failed}");
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn the_address_that_a_name_stands_for_is_looked_at() {
    let server = Server::start(|_, _| Reply::ok("in")).await;
    let ask = async |policy| {
        let url = format!("http://localhost:{}/", server.address.port());
        let request = Request::get(url).body(Bytes::new()).expect("it is one");
        let options =
            RequestOptions { policy, public_needs_tls: false, body_bytes_max: 100, timeout: PATIENCE };
        send(request, &options).await
    };
    let denied = ask(AddressPolicy::Public).await.expect_err("it is this machine");
    assert!(matches!(denied, HttpError::Refused { .. }), "{denied}");
    assert_eq!(server.asked().len(), 0);
    assert_eq!(ask(AddressPolicy::Any).await.expect("it may be dialled").body(), "in");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(|_, _| Reply::ok("")).await;
    let to = other.origin();
    let moved = move |_: usize, _: &_| {
        Reply::Whole("302 Found".to_owned(), vec![("location", to.clone())], Vec::new())
    };
    let server = Server::start(moved).await;
    let rig = rig(&granted(&server), limits()).await;
    let failed = ask(&rig, json!({ "url": server.origin() })).await.expect_err("it is elsewhere");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_UPSTREAM_REDIRECTS", Class::Permanent));
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn a_secret_reaches_its_server_and_neither_the_engine_nor_another() {
    let (server, other) =
        (Server::start(|_, _| Reply::ok("in")).await, Server::start(|_, _| Reply::ok("in")).await);
    // The test's own environment has what every environment has.
    let path = std::env::var("PATH").expect("there is one");
    let grants = format!(
        "[http]\norigins = [\"{0}\", \"{1}\"]\n[[secrets]]\nname = \"key\"\norigin = \"{0}\"\n\
         header = \"authorization\"\nprefix = \"Bearer \"\nenv = \"PATH\"\n\
         [[secrets]]\nname = \"not-wanted\"\norigin = \"{0}\"\nheader = \"x-other\"\nenv = \"PATH\"\n",
        server.origin(),
        other.origin()
    );
    let rig = rig(&grants, limits()).await;
    let with_own = json!({ "url": server.origin(), "header": ["authorization", "mine"] });
    let read = ask(&rig, with_own).await.expect("it is granted");
    ask(&rig, json!({ "url": other.origin() })).await.expect("it is granted");
    let head = server.asked()[0].head.clone();
    assert!(head.contains(&format!("authorization: Bearer {path}")) && !head.contains("mine"), "{head}");
    assert!(!head.contains("x-other"), "{head}");
    assert!(!other.asked()[0].head.contains("authorization"));
    assert!(!read.usage.logs.join("\n").contains(&path));
    let bad = ask(&rig, json!({ "url": server.origin(), "header": ["host", "evil"] })).await;
    assert_eq!(bad.expect_err("that is the host's").code(), "ENGINE_BAD_REQUEST");
}

#[tokio::test]
async fn each_way_a_server_fails_is_told_apart() {
    let replies = |number: usize| match number {
        0 => Reply::status("500 Internal Server Error"),
        1 => Reply::Whole(
            "429 Too Many Requests".to_owned(),
            vec![("retry-after", "7".to_owned())],
            Vec::new(),
        ),
        2 => Reply::status("503 Service Unavailable"),
        3 => Reply::status("401 Unauthorized"),
        4 => Reply::status("404 Not Found"),
        5 => Reply::Half,
        6 => Reply::Noise,
        7 => Reply::Stall,
        _ => Reply::ok(vec![b'x'; 3 << 20]),
    };
    let server = Server::start(move |number, _| replies(number)).await;
    let rig = rig(&format!("{}[limits]\nhttp_bytes = 2000000\n", granted(&server)), limits()).await;
    let retry = |ms: u64| Class::Retry { after: Some(Duration::from_millis(ms)) };
    for (code, class) in [
        ("ENGINE_UPSTREAM_5XX", Class::Transport),
        ("ENGINE_RATE_LIMITED", retry(7_000)),
        ("ENGINE_UPSTREAM_BUSY", retry(1_000)),
        ("ENGINE_UPSTREAM_UNAUTHORIZED", Class::Permanent),
        ("ENGINE_UPSTREAM_4XX", Class::Permanent),
        ("ENGINE_BROKEN", Class::Transport),
        ("ENGINE_BROKEN", Class::Transport),
        ("ENGINE_TIMED_OUT", Class::Transport),
        ("ENGINE_TOO_LARGE", Class::Permanent),
    ] {
        let failed =
            ask(&rig, json!({ "url": server.origin(), "timeoutMs": 300 })).await.expect_err("it fails");
        assert_eq!((failed.code(), failed.class()), (code, class), "{failed}");
    }
    let closed = "http://127.0.0.1:1";
    fs::write(rig.engines.join("dial.toml"), format!("[http]\norigins = [\"{closed}\"]")).expect("it can be");
    let failed = ask(&rig, json!({ "url": closed })).await.expect_err("nobody is there");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_UNREACHABLE", Class::Transport));
}

#[tokio::test]
async fn requests_are_counted() {
    let server = Server::start(|_, _| Reply::ok("in")).await;
    let rig = rig(&format!("{}[limits]\nhttp_requests = 3\n", granted(&server)), limits()).await;
    ask(&rig, json!({ "url": server.origin(), "times": 3 })).await.expect("that many are allowed");
    let failed = ask(&rig, json!({ "url": server.origin(), "times": 4 })).await.expect_err("it is one more");
    assert_eq!(failed.code(), "ENGINE_REQUEST_LIMIT");
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn a_call_that_waits_for_a_server_ends_when_it_should() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let wall = Duration::from_millis(300);
    let rig = rig(&granted(&server), EngineLimits { wall, ..limits() }).await;
    let began = Instant::now();
    let failed = ask(&rig, json!({ "url": server.origin() })).await.expect_err("nobody answers");
    assert!(["ENGINE_TIMEOUT", "ENGINE_TIMED_OUT"].contains(&failed.code()), "{failed}");
    assert!(began.elapsed() < wall + LATE, "{:?}", began.elapsed());
    let cancel = CancellationToken::new();
    let calling = rig.call("dial", printed(), json!({ "url": server.origin() }), 1, cancel.clone());
    stops_at_once(calling, &cancel, || server.asked().len() >= 2).await;
}

#[tokio::test]
async fn an_engine_that_is_only_dropped_in_asks_nobody() {
    let rig = Rig::new(limits());
    rig.put("dial", "dial");
    let failed = rig.registry.resolve("dial").await.err().expect("nothing says what it wants");
    assert_eq!(failed.code(), "ENGINE_INCOMPATIBLE");
    assert!(failed.to_string().contains("ocr-engine-http"), "{failed}");
}

#[tokio::test]
async fn an_asset_is_what_its_manifest_says_or_the_engine_is_not_let_in() {
    let rig = rig("", limits()).await;
    assert_eq!(
        words(&ask(&rig, json!({ "asset": "notes" })).await.expect("it is there")),
        ["model", "weights"]
    );
    let failed = ask(&rig, json!({ "asset": "../notes" })).await.expect_err("it is not there");
    assert_eq!(failed.code(), "ENGINE_NO_SUCH_ASSET");
    for entry in fs::read_dir(rig.engines.join(".assets")).expect("they are kept there") {
        fs::write(entry.expect("it can be read").path(), "other weights").expect("it can be written");
    }
    let later = untxt_plugins::Registry::open(std::sync::Arc::clone(&rig.host), rig.engines.clone());
    let failed = later.resolve("dial").await.err().expect("it is another file");
    assert!(failed.to_string().contains("its manifest says"), "{failed}");
}
