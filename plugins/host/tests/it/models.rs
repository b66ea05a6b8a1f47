//! Models that the host computes: what an engine gets of them, what becomes of those
//! that do harm, and what is left of their processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use untxt_plugins::manifest::Manifest;
use untxt_plugins::package::Assets;
use untxt_plugins::{Class, EngineLimits, ModelUsage, Package, PluginError, Recognized};

use crate::rig::{LATE, Rig, built, limits, printed, stops_at_once, words};

/// More turns than a loop makes in a test.
const FOR_EVER: i64 = 2_000_000_000;

/// The guest `model` with those assets and the test models.
pub(crate) fn package(more: &[(&str, Vec<u8>)]) -> Package {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
    let names = ["darkness", "huge", "wide", "loop", "strange", "broken"].map(|name| format!("{name}.onnx"));
    let mut assets: Assets = names
        .into_iter()
        .map(|name| {
            let bytes = fs::read(models.join(&name)).expect("it is committed");
            (name, bytes.into())
        })
        .collect();
    assets.extend(more.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone().into())));
    let mut manifest_text = "id = \"model\"\nversion = \"0.1.0\"\n".to_owned();
    for (name, bytes) in &assets {
        let sha256 = hex::encode(Sha256::digest(bytes));
        manifest_text += &format!("[[assets]]\nname = {name:?}\nsha256 = \"{sha256}\"\n");
    }
    let manifest = Some(Manifest::parse(&manifest_text).expect("it is one"));
    let wasm = fs::read(built("model")).expect("it is built");
    Package { manifest, manifest_text, assets, ..Package::bare("model", wasm) }
}

async fn rig(limits: EngineLimits) -> Rig {
    let rig = Rig::new(limits);
    rig.registry.install("model", package(&[]), None, true).await.expect("it is sound");
    rig
}

/// Lets an engine compute a model with these settings.
async fn compute(rig: &Rig, engine: &str, settings: Value) -> Result<Recognized, PluginError> {
    rig.call(engine, printed(), settings, 1, CancellationToken::new()).await
}

/// A good page, and what it used of models.
async fn darkness(rig: &Rig, engine: &str) -> ModelUsage {
    let read = compute(rig, engine, json!({})).await.expect("the page is sound");
    assert_eq!(words(&read), ["darkness:", "0.0180"], "4,320 of 240,000 pixels are black");
    assert_eq!(read.usage.models.computations, 1);
    read.usage.models
}

/// The processes that compute models for `mark`.
fn children(mark: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux has it");
    let processes = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let line = |id: &u32| fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
    processes.filter(|id| line(id).contains("untxt-model") && line(id).contains(mark)).collect()
}

/// Ticks of CPU time of a process.
fn ticks(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let fields = text.rsplit_once(')').map(|(_, fields)| fields.split_ascii_whitespace());
    fields.into_iter().flatten().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn kill(id: u32) {
    kill_process(Pid::from_raw(id.cast_signed()).expect("an id"), Signal::KILL).expect("it is ours");
}

/// Looks again and again, as there is nothing that tells.
async fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 30, "it did not happen");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_model_is_loaded_once_and_kept_for_the_next_page() {
    let rig = rig(limits()).await;
    let first = children(&rig.mark);
    assert_eq!(first.len(), 1, "the page of the installation needed it");
    assert_eq!(darkness(&rig, "model").await.loads, 0);
    let count = json!({ "model": "loop.onnx", "elements": [5] });
    let read = compute(&rig, "model", count.clone()).await.expect("it counts");
    assert_eq!((words(&read), read.usage.models.loads), (vec!["count:", "5"], 1));
    let read = compute(&rig, "model", count).await.expect("it counts");
    assert_eq!(read.usage.models.loads, 0);
    assert_eq!(children(&rig.mark), first, "one process did it all");
}

#[tokio::test]
async fn what_a_model_can_not_do_the_engine_is_told() {
    let rig = rig(limits()).await;
    for (settings, code, says) in [
        (json!({ "model": "none.onnx" }), "ENGINE_NO_SUCH_ASSET", "\"none.onnx\""),
        (json!({ "model": "broken.onnx" }), "ENGINE_BAD_MODEL", ""),
        (json!({ "model": "strange.onnx" }), "ENGINE_UNSUPPORTED", "Strange"),
        (json!({ "input": "picture" }), "ENGINE_BAD_INPUT", "its inputs: image"),
        (json!({ "elements": [1, 2] }), "ENGINE_BAD_INPUT", "do not fit []"),
        (json!({ "elements": [1], "dimensions": [1] }), "ENGINE_BAD_INPUT", ""),
        (json!({ "model": "loop.onnx", "elements": [1_i64 << 40] }), "ENGINE_BAD_INPUT", "32 bits"),
        (
            json!({ "model": "wide.onnx", "elements": [(120 << 20) + 1], "dimensions": [1] }),
            "ENGINE_TOO_LARGE",
            "67108864 bytes are allowed",
        ),
    ] {
        let failed = compute(&rig, "model", settings.clone()).await.expect_err("it can't be done");
        assert_eq!((failed.code(), failed.class()), (code, Class::Permanent), "{settings}: {failed}");
        assert!(failed.to_string().contains(says), "{failed}");
    }
    assert_eq!(darkness(&rig, "model").await.loads, 0, "its process did not suffer");
}

#[tokio::test]
async fn a_model_that_asks_for_too_much_memory_ends_in_its_verdict_and_the_next_page_is_read() {
    let rig = rig(limits()).await;
    for _ in 0..2 {
        let huge = json!({ "model": "huge.onnx", "elements": [FOR_EVER], "dimensions": [1] });
        let failed = compute(&rig, "model", huge).await.expect_err("there is no such memory");
        assert_eq!((failed.code(), failed.class()), ("ENGINE_MODEL_MEMORY", Class::Permanent), "{failed}");
        assert!(failed.to_string().contains("`huge.onnx`") && failed.to_string().contains("1073741824"));
        assert_eq!(darkness(&rig, "model").await.loads, 1, "by another process");
    }
    // An operator may allow less.
    fs::write(rig.engines.join("model.toml"), "[limits]\nmodel_memory_mib = 16").expect("it can be written");
    let failed = compute(&rig, "model", json!({})).await.expect_err("that is not enough to start");
    assert!(failed.code().starts_with("ENGINE_MODEL_"), "{failed}");
}

#[tokio::test]
async fn a_model_that_does_not_end_is_stopped_with_its_call() {
    let wall = Duration::from_millis(500);
    let rig = Rig::new(EngineLimits { wall, ..limits() });
    rig.registry.install("model", package(&[]), None, true).await.expect("it is sound");
    let endless = json!({ "model": "loop.onnx", "elements": [FOR_EVER] });
    let began = Instant::now();
    let failed = compute(&rig, "model", endless).await.expect_err("it never ends");
    assert!(began.elapsed() < wall + LATE, "{:?}", began.elapsed());
    let class = Class::Retry { after: None };
    assert_eq!((failed.code(), failed.class()), ("ENGINE_MODEL_TIMEOUT", class), "{failed}");
    until(|| children(&rig.mark).is_empty()).await;
    assert_eq!(darkness(&rig, "model").await.loads, 1);
}

#[tokio::test]
async fn a_cancelled_call_leaves_no_process_at_work() {
    let rig = rig(limits()).await;
    let cancel = CancellationToken::new();
    let endless = json!({ "model": "loop.onnx", "elements": [FOR_EVER] });
    let calling = rig.call("model", printed(), endless, 1, cancel.clone());
    let id = children(&rig.mark)[0];
    let before = ticks(id);
    stops_at_once(calling, &cancel, || ticks(id) > before + 5).await;
    until(|| children(&rig.mark).is_empty()).await;
}

#[tokio::test]
async fn a_process_that_somebody_ends_is_replaced_between_pages_and_is_a_crash_within_one() {
    let rig = rig(limits()).await;
    kill(children(&rig.mark)[0]);
    assert_eq!(darkness(&rig, "model").await.loads, 1, "it waited for a page");
    kill(children(&rig.mark)[0]);
    until(|| children(&rig.mark).is_empty()).await;
    let endless = compute(&rig, "model", json!({ "model": "loop.onnx", "elements": [FOR_EVER] }));
    let killing = async {
        until(|| children(&rig.mark).iter().any(|id| ticks(*id) > 20)).await;
        kill(children(&rig.mark)[0]);
    };
    let (failed, ()) = tokio::join!(endless, killing);
    let failed = failed.expect_err("it was ended");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_MODEL_CRASHED", Class::RetryOnce), "{failed}");
    assert!(failed.to_string().contains("from outside"), "{failed}");
    darkness(&rig, "model").await;
}

#[tokio::test]
async fn what_a_model_does_to_its_process_no_other_engine_notices() {
    let rig = Rig::with_concurrency(limits(), 2);
    for name in ["model", "other"] {
        rig.registry.install(name, package(&[]), None, true).await.expect("it is sound");
    }
    assert_eq!(children(&rig.mark).len(), 2, "a process each");
    let huge = json!({ "model": "huge.onnx", "elements": [FOR_EVER], "dimensions": [1] });
    compute(&rig, "model", huge).await.expect_err("there is no such memory");
    assert_eq!(darkness(&rig, "other").await.loads, 0);
    // There is room for two; the one that was used last stays.
    rig.registry.install("third", package(&[]), None, true).await.expect("it is sound");
    until(|| children(&rig.mark).len() == 2).await;
    assert_eq!(darkness(&rig, "other").await.loads, 0);
}

/// `file` with a field that nobody reads.
fn padded(file: &str, bytes: u32) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(file);
    let mut model = fs::read(path).expect("it is committed");
    // Field 200, of bytes, and their number, in seven bits at a time.
    model.extend([0xc2, 0x0c]);
    model.extend([0, 7, 14, 21].map(|shift| (bytes >> shift & 0x7f) as u8 | u8::from(shift < 21) << 7));
    model.resize(model.len() + bytes as usize, 0);
    model
}

#[tokio::test]
async fn models_that_were_not_used_for_long_make_room_in_their_process() {
    let rig = Rig::new(limits());
    let large =
        [("a.onnx", padded("darkness.onnx", 20 << 20)), ("b.onnx", padded("darkness.onnx", (20 << 20) + 1))];
    rig.registry.install("model", package(&large), None, true).await.expect("it is sound");
    // A quarter of it is for models.
    fs::write(rig.engines.join("model.toml"), "[limits]\nmodel_memory_mib = 512").expect("it can be written");
    let loads = async |settings: Value| {
        let read = compute(&rig, "model", settings).await.expect("the page is sound");
        read.usage.models.loads
    };
    assert_eq!(loads(json!({ "model": "a.onnx", "others": ["b.onnx"] })).await, 2);
    assert_eq!(loads(json!({ "model": "a.onnx", "others": ["b.onnx"] })).await, 0, "there is room for both");
    fs::write(rig.engines.join("model.toml"), "[limits]\nmodel_memory_mib = 128").expect("it can be written");
    assert_eq!(loads(json!({ "model": "a.onnx" })).await, 1);
    assert_eq!(loads(json!({ "model": "a.onnx" })).await, 0);
    assert_eq!(loads(json!({ "model": "b.onnx" })).await, 1, "in the place of the other");
    assert_eq!(loads(json!({ "model": "a.onnx" })).await, 1);
}

/// Set for the process that is killed.
const MARK_OF_THE_KILLED: &str = "UNTXT_TEST_MARK";

#[tokio::test]
async fn the_worker_is_killed_and_its_processes_end() {
    let mark = format!("killed-{}", std::process::id());
    let itself: PathBuf = std::env::current_exe().expect("it runs");
    let mut worker = Command::new(itself)
        .args(["--exact", "models::a_worker_that_is_killed", "--ignored"])
        .env(MARK_OF_THE_KILLED, &mark)
        .spawn()
        .expect("it can run again");
    until(|| children(&mark).iter().any(|id| ticks(*id) > 20)).await;
    worker.kill().expect("it is ours");
    worker.wait().expect("it was killed");
    until(|| children(&mark).is_empty()).await;
}

#[tokio::test]
#[ignore = "runs until it is killed"]
async fn a_worker_that_is_killed() {
    let mark = std::env::var(MARK_OF_THE_KILLED).expect("it is run by a test");
    let rig = Rig::marked(&mark);
    rig.registry.install("model", package(&[]), None, true).await.expect("it is sound");
    let endless = json!({ "model": "loop.onnx", "elements": [FOR_EVER] });
    drop(compute(&rig, "model", endless).await);
}
