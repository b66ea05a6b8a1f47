//! The sandbox has a bounded number of places; one beyond is turned away and
//! shows that all others are taken.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use untxt_plugins::{Class, Options, PluginError, Recognized};

use crate::rig::{PATIENCE, Rig, printed};

/// More than a sandbox for one call has places.
const CALLS: usize = 12;

pub(crate) type Calls = JoinSet<Result<Recognized, PluginError>>;

/// Calls of `name` that run for ever, as many as there are places: returns when
/// they have begun.
pub(crate) async fn fill(rig: &Rig, name: &str, cancel: &CancellationToken) -> Calls {
    rig.put(name, name);
    let engine = rig.registry.resolve(name).await.expect("it can be used");
    let settings = if name == "slow" { json!({ "ms": u32::MAX }) } else { json!({}) };
    let page = Arc::new(printed());
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (host, engine, page, cancel) =
            (Arc::clone(&rig.host), Arc::clone(&engine), Arc::clone(&page), cancel.clone());
        let options = Options { languages: Vec::new(), settings: settings.clone(), attempt: 1 };
        calls.spawn(async move { host.recognize(&engine, page, options, cancel).await });
    }
    let first = tokio::time::timeout(PATIENCE, calls.join_next()).await.expect("it is quick");
    let turned_away = first.expect("there are calls").expect("no panic").expect_err("no place is left");
    assert_eq!((turned_away.code(), turned_away.class()), ("ENGINE_BUSY", Class::Park));
    calls
}

#[tokio::test]
async fn a_call_without_a_place_is_turned_away_and_not_failed() {
    let rig = Rig::new(crate::rig::limits());
    let calls = fill(&rig, "spin", &CancellationToken::new()).await;
    rig.registry.resolve("spin").await.expect("it is ready");
    let failed = rig.read("spin", printed()).await.expect_err("no place is left");
    assert_eq!(failed.code(), "ENGINE_BUSY");
    drop(calls);
}
