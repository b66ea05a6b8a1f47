//! Engines from elsewhere, believed by their digests.

use std::collections::BTreeMap;
use std::fs;

use sha2::{Digest, Sha256};
use untxt_plugins::{Package, PluginError};

use crate::rig::{Rig, built, limits, printed, words};
use crate::server::{Reply, Server};

const BYTES_MAX: u64 = 1 << 20;

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Files by their paths.
type Files = BTreeMap<&'static str, Vec<u8>>;

async fn serve(files: Files) -> Server {
    let reply = move |_, path: Option<&str>| match path.and_then(|path| files.get(path)) {
        Some(bytes) => Reply::ok(bytes.clone()),
        None => Reply::status("404 Not Found"),
    };
    Server::start(move |number, asked| reply(number, asked.head.split_whitespace().nth(1))).await
}

fn line_count() -> Vec<u8> {
    fs::read(built("line-count")).expect("it is built")
}

/// A manifest with these lines in it that names the component, and an asset.
fn manifest(lines: &str) -> String {
    format!(
        "id = \"line-count\"\nversion = \"0.1.0\"\ncomponent = \"engine.wasm\"\n{lines}\n\
         [[assets]]\nname = \"notes\"\nfile = \"model weights.txt\"\nsha256 = \"{}\"\n",
        sha256(b"model weights")
    )
}

fn folder(manifest: &str) -> Files {
    Files::from([
        ("/engines/plugin.toml", manifest.as_bytes().to_vec()),
        ("/engines/engine.wasm", line_count()),
        ("/engines/model%20weights.txt", b"model weights".to_vec()),
    ])
}

async fn fetch(server: &Server, path: &str, sha256: &str) -> Result<Package, PluginError> {
    Package::fetch(&format!("{}{path}", server.origin()), sha256, BYTES_MAX).await
}

#[tokio::test]
async fn a_component_is_believed_by_its_digest() {
    let server = serve(Files::from([("/line-count.wasm?v=1", line_count())])).await;
    let path = "/line-count.wasm?v=1";
    let digest = sha256(&line_count());
    let package = fetch(&server, path, &format!("sha256:{digest}")).await.expect("it is there");
    assert_eq!((package.name.as_str(), package.digest()), ("line-count", digest.clone()));
    let other = fetch(&server, path, &"0".repeat(64)).await.expect_err("it is another");
    assert!(other.to_string().contains("is expected"), "{other}");
    let missing = fetch(&server, "/x.wasm", &digest).await.expect_err("it is not there");
    assert!(missing.to_string().contains("/x.wasm: the server answers 404"), "{missing}");
    let long = Package::fetch(&format!("{}{path}", server.origin()), &digest, 1_000).await;
    assert!(long.expect_err("it is long").to_string().contains("exceeds 1000 bytes"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(|_, _| Reply::ok(line_count())).await;
    let to = other.origin();
    let moved = move |_: usize, _: &_| {
        Reply::Whole("302 Found".to_owned(), vec![("location", to.clone())], Vec::new())
    };
    let server = Server::start(moved).await;
    let failed = fetch(&server, "/x.wasm", &sha256(&line_count())).await.expect_err("it is elsewhere");
    assert!(failed.to_string().contains("302"), "{failed}");
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn a_manifest_is_fetched_with_all_that_it_names() {
    let manifest = manifest(&format!("sha256 = \"{}\"", sha256(&line_count())));
    let server = serve(folder(&manifest)).await;
    let package = fetch(&server, "/engines/plugin.toml", &sha256(manifest.as_bytes())).await;
    let package = package.expect("it is whole");
    assert_eq!(&package.assets["notes"][..], b"model weights");
    let rig = Rig::new(limits());
    let name = package.name.clone();
    rig.registry.install(&name, package, None, true).await.expect("it passes");
    assert_eq!(words(&rig.read("line-count", printed()).await.expect("it serves")), ["lines:", "3"]);
    let asked: Vec<_> =
        server.asked().iter().map(|asked| asked.head.lines().next().map(str::to_owned)).collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
}

#[tokio::test]
async fn a_file_that_is_not_what_the_manifest_says_ends_it() {
    let right = manifest(&format!("sha256 = \"{}\"", sha256(&line_count())));
    let changed = |path: &'static str| {
        let mut files = folder(&right);
        files.insert(path, b"other".to_vec());
        files
    };
    let path = "/engines/plugin.toml";
    for changed_path in ["/engines/plugin.toml", "/engines/engine.wasm", "/engines/model%20weights.txt"] {
        let server = serve(changed(changed_path)).await;
        let failed = fetch(&server, path, &sha256(right.as_bytes())).await.expect_err("it is another");
        let says = format!("{changed_path}: it has SHA-256 {}", sha256(b"other"));
        assert!(failed.to_string().contains(&says), "{failed}");
    }
    let unnamed = manifest("");
    let server = serve(folder(&unnamed)).await;
    let failed = fetch(&server, path, &sha256(unnamed.as_bytes())).await.expect_err("it may be anything");
    assert!(failed.to_string().contains("component's sha256"), "{failed}");
    assert_eq!(server.asked().len(), 1, "nothing else was asked for");
    let failed = fetch(&server, "/engines/plugin.toml?key=1", "").await.expect_err("it has a query");
    assert!(failed.to_string().contains("must not have a query"), "{failed}");
}
