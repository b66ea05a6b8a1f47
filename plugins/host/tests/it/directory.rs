//! The directory of engines while it changes.

use std::fs;
use std::sync::Arc;

use untxt_plugins::registry::{READER, SIMULATED};

use crate::rig::{Rig, built, limits, printed, words};

#[tokio::test]
async fn what_is_dropped_in_serves_the_next_call() {
    let rig = Rig::new(limits());
    let missing = rig.read("line-count", printed()).await.expect_err("it is not there yet");
    assert_eq!(missing.code(), "ENGINE_NOT_FOUND");
    assert!(missing.to_string().contains(SIMULATED), "it says what there is: {missing}");
    rig.put("line-count", "line-count");
    assert_eq!(words(&rig.read("line-count", printed()).await.expect("it is there")), ["lines:", "3"]);
}

#[tokio::test]
async fn a_run_keeps_its_engine_when_the_file_is_replaced_or_taken_out() {
    let rig = Rig::new(limits());
    rig.put("line-count", "mine");
    let old = rig.registry.resolve("mine").await.expect("it is there");
    let same = rig.registry.by_digest("mine", old.digest()).await.expect("it is the same");
    assert!(Arc::ptr_eq(&old, &same));

    rig.put("slow", "mine");
    let new = rig.registry.resolve("mine").await.expect("the new one is there");
    assert_ne!(new.digest(), old.digest());
    fs::remove_file(rig.file("mine")).expect("it is there");
    // Another process knows of neither.
    let later = untxt_plugins::Registry::open(Arc::clone(&rig.host), rig.engines.clone());
    for engine in [&old, &new] {
        let kept = later.by_digest("mine", engine.digest()).await.expect("it is kept");
        assert_eq!(kept.digest(), engine.digest());
    }
    let gone = later.by_digest("mine", &"0".repeat(64)).await.err().expect("it never was there");
    assert_eq!(gone.code(), "ENGINE_GONE");
    assert_eq!(rig.registry.resolve("mine").await.err().expect("it is gone").code(), "ENGINE_NOT_FOUND");
}

#[tokio::test]
async fn a_version_that_was_changed_on_disk_is_not_run() {
    let rig = Rig::new(limits());
    rig.put("line-count", "mine");
    let old = rig.registry.resolve("mine").await.expect("it is there").digest().to_owned();
    rig.put("slow", "mine");
    fs::copy(built("slow"), rig.engines.join(format!(".versions/mine/{old}.wasm")))
        .expect("it is kept there");
    let later = untxt_plugins::Registry::open(Arc::clone(&rig.host), rig.engines.clone());
    assert_eq!(later.by_digest("mine", &old).await.err().expect("it is another").code(), "ENGINE_GONE");
}

#[tokio::test]
async fn a_file_of_the_built_in_name_does_not_take_it_from_its_runs() {
    let rig = Rig::new(limits());
    let built_in = rig.registry.resolve(SIMULATED).await.expect("it is built in");
    rig.put("line-count", SIMULATED);
    let read = rig.read(SIMULATED, printed()).await.expect("the file serves");
    assert_eq!(words(&read), ["lines:", "3"]);
    let pinned = rig.registry.by_digest(SIMULATED, built_in.digest()).await.expect("it is reachable");
    assert_eq!(pinned.digest(), built_in.digest());
    fs::remove_file(rig.file(SIMULATED)).expect("it is there");
    let again = rig.registry.resolve(SIMULATED).await.expect("it is built in");
    assert_eq!(again.digest(), built_in.digest());
}

#[tokio::test]
async fn a_name_is_no_path() {
    let rig = Rig::new(limits());
    let outside = rig.engines.parent().expect("a folder").join("x.wasm");
    fs::copy(built("line-count"), &outside).expect("it can be put there");
    fs::create_dir(rig.engines.join("folder.wasm")).expect("it can be made");
    let absolute = outside.with_extension("").display().to_string();
    let long = "x".repeat(65);
    for name in ["../x", "..", "", "X", "x/../x", "x\0", "x.wasm", "folder", &absolute, &long] {
        let failed = rig.registry.resolve(name).await.err().expect("it is no name");
        assert_eq!(failed.code(), "ENGINE_NOT_FOUND", "{name:?}");
        let failed = rig.registry.by_digest(name, "00").await.err().expect("it is no name");
        assert_eq!(failed.code(), "ENGINE_GONE", "{name:?}");
    }
}

#[tokio::test]
async fn the_list_shows_what_can_not_be_used_and_why() {
    let rig = Rig::new(limits());
    fs::write(rig.file("broken"), "no component").expect("it can be put there");
    fs::write(rig.engines.join("Not-A-Name.wasm"), "").expect("it can be put there");
    fs::write(rig.engines.join("notes.txt"), "").expect("it can be put there");
    rig.put("old-version", "old");
    rig.put("line-count", "line-count");
    let listed = rig.registry.list().await;
    let names: Vec<&str> = listed.iter().map(|engine| engine.name.as_str()).collect();
    assert_eq!(names, ["broken", "line-count", "old", READER, SIMULATED]);
    let error = |at: usize| listed[at].error.as_deref().unwrap_or_default();
    assert!(error(0).contains("can't be compiled as a component"), "{listed:?}");
    assert!(error(2).contains("0.0.1"), "{listed:?}");
    assert!(listed.iter().all(|engine| engine.digest.len() == 64));
    assert_eq!((error(1), listed[1].version.as_str(), listed[1].built_in), ("", "0.1.0", false));
    for built_in in &listed[3..] {
        let state = (built_in.error.as_deref(), built_in.version.as_str(), built_in.built_in);
        assert_eq!(state, (None, "0.1.0", true), "{built_in:?}");
    }
}

#[tokio::test]
async fn many_who_ask_at_once_get_the_same_engine() {
    let rig = Rig::new(limits());
    rig.put("line-count", "line-count");
    let ask = || rig.registry.resolve("line-count");
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    let (a, b, c) = (a.expect("it is there"), b.expect("it is there"), c.expect("it is there"));
    assert!(Arc::ptr_eq(&a, &b) && Arc::ptr_eq(&b, &c));
}
