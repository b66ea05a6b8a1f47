//! What operators set.

use std::num::NonZeroU32;

use futures_util::future::join_all;

use super::harness::JournalHarness;
use crate::controls::{ControlChange, Controls, TenantControls, TenantPatch};
use crate::time::Clock;

fn paused(name: &str, paused: bool) -> ControlChange {
    ControlChange::Workflow { name: name.to_owned(), paused }
}

fn tenant(name: &str, controls: TenantControls) -> ControlChange {
    ControlChange::Tenant { name: name.to_owned(), controls }
}

pub(super) async fn what_is_set_is_read_once_it_is_newer(harness: JournalHarness) {
    assert_eq!(harness.journal.controls(0).await.unwrap(), None);
    let mut expected = Controls::default();
    let limits = TenantControls { starts_per_minute: NonZeroU32::new(7), ..TenantControls::default() };
    let changes = [
        paused("w", true),
        tenant("größer", limits),
        tenant("other", TenantControls { paused: true, ..limits }),
        paused("w", false),
        tenant("größer", TenantControls::default()),
    ];
    for (change, revision) in changes.into_iter().zip(1..) {
        expected.follow(change.clone(), revision);
        assert_eq!(harness.journal.control(change, "ann", harness.clock.now()).await.unwrap(), expected);
        let read = harness.other.controls(revision - 1).await.unwrap();
        assert_eq!(read.as_ref(), Some(&expected), "in other processes too");
        assert_eq!(harness.other.controls(revision).await.unwrap(), None, "nothing is newer");
    }
    assert_eq!(expected.tenants.keys().collect::<Vec<_>>(), ["other"]);
    let audited = harness.journal.audited(None, 10).await.unwrap();
    let said: Vec<(&str, &str)> =
        audited.iter().map(|line| (line.entry.action.as_str(), line.entry.subject.as_str())).collect();
    assert_eq!(said[..2], [("set", "tenant größer"), ("resume", "queue w")]);
    assert_eq!((said.len(), audited[4].entry.action.as_str()), (5, "pause"));
    assert!(audited.iter().all(|line| line.entry.actor == "ann" && line.entry.at == harness.clock.now()));
    assert_eq!(audited[3].entry.detail["startsPerMinute"], 7);
}

pub(super) async fn no_two_changes_are_one_revision(harness: JournalHarness) {
    let changes = (0..8).map(|at| {
        let journal = if at % 2 == 0 { &harness.journal } else { &harness.other };
        journal.control(paused(&format!("w{at}"), true), "ann", harness.clock.now())
    });
    let mut revisions: Vec<_> =
        join_all(changes).await.into_iter().map(|controls| controls.unwrap().revision).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=8).collect::<Vec<_>>());
    let all = harness.journal.controls(0).await.unwrap().unwrap();
    assert_eq!((all.revision, all.paused_workflows.len()), (8, 8));
}

pub(super) async fn two_operators_at_once_lose_nothing(harness: JournalHarness) {
    let limit = NonZeroU32::new(3);
    let patches = [
        TenantPatch { weight: NonZeroU32::new(7), ..TenantPatch::default() },
        TenantPatch { concurrency: Some(limit), ..TenantPatch::default() },
        TenantPatch { starts_per_minute: Some(limit), ..TenantPatch::default() },
        TenantPatch { paused: Some(true), ..TenantPatch::default() },
    ];
    for round in 0..5 {
        let name = format!("t{round}");
        let changes = (0..).zip(patches).map(|(at, patch)| {
            let journal = if at % 2 == 0 { &harness.journal } else { &harness.other };
            let change = ControlChange::Adjust { name: name.clone(), patch };
            journal.control(change, "ann", harness.clock.now())
        });
        join_all(changes).await.into_iter().for_each(|set| drop(set.unwrap()));
        let set = harness.journal.controls(0).await.unwrap().unwrap().of(&name);
        let all = TenantControls {
            weight: NonZeroU32::new(7).unwrap(),
            concurrency: limit,
            starts_per_minute: limit,
            paused: true,
        };
        assert_eq!(set, all, "each changed one thing");
    }
    let lift = TenantPatch { concurrency: Some(None), ..TenantPatch::default() };
    let change = ControlChange::Adjust { name: "t0".to_owned(), patch: lift };
    let set = harness.journal.control(change, "ann", harness.clock.now()).await.unwrap().of("t0");
    assert_eq!((set.concurrency, set.starts_per_minute), (None, limit));
    let audited = harness.journal.audited(None, 1).await.unwrap();
    assert_eq!(audited[0].entry.detail["weight"], 7, "the audit says what it came to");
}
