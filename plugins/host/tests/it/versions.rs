//! Versions side by side: installed, chosen, gone back from, taken away.

use std::fs;
use std::sync::Arc;

use untxt_plugins::registry::SIMULATED;
use untxt_plugins::{Package, PluginError, Reference};

use crate::rig::{Rig, built, limits, printed, words};

fn package(guest: &str) -> Package {
    Package::read(&built(guest), 1 << 20).expect("it is built")
}

fn version(name: &str, digest: &str) -> Reference {
    format!("{name}@sha256:{digest}").parse().expect("it is a version")
}

async fn install(rig: &Rig, guest: &str, activate: bool) -> String {
    rig.registry.install("mine", package(guest), None, activate).await.expect("it passes").digest
}

#[tokio::test]
async fn the_active_version_serves_and_each_can_be_asked_for() {
    let rig = Rig::new(limits());
    let counts = install(&rig, "line-count", true).await;
    let slow = install(&rig, "slow", false).await;
    assert_eq!(words(&rig.read("mine", printed()).await.expect("it serves")), ["lines:", "3"]);
    let pinned = format!("mine@sha256:{slow}");
    assert_eq!(words(&rig.read(&pinned, printed()).await.expect("it is kept")), ["slow"]);
    let short = &pinned[..pinned.len() - 40];
    assert_eq!(words(&rig.read(short, printed()).await.expect("it is the only one")), ["slow"]);

    rig.registry.activate(&version("mine", &slow)).await.expect("it is kept");
    assert_eq!(words(&rig.read("mine", printed()).await.expect("it serves")), ["slow"]);
    let back = rig.registry.rollback("mine").await.expect("there is one before");
    assert_eq!(back.digest(), counts);
    assert_eq!(words(&rig.read("mine", printed()).await.expect("it serves")), ["lines:", "3"]);
    let failed = rig.registry.rollback("mine").await.err().expect("it was the first");
    assert_eq!(failed.code(), "ENGINE_NOTHING_EARLIER");
}

#[tokio::test]
async fn what_one_process_chooses_another_serves() {
    let rig = Rig::new(limits());
    let counts = install(&rig, "line-count", true).await;
    let slow = install(&rig, "slow", true).await;
    let other = untxt_plugins::Registry::open(Arc::clone(&rig.host), rig.engines.clone());
    assert_eq!(other.resolve("mine").await.expect("it is there").digest(), slow);
    rig.registry.rollback("mine").await.expect("there is one before");
    assert_eq!(other.resolve("mine").await.expect("it is there").digest(), counts);
    assert_eq!(other.by_digest("mine", &slow).await.expect("it is kept").digest(), slow);
}

#[tokio::test]
async fn a_version_is_removed_alone_or_with_its_name() {
    let rig = Rig::new(limits());
    let counts = install(&rig, "line-count", true).await;
    let slow = install(&rig, "slow", true).await;
    let serving = rig.registry.remove(&version("mine", &slow)).await.expect_err("it serves");
    assert_eq!(serving.code(), "ENGINE_SERVING");
    rig.registry.remove(&version("mine", &counts)).await.expect("it does not serve");
    let gone = rig.registry.by_digest("mine", &counts).await.err().expect("it is removed");
    assert_eq!(gone.code(), "ENGINE_GONE");
    assert_eq!(
        rig.registry.rollback("mine").await.err().expect("it is removed").code(),
        "ENGINE_NOTHING_EARLIER"
    );
    rig.registry.remove(&"mine".parse().expect("a name")).await.expect("it is there");
    for (digest, code) in [(None, "ENGINE_NOT_FOUND"), (Some(&slow), "ENGINE_GONE")] {
        let failed = match digest {
            None => rig.registry.resolve("mine").await,
            Some(digest) => rig.registry.by_digest("mine", digest).await,
        };
        assert_eq!(failed.err().expect("it is removed").code(), code);
    }
    assert!(rig.registry.remove(&"mine".parse().expect("a name")).await.is_err());
}

#[tokio::test]
async fn the_built_in_engine_can_be_gone_back_to() {
    let rig = Rig::new(limits());
    let built_in = rig.registry.resolve(SIMULATED).await.expect("it is built in");
    rig.put("line-count", SIMULATED);
    assert_eq!(words(&rig.read(SIMULATED, printed()).await.expect("the file serves")), ["lines:", "3"]);
    let back = rig.registry.rollback(SIMULATED).await.expect("it is there");
    assert_eq!(back.digest(), built_in.digest());
    assert!(!rig.file(SIMULATED).exists());
    let listed = rig.registry.list().await;
    let listed = listed.iter().find(|engine| engine.name == SIMULATED).expect("it is listed");
    assert_eq!(listed.versions.len(), 2, "{listed:?}");
}

#[tokio::test]
async fn what_does_not_pass_the_gate_changes_nothing() {
    let rig = Rig::new(limits());
    install(&rig, "line-count", true).await;
    for (guest, check, says) in [
        ("old-version", "component", "built for untxt:ocr/host@0.0.1"),
        ("trap", "golden page", "deliberate panic"),
        ("refuse", "golden page", "refuses every page"),
        ("garbage", "golden page", "600 x 400"),
        ("grow", "golden page", "memory"),
        ("flaky", "golden page", "attempt 1 is not served"),
    ] {
        let refused = rig.registry.install("mine", package(guest), None, true).await;
        let Err(PluginError::Rejected { checks, .. }) = refused else { panic!("{guest}: {refused:?}") };
        let failed = checks.last().expect("there are checks");
        assert_eq!(failed.name, check, "{guest}");
        assert!(failed.error.as_deref().is_some_and(|error| error.contains(says)), "{guest}: {failed:?}");
    }
    let junk = Package::bare("x", b"junk".to_vec());
    assert_eq!(
        rig.registry.install("mine", junk, None, true).await.expect_err("it is junk").code(),
        "ENGINE_REJECTED"
    );
    let wrong = "00".repeat(32);
    let refused =
        rig.registry.install("mine", package("slow"), Some(&wrong), true).await.expect_err("it is another");
    assert!(refused.to_string().contains("the request says 0000"), "{refused}");
    assert_eq!(words(&rig.read("mine", printed()).await.expect("it serves as before")), ["lines:", "3"]);
    assert_eq!(rig.registry.list().await[0].versions.len(), 1);
}

#[tokio::test]
async fn a_manifest_says_what_the_component_is_and_may_ask_for_less() {
    let rig = Rig::new(limits());
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(built("line-count"), folder.path().join("line-count.wasm")).expect("it is built");
    let manifest =
        |text: &str| fs::write(folder.path().join("plugin.toml"), text).expect("it can be written");
    let read = || Package::read(folder.path(), 1 << 20);
    manifest("id = \"line-count\"\nversion = \"9.9\"");
    let package = read().expect("it is whole");
    let name = package.name.clone();
    let refused = rig.registry.install(&name, package, None, true).await.expect_err("it is not 9.9");
    assert!(refused.to_string().contains("its manifest says line-count 9.9"), "{refused}");

    manifest("id = \"line-count\"\nversion = \"0.1.0\"\n[wants]\nmemory_mib = 4\nwall_ms = 999999999");
    let package = read().expect("it is whole");
    rig.registry.install("line-count", package, None, true).await.expect("it passes");
    let engine = rig.registry.resolve("line-count").await.expect("it serves");
    assert_eq!(engine.limits().memory_bytes_max, 4 << 20);
    assert_eq!(engine.limits().wall, limits().wall, "it may not ask for more");

    manifest("id = ");
    assert_eq!(read().expect_err("it is no TOML").code(), "ENGINE_PACKAGE");
}

#[tokio::test]
async fn a_thousand_swaps_under_load_fail_nobody() {
    let rig = Arc::new(Rig::new(limits()));
    let digests = [install(&rig, "line-count", true).await, install(&rig, "slow", true).await];
    let calling = |rig: Arc<Rig>| async move {
        let mut calls = 0_u32;
        loop {
            let read = rig.read("mine", printed()).await.expect("no swap is felt");
            assert!(matches!(words(&read)[..], ["slow"] | ["lines:", "3"]));
            calls += 1;
            if calls.is_multiple_of(64) {
                tokio::task::yield_now().await;
            }
        }
    };
    let callers = [tokio::spawn(calling(Arc::clone(&rig))), tokio::spawn(calling(Arc::clone(&rig)))];
    for swap in 0..1_000 {
        rig.registry.activate(&version("mine", &digests[swap % 2])).await.expect("it is kept");
    }
    for caller in callers {
        assert!(!caller.is_finished(), "a call failed: {:?}", caller.await);
        caller.abort();
    }
}
