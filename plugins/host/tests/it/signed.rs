//! Who vouches for an engine: signatures of minisign's, made by `tests/signed/make.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use untxt_plugins::package::read_signature;
use untxt_plugins::registry::SIMULATED;
use untxt_plugins::{Package, PluginError, Registry, Trust};

use crate::rig::{Rig, limits, printed, words};
use crate::server::{Reply, Server};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signed").join(name)
}

fn trust(key: &str, required: bool) -> Trust {
    Trust::new(file(key), required).expect("it is a key")
}

/// A registry over the rig's directory that lets in what the author has signed.
fn strict(rig: &Rig) -> Registry {
    Registry::open(Arc::clone(&rig.host), rig.engines.clone()).trusting(trust("author.pub", true))
}

/// The component with its signature beside it.
fn alone() -> Package {
    Package::read(&file("engine.wasm"), 1 << 20).expect("it is whole")
}

/// A folder as its author signed it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["engine.wasm", "plugin.toml", "plugin.toml.minisig", "notes.txt"] {
        fs::copy(file(name), folder.path().join(name)).expect("it can be copied");
    }
    folder
}

fn read(folder: &TempDir) -> Result<Package, PluginError> {
    Package::read(folder.path(), 1 << 20)
}

fn refused(trust: &Trust, package: &Package) -> String {
    package.verify(trust).expect_err("it does not hold")
}

#[test]
fn what_a_trusted_key_signed_is_told_with_its_comment() {
    let trust = trust("author.pub", true);
    let signed = alone().verify(&trust).expect("it holds").expect("it is signed");
    assert_eq!((signed.key.as_str(), signed.comment.as_str()), ("author", "engine.wasm of the tests"));
    let package = read(&folder()).expect("it is whole");
    let signed = package.verify(&trust).expect("it holds").expect("it is signed");
    assert_eq!(signed.comment, "plugin.toml of the tests");

    let keys = tempfile::tempdir().expect("a folder");
    assert!(Trust::new(keys.path().to_owned(), true).expect_err("it is empty").contains("holds no key"));
    for key in ["author.pub", "stranger.pub"] {
        fs::copy(file(key), keys.path().join(key)).expect("it can be copied");
    }
    let both = Trust::new(keys.path().to_owned(), true).expect("there are two");
    let by_stranger = Package { signature: read_signature(&file("stranger.minisig")).ok(), ..alone() };
    assert_eq!(by_stranger.verify(&both).expect("it holds").expect("it is signed").key, "stranger");
    assert_eq!(alone().verify(&both).expect("it holds").expect("it is signed").key, "author");
    fs::remove_file(keys.path().join("stranger.pub")).expect("it is there");
    assert!(refused(&both, &by_stranger).contains("by none of the keys"), "it counts at once");
}

#[test]
fn what_does_not_hold_is_refused_whether_or_not_it_is_required() {
    for required in [false, true] {
        let trust = trust("author.pub", required);
        let with = |name: &str| Package { signature: read_signature(&file(name)).ok(), ..alone() };
        assert!(refused(&trust, &with("stranger.minisig")).contains("by none of the keys"));
        assert!(refused(&trust, &with("legacy.minisig")).contains("legacy"));
        assert!(refused(&trust, &with("plugin.toml.minisig")).contains("something else"));
        let nonsense = Package { signature: Some("trust me".to_owned()), ..alone() };
        assert!(refused(&trust, &nonsense).contains("not a minisign signature"));
        let mut changed = alone();
        changed.wasm[1_000] ^= 1;
        assert!(refused(&trust, &changed).contains("something else"));
        let lied = alone().signature.map(|text| text.replace("of the tests", "of others"));
        assert!(refused(&trust, &Package { signature: lied, ..alone() }).contains("something else"));
    }
    assert!(Trust::new(file("engine.wasm"), false).is_err() && Trust::new(file("nowhere"), false).is_err());
}

#[test]
fn a_signed_manifest_vouches_for_component_and_assets() {
    let trust = trust("author.pub", false);
    let change = |name: &str| {
        let folder = folder();
        let path = folder.path().join(name);
        let mut bytes = fs::read(&path).expect("it is there");
        *bytes.last_mut().expect("it is not empty") ^= 1;
        fs::write(path, bytes).expect("it can be written");
        read(&folder)
    };
    assert!(refused(&trust, &change("engine.wasm").expect("it can be read")).contains("another component"));
    assert!(change("notes.txt").expect_err("it is not what the manifest says").to_string().contains("notes"));
    let package = read(&folder()).expect("it is whole");
    let more = format!("{}# and more", package.manifest_text);
    assert!(refused(&trust, &Package { manifest_text: more, ..package }).contains("something else"));

    let folder = folder();
    for (from, to) in [("no-digest.toml", "plugin.toml"), ("no-digest.toml.minisig", "plugin.toml.minisig")] {
        fs::copy(file(from), folder.path().join(to)).expect("it can be copied");
    }
    assert!(refused(&trust, &read(&folder).expect("it is whole")).contains("contain the component's sha256"));
}

#[tokio::test]
async fn where_signatures_are_required_nothing_else_is_installed_or_run() {
    let rig = Rig::new(limits());
    let strict = strict(&rig);
    let unsigned = Package { signature: None, ..alone() };
    let failed = strict.install("mine", unsigned.clone(), None, true).await.expect_err("nobody signed it");
    assert!(failed.to_string().contains("UNTXT_PLUGIN_SIGNATURES"), "{failed}");
    let installed = strict.install("mine", alone(), None, true).await.expect("it is signed");
    let check = installed.checks.iter().find(|check| check.name == "signature").expect("it is looked at");
    assert_eq!(check.found, "by author: engine.wasm of the tests");
    let engine = strict.resolve("mine").await.expect("it serves");
    strict.resolve(SIMULATED).await.expect("it came with the program");

    // Another process believes what lies there no more than the first.
    rig.registry.install("other", unsigned, None, true).await.expect("nothing is required here");
    let failed = strict.resolve("other").await.err().expect("nobody signed it");
    assert_eq!(failed.code(), "ENGINE_INCOMPATIBLE");
    let package = read(&folder()).expect("it is whole");
    strict.install("mine", package, None, true).await.expect("it is signed, in another way");
    let later = self::strict(&rig);
    later.resolve("mine").await.expect("the manifest vouches for it");
    fs::remove_file(rig.engines.join(format!(".versions/mine/{}.toml", engine.digest())))
        .expect("it is kept");
    let failed = self::strict(&rig).resolve("mine").await.err().expect("the manifest is missing");
    assert!(failed.to_string().contains("its signature: it is invalid"), "{failed}");
}

#[tokio::test]
async fn what_is_dropped_in_brings_its_signature_and_keeps_it() {
    let rig = Rig::new(limits());
    let strict = strict(&rig);
    let beside = rig.engines.join("mine.wasm.minisig");
    fs::copy(file("engine.wasm.minisig"), &beside).expect("it can be put there");
    fs::copy(file("engine.wasm"), rig.file("mine")).expect("it can be put there");
    let signed = strict.resolve("mine").await.expect("it is signed").digest().to_owned();
    let listed = strict.list().await;
    assert_eq!(listed[0].versions[0].signed.as_ref().expect("it is signed").key, "author");

    rig.put("slow", "mine");
    assert!(strict.resolve("mine").await.is_err(), "that is the other one's signature");
    let version = format!("mine@sha256:{signed}").parse().expect("a version");
    self::strict(&rig).activate(&version).await.expect("it is kept with its signature");
    assert!(!beside.exists(), "it is nobody's any more");
    let read = self::strict(&rig).resolve("mine").await.expect("it serves again");
    assert_eq!(read.digest(), signed);
}

#[tokio::test]
async fn without_keys_a_signature_is_kept_for_who_has_them() {
    let rig = Rig::new(limits());
    let installed = rig.registry.install("mine", alone(), None, true).await.expect("it passes");
    let check = installed.checks.iter().find(|check| check.name == "signature").expect("it is looked at");
    assert!(check.found.contains("UNTXT_PLUGIN_KEYS names no key"), "{check:?}");
    assert_eq!(rig.registry.list().await[0].versions[0].signed, None);
    strict(&rig).resolve("mine").await.expect("it is signed");
    // What comes without one later has none.
    rig.registry
        .install("mine", Package { signature: None, ..alone() }, None, true)
        .await
        .expect("it passes");
    assert!(strict(&rig).resolve("mine").await.is_err());
    assert_eq!(words(&rig.read("mine", printed()).await.expect("it serves")), ["lines:", "3"]);
}

#[tokio::test]
async fn a_signature_is_fetched_from_beside_what_it_signs() {
    let server = Server::start(|_, asked| match asked.head.split_whitespace().nth(1) {
        Some("/engine.wasm.minisig?v=1") => {
            Reply::ok(fs::read(file("engine.wasm.minisig")).expect("it is there"))
        }
        Some("/broken.minisig") => Reply::status("500 Internal Server Error"),
        _ => Reply::status("404 Not Found"),
    });
    let server = server.await;
    let url = |path: &str| format!("{}/{path}", server.origin());
    let found = Package::fetch_signature(&url("engine.wasm?v=1")).await.expect("it answers");
    assert_eq!(found, alone().signature);
    assert_eq!(Package::fetch_signature(&url("other.wasm")).await.expect("it answers"), None);
    let failed = Package::fetch_signature(&url("broken")).await.expect_err("it may have one");
    assert!(failed.to_string().contains("broken.minisig: the server answers 500"), "{failed}");
}
