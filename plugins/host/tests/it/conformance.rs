//! The conformance tests pass engines that behave and name what the others do.

use std::path::Path;

use serde_json::json;
use untxt_plugins::Package;
use untxt_plugins::conformance::{Bench, ConformanceReport, Outcome, Ratio, Subject, Tester};

use crate::rig::{built, models};

fn tester() -> Tester {
    Tester::new(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-engines"), None).expect("a sandbox")
}

fn subject(guest: &str) -> Subject {
    Subject::of(Package::read(&built(guest), 1 << 20).expect("it is built"))
}

fn failed(report: &ConformanceReport) -> Vec<&str> {
    let failed = report.cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed(_)));
    failed.map(|case| case.name).collect()
}

#[tokio::test]
async fn engines_that_behave_pass() {
    let tester = tester();
    let report = tester.test(&subject("simulated-qwen3")).await;
    assert!(report.passed(), "{:?}", report.cases);
    assert_eq!(report.cases.len(), 19, "{:?}", report.cases);
    let report = tester.test(&subject("form")).await;
    let layout = report.cases.iter().find(|case| case.name == "without-layout").expect("it ran");
    assert!(report.passed() && matches!(layout.outcome, Outcome::Passed(_)), "{:?}", report.cases);
}

#[tokio::test]
async fn an_engine_with_models_is_tested_with_broken_ones() {
    let cache_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-engines");
    let tester = Tester::new(&cache_dir, Some(&models("conformance"))).expect("a sandbox");
    let report = tester.test(&Subject::of(crate::models::package(&[]))).await;
    assert!(report.passed(), "{:?}", report.cases);
    let told = report.cases.iter().find(|case| case.name == "broken-model").expect("it ran");
    assert!(matches!(&told.outcome, Outcome::Passed(text) if text.contains("BAD_MODEL")), "{told:?}");
}

#[tokio::test]
async fn engines_that_do_not_are_told_where() {
    let tester = tester();
    let report = tester.test(&subject("garbage")).await;
    assert!(failed(&report).starts_with(&["gray", "rgb", "rotated", "blank", "a4-300dpi", "1x1", "huge"]));
    assert!(report.junit().contains("a box at 600,400"), "{}", report.junit());
    let report = tester.test(&subject("trap")).await;
    assert!(failed(&report).contains(&"cancelled") || failed(&report).contains(&"1ms-budget"), "{report:?}");
    let report = tester.test(&subject("old-version")).await;
    assert_eq!(failed(&report), ["load"]);
}

#[tokio::test]
async fn an_engine_that_asks_servers_meets_bad_ones() {
    // The test server takes the place of the listed one.
    let manifest_text = "id = \"dial\"\nversion = \"0.1.0\"\nworld = \"ocr-engine-http\"\n\
                         [wants]\nhttp = [\"https://api.example.com\"]";
    let manifest = untxt_plugins::manifest::Manifest::parse(manifest_text).expect("it is one");
    let package = Package { manifest: Some(manifest), ..subject("dial").package };
    let mut dial = Subject { settings: json!({ "url": "{{server}}/v1" }), ..Subject::of(package) };
    let report = tester().test(&dial).await;
    assert!(report.passed(), "{:?}", report.cases);
    let passed = |name: &str| {
        report.cases.iter().any(|case| case.name == name && matches!(case.outcome, Outcome::Passed(_)))
    };
    for name in ["denied-egress", "server-429", "server-503", "server-hangs", "server-redirects"] {
        assert!(passed(name), "{name}: {:?}", report.cases);
    }
    // One that makes a dead end of what may pass.
    dial.settings = json!({ "url": "{{server}}/v1", "timeoutMs": 0 });
    let report = tester().test(&dial).await;
    assert!(report.cases.iter().any(|case| case.name == "server-429"), "{:?}", report.cases);
}

#[tokio::test]
async fn what_an_engine_costs_is_measured_and_its_fuel_is_exact() {
    let tester = tester();
    let (first, second) =
        (tester.bench(&subject("line-count"), 2).await, tester.bench(&subject("line-count"), 2).await);
    let (first, second) = (first.expect("it works"), second.expect("it works"));
    assert_eq!(first.fuel, second.fuel);
    assert!(first.fuel > 1_000_000 && first.memory_bytes_peak > 1 << 20, "{first:?}");
    let stored: Bench = serde_json::from_value(first.json()).expect("it can be read back");
    assert_eq!((stored.fuel, stored.memory_bytes_peak), (first.fuel, first.memory_bytes_peak));
    let twice = Bench { fuel: first.fuel * 2, ..first };
    for Ratio { name, ratio, .. } in twice.ratios(&stored) {
        let expected = if name == "fuel" { 2.0 } else { 1.0 };
        assert!((ratio - expected).abs() < 1e-3, "{name}: {ratio}");
    }
    assert!(first.cold > first.warm && first.p95 >= first.p50, "{first:?}");
    assert_eq!(tester.bench(&subject("trap"), 1).await.expect_err("it crashes").code(), "ENGINE_TRAPPED");
}
