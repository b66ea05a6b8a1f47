//! However a guest misbehaves, its call ends with what happened, and the next
//! one is normal.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_util::sync::CancellationToken;
use untxt_plugins::{Class, EngineLimits, Page, PixelFormat, PluginError};

use crate::rig::{LATE, PATIENCE, Rig, limits, printed, words};

/// The error that `guest` ends in, after the sandbox has worked again.
async fn error_of(guest: &str, limits: EngineLimits) -> PluginError {
    let rig = Rig::new(limits);
    rig.put(guest, guest);
    let failed = rig.read(guest, printed()).await.expect_err("it misbehaves");
    rig.works().await;
    failed
}

#[tokio::test]
async fn a_panic_is_a_trap_with_its_text() {
    let failed = error_of("trap", limits()).await;
    assert_eq!((failed.code(), failed.class()), ("ENGINE_TRAPPED", Class::RetryOnce));
    assert!(failed.to_string().contains("deliberate panic"), "{failed}");
    assert!(failed.logs().iter().any(|line| line.contains("deliberate panic")), "{:?}", failed.logs());
}

#[tokio::test]
async fn an_endless_guest_is_stopped_at_its_deadline() {
    let wall = Duration::from_millis(300);
    let rig = Rig::new(EngineLimits { wall, ..limits() });
    rig.put("spin", "spin");
    rig.registry.resolve("spin").await.expect("it can be used");
    let began = Instant::now();
    let failed = rig.read("spin", printed()).await.expect_err("it never answers");
    let took = began.elapsed();
    assert_eq!((failed.code(), failed.class()), ("ENGINE_TIMEOUT", Class::Retry { after: None }));
    assert!(took >= wall && took < wall + LATE, "{took:?}");
}

#[tokio::test]
async fn after_a_deadline_the_next_call_is_normal() {
    let failed = error_of("spin", EngineLimits { wall: Duration::from_secs(1), ..limits() }).await;
    assert_eq!(failed.code(), "ENGINE_TIMEOUT");
}

#[tokio::test]
async fn the_hosts_own_work_on_a_huge_page_ends_at_the_deadline_too() {
    let rig = Rig::new(EngineLimits { wall: Duration::from_millis(20), ..limits() });
    let data = vec![u8::MAX; 12_000 * 12_000];
    let page = Page::new(0, 1, 1_200, (12_000, 12_000), PixelFormat::Luma8, data, Vec::new());
    rig.registry.resolve("simulated-qwen3").await.expect("it is built in");
    let began = Instant::now();
    let failed = rig.read("simulated-qwen3", page.expect("it fits")).await.expect_err("it is too much");
    assert_eq!(failed.code(), "ENGINE_TIMEOUT");
    assert!(began.elapsed() < Duration::from_millis(20) + LATE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_guest_that_takes_all_memory_is_told_from_a_crash() {
    let failed = error_of("grow", limits()).await;
    assert_eq!((failed.code(), failed.class()), ("ENGINE_MEMORY_LIMIT", Class::Permanent));
    let PluginError::MemoryLimit { wanted_bytes, memory_bytes_max, .. } = failed else { panic!("{failed}") };
    assert_eq!(memory_bytes_max, limits().memory_bytes_max);
    assert!(wanted_bytes > memory_bytes_max);
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_words() {
    let failed = error_of("refuse", limits()).await;
    assert_eq!((failed.code(), failed.class()), ("ENGINE_BAD_IMAGE", Class::Permanent));
    assert!(failed.to_string().contains("this engine refuses every page"), "{failed}");
}

#[tokio::test]
async fn a_retryable_failure_says_when_and_a_later_attempt_is_told_its_number() {
    let failed = error_of("flaky", limits()).await;
    assert_eq!(failed.code(), "ENGINE_UPSTREAM_5XX");
    assert_eq!(failed.class(), Class::Retry { after: Some(Duration::from_millis(50)) });
    let rig = Rig::new(limits());
    rig.put("flaky", "flaky");
    let attempt = |n| rig.call("flaky", printed(), json!({ "succeedsAt": 3 }), n, CancellationToken::new());
    assert_eq!(attempt(2).await.expect_err("it is too early").code(), "ENGINE_UPSTREAM_5XX");
    assert_eq!(words(&attempt(3).await.expect("it succeeds")), ["attempt-3"]);
}

#[tokio::test]
async fn settings_that_an_engine_does_not_know_are_its_own_refusal() {
    let rig = Rig::new(limits());
    rig.put("flaky", "flaky");
    let called = rig.call("flaky", printed(), json!({ "sucedsAt": 3 }), 1, CancellationToken::new()).await;
    let failed = called.expect_err("it is misspelt");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_BAD_SETTINGS", Class::Permanent));
    assert!(failed.to_string().contains("sucedsAt"), "{failed}");
}

#[tokio::test]
async fn boxes_off_the_page_are_no_answer() {
    let failed = error_of("garbage", limits()).await;
    assert_eq!((failed.code(), failed.class()), ("ENGINE_INVALID_OUTPUT", Class::Permanent));
    assert!(failed.to_string().contains("600 x 400"), "{failed}");
}

#[tokio::test]
async fn an_engine_for_another_contract_is_told_which() {
    let failed = error_of("old-version", limits()).await;
    assert_eq!((failed.code(), failed.class()), ("ENGINE_INCOMPATIBLE", Class::Park));
    let text = failed.to_string();
    assert!(text.contains("untxt:ocr/host@0.0.1") && text.contains("untxt:ocr@0.1.0"), "{text}");
}

#[tokio::test]
async fn more_crashes_than_the_sandbox_has_places_take_none_of_them() {
    let rig = Rig::new(limits());
    for guest in ["trap", "grow", "garbage"] {
        rig.put(guest, guest);
    }
    let crash = async {
        for _ in 0..200 {
            let failed = rig.read("trap", printed()).await.expect_err("it panics");
            assert_eq!(failed.code(), "ENGINE_TRAPPED");
        }
        for (guest, code) in [("grow", "ENGINE_MEMORY_LIMIT"), ("garbage", "ENGINE_INVALID_OUTPUT")].repeat(8)
        {
            assert_eq!(rig.read(guest, printed()).await.expect_err("it misbehaves").code(), code);
        }
    };
    tokio::time::timeout(3 * PATIENCE, crash).await.expect("a crash is quick");
    rig.works().await;
}
